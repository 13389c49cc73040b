import CEL
import Testing

@testable import Projections

/// What the evaluator says about time, held against a dense look.
@Suite struct ValidityTests {
  /// SplitMix64: the same numbers on every machine.
  struct Numbers {
    var state: UInt64
    mutating func next(_ count: Int) -> Int {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return Int((z ^ (z >> 31)) % UInt64(count))
    }
    mutating func pick(_ texts: [String]) -> String { texts[next(texts.count)] }
  }

  /// Random expressions whose sides move: chosen, cut to units, in lists, through expr facts.
  struct Writer {
    var numbers: Numbers

    mutating func timestamp(_ depth: Int) -> String {
      switch numbers.next(depth > 0 ? 7 : 5) {
      case 0, 1: "now"
      case 2: "last_p"
      case 3: numbers.pick(["last_v", "gone", "due"])
      case 4: "last_v"
      case 5: "(\(condition(depth - 1)) ? \(timestamp(depth - 1)) : \(timestamp(0)))"
      default: "(\(timestamp(depth - 1)) \(numbers.pick(["+", "-"])) \(duration(depth - 1)))"
      }
    }

    mutating func duration(_ depth: Int) -> String {
      switch numbers.next(depth > 0 ? 8 : 4) {
      case 0, 1: "since(\(timestamp(0)))"
      case 2: "hours(\(numbers.next(60)))"
      case 3: numbers.pick(["days(2)", "duration('90m')", "duration('30s')"])
      case 4: "(\(condition(depth - 1)) ? \(duration(depth - 1)) : \(duration(0)))"
      case 5: "(\(duration(depth - 1)) \(numbers.pick(["+", "-"])) \(duration(0)))"
      case 6: "(\(timestamp(depth - 1)) - \(timestamp(0)))"
      default: "hours(\(integer(depth - 1)))"
      }
    }

    mutating func integer(_ depth: Int) -> String {
      switch numbers.next(depth > 0 ? 12 : 6) {
      case 0: "n"
      case 1: String(numbers.next(30))
      case 2: "age_h"
      case 3:
        "since(\(timestamp(0))).\(numbers.pick(["getHours", "getMinutes", "getHours", "getSeconds"]))()"
      case 4:
        "now.\(numbers.pick(["getHours", "getMinutes", "getMonth", "getDate", "getSeconds"]))()"
      case 5: "n_30d"
      case 6:
        "\(timestamp(depth - 1)).\(numbers.pick(["getHours", "getMinutes", "getDayOfWeek"]))()"
      case 7: "(\(integer(depth - 1)) \(numbers.pick(["+", "-", "*"])) \(integer(depth - 1)))"
      case 8: "(\(integer(depth - 1)) \(numbers.pick(["/", "%"])) \(1 + numbers.next(30)))"
      case 9: "(\(condition(depth - 1)) ? \(integer(depth - 1)) : \(integer(0)))"
      case 10: "-\(integer(0))"
      default: "(int(\(timestamp(0))) \(numbers.pick(["/", "%"])) \(61 + numbers.next(4000)))"
      }
    }

    mutating func condition(_ depth: Int) -> String {
      let relation = numbers.pick(["<", "<=", ">", ">=", "==", "!="])
      switch numbers.next(depth > 0 ? 12 : 5) {
      case 0: return "\(duration(depth)) \(relation) \(duration(0))"
      case 1: return "\(integer(depth)) \(relation) \(integer(0))"
      case 2: return "\(timestamp(depth)) \(relation) \(timestamp(0))"
      case 3: return numbers.pick(["winter", "facts.winter", "has(facts.gone)"])
      case 4: return "\(integer(depth)) in [\(integer(0)), \(numbers.next(24)), \(integer(0))]"
      case 5: return "\(duration(depth - 1)) in [\(duration(depth - 1)), \(duration(0))]"
      case 6: return "!(\(condition(depth - 1)))"
      case 7: return "(\(condition(depth - 1))) && (\(condition(depth - 1)))"
      case 8: return "(\(condition(depth - 1))) || (\(condition(depth - 1)))"
      case 9: return "(\(condition(depth - 1))) == (\(condition(0)))"
      case 10:
        return
          "((\(condition(0))) ? (\(condition(depth - 1))) : (\(condition(depth - 1))))"
      default: return "double(\(integer(depth - 1))) \(relation) \(numbers.next(50)).5"
      }
    }
  }

  @Test func `between an instant and until, a condition is what it was`() throws {
    var writer = Writer(numbers: Numbers(state: 20_240_101))
    var taken = 0
    var refused = 0
    var looks = 0
    while taken + refused < 400 {
      let facts = """
          e1: { expr: "\(writer.integer(2))" }
          e2: { expr: "\(writer.duration(2))" }
          e3: { expr: "\(writer.condition(1))", default: false }

        """
      var text = writer.condition(2)
      switch writer.numbers.next(4) {
      case 0: text = "e1 > \(writer.integer(1)) || (\(text))"
      case 1: text = "e2 >= \(writer.duration(1)) && (\(text))"
      case 2: text = "e3 != (\(text))"
      default: break
      }
      let (compiled, refusal) = TimeRules.compile(text, facts: facts)
      guard let compiled else {
        #expect(refusal.hasPrefix("time-unschedulable"), "\(text)\n\(facts)\(refusal)")
        refused += 1
        continue
      }
      taken += 1
      looks += probe(compiled, text, facts, &writer.numbers)
    }
    #expect(taken > 150, "\(refused) refused")
    #expect(looks > 10_000)
  }

