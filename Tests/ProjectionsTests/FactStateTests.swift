import Testing

@testable import Projections

/// Every aggregate function over every type and window, held against a list of members that is gone over anew.
@Suite struct FactStateTests {
  typealias Numbers = ValidityTests.Numbers

  struct Member {
    var occurred: Int64
    var value: Int64
    var event: Int32
  }

  /// A fact and the plain way to its value.
  struct Subject {
    var function: Rules.AggregateFunction
    var type: Rules.FieldType
    var within: Int64
    var every: Int64
    var defaultBits: Int64?
    var state: FactState

    var what: String { "\(function) of \(type) within \(within) every \(every)" }

    func members(_ all: [Member], at instant: Int64) -> [Member] {
      within == 0 ? all : all.filter { instant - within < $0.occurred && $0.occurred <= instant }
    }

    /// Doubles are whole numbers of 1024ths, so that their sums are exact in whole numbers.
    private func sum(_ members: [Member]) -> Int128 {
      members.reduce(0) {
        $0 + (type == .double ? Int128(Self.double($1.value) * 1024) : Int128($1.value))
      }
    }

    static func double(_ bits: Int64) -> Double { Double(bitPattern: UInt64(bitPattern: bits)) }

    func isLess(_ left: Int64, _ right: Int64, _ interner: Interner) -> Bool {
      switch type {
      case .string: interner.isLess(left, right)
      case .double: Self.double(left) < Self.double(right)
      default: left < right
      }
    }

    /// Nil is unset.
    func value(_ all: [Member], at instant: Int64, _ interner: Interner) -> Int64? {
      let members = members(all, at: instant)
      switch function {
      case .count: return Int64(members.count)
      case .distinct:
        if type == .double { return Int64(Set(members.map { Self.double($0.value) }).count) }
        return Int64(Set(members.map(\.value)).count)
      case .active: return Int64(Set(members.map { (instant - $0.occurred) / every }).count)
      case .sum:
        if type == .double { return TimedOutcome.double(Double(sum(members)) / 1024) }
        return Int64(exactly: sum(members))
      default: break
      }
      guard let first = members.first, let last = members.last else { return defaultBits }
      switch function {
      case .avg:
        if type == .money { return Int64(sum(members) / Int128(members.count)) }
        let total = type == .double ? Double(sum(members)) / 1024 : Double(sum(members))
        return TimedOutcome.double(total / Double(members.count))
      case .first: return first.value
      case .last: return last.value
      case .firstTime: return first.occurred
      case .lastTime: return last.occurred
      default:
        // Of equal values the last one counts.
        var best = first.value
        for member in members.dropFirst() {
          let isWorse =
            function == .min
            ? isLess(best, member.value, interner) : isLess(member.value, best, interner)
          if !isWorse { best = member.value }
        }
        return best
      }
    }

    /// The last of the events that leave at an instant, or come to another span.
    func lastMoving(_ all: [Member], at instant: Int64) -> Int32 {
      guard within > 0 else { return -1 }
      let moving = members(all, at: instant - 1).filter { member in
        let age = instant - member.occurred
        return age == within || (function == .active && age > 0 && age % every == 0)
      }
      return moving.map(\.event).max() ?? -1
    }

    /// The last event that gives a value that is one.
    func lastGiving(_ all: [Member], _ value: Int64, at instant: Int64) -> Int32? {
      let members = members(all, at: instant)
      switch function {
      case .first, .firstTime: return members.first?.event
      case .last, .lastTime: return members.last?.event
      case .min, .max: return members.last { $0.value == value }?.event
      default: return nil
      }
    }
  }

  private static func takes(_ function: Rules.AggregateFunction, _ type: Rules.FieldType) -> Bool {
    switch function {
    case .sum, .avg: [.money, .int, .double].contains(type)
    case .min, .max: type != .bool
    // They read no field.
    case .count, .firstTime, .lastTime, .active: type == .int
    case .distinct, .first, .last: true
    }
  }

