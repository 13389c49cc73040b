import Projections

/// An event, or a change of stage, as a line of a page.
struct TimelineStep: Sendable {
  var at: String
  var what: String
  var says: String
  var position: String
  /// `move`, `evidence`, or neither.
  var kind: String

  init(_ event: ExplanationWords.Event) {
    at = SpokenText.instant(event.at)
    what = "\(event.type) \(event.id)".printable
    says = event.says.printable
    position = "#\(event.position)"
    kind = ""
  }

  init(_ row: CustomerRecord.Row) {
    let how = row.transition.map { "by \($0)" } ?? ""
    at = SpokenText.instant(row.at)
    what = (row.from.map { "\($0) → \(row.to)" } ?? "enters \(row.to)").printable
    says =
      (row.isTimer ? (how.isEmpty ? "time alone" : "\(how), time alone") : how).printable
    position = row.anchor.map { "#\($0.position)" } ?? ""
    kind = "move"
  }

  init(erased position: UInt64) {
    (at, what, says, self.position, kind) = ("", "erased", "", "#\(position)", "")
  }
}

/// A part of a rule's condition as a line of a page.
struct ConditionLine: Sendable {
  /// In em.
  var indent: Int
  var mark: String
  var kind: String
  var text: String
  var detail: String
  var isNew: Bool

  init(_ condition: ExplanationWords.Condition) {
    indent = condition.depth * 2
    mark = condition.holds ? "✓" : "✗"
    kind = condition.holds ? "holds" : "fails"
    text = condition.text.printable
    detail = condition.detail?.printable ?? ""
    isNew = condition.isNew
  }
}
