import EventStore

/// One event of the log, taken apart for people: its attributes and its line.
public struct EventLine: Sendable {
  /// In the log, from 0.
  public var position: UInt64
  /// Microseconds since 1970-01-01T00:00:00Z.
  public var occurred: Int64
  /// With ``source`` it names the event.
  public var id: String
  /// Where the event came from, as it says.
  public var source: String
  /// As it came, such as `purchase`.
  public var type: String
  /// Whom the event names; the customer may have another name.
  public var subject: String
  /// The line as received.
  public var line: [UInt8]

  /// Reads a line that an import has checked; nil if it is damaged.
  public init?(position: UInt64, line: [UInt8]) {
    let paths = PayloadPaths([])
    var values = paths.makeValues()
    paths.extract(line.span, into: &values)
    func text(_ value: PayloadValue) -> String? {
      guard value.kind == .string else { return nil }
      return value.withText(line.span) { text in
        var bytes: [UInt8] = []
        for index in text.indices { bytes.append(text[index]) }
        return String(decoding: bytes, as: UTF8.self)
      }
    }
    guard let id = text(paths.id(values)), let source = text(paths.source(values)),
      let type = text(paths.type(values)), let subject = text(paths.subject(values)),
      paths.time(values).kind == .string,
      let occurred = paths.time(values).withText(
        line.span, { RFC3339.microseconds($0) })
    else { return nil }
    self.position = position
    self.occurred = occurred
    self.id = id
    self.source = source
    self.type = type
    self.subject = subject
    self.line = line
  }
}
