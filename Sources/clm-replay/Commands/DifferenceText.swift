import EventStore
import Projections

/// Where and why one customer's history parts, in lines for people.
struct DifferenceText {
  private let difference: Difference
  private let cells: DifferenceCells

  init(_ difference: Difference, _ cells: DifferenceCells) {
    self.difference = difference
    self.cells = cells
  }

  var lines: [String] {
    var lines: [String] = []
    if let instant = difference.firstDifference {
      lines.append(
        "since \(SpokenText.instant(instant)): \(step(difference.sides.a, instant)) under a, \(step(difference.sides.b, instant)) under b"
      )
    }
    lines += reason
    let segments = [
      difference.entered.isEmpty ? nil : "in \(difference.entered.joined(separator: ", ")) under b",
      difference.left.isEmpty ? nil : "in \(difference.left.joined(separator: ", ")) under a",
    ].compactMap { $0 }
    if !segments.isEmpty { lines.append(segments.joined(separator: "; ")) }
    return lines
  }

  /// What a side does at the instant of the difference.
  private func step(_ side: Difference.Side, _ instant: Int64) -> String {
    guard let row = side.row else {
      return side.isParked && difference.kind == .parked ? "parked" : "nothing"
    }
    let move =
      row.from.map { "\($0) -> \(row.to)\(row.transition.map { " by \($0)" } ?? "")" }
      ?? "enters \(row.to)"
    return row.at == instant ? move : "nothing until \(SpokenText.instant(row.at)) (\(move))"
  }

  private var reason: [String] {
    let why = difference.divergence
    let rule = why.rule ?? "the rule"
    let (a, b) = (why.sides.a, why.sides.b)
    let only = a == nil ? "b" : "a"
    switch why.reason {
    case .clause: return clauses(rule)
    case .rule:
      return clauses("\(rule) is a rule of \(ruleSide) only")
    case .from:
      return ["\(rule) leaves \(a?.text ?? "-") under a, \(b?.text ?? "-") under b"]
    case .to: return ["\(rule) leads to \(a?.text ?? "-") under a, to \(b?.text ?? "-") under b"]
    case .order:
      return [
        "both hold, and another one is tried first: \(a?.text ?? "-") under a, \(b?.text ?? "-") under b"
      ]
    case .firstStage:
      return ["the first stage is \(a?.text ?? "-") under a, \(b?.text ?? "-") under b"]
    case .anchor:
      return [
        "the event behind \(rule) is \(a?.text ?? "none") under a, \(b?.text ?? "none") under b"
      ]
    case .event:
      let event = (a ?? b).map { "event \($0.text)" } ?? "its first event"
      return ["\(event) counts under \(a == nil && b == nil ? laterSide : only) only"]
    case .customer:
      return ["there is no such customer under \(difference.sides.a.row == nil ? "a" : "b")"]
    case .asOf: return ["a ends at \(a?.text ?? "-"), b at \(b?.text ?? "-")"]
    case .parked:
      return [("a", a), ("b", b)].compactMap { name, clause in
        clause.map { "parked under \(name): \($0.text)" }
      }
    }
  }

  /// The side whose row comes first.
  private var laterSide: String {
    guard let a = difference.sides.a.row else { return "b" }
    guard let b = difference.sides.b.row else { return "a" }
    return a.at <= b.at ? "a" : "b"
  }

  private var ruleSide: String {
    let why = difference.divergence
    if (why.sides.a == nil) != (why.sides.b == nil) { return why.sides.a == nil ? "b" : "a" }
    return laterSide
  }

  private func clauses(_ rule: String) -> [String] {
    let why = difference.divergence
    let sides = [("a", why.sides.a, cells.words.a), ("b", why.sides.b, cells.words.b)]
    let texts = sides.compactMap { name, clause, words in
      clause.map { "  \(name)  \($0.holds == true ? "+" : "-") \($0.text)\(values($0, words))" }
    }
    return ["\(rule):"] + texts
  }

  private func values(_ clause: Divergence.Clause, _ words: SpokenText) -> String {
    // What is the clause itself needs no telling.
    let values = clause.values.filter { $0.text != clause.text }
      .map { "\($0.text) is \(words.text($0.value))" }
    return values.isEmpty ? "" : "    (\(values.joined(separator: ", ")))"
  }
}
