import CEL
import Testing

@testable import Projections

/// Lowered expressions, held against CEL's plain evaluator at one instant: the same value, or the same kind of failure.
@Suite struct LoweringTests {
  typealias Numbers = ValidityTests.Numbers

  static let types: [(name: String, type: CEL.`Type`)] = [
    ("i", .int), ("k", .int), ("d", .double), ("e", .double), ("s", .string), ("r", .string),
    ("t", .timestamp), ("v", .timestamp), ("u", .duration), ("m", .money), ("p", .money),
    ("b", .bool),
  ]

  static let environment: Environment = {
    var variables: [String: CEL.`Type`] = [
      "now": .timestamp, "stage.name": .string, "stage.previous": .string,
      "stage.entered_at": .timestamp,
    ]
    for (name, type) in types {
      variables[name] = type
      variables["facts.\(name)"] = type
    }
    return Environment(
      variables: variables, money: .init(code: "EUR", digits: 2), hasLifecycleFunctions: true,
      comparesMixedNumbers: true, requiresMicroseconds: true)
  }()

  /// Random texts of each type over all forms that rules know.
  struct Writer {
    var numbers: Numbers

    mutating func pick(_ texts: [String]) -> String { numbers.pick(texts) }

    mutating func bool(_ depth: Int) -> String {
      if depth <= 0 { return pick(["b", "facts.b", "true", "false", "i > 0", "has(facts.d)"]) }
      let relation = pick(["<", "<=", ">", ">=", "==", "!="])
      let next = depth - 1
      switch numbers.next(20) {
      case 0, 1: return "(\(bool(next)) && \(bool(next)))"
      case 2, 3: return "(\(bool(next)) || \(bool(next)))"
      case 4: return "!\(bool(0))"
      case 5: return "!(\(bool(next)))"
      case 6: return "\(int(next)) \(relation) \(int(next))"
      case 7: return "\(double(next)) \(relation) \(double(next))"
      case 8: return "\(int(next)) \(relation) \(double(next))"
      case 9: return "\(double(next)) \(relation) \(int(next))"
      case 10: return "\(money(next)) \(relation) \(pick([money(next), "0"]))"
      case 11: return "\(string(next)) \(relation) \(string(next))"
      case 12: return "\(timestamp(next)) \(relation) \(timestamp(next))"
      case 13: return "\(duration(next)) \(relation) \(duration(next))"
      case 14: return "(\(bool(next))) \(pick(["==", "!="])) (\(bool(next)))"
      case 15: return "\(int(next)) in [\(int(next)), \(int(0)), 7]"
      case 16:
        return pick([
          "\(string(next)) in ['a', r, \(string(0))]", "\(duration(next)) in [u, hours(3)]",
          "\(double(next)) in [d, 1.5]", "\(money(next)) in [p, money('1.00')]",
          "\(timestamp(next)) in [t, v]", "\(string(0)) in ['', 'é']",
        ])
      case 17:
        return
          "\(string(next)).\(pick(["startsWith", "endsWith", "contains"]))(\(string(0)))"
      case 18:
        return
          "[\(int(next)), \(int(0)), 3].\(pick(["exists", "all", "exists_one"]))(x, x \(relation) \(int(0)))"
      default:
        return pick([
          "has(facts.\(pick(["i", "d", "s", "t", "m", "b"])))", "bool(\(string(0)))",
          "uint(\(int(next))) \(relation) 5u", "'k' in {'k': \(int(0))}",
        ])
      }
    }

    mutating func choice(_ depth: Int, _ left: String, _ right: String) -> String {
      "(\(bool(depth)) ? \(left) : \(right))"
    }

