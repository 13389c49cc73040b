import CEL
import Testing

/// Texts near valid ones, checked and evaluated: whatever they are, nothing may trap.
struct MutationTests {
  private static let seeds = [
    "purchases_365d >= 4 && revenue >= money(\"500.00\") && (nps_last >= 9 || visits >= 1)",
    "since(last_purchase_at) >= days(90) ? 'a' + channel : \"\"\"b\\u00e9\"\"\"",
    "[1, 2u, -3.5e2, 0x1F, .5].exists(x, x in {1: 'a', true: [null]}) // end",
    "has(facts.visits) && facts.visits % 7 == -1 || stage.name in ['x', r'\\d', b'\\x00\\377']",
    "timestamp('2024-02-29T12:00:00.5+01:00').getHours('-08:00') * -9223372036854775808",
    "duration('1h30m1.5s') - duration('2562047h47m16.854775807s') < since(now)",
    "a.`b-c`.d{e: 1, f: [x].map(y, y > 1, -y)}[0].g(h)('''i''')",
    "{'k': [1, 2][0], 'l': {}.m}.all(k, k.startsWith('k') != !true) ? 1 : 2",
  ]

  private static let fragments = [
    "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "\"", "'", "\\", "`", "//", "&&", "||", "-",
    "!", "0", "9", "u", "e", "x", "in", "has(", "map(", "\u{0}", "é", "😀", "\n", "'''", "\\u",
    "\\U0011",
    "9223372036854775808", "money(", "days(", "1e999", " ", "null", "since(",
  ]

  @Test func `mutated texts never trap`() {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var valid = 0

    for _ in 0..<20_000 {
      let original = Self.seeds.randomElement(using: &generator) ?? ""
      var bytes = Array(original.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        Self.mutate(&bytes, &generator)
      }
      let text = String(decoding: bytes, as: UTF8.self)
      do {
        let checked = try rulesEnvironment.check(text)
        _ = checked.evaluate { name in
          name == "visits" ? .success(.int(.min)) : name == "revenue" ? .success(.money(.min)) : nil
        }
        valid += 1
      } catch {
        let count = text.utf8.count
        #expect(
          error.range.lowerBound >= 0 && error.range.upperBound <= count,
          "seed \(seed): \(error) in \(text)")
        #expect(!error.message.isEmpty)
      }
    }

    #expect(valid > 0)
  }

  private static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
    if bytes.isEmpty { return }
    let start = Int.random(in: 0..<bytes.count, using: &generator)
    let end = min(bytes.count, start + Int.random(in: 1...6, using: &generator))
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: bytes.removeSubrange(start..<end)
    case 1: bytes[start] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.insert(contentsOf: Array(bytes[start..<end]), at: start)
    case 3:
      let fragment = fragments.randomElement(using: &generator) ?? ""
      bytes.insert(contentsOf: fragment.utf8, at: start)
    default: bytes.swapAt(start, Int.random(in: 0..<bytes.count, using: &generator))
    }
  }

  @Test func `mutated lines of the filter always have an answer`() {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let line =
      #"{"expr":"x + l[0] > 1 && t < now","type_env":{"now":"timestamp","l":"list(int)"},"bindings":{"#
      + #""x":{"type":"int","value":"-1"},"l":{"type":"list","value":[{"type":"int","value":"1"}]},"#
      + #""t":{"type":"timestamp","seconds":"1","nanos":5}},"disable_check":false}"#

    for _ in 0..<5_000 {
      var bytes = Array(line.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) { Self.mutate(&bytes, &generator) }
      let (output, _) = EvalFilter.answer(line: bytes)
      #expect(output.hasPrefix("{\""), "seed \(seed)")
    }
  }
}
