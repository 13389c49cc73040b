/// Why a line cannot be taken (docs/import.md lists the codes).
public struct Rejection: Error, Sendable, Equatable {
  /// Stable, kebab-case.
  public var code: String
  public var message: String

  init(_ code: String, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// Checks lines in the native form (CloudEvents 1.0 JSON, contract §3) and adds them to a batch.
struct EventParser {
  private let paths = PayloadPaths([PayloadPaths.Path(steps: [], isPointer: false)])
  private var values: [PayloadValue]
  /// No event may be later than this, in microseconds.
  let latest: Int64
  static let attributeBytes = 255
  static let lineBytes = 1 << 20

  init(latest: Int64) {
    self.latest = latest
    values = paths.makeValues()
  }

  mutating func parse(_ line: Span<UInt8>, into batch: inout EventBatch) throws(Rejection) {
    if line.count > Self.lineBytes {
      throw Rejection("too-long", "the line has \(line.count) bytes, more than \(Self.lineBytes)")
    }
    try checkJSON(line)
    paths.extract(line, into: &values)
    try checkVersion(line)
    let id = try attribute(paths.id(values), "id", line)
    let source = try attribute(paths.source(values), "source", line)
    let type = try attribute(paths.type(values), "type", line)
    if Self.isReserved(type) {
      throw Rejection("reserved-type", "types that begin with `clm-replay.` are reserved")
    }
    let subject = try attribute(paths.subject(values), "subject", line)
    let occurred = try time(paths.time(values), line)
    let data = values[0].kind
    if data != .missing && data != .object {
      throw Rejection("data", "`data` is not an object")
    }
    batch.append(
      line: line, data: values[0], source: source.span, id: id.span, type: type.span,
      subject: subject.span, occurred: occurred)
  }

  private func checkJSON(_ line: Span<UInt8>) throws(Rejection) {
    var scanner = JSONScanner(line)
    do throws(JSONFault) {
      try scanner.checkDocument()
    } catch {
      let at = "\(error.message), at byte \(error.offset + 1)"
      switch error.kind {
      case .syntax: throw Rejection("json", "not JSON: \(at)")
      case .utf8: throw Rejection("utf8", "not UTF-8: \(at)")
      case .depth: throw Rejection("depth", at)
      case .duplicateMember: throw Rejection("duplicate-member", at)
      }
    }
    var first = 0
    while first < line.count, line[first] == 0x20 || line[first] == 0x09 || line[first] == 0x0d {
      first += 1
    }
    guard first < line.count, line[first] == UInt8(ascii: "{") else {
      throw Rejection("not-an-object", "the line is JSON, but not an object")
    }
  }

  private func checkVersion(_ line: Span<UInt8>) throws(Rejection) {
    let version = paths.specversion(values)
    if version.kind == .missing { return }
    guard version.kind == .string, version.text.decoded(in: line) == Array("1.0".utf8) else {
      throw Rejection("specversion", "`specversion` is not \"1.0\"")
    }
  }

  private func attribute(
    _ value: PayloadValue, _ name: String, _ line: Span<UInt8>
  ) throws(Rejection) -> [UInt8] {
    switch value.kind {
    case .missing: throw Rejection("missing-\(name)", "`\(name)` is missing")
    case .string: break
    default: throw Rejection("bad-\(name)", "`\(name)` is not a string")
    }
    let text = value.text.decoded(in: line)
    if text.isEmpty { throw Rejection("empty-\(name)", "`\(name)` is empty") }
    if text.count > Self.attributeBytes {
      throw Rejection(
        "long-\(name)", "`\(name)` has \(text.count) bytes, more than \(Self.attributeBytes)")
    }
    return text
  }

  private static func isReserved(_ type: [UInt8]) -> Bool {
    type.starts(with: "clm-replay.".utf8)
  }

  private func time(_ value: PayloadValue, _ line: Span<UInt8>) throws(Rejection) -> Int64 {
    switch value.kind {
    case .missing: throw Rejection("missing-time", "`time` is missing")
    case .string: break
    default: throw Rejection("bad-time", "`time` is not a string")
    }
    let text = value.text.decoded(in: line)
    guard let instant = RFC3339.microseconds(text.span) else {
      let shown = String(decoding: text.prefix(40), as: UTF8.self)
      if RFC3339.isLeapSecond(text.span) {
        throw Rejection("leap-second", "`time` has second 60, which POSIX time lacks: `\(shown)`")
      }
      throw Rejection(
        "bad-time",
        "`time` is not an RFC 3339 instant with a zone, in years 0001 to 9999: `\(shown)`")
    }
    if instant > latest {
      throw Rejection(
        "future", "`time` is \(RFC3339.text(instant)), further ahead than --max-skew allows")
    }
    return instant
  }
}
