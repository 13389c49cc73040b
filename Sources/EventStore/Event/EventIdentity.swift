/// The decoded `source` and `id` of a stored line.
struct EventIdentity {
  /// The decoded `subject` of a line; nil where it has none.
  static func subject(of line: Span<UInt8>) -> [UInt8]? {
    var values = paths.makeValues()
    paths.extract(line, into: &values)
    let subject = paths.subject(values)
    return subject.kind == .string ? subject.text.decoded(in: line) : nil
  }

  var source: [UInt8] = []
  var id: [UInt8] = []

  private static let paths = PayloadPaths([])

  init?(_ line: Span<UInt8>) {
    var values = Self.paths.makeValues()
    Self.paths.extract(line, into: &values)
    let source = Self.paths.source(values)
    let id = Self.paths.id(values)
    guard source.kind == .string, id.kind == .string else { return nil }
    self.source = source.text.decoded(in: line)
    self.id = id.text.decoded(in: line)
  }
}
