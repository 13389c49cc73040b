/// Checks lines in the native form (CloudEvents 1.0 JSON, contract §3) and adds them to a batch.
struct EventParser {
  /// No event may be later than this, in microseconds.
  let latest: Int64
  static let attributeBytes = 255
  static let lineBytes = 1 << 20

  init(latest: Int64) { self.latest = latest }

  /// - Parameters:
  ///   - bytes: of the batch.
  ///   - range: where the line stands in them, without its end.
  func parse(
    _ bytes: Span<UInt8>, _ range: Range<Int>, into records: inout EventRecords
  ) throws(Rejection) {
    let line = bytes.extracting(range)
    if line.count > Self.lineBytes {
      throw Rejection("too-long", "the line has \(line.count) bytes, more than \(Self.lineBytes)")
    }
    let event = try records.read(line)
    try checkVersion(event.specversion, line)
    let place = Place(line: range, count: bytes.count)
    let id = try attribute(event.id, "id", line, place, &records)
    let source = try attribute(event.source, "source", line, place, &records)
    try checkAttribute(event.type, "type", line)
    if event.type.withText(line, Self.isReserved) {
      throw Rejection("reserved-type", "types that begin with `clm-replay.` are reserved")
    }
    let subject = try attribute(event.subject, "subject", line, place, &records)
    let occurred = try time(event.time, line)
    if event.data.kind != .missing && event.data.kind != .object {
      throw Rejection("data", "`data` is not an object")
    }
    event.type.withText(line) { type in
      records.append(
        line: range, source: source, id: id, type: type, subject: subject, occurred: occurred)
    }
  }

  /// Where a line stands among the bytes of its batch, of which there are so many.
  private struct Place {
    var line: Range<Int>
    var count: Int
  }

  private func checkVersion(_ version: PayloadValue, _ line: Span<UInt8>) throws(Rejection) {
    if version.kind == .missing { return }
    // "1.0", as a number.
    let isRight =
      version.kind == .string
      && version.withText(line) { $0.count == 3 && $0.little(0, 3) == 0x30_2e31 }
    if !isRight { throw Rejection("specversion", "`specversion` is not \"1.0\"") }
  }

  /// Where the text of an attribute stands.
  @inline(__always)
  private func attribute(
    _ value: PayloadValue, _ name: StaticString, _ line: Span<UInt8>, _ place: Place,
    _ records: inout EventRecords
  ) throws(Rejection) -> Range<Int> {
    try checkAttribute(value, name, line)
    if value.text.hasEscapes {
      return records.keep(value.text.decoded(in: line), behind: place.count)
    }
    let start = place.line.lowerBound
    return start + value.text.start..<start + value.text.end
  }

  @inline(__always)
  private func checkAttribute(
    _ value: PayloadValue, _ name: StaticString, _ line: Span<UInt8>
  ) throws(Rejection) {
    let isPlain = value.kind == .string && !value.text.hasEscapes
    if isPlain && (1...Self.attributeBytes).contains(value.text.end - value.text.start) { return }
    try checkUnusual(value, name, line)
  }

  private func checkUnusual(
    _ value: PayloadValue, _ name: StaticString, _ line: Span<UInt8>
  ) throws(Rejection) {
    switch value.kind {
    case .missing: throw Rejection("missing-\(name)", "`\(name)` is missing")
    case .string: break
    default: throw Rejection("bad-\(name)", "`\(name)` is not a string")
    }
    let count = value.withText(line) { $0.count }
    if count == 0 { throw Rejection("empty-\(name)", "`\(name)` is empty") }
    if count > Self.attributeBytes {
      throw Rejection(
        "long-\(name)", "`\(name)` has \(count) bytes, more than \(Self.attributeBytes)")
    }
  }

  private static let reserved = Array("clm-replay.".utf8)

  private static func isReserved(_ type: Span<UInt8>) -> Bool {
    type.count >= reserved.count && type[0] == reserved[0]
      && type.extracting(0..<reserved.count).isEqual(to: reserved.span)
  }

  private func time(_ value: PayloadValue, _ line: Span<UInt8>) throws(Rejection) -> Int64 {
    switch value.kind {
    case .missing: throw Rejection("missing-time", "`time` is missing")
    case .string: break
    default: throw Rejection("bad-time", "`time` is not a string")
    }
    guard let instant = value.withText(line, RFC3339.microseconds) else {
      throw badTime(value.text.decoded(in: line))
    }
    if instant > latest {
      throw Rejection(
        "future", "`time` is \(RFC3339.text(instant)), further ahead than --max-skew allows")
    }
    return instant
  }

  private func badTime(_ text: [UInt8]) -> Rejection {
    let shown = String(decoding: text.prefix(40), as: UTF8.self)
    if RFC3339.isLeapSecond(text.span) {
      return Rejection("leap-second", "`time` has second 60, which POSIX time lacks: `\(shown)`")
    }
    return Rejection(
      "bad-time",
      "`time` is not an RFC 3339 instant with a zone, in years 0001 to 9999: `\(shown)`")
  }
}
