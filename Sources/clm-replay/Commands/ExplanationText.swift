import Projections

/// An explanation as people read it on a terminal.
struct ExplanationText {
  private let parts: ExplanationWords

  init(_ explanation: Explanation, _ subject: CustomerAccess) {
    parts = ExplanationWords(explanation, subject)
  }

  var text: String {
    var lines = [parts.headline]
    if let rule = parts.rule, let written = parts.explanation.rule?.text {
      lines += [rule, "", "  \(written)", ""]
      if !parts.conditions.isEmpty {
        lines += parts.conditions.map { line($0) } + ["", "  \(parts.legend)"]
      }
    } else {
      lines.append("the customer's first event: everybody enters here")
    }
    for fact in parts.facts { lines += [""] + evidence(fact) }
    if let minimal = parts.minimal { lines += [""] + evidence(minimal) }
    if let rejected = parts.rejected { lines += ["", rejected] }
    lines += ["", parts.next, "as of \(SpokenText.instant(parts.subject.asOf))"]
    if let served = parts.subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ condition: ExplanationWords.Condition) -> String {
    let indent = String(repeating: "  ", count: condition.depth + 1)
    let detail = condition.detail.map { "    [\($0)]" } ?? ""
    let changed = condition.isNew ? "    <- became true now" : ""
    return "\(indent)\(condition.holds ? "+" : "-") \(condition.text)\(detail)\(changed)"
  }

  private func evidence(_ fact: ExplanationWords.Fact) -> [String] {
    var lines = [fact.text]
    let shown = fact.events.suffix(12)
    if shown.count < fact.events.count {
      lines.append(
        "  (\(fact.events.count - shown.count) earlier events; all of them with --format json)")
    }
    return lines + shown.map { line($0) }
  }

  private func evidence(_ minimal: ExplanationWords.Minimal) -> [String] {
    let count = minimal.events.count
    var lines = ["minimal evidence: \(minimal.text)"] + minimal.events.prefix(24).map { line($0) }
    if count > 24 { lines.append("  (\(count - 24) more; all of them with --format json)") }
    if let absence = minimal.absence { lines.append("  \(absence)") }
    return lines
  }

  private func line(_ event: ExplanationWords.Event) -> String {
    let says = event.says.isEmpty ? "" : "  \(event.says)"
    return
      "  #\(event.position) \(SpokenText.instant(event.at)) \(event.type) \(event.id)\(says)"
  }
}
