import EventStore

extension CustomerFold {
  /// Takes the events of one customer, in any order; those that the rules ignore are left out.
  ///
  /// The lines that count, in the order of the fold.
  mutating func load(
    _ lines: [EventLine], classLimit: Int = EventClassTree.limit
  ) -> [EventLine] {
    let ordered = lines.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
    var types: [ByteString: Int] = [:]
    var names: [[UInt8]] = []
    for line in ordered where types[ByteString(line.type)] == nil {
      types[ByteString(line.type)] = names.count
      names.append(Array(line.type.utf8))
    }
    var reader = EventReader(compiled, types: names, classLimit: classLimit)
    var slice = EventSlice()
    var taken: [EventLine] = []
    for line in ordered {
      guard let type = types[ByteString(line.type)] else { continue }
      let isTaken = reader.read(
        line: line.line.span, type: type,
        at: .init(rank: 0, occurred: line.occurred, position: line.position), into: &slice)
      if isTaken { taken.append(line) }
    }
    let read = ReadEvents(compiled, [reader.found], blocks: [])
    var strings = StringTranslation(readers: read.readers)
    var loader = RunLoader()
    loader.gather(slice, read, strings: &strings, interner: &evaluator.interner)
    loader.begin(&events)
    _ = loader.load(0, into: &events)
    return taken
  }
}