  /// All facts over one field of a type, over a list that they share.
  private func subjects(
    _ type: Rules.FieldType, keepsAll: Bool, _ list: MemberList, _ numbers: inout Numbers
  ) -> [Subject] {
    var subjects: [Subject] = []
    for function in Rules.AggregateFunction.allCases where Self.takes(function, type) {
      for within in [0, 12, 60] as [Int64] where function != .active || within > 0 {
        let every: Int64 = function == .active ? within / [1, 3, 12][numbers.next(3)] : 0
        let takesDefault = ![.count, .sum, .distinct, .active].contains(function)
        let defaultBits: Int64? = takesDefault && numbers.next(3) == 0 ? 0 : nil
        let aggregate = Rules.Aggregate(
          function: function, aliases: [0], field: nil, within: within > 0 ? within : nil,
          every: every > 0 ? every : nil, condition: nil)
        let state = FactState(
          aggregate, type: type, defaultBits: defaultBits, keepsAll: keepsAll, list: list)
        subjects.append(
          Subject(
            function: function, type: type, within: within, every: every,
            defaultBits: defaultBits, state: state))
      }
    }
    return subjects
  }

  private func value(_ type: Rules.FieldType, _ strings: [Int64], _ numbers: inout Numbers) -> Int64
  {
    let small = Int64(numbers.next(9)) - 3
    switch type {
    case .bool: return Int64(numbers.next(2))
    case .string: return strings[numbers.next(strings.count)]
    case .double:
      if numbers.next(12) == 0 { return TimedOutcome.double(-0.0) }
      let wide = numbers.next(4) == 0 ? Double(numbers.next(1 << 45)) / 1024 : 0
      return TimedOutcome.double(Double(small) / 4 + (numbers.next(2) == 0 ? wide : -wide))
    default: return numbers.next(25) == 0 ? [.max, .min, .max / 2][numbers.next(3)] : small
    }
  }

  /// Holds all that a fact can be asked against the list, at an instant that windows have been advanced to.
  private func check(
    _ subject: inout Subject, _ all: [Member], at instant: Int64, _ interner: Interner,
    _ numbers: inout Numbers
  ) {
    let expected = subject.value(all, at: instant, interner)
    func isSame(_ outcome: TimedOutcome, _ value: Int64?) -> Bool {
      outcome.status == .ok ? outcome.bits == value : outcome.status == .unset && value == nil
    }
    let outcome = subject.state.value(at: instant)
    // `#expect` would take a second for what this takes milliseconds for.
    func hold(_ holds: Bool, _ detail: @autoclosure () -> String) {
      if !holds { Issue.record("\(subject.what) \(detail()), at \(instant) of \(all)") }
    }
    hold(isSame(outcome, expected), "differs")
    hold(outcome.until > instant, "is valid until the past")
    // It stays until `until`, and until then only falls where that is said.
    let end = min(outcome.until, instant + 130)
    for later in [instant + 1, end - 1, instant + Int64(numbers.next(130))] where later > instant {
      let then = subject.value(all, at: later, interner)
      if later < end { hold(isSame(outcome, then), "other at \(later)") }
      if outcome.onlyFalls, let expected, let then {
        let isHigher =
          subject.type == .double && subject.function == .sum
          ? Subject.double(then) > Subject.double(expected) : then > expected
        hold(!isHigher, "higher at \(later)")
      }
    }
    if outcome.turns {
      let low = outcome.bits - Int64(numbers.next(2))
      let high = outcome.bits + Int64(numbers.next(2))
      let turn = min(subject.state.instant(outside: low, high, after: instant), instant + 130)
      for later in instant..<max(turn, instant) {
        let then = subject.value(all, at: later, interner) ?? -1
        hold((low...high).contains(then), "outside \(low) to \(high) at \(later)")
      }
    }
    // Anew at any instant since the last event, those before this one included.
    let last = all.last?.occurred ?? instant
    for other in [last, instant, instant + Int64(numbers.next(80))] {
      let anew = subject.state.read(anewAt: other, interner: interner)
      hold(isSame(anew, subject.value(all, at: other, interner)), "anew at \(other)")
      hold(
        subject.state.lastEvent(movingAt: other) == subject.lastMoving(all, at: other),
        "moving at \(other)")
    }
    if let expected, !subject.members(all, at: instant).isEmpty {
      hold(
        subject.state.events(giving: expected, at: instant).max()
          == subject.lastGiving(all, expected, at: instant), "giving")
    }
    if subject.function == .count {
      let bound = Int64(1 + numbers.next(4))
      let below =
        subject.within == 0 || Int64(subject.members(all, at: instant).count) < bound
        ? Microseconds.never
        : (instant...instant + 130).first { subject.members(all, at: $0).count < bound }
      hold(subject.state.instantBelow(bound) == below, "below \(bound)")
    }
  }

