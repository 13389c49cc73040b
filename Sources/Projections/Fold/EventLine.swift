import EventStore

/// One event of the log, taken apart for people: its attributes and its line.
public struct EventLine: Sendable {
  public var position: UInt64
  /// Microseconds since 1970-01-01T00:00:00Z.
  public var occurred: Int64
  public var id: String
  public var source: String
  public var type: String
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

extension CustomerFold {
  /// Takes the events of one customer, in any order; those that the rules ignore are left out.
  ///
  /// The lines that count, in the order of the fold.
  mutating func load(_ lines: [EventLine]) -> [EventLine] {
    let ordered = lines.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
    var types: [ByteString: Int] = [:]
    var names: [[UInt8]] = []
    for line in ordered where types[ByteString(line.type)] == nil {
      types[ByteString(line.type)] = names.count
      names.append(Array(line.type.utf8))
    }
    var reader = EventReader(compiled, types: names)
    var slice = EventSlice()
    var taken: [EventLine] = []
    for line in ordered {
      guard let type = types[ByteString(line.type)] else { continue }
      slice.beginEvent(rank: 0, occurred: line.occurred, position: line.position)
      guard reader.read(line: line.line.span, type: type, into: &slice) else {
        slice.dropEvent()
        continue
      }
      slice.endEvent()
      taken.append(line)
    }
    var strings = StringTranslation(readers: [reader.interner])
    var loader = RunLoader()
    loader.gather(slice)
    _ = loader.load(
      0, into: &events, compiled: compiled, strings: &strings, interner: &evaluator.interner)
    return taken
  }
}
