import EventStore

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