  /// Folds a customer of some events, and looks between any two of them.
  private func fold(
    _ subjects: inout [Subject], _ list: MemberList, _ type: Rules.FieldType, _ count: Int,
    _ interner: Interner, looksAt share: Int, _ numbers: inout Numbers
  ) {
    let strings = (0..<Int64(interner.count)).map { $0 }
    var instant = Int64(numbers.next(200)) - 150
    let members = (0..<count).map { number in
      instant += [0, 0, 1, 2, 5, 12, 60, Int64(numbers.next(90))][numbers.next(count > 99 ? 5 : 8)]
      // Not every event of a customer feeds the fact.
      return Member(
        occurred: instant, value: value(type, strings, &numbers), event: Int32(2 * number + 1))
    }
    list.reset()
    for index in subjects.indices { subjects[index].state.reset(members.map(\.occurred)) }
    var given: [Member] = []
    for (number, member) in members.enumerated() {
      given.append(member)
      list.append(occurred: member.occurred, value: member.value, event: member.event)
      for index in subjects.indices {
        subjects[index].state.advance(to: member.occurred)
        let isOver = subjects[index].state.add(
          occurred: member.occurred, value: member.value, event: member.event
        ) { interner.isLess($0, $1) }
        if subjects[index].function == .sum {
          let isUnset = subjects[index].value(given, at: member.occurred, interner) == nil
          if isOver != isUnset { Issue.record("beyond its range: \(given)") }
        }
      }
      list.release(before: member.occurred)
      if numbers.next(share) > 0 { continue }
      let next = number + 1 < count ? members[number + 1].occurred : member.occurred + 100
      var looks = [member.occurred, member.occurred + Int64(numbers.next(100)), next]
      looks = looks.filter { $0 <= next }.sorted()
      for look in looks {
        for index in subjects.indices {
          check(&subjects[index], given, at: look, interner, &numbers)
        }
      }
    }
  }

  @Test(arguments: Rules.FieldType.allCases)
  func `facts say what a list of their members says`(type: Rules.FieldType) {
    let seed: UInt64 = 731
    print("seed \(seed)")
    var numbers = Numbers(state: seed)
    var interner = Interner()
    for text in ["b", "", "é", "a", "e\u{301}", "ab", "B"] { _ = interner.number(of: text) }
    for keepsAll in [false, true] {
      let list = MemberList(longest: 60, keepsAll: keepsAll)
      var subjects = subjects(type, keepsAll: keepsAll, list, &numbers)
      for _ in 0..<8 {
        fold(&subjects, list, type, 1 + numbers.next(14), interner, looksAt: 1, &numbers)
      }
    }
  }

  @Test func `facts of a customer with thousands of events say what a list says`() {
    let seed: UInt64 = 733
    print("seed \(seed)")
    var numbers = Numbers(state: seed)
    var interner = Interner()
    _ = interner.number(of: "a")
    let list = MemberList(longest: 60, keepsAll: false)
    var subjects = subjects(.int, keepsAll: false, list, &numbers).filter { $0.within > 0 }
    fold(&subjects, list, .int, 3000, interner, looksAt: 300, &numbers)
    // Members that have left every window are let go.
    #expect(list.count == 3000)
  }
}
