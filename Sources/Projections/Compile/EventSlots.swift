/// Where conditions over one event find its attributes and fields.
///
/// ```
/// type · source · subject · id · fields of `ignore`, by name · fields of aliases, by number
/// ```
struct EventSlots: Sendable {
  static let type = 0
  static let source = 1
  static let subject = 2
  static let id = 3
  private static let attributeCount = 4

  /// Names of fields that `ignore` reads, each of whichever alias an event is.
  let ignoreFields: Int

  func ignored(_ index: Int) -> Int { Self.attributeCount + index }

  @inline(__always)
  func field(_ number: Int) -> Int { Self.attributeCount + ignoreFields + number }

  /// The number of the field in a slot; nil where something else stands there.
  func fieldNumber(of slot: Int) -> Int? {
    let first = field(0)
    return slot >= first ? slot - first : nil
  }

  /// How many slots there are.
  func count(fields: Int) -> Int { field(fields) }
}

/// An attribute of the event itself that conditions may read.
struct EventAttribute {
  let name: String
  let slot: Int
  /// What has to be read of the line; empty for the type, which is known.
  let reads: CompiledRules.EventAttributeSet

  static let all = [
    EventAttribute(name: "event.type", slot: EventSlots.type, reads: []),
    EventAttribute(name: "event.source", slot: EventSlots.source, reads: .source),
    EventAttribute(name: "event.subject", slot: EventSlots.subject, reads: .subject),
    EventAttribute(name: "event.id", slot: EventSlots.id, reads: .id),
  ]
}
