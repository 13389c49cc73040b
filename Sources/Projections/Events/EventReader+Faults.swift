import CEL
import EventStore

/// The words of faults: what is wrong with an event, said of its line (contract §5, Faults).
extension EventReader {
  /// Why an event gives a feed nothing; its type is number 0 of this reader.
  mutating func reason(feed number: Int, line: Span<UInt8>) -> String {
    readAll(line)
    for target in compiled.feeds[number].targets where answer(alias: target.alias) {
      if target.whereRoot >= 0, let text = reason(failed: target.whereRoot, line) { return text }
      if target.field >= 0, let text = reason(field: target.field, line) { return text }
      break
    }
    return FaultReason.outOfRange.text
  }

  /// Why the `where` of an alias has no answer for an event.
  mutating func reason(alias: Int, line: Span<UInt8>) -> String {
    readAll(line)
    return reason(failed: compiled.aliasRoots[alias], line) ?? FaultReason.error.text
  }

  /// Why a link event was refused: its field's reason, or `refusal` with the name that stands in it.
  mutating func reason(link field: Int, _ refusal: FaultReason, line: Span<UInt8>) -> String {
    readAll(line)
    return reason(field: field, line) ?? "\(refusal.text) \(spelled(field, line))"
  }

  private mutating func reason(failed root: Int32, _ line: Span<UInt8>) -> String? {
    if isAnswered(root) { return nil }
    guard let failure = failure(under: root) else { return FaultReason.error.text }
    guard case .slot(let slot) = failure, let field = compiled.slots.fieldNumber(of: slot) else {
      return "a field that its alias does not declare"
    }
    let name = compiled.fields[field].field.name
    return reason(field: field, line).map { "event.\(name) \($0)" }
  }

  /// Nil where the field has a value.
  private mutating func reason(field: Int, _ line: Span<UInt8>) -> String? {
    let outcome = value(field, line)
    if outcome.status == .ok { return nil }
    switch outcome.reason {
    case .missing, .null, .error, .divisionByZero, .follows, .circle: return outcome.reason.text
    case .decimals:
      return
        "more than \(decimals(field, line)) decimals \(spelled(field, line))"
    case .currency: return "currency \(currency(field, line)) without exchange"
    default: return "\(outcome.reason.text) \(spelled(field, line))"
    }
  }
}