  /// How many instants were looked at.
  private func probe(
    _ compiled: CompiledRules, _ text: String, _ facts: String, _ numbers: inout Numbers
  ) -> Int {
    let last = TimeRules.start + TimeRules.day
    let horizon = last + 100 * TimeRules.day
    var fold = TimeRules.fold(compiled, asOf: last, budget: LookBudget(base: 2000, perEvent: 0))
    fold.evaluator.limit = horizon
    fold.evaluator.readsAnew = false
    let root = compiled.conditions[0].root
    var looks = 0
    var instant = last + Int64(numbers.next(3600)) * 1_000_000
    for _ in 0..<12 where instant < horizon {
      fold.evaluator.stateChanged()
      let outcome = fold.evaluator.evaluate(root, at: instant)
      guard outcome.until > instant else {
        Issue.record("not after: \(text)")
        return looks
      }
      let end = min(outcome.until, horizon)
      // A copy for the looks: windows only move on.
      var dense = fold.evaluator
      for later in instants(from: instant, to: end, &numbers) {
        looks += 1
        let found = dense.evaluate(root, at: later)
        if !found.isSame(as: outcome) {
          Issue.record(
            "\(text)\n\(facts)\(Instant.text(instant)) until \(Instant.text(end)), but other at \(Instant.text(later))"
          )
          return looks
        }
      }
      instant = end
    }
    return looks
  }

  /// Ascending, both ends included (the last one microsecond before `end`): at random, close to both ends and around
  /// whole units.
  private func instants(from start: Int64, to end: Int64, _ numbers: inout Numbers) -> [Int64] {
    var found: Set<Int64> = [start, end - 1]
    for shift in stride(from: 0, to: 44, by: 3) {
      found.insert(start + 1 << Int64(shift))
      found.insert(end - 1 << Int64(shift))
    }
    for unit in [1_000_000, 60_000_000, TimeRules.hour, TimeRules.day] {
      for base in [0, 30_000_000] as [Int64] {
        let at = ((start - base) / unit + 1 + Int64(numbers.next(40))) * unit + base
        found.formUnion([at - 1, at, at + 1])
      }
    }
    let length = end - start
    for _ in 0..<20 { found.insert(start + Int64(numbers.next(Int(length)))) }
    return found.filter { $0 >= start && $0 < end }.sorted()
  }

  @Test func `spans of active by phase are those counted one by one`() {
    var numbers = Numbers(state: 7)
    for round in 0..<60 {
      let every = Int64(1 + numbers.next(12))
      var occurred: [Int64] = []
      var instant = Int64(numbers.next(9)) - 20
      for _ in 0..<(1 + numbers.next(30)) {
        instant += Int64(numbers.next(round % 2 == 0 ? 4 : 15))
        occurred.append(instant)
      }
      let spans = ActiveSpans(every: every, occurred: occurred)
      func counted(_ members: ArraySlice<Int64>, _ now: Int64) -> Int64 {
        Int64(Set(members.map { (now - $0) / every }).count)
      }
      for index in occurred.indices.dropFirst() {
        spans.count(occurred[index - 1], occurred[index], sign: 1)
      }
      var head = 0
      while head < occurred.count {
        let members = occurred[head...]
        for now in instant..<(instant + 30) {
          let value = spans.spans(at: now)
          #expect(value == counted(members, now))
          let low = value - Int64(numbers.next(2))
          let high = value + Int64(numbers.next(2))
          let turn = (now + 1...now + every).first { !(low...high).contains(counted(members, $0)) }
          #expect(spans.instant(outside: low, high, after: now) == turn)
        }
        if head + 1 < occurred.count { spans.count(occurred[head], occurred[head + 1], sign: -1) }
        head += 1
      }
    }
  }

  @Test func `windows over one target share one list, which lets go of what none holds`() throws {
    let windows = (1...40).map { "  w\($0): { count: visit, within: \($0)h }\n" }.joined()
    let compiled = try #require(TimeRules.compile("w40 < w1", facts: windows).0)
    // One reading of visits for last_v and the windows, one for n_30d's own list with them.
    let read = compiled.feeds.indices.filter { compiled.sharedFeeds[$0] == $0 }
    #expect(read.count == 2)
    let list = MemberList(longest: 10, keepsAll: false)
    for instant in 0..<100_000 as Range<Int64> {
      list.append(occurred: instant, value: instant, event: Int32(instant))
      list.release(before: instant)
    }
    #expect(list.count == 100_000)
    #expect(list.first(in: 0..<100_000, within: 10, at: 99_999) == 99_990)
    #expect(list.value(99_990) == 99_990 && list.event(99_999) == 99_999)
  }
}
