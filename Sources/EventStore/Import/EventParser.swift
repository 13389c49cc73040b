/// Why a line cannot be taken (docs/import.md lists the codes).
public struct Rejection: Error, Sendable, Equatable {
  /// Stable, kebab-case.
  public var code: String
  public var message: String

  init(_ code: String, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ fault: JSONFault) {
    let at = "\(fault.message), at byte \(fault.offset + 1)"
    switch fault.kind {
    case .syntax: self.init("json", "not JSON: \(at)")
    case .utf8: self.init("utf8", "not UTF-8: \(at)")
    case .depth: self.init("depth", at)
    case .duplicateMember: self.init("duplicate-member", at)
    }
  }
}

/// Checks lines in the native form (CloudEvents 1.0 JSON, contract §3) and adds them to a batch.
struct EventParser {
  /// No event may be later than this, in microseconds.
  let latest: Int64
  static let attributeBytes = 255
  static let lineBytes = 1 << 20

  init(latest: Int64) { self.latest = latest }

  func parse(_ line: Span<UInt8>, into batch: inout EventBatch) throws(Rejection) {
    if line.count > Self.lineBytes {
      throw Rejection("too-long", "the line has \(line.count) bytes, more than \(Self.lineBytes)")
    }
    let event = try batch.read(line)
    try checkVersion(event.specversion, line)
    let id = try attribute(event.id, "id", line)
    let source = try attribute(event.source, "source", line)
    let type = try attribute(event.type, "type", line)
    if Self.isReserved(type) {
      throw Rejection("reserved-type", "types that begin with `clm-replay.` are reserved")
    }
    let subject = try attribute(event.subject, "subject", line)
    let occurred = try time(event.time, line)
    if event.data.kind != .missing && event.data.kind != .object {
      throw Rejection("data", "`data` is not an object")
    }
    batch.appendRead(
      line: line, source: source.span, id: id.span, type: type.span, subject: subject.span,
      occurred: occurred)
  }

  private func checkVersion(_ version: PayloadValue, _ line: Span<UInt8>) throws(Rejection) {
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