    mutating func int(_ depth: Int) -> String {
      if depth <= 0 {
        return pick(["i", "k", "facts.i", "0", "1", "-1", "7", "9223372036854775807", "i", "k"])
      }
      let next = depth - 1
      switch numbers.next(14) {
      case 0, 1, 2:
        return "(\(int(next)) \(pick(["+", "-", "*", "/"])) \(int(next)))"
      case 3: return "-\(int(0).hasPrefix("-") ? "i" : int(0).replacing("-", with: ""))"
      case 4: return "(\(int(next)) \(pick(["/", "%"])) \(pick(["-7", "3", "60", "0"])))"
      case 5: return choice(next, int(next), int(0))
      case 6: return "int(\(timestamp(next)))"
      case 7: return "int(\(double(next)))"
      case 8: return pick(["size(\(string(next)))", "int(\(string(0)))", "int(uint(\(int(0))))"])
      case 9:
        return
          "\(timestamp(next)).\(pick(["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds"]))()"
      case 10:
        return
          "\(timestamp(next)).\(pick(["getFullYear", "getMonth", "getDate", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes"]))('\(pick(["+02:00", "-08:30", "UTC", "+14:00"]))')"
      case 11:
        return
          "\(duration(next)).\(pick(["getHours", "getMinutes", "getSeconds", "getMilliseconds"]))()"
      case 12:
        return "[\(int(next)), k, \(int(0))].\(pick(["map(x, x + 1)", "filter(x, x > 0)"]))[0]"
      default: return pick(["size([i, k])", "{'a': \(int(0))}['a']", "[i, k][\(int(0))]"])
      }
    }

    mutating func double(_ depth: Int) -> String {
      if depth <= 0 { return pick(["d", "e", "facts.d", "0.0", "-1.5", "1e308", "2.5", "d"]) }
      let next = depth - 1
      switch numbers.next(7) {
      case 0, 1, 2: return "(\(double(next)) \(pick(["+", "-", "*", "/"])) \(double(next)))"
      case 3: return "double(\(int(next)))"
      case 4: return "\(money(next)) / \(money(0))"
      case 5: return choice(next, double(next), double(0))
      default: return pick(["-d", "double(\(string(0)))", "double(\(double(next)))"])
      }
    }

    mutating func money(_ depth: Int) -> String {
      if depth <= 0 { return pick(["m", "p", "facts.m", "money('12.50')", "money('0.01')", "m"]) }
      let next = depth - 1
      switch numbers.next(7) {
      case 0, 1: return "(\(money(next)) \(pick(["+", "-"])) \(pick([money(next), "0"])))"
      case 2: return "(\(money(next)) * \(int(next)))"
      case 3: return "(\(int(next)) * \(money(next)))"
      case 4: return "(\(money(next)) / \(int(next)))"
      case 5: return choice(next, money(next), money(0))
      default: return "-\(pick(["m", "p"]))"
      }
    }

    mutating func string(_ depth: Int) -> String {
      if depth <= 0 {
        return pick([
          "s", "r", "facts.s", "'a'", "''", "'12'", "'é'", "'true'", "stage.name",
          "stage.previous", "s",
        ])
      }
      let next = depth - 1
      switch numbers.next(6) {
      case 0, 1: return "(\(string(next)) + \(string(0)))"
      case 2: return choice(next, string(next), string(0))
      case 3: return "string(\(int(next)))"
      case 4: return "string(\(pick(["b", "d", "u", "t", "v", "1.5", "i"])))"
      default: return string(0)
      }
    }

    mutating func timestamp(_ depth: Int) -> String {
      if depth <= 0 {
        return pick([
          "t", "v", "now", "facts.t", "stage.entered_at", "timestamp('2024-02-29T12:00:00Z')",
          "timestamp('0001-01-01T00:00:00Z')", "now", "t",
        ])
      }
      let next = depth - 1
      switch numbers.next(5) {
      case 0, 1: return "(\(timestamp(next)) \(pick(["+", "-"])) \(duration(next)))"
      case 2: return "(\(duration(next)) + \(timestamp(next)))"
      case 3: return choice(next, timestamp(next), timestamp(0))
      default: return timestamp(0)
      }
    }

    mutating func duration(_ depth: Int) -> String {
      if depth <= 0 {
        return pick([
          "u", "facts.u", "hours(5)", "days(106751)", "duration('-1.5s')", "in_stage()",
          "since(t)", "since(v)", "u",
        ])
      }
      let next = depth - 1
      switch numbers.next(8) {
      case 0, 1: return "(\(duration(next)) \(pick(["+", "-"])) \(duration(next)))"
      case 2: return "(\(timestamp(next)) - \(timestamp(next)))"
      case 3: return "since(\(timestamp(next)))"
      case 4: return "\(pick(["hours", "days", "weeks"]))(\(int(next)))"
      case 5: return choice(next, duration(next), duration(0))
      case 6: return "duration('\(pick(["90m", "1h30m", "-0.000001s"]))')"
      default: return duration(0)
      }
    }

    mutating func any(_ depth: Int) -> String {
      switch numbers.next(10) {
      case 0: int(depth)
      case 1: double(depth)
      case 2: string(depth)
      case 3: timestamp(depth)
      case 4: duration(depth)
      case 5: money(depth)
      default: bool(depth)
      }
    }
  }

  /// A value of a type, edges of its range among them; nil is unset.
  private func value(_ type: CEL.`Type`, _ numbers: inout Numbers) -> Value? {
    if numbers.next(6) == 0 { return nil }
    func pick<Element>(_ values: [Element]) -> Element { values[numbers.next(values.count)] }
    let small = Int64(numbers.next(40)) - 12
    let instant = TimeRules.start + (Int64(numbers.next(2_000_000)) - 1_000_000) * 86_399_999
    switch type {
    case .bool: return .bool(numbers.next(2) == 0)
    case .int: return .int(pick([small, small, small, 0, 1, .max, .min, 86_400]))
    case .money: return .money(pick([small * 50, small, 0, 12_345, .max, .min]))
    case .double:
      return .double(
        pick([
          Double(small) / 4, Double(small), 0, -0.0, .nan, .infinity, -.infinity, 1e300,
          9_223_372_036_854_775_808, .leastNonzeroMagnitude,
        ]))
    case .string: return .string(pick(["a", "", "é", "e\u{301}", "12", "true", "b", "1.5", "A"]))
    case .timestamp:
      return .timestamp(
        ScalarValue.timestamp(
          pick([
            instant, instant, instant, -1, 0, Microseconds.firstInstant, Microseconds.lastInstant,
          ])))
    default:
      return .duration(
        Duration(
          nanoseconds: 1000
            * pick([
              small * TimeRules.hour, small * TimeRules.day + 1, small, 0,
              Microseconds.longestDuration, -Microseconds.longestDuration,
            ])))
    }
  }

  private struct Lowered {
    var checked: CheckedExpression
    var root: Int32
    var evaluator: ProgramEvaluator
  }

  /// Nil where the text is refused, since time would move it beyond what can be scheduled.
  private func lower(_ checked: CheckedExpression) -> Lowered? {
    var lowering = Lowering()
    var scope: Lowering.Scope = [:]
    scope["now"] = lowering.add(
      ProgramNode(operation: .now), type: .timestamp, motion: .now)
    scope["stage.name"] = lowering.add(
      ProgramNode(operation: .stageName), type: .string, motion: .still)
    scope["stage.previous"] = lowering.add(
      ProgramNode(operation: .stagePrevious), type: .string, motion: .still)
    scope["stage.entered_at"] = lowering.add(
      ProgramNode(operation: .stageEnteredAt), type: .timestamp, motion: .still(.timestamps))
    for (slot, (name, type)) in Self.types.enumerated() {
      let node = lowering.add(
        ProgramNode(operation: .eventSlot, a: Int32(slot)), type: type, motion: .still)
      scope[name] = node
      scope["facts.\(name)"] = node
    }
    guard let lowered = try? lowering.lower(checked, in: scope) else { return nil }
    return Lowered(
      checked: checked, root: lowered.root,
      evaluator: ProgramEvaluator(program: lowering.program, facts: []))
  }

  private func bits(_ value: Value, _ interner: inout Interner) -> Int64 {
    switch value {
    case .bool(let flag): flag ? 1 : 0
    case .int(let number), .money(let number): number
    case .double(let number): TimedOutcome.double(number)
    case .string(let text): interner.number(of: text)
    case .timestamp(let instant): ScalarValue.microseconds(instant)
    case .duration(let length): ScalarValue.microseconds(length)
    default: 0
    }
  }

  /// As text, so that NaN is itself, and −0.0 is not 0.0.
  private func describe(_ value: Value) -> String {
    switch value {
    case .double(let number): number.isNaN ? "nan" : "double \(number.sign) \(number)"
    case .string(let text): "string \(Array(text.utf8))"
    default: "\(value)"
    }
  }

  /// What both say of one state.
  private func answers(
    _ lowered: inout Lowered, _ numbers: inout Numbers
  ) -> (lowered: String, plain: String, state: [String: Value]) {
    var state: [String: Value] = [:]
    var slots: [TimedOutcome] = []
    for (name, type) in Self.types {
      let value = value(type, &numbers)
      state[name] = value
      state["facts.\(name)"] = value
      slots.append(
        value.map { TimedOutcome(bits($0, &lowered.evaluator.interner)) }
          ?? TimedOutcome(failed: .unset, until: Microseconds.never))
    }
    let now =
      numbers.next(8) == 0
      ? -Int64(numbers.next(1_000_000_000)) : TimeRules.start + Int64(numbers.next(1 << 48))
    let entered = now - Int64(numbers.next(1 << 45))
    state["now"] = .timestamp(ScalarValue.timestamp(now))
    state["stage.entered_at"] = .timestamp(ScalarValue.timestamp(entered))
    state["stage.name"] = .string("a")
    lowered.evaluator.slots = slots
    lowered.evaluator.stageEnteredAt = entered
    lowered.evaluator.stageName = lowered.evaluator.interner.number(of: "a")
    lowered.evaluator.stagePrevious = -1
    if numbers.next(2) == 0 {
      state["stage.previous"] = .string("é")
      lowered.evaluator.stagePrevious = lowered.evaluator.interner.number(of: "é")
    }
    lowered.evaluator.stateChanged()
    let outcome = lowered.evaluator.evaluate(lowered.root, at: now)
    let found =
      switch outcome.status {
      case .ok:
        describe(
          ScalarValue.value(
            outcome.bits, lowered.checked.type, interner: lowered.evaluator.interner))
      case .unset: "unset"
      case .error: "error"
      }
    let bound = state
    let plain =
      switch lowered.checked.evaluate({ bound[$0].map(Result.success) }) {
      case .success(let value): describe(value)
      case .failure(let error): error.code == .unset ? "unset" : "error"
      }
    return (found, plain, state.filter { !$0.key.hasPrefix("facts.") })
  }

  @Test(arguments: [20_260_101, 20_260_102] as [UInt64])
  func `a lowered expression says what CEL's evaluator says`(seed: UInt64) throws {
    print("seed \(seed)")
    var writer = Writer(numbers: Numbers(state: seed))
    var counts: [String: Int] = [:]
    for _ in 0..<1500 {
      let text = writer.any(1 + writer.numbers.next(3))
      guard let checked = try? Self.environment.check(text) else {
        counts["no expression", default: 0] += 1
        continue
      }
      guard var lowered = lower(checked) else {
        counts["refused", default: 0] += 1
        continue
      }
      for _ in 0..<4 {
        let (found, plain, state) = answers(&lowered, &writer.numbers)
        let kind = plain == "unset" || plain == "error" ? plain : "value"
        counts[kind, default: 0] += 1
        if found != plain {
          Issue.record("\(text)\nlowered \(found), plain \(plain)\n\(state)")
          if counts["differing", default: 0] > 4 { return }
          counts["differing", default: 0] += 1
          break
        }
      }
    }
    print(counts)
    // Every kind of answer came often enough to count for something.
    for kind in ["unset", "error"] { #expect(counts[kind, default: 0] > 300, "\(counts)") }
    #expect(counts["value", default: 0] > 2500, "\(counts)")
    #expect(counts["no expression", default: 0] < 150, "\(counts)")
  }
}
