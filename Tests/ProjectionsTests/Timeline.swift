import CEL
import Testing

@testable import Projections

/// What becomes of one customer under small rules, written as one line: events, a bar, and what comes of them.
///
/// ```
/// purchase@0d purchase@90d=12.50 end@200d | convert@0d#0 lapse@180d~1 next@270d=gone purchases=2
/// ```
/// Before the bar stand events by (occurred, position), with the value that their alias reads (`=@5d` is an instant), and
/// `end`, the as-of, without which it is the last event's instant. Behind it stand all rows after the entry row, by
/// transition: `#n` is caused by event n, `~n` by time alone and anchored in event n, `~` has no anchor. Stages with
/// conditions go by their names, the entry row among them. Then `parked@…=reason:transitions`, `next@…=stage` (empty
/// where it parks), and facts that are asked for. Offsets are sums such as `90d-1us` of `d h m s us`.
struct Timeline {
  let compiled: CompiledRules
  /// The instant of offset 0.
  var zero: Int64

  private static let units: [String: Int64] = [
    "d": Microseconds.day, "h": Microseconds.hour, "m": Microseconds.minute,
    "s": Microseconds.second, "us": 1,
  ]

  /// - Parameters:
  ///   - facts: a fact of the rules file each.
  ///   - transitions: `id from -> to condition` each, `from` joined by commas.
  init(facts: [String], _ transitions: [String], zero: Int64 = TimeRules.start) throws {
    let lines = transitions.map { text in
      let parts = text.split(separator: " ", maxSplits: 4).map(String.init)
      return
        "  - { id: \(parts[0]), from: [\(parts[1])], to: \(parts[3]), when: \"\(parts[4])\" }\n"
        .replacing("[any]", with: "any")
    }
    self = try Timeline(
      facts, "stages: [a, b, c]\ntransitions:\n\(lines.joined())", zero: zero)
  }

  /// - Parameter stages: `name condition` each, the last one a name alone.
  init(facts: [String], stages: [String]) throws {
    let lines = stages.map { text in
      let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
      return parts.count == 1
        ? "  - { name: \(parts[0]) }\n" : "  - { name: \(parts[0]), when: \"\(parts[1])\" }\n"
    }
    self = try Timeline(facts, "stages:\n\(lines.joined())", zero: TimeRules.start)
  }

  private init(_ facts: [String], _ stages: String, zero: Int64) throws {
    let text = """
      rules: 1
      model: { name: timeline, version: 1 }
      currency: EUR
      events:
        purchase: { types: [purchase], fields: { amount: { type: money, path: value } } }
        visit:    { types: [visit], fields: { n: { type: int, path: value } } }
        tag:      { types: [tag], fields: { code: { type: string, path: value } } }
        due:      { types: [due], fields: { at: { type: timestamp, path: value } } }
      facts:
      \(facts.map { "  \($0)\n" }.joined())
      \(stages)
      """
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "timeline.yaml")
    compiled = try CompiledRules(try #require(loaded.rules, "\(loaded.diagnostics)"))
    self.zero = zero
  }

  // MARK: Offsets

  /// Microseconds of `90d-1us`; nil if it is none.
  static func length(_ text: Substring) -> Int64? {
    var total: Int64 = 0
    var rest = text
    repeat {
      let sign: Int64 = rest.first == "-" ? -1 : 1
      if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
      let digits = rest.prefix { $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let number = Int64(digits), let size = units[String(unit)] else { return nil }
      total += sign * number * size
    } while !rest.isEmpty
    return total
  }

  /// The shortest way to write it: whole days and hours around it, and what is left.
  static func text(_ length: Int64) -> String {
    func nearest(_ value: Int64, _ unit: Int64) -> Int64 {
      let (down, rest) = ScalarValue.floorDivide(value, unit)
      return rest * 2 > unit ? down + 1 : down
    }
    let days = nearest(length, Microseconds.day)
    let hours = nearest(length - days * Microseconds.day, Microseconds.hour)
    let rest = length - days * Microseconds.day - hours * Microseconds.hour
    let parts = [(days, "d"), (hours, "h"), (rest, "us")].filter { $0.0 != 0 }
    if parts.isEmpty { return "0d" }
    let texts = parts.enumerated().map { place, part in
      "\(place > 0 && part.0 > 0 ? "+" : "")\(part.0)\(part.1)"
    }
    return texts.joined()
  }

  /// `name@offset` and what follows it, the offset in microseconds.
  private static func token(_ text: Substring) -> (name: String, offset: Int64, rest: Substring)? {
    guard let at = text.firstIndex(of: "@") else { return nil }
    let behind = text[text.index(after: at)...]
    let offset = behind.prefix { $0.isNumber || "+-dhmsu".contains($0) }
    return length(offset).map { (String(text[..<at]), $0, behind.dropFirst(offset.count)) }
  }

  // MARK: Folding

  private func event(_ position: Int, _ text: Substring) throws -> EventLine {
    let (type, offset, rest) = try #require(Self.token(text), "no event: \(text)")
    var data = ""
    if rest.hasPrefix("=@") {
      let value = try #require(Self.length(rest.dropFirst(2)), "no instant: \(text)")
      data = #","data":{"value":"\#(Instant.text(zero + value))"}"#
    } else if rest.hasPrefix("=") {
      data = #","data":{"value":"\#(rest.dropFirst())"}"#
    }
    let line =
      #"{"id":"e\#(position)","source":"s","type":"\#(type)","subject":"C","time":"\#(Instant.text(zero + offset))"\#(data)}"#
    return try #require(
      EventLine(position: UInt64(position), line: Array(line.utf8)), "no event: \(line)")
  }

