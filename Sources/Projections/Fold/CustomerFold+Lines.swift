import EventStore

extension CustomerFold {
  /// Takes the events of one customer, in any order; those that the rules ignore are left out.
  ///
  /// The lines that count, in the order of the fold.
  mutating func load(
    _ lines: [EventLine], classLimit: Int = EventClassTree.limit
  ) -> [EventLine] {
    var run = LineRun()
    run.gather([lines], for: &self, classLimit: classLimit)
    return run.load(0, into: &self)
  }
}

/// Events of a run of customers, taken out of their lines at once, since a reader costs more than a customer.
struct LineRun {
  /// How many customers may be taken at once.
  static let most = EventSlice.runLength

  private var loader = RunLoader()
  private var taken: [[EventLine]] = []

  /// Takes the events of some customers, each's in any order.
  mutating func gather(
    _ customers: [[EventLine]], for fold: inout CustomerFold,
    classLimit: Int = EventClassTree.limit
  ) {
    var types: [ByteString: Int] = [:]
    var names: [[UInt8]] = []
    for line in customers.joined() where types[ByteString(line.type)] == nil {
      types[ByteString(line.type)] = names.count
      names.append(Array(line.type.utf8))
    }
    var reader = EventReader(fold.compiled, types: names, classLimit: classLimit)
    var slice = EventSlice()
    taken = customers.enumerated().map { rank, lines in
      lines.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }.filter { line in
        guard let type = types[ByteString(line.type)] else { return false }
        return reader.read(
          line: line.line.span, type: type,
          at: .init(rank: UInt32(rank), occurred: line.occurred, position: line.position),
          into: &slice)
      }
    }
    let read = ReadEvents(fold.compiled, [reader.found], blocks: [])
    var strings = StringTranslation(readers: read.readers)
    loader.gather(slice, read, strings: &strings, interner: &fold.evaluator.interner)
    loader.begin(&fold.events)
  }

  /// Loads the events of one of them: the lines that count, in the order of the fold.
  mutating func load(_ customer: Int, into fold: inout CustomerFold) -> [EventLine] {
    _ = loader.load(customer, into: &fold.events)
    return taken[customer]
  }
}
