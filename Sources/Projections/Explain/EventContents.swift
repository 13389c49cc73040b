import CEL
import EventStore

/// What events say in the fields that the rules read, for people.
package struct EventContents {
  private let compiled: CompiledRules
  /// One a raw type.
  private var readers: [ByteString: EventReader] = [:]

  package init(_ compiled: CompiledRules) { self.compiled = compiled }

  /// A field that an event has.
  package struct Part: Sendable {
    package var name: String
    package var value: Value
    /// An amount as the event has it, where that is in another currency than the rules'.
    package var foreign: String?

    package init(name: String, value: Value, foreign: String? = nil) {
      self.name = name
      self.value = value
      self.foreign = foreign
    }
  }

  /// The fields of an event that have a value, amounts first, else as the rules read them;
  /// a default is none of the event's.
  package mutating func parts(of line: EventLine) -> [Part] {
    let type = ByteString(line.type)
    var reader = readers[type] ?? EventReader(compiled, types: [Array(line.type.utf8)])
    defer { readers[type] = reader }
    reader.readAll(line.line.span)
    var parts: [Part] = []
    for (number, slot) in compiled.fields.enumerated() {
      let isKnown = parts.contains { $0.name == slot.field.name }
      guard !isKnown, compiled.rules.aliases[slot.alias].types.contains(line.type) else { continue }
      let spelled = reader.spelled(number, line.line.span)
      let outcome = reader.value(number, line.line.span)
      if spelled == "null" || outcome.status != .ok { continue }
      let value = ScalarValue.value(
        outcome.bits, slot.field.type.celType, interner: reader.interner)
      var part = Part(name: slot.field.name, value: value)
      if slot.field.type == .money {
        let currency = reader.currency(number, line.line.span)
        if currency != "null" && currency != compiled.rules.currency.code {
          part.foreign = "\(spelled.filter { $0 != "\"" }) \(currency)"
        }
      }
      parts.append(part)
    }
    // Amounts first: they are what people look for.
    func isAmount(_ part: Part) -> Bool { if case .money = part.value { true } else { false } }
    return parts.filter(isAmount) + parts.filter { !isAmount($0) }
  }
}