  /// Folds the events of a line with both engines, and holds what comes out against what stands behind the bar.
  ///
  /// - Parameters:
  ///   - isBeyond: truth words hand the customer over to the tree evaluator.
  /// - Returns: the faults that were counted.
  @discardableResult
  func check(
    _ line: String, isBeyond: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> FaultCounts {
    let halves = line.split(separator: "|", omittingEmptySubsequences: false)
    try #require(halves.count == 2, "no bar in \(line)", sourceLocation: sourceLocation)
    var lines: [EventLine] = []
    var asOf: Int64?
    for text in halves[0].split(separator: " ") {
      if text.hasPrefix("end@") {
        asOf = try zero + #require(Self.token(text)?.offset)
      } else {
        lines.append(try event(lines.count, text))
      }
    }
    let expected = halves[1].split(separator: " ").map { text -> String in
      guard let (name, offset, rest) = Self.token(text) else { return String(text) }
      return "\(name)@\(Self.text(offset))\(rest)"
    }
    let end = try asOf ?? #require(lines.map(\.occurred).max())
    var tree = CustomerFold(compiled)
    _ = tree.load(lines)
    tree.fold(asOf: end)
    let plan = try #require(TruthPlanBuilder.plan(compiled), sourceLocation: sourceLocation)
    var truth = TruthFold(compiled, plan: plan, engine: .words)
    truth.customer.events = tree.events
    truth.evaluator.interner = tree.evaluator.interner
    truth.fold(asOf: end, rank: 0)
    let names = expected.compactMap { text in
      text.contains("@") ? nil : text.split(separator: "=").first.map(String.init)
    }
    let text = expected.joined(separator: " ")
    #expect(describe(tree.result, tree, names) == text, sourceLocation: sourceLocation)
    #expect(describe(truth.customer.result, tree, names) == text, sourceLocation: sourceLocation)
    #expect(
      truth.customer.result.difference(from: tree.result) == nil, sourceLocation: sourceLocation)
    #expect(truth.faults == tree.faults, sourceLocation: sourceLocation)
    #expect(truth.isBeyond == isBeyond, sourceLocation: sourceLocation)
    return truth.faults
  }

  private func describe(_ result: FoldResult, _ fold: CustomerFold, _ names: [String]) -> String {
    var texts: [String] = []
    func offset(_ instant: Int64) -> String { Self.text(instant - zero) }
    for row in compiled.isFirstMatch ? result.rows[...] : result.rows.dropFirst() {
      let name = compiled.conditionName(Int(compiled.isFirstMatch ? row.to : row.transition))
      let anchor = row.anchor >= 0 ? "\(row.anchor)" : ""
      texts.append("\(name)@\(offset(row.at))\(row.isTimer ? "~" : "#")\(anchor)")
    }
    if let parked = result.parked {
      let chain = parked.transitions.map { compiled.conditionName(Int($0)) }
      texts.append(
        "parked@\(offset(parked.at))=\(parked.reason.text):\(chain.joined(separator: ","))")
    }
    if let next = result.next {
      let stage = next.to < 0 ? "" : compiled.rules.stages[Int(next.to)].name
      texts.append("next@\(offset(next.at))=\(stage)")
    }
    for name in names {
      let number = compiled.rules.facts.firstIndex { $0.name == name }
      guard let number else { continue }
      if result.parked != nil {
        texts.append("\(name)=")
        continue
      }
      let value = fold.value(result.facts[number], compiled.facts[number].type)
      texts.append("\(name)=\(value.map(describe) ?? "unset")")
    }
    return texts.joined(separator: " ")
  }

  private func describe(_ value: Value) -> String {
    switch value {
    case .int(let number), .money(let number): "\(number)"
    case .bool(let flag): "\(flag)"
    case .double(let number): "\(number)"
    case .string(let text): text
    case .timestamp(let instant): Self.text(ScalarValue.microseconds(instant) - zero)
    case .duration(let length): Self.text(ScalarValue.microseconds(length))
    default: "\(value)"
    }
  }
}
