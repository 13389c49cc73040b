import CEL

/// The environment that a typical rules file gives its conditions.
let rulesEnvironment = Environment(
  variables: [
    "now": .timestamp, "stage.name": .string, "stage.entered_at": .timestamp,
    "stage.previous": .string, "visits": .int, "facts.visits": .int, "purchases_365d": .int,
    "revenue": .money, "facts.revenue": .money, "last_purchase_at": .timestamp, "nps_last": .int,
    "score": .double, "channel": .string, "vip": .bool,
  ],
  money: Environment.Currency(code: "EUR", digits: 2), hasLifecycleFunctions: true,
  comparesMixedNumbers: true, requiresMicroseconds: true)

/// The compile error of a text in the environment of rules, nil if it has none.
func compileError(_ text: String, _ environment: Environment = rulesEnvironment) -> CompileError? {
  do {
    _ = try environment.check(text)
    return nil
  } catch {
    return error
  }
}

/// The part of the text that an error points at.
func excerpt(_ text: String, _ range: Range<Int>) -> String {
  String(decoding: Array(text.utf8)[range], as: UTF8.self)
}

/// The value as text for comparisons: `int(5)`, `error(overflow)`, or the compile error's message.
func evaluated(
  _ text: String, _ values: [String: Value] = [:],
  _ environment: Environment = rulesEnvironment
) -> String {
  do {
    let checked = try environment.check(text)
    switch checked.evaluate({ values[$0].map(Result.success) }) {
    case .success(let value): return describe(value)
    case .failure(let error): return "error(\(error.code.rawValue))"
    }
  } catch {
    return "compile error: \(error.message)"
  }
}

func describe(_ value: Value) -> String {
  switch value {
  case .null: "null"
  case .bool(let flag): "\(flag)"
  case .int(let number): "int(\(number))"
  case .uint(let number): "uint(\(number))"
  case .double(let number): "double(\(number))"
  case .string(let text): "'\(text)'"
  case .bytes(let bytes): "bytes(\(bytes))"
  case .timestamp(let instant): "timestamp(\(instant.seconds), \(instant.nanoseconds))"
  case .duration(let span): "duration(\(span.nanoseconds))"
  case .money(let amount): "money(\(amount))"
  case .list(let elements): "[" + elements.map(describe).joined(separator: ", ") + "]"
  case .map(let entries):
    "{" + entries.map { describe($0.key) + ": " + describe($0.value) }.joined(separator: ", ") + "}"
  case .type(let type): "type(\(type.name))"
  }
}

/// A small generator of pseudo-random numbers (SplitMix64), the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
