import Foundation
import Testing

@testable import EventStore

/// A line of a known layout is read by comparing it; what comes of it is what the scanner says.
@Suite struct LineLayoutTests {
  /// Makes lines of a few layouts with all kinds of values, and spoils some.
  private struct Lines {
    var random: SeededRandom
    private static let values = [
      "\"\"", "\"web\"", "\"a longer text of an order\"", "\"12.50\"", "\"-3\"", "\"007\"",
      "\"1e5\"", "\"d\u{e9}j\u{e0}\"", "\"\u{1f6d2}\"", "\"say \\\"x\\\"\"", "\"\\u0041\"",
      "0", "-0", "7", "12.50", "-3.125", "1e5", "1.5E-3", "123456789012345678",
      "1234567890123456789", "0.1234567890", "true", "false", "null", "[]", "[1,\"a\",{}]", "{}",
      "{\"a\":1}", "{\"deep\":{\"er\":{\"est\":{\"no\":1}}}}", "{\"a\":1,\"a\":2}",
    ]
    private static let names = [
      "amount", "currency", "channel", "sku", "a", "a\\u0062c", "\u{e4}", "amount2", "",
    ]
    private static let bytes = Array("\"\\{}[]:,. \t\u{0}-+09eEtu\u{80}\n".utf8) + [0x80, 0xff]

    mutating func next() -> [UInt8] {
      var line = event()
      if random(2) == 0 { return line }
      for _ in 0...random(3) where !line.isEmpty {
        let place = random(line.count)
        switch random(5) {
        case 0: line[place] = Self.bytes[random(Self.bytes.count)]
        case 1: line.remove(at: place)
        case 2: line.insert(Self.bytes[random(Self.bytes.count)], at: place)
        case 3: line.removeLast(line.count - place)
        default:
          let other = event()
          line = Array(line[..<place] + other[min(other.count, place)...])
        }
      }
      return line
    }

    private mutating func value() -> [UInt8] { Self.valueBytes[random(Self.values.count)] }
    private static let valueBytes = values.map { Array($0.utf8) }
    private static let nameBytes = names.map { Array("\"\($0)\":".utf8) }
    private static let ids = Array("\"id\":".utf8)
    private static let source = Array("\"source\":\"s\"".utf8)
    private static let types = (0..<3).map { Array("\"type\":\"t\($0)\"".utf8) }
    private static let subject = Array("\"subject\":".utf8)
    private static let times = (0..<10).map { Array("\"time\":\"2024-01-0\($0)T00:00:00Z\"".utf8) }
    private static let version = Array("\"specversion\":\"1.0\"".utf8)
    private static let extra = Array("\"extra\":".utf8)
    private static let data = Array("\"data\":".utf8)

    private mutating func text(_ head: UInt8, _ bound: Int) -> [UInt8] {
      [0x22, head] + Array(String(random(bound)).utf8) + [0x22]
    }

    private mutating func event() -> [UInt8] {
      let blank: [UInt8] = random(6) == 0 ? [0x20] : []
      var members = [
        Self.ids + blank + text(0x65, 1_000_000), Self.source, Self.types[random(3)],
        Self.subject + (random(20) == 0 ? value() : text(0x43, 9000)), Self.times[random(10)],
      ]
      if random(3) == 0 { members.insert(Self.version, at: 0) }
      if random(8) == 0 { members.insert(Self.extra + value(), at: random(6)) }
      if random(10) == 0 { members.swapAt(random(5), random(5)) }
      if random(10) > 0 {
        var data: [UInt8] = [0x7b]
        for number in 0..<random(4) {
          if number > 0 { data += [0x2c] + blank }
          data += Self.nameBytes[random(6) > 0 ? number : random(9)] + blank + value()
        }
        data.append(0x7d)
        members.append(Self.data + (random(15) == 0 ? value() : data))
      }
      return blank + [0x7b] + Array(members.joined(separator: [0x2c])) + [0x7d] + blank
    }
  }

  private struct Read: Equatable {
    var fault: JSONFault?
    var isObject = false
    var kinds: [PayloadValue.Kind] = []
    var places: [JSONText] = []
    var cells: [PayloadShredder.Cell] = []
  }

  private func read(_ line: [UInt8], _ shredder: inout PayloadShredder) -> Read {
    var read = Read()
    do throws(JSONFault) {
      if let found = try shredder.read(line.span, into: &read.cells) {
        read.isObject = true
        for index in 0...EventAttributes.data {
          read.kinds.append(found[index].kind)
          if found[index].kind != .missing { read.places.append(found[index].text) }
        }
      }
    } catch {
      return Read(fault: error)
    }
    return read
  }

  /// `CLM_SCANNER_LINES` says how many, 20,000 unless given; `CLM_SCANNER_SEED` which.
  @Test func `lines of known layouts say what the scanner says, and spoiled ones are no lines`() {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["CLM_SCANNER_LINES"].flatMap { Int($0) } ?? 20_000
    let seed = environment["CLM_SCANNER_SEED"].flatMap { UInt64($0) } ?? 7
    var lines = Lines(random: SeededRandom(seed: seed))
    var compared = PayloadShredder()
    var scanned = PayloadShredder(usesLayouts: false)
    var (good, known) = (0, 0)
    for number in 0..<count {
      // As with each piece of a file, now and then all is forgotten.
      if number % 5000 == 0 {
        compared = PayloadShredder()
        scanned = PayloadShredder(usesLayouts: false)
      }
      let line = lines.next()
      var cells: [PayloadShredder.Cell] = []
      if compared.layouts.read(line.span, into: &cells) != nil { known += 1 }
      let expected = read(line, &scanned)
      let found = read(line, &compared)
      if found != expected {
        Issue.record("\(String(decoding: line, as: UTF8.self)): \(found), not \(expected)")
        return
      }
      if expected.isObject { good += 1 }
    }
    #expect(compared.paths == scanned.paths)
    #expect(good > count / 3 && known > count / 20 && known < good)
    if count > 20_000 { print("\(count) lines of seed \(seed): \(good) taken, \(known) compared") }
  }

  @Test func `a layout is known again by other values, and by nothing else`() throws {
    var shredder = PayloadShredder()
    func line(_ data: String, id: String = "e1") -> [UInt8] {
      Array(#"{"id":"\#(id)","source":"s","data":{\#(data)},"time":"t"}"#.utf8)
    }
    var cells: [PayloadShredder.Cell] = []
    _ = try shredder.read(line(#""a":1.5,"b":"x","c":true"#).span, into: &cells)
    func isKnown(_ line: [UInt8]) -> Bool {
      var cells: [PayloadShredder.Cell] = []
      return shredder.layouts.read(line.span, into: &cells) != nil
    }

    #expect(isKnown(line(#""a":-17,"b":"","c":true"#, id: "another\\n\u{e9}")))
    for other in [
      #""a":1.5,"b":"x","c":false"#, #""a":01,"b":"x","c":true"#, #""a":"1.5","b":"x","c":true"#,
      #""a":1.5,"b":"x"#, #""a":1.5, "b":"x","c":true"#, #""a":1.5,"b":"x\q","c":true"#,
      #""a":,"b":"x","c":true"#, #""a":1.5,"b":x,"c":true"#,
    ] {
      #expect(!isKnown(line(other)), "\(other)")
    }
    #expect(!isKnown(line(#""a":1.5,"b":"x","c":true"#) + [0x20]))
    #expect(!isKnown(line(#""a":1.5,"b":"x","c":true"#).dropLast(1) + []))
  }
}
