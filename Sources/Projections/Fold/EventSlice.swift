/// Events as the facts see them, still in the order of the log: rows and operations side by side, since a fold comes to
/// them customer by customer and each row costs a cache line.
struct EventSlice: Sendable {
  struct Row: Sendable {
    var occurred: Int64
    var position: UInt64
    /// Rank of the customer within the pass.
    var rank: UInt32
    /// First operation, and how many.
    var start: UInt32
    var count: UInt32
  }

  private(set) var rows: [Row] = []
  private(set) var operations: [CustomerEvents.Operation] = []
  private var ended = 0
  /// Events left out by `ignore`.
  var ignored = 0
  /// Which reader numbered the strings of events before each index.
  private(set) var readers: [(end: Int, reader: Int)] = []

  var count: Int { rows.count }

  @inline(__always)
  mutating func add(_ operation: CustomerEvents.Operation) { operations.append(operation) }

  /// Ends an event whose operations have been added.
  mutating func endEvent(rank: UInt32, occurred: Int64, position: UInt64) {
    rows.append(
      Row(
        occurred: occurred, position: position, rank: rank, start: UInt32(ended),
        count: UInt32(operations.count - ended)))
    ended = operations.count
  }

  /// Takes back the operations of an event that is not ended: the rules ignore it.
  mutating func dropEvent() {
    operations.removeLast(operations.count - ended)
    ignored += 1
  }

  /// Says who numbered the strings of the events since the last call.
  mutating func endPart(reader: Int) { readers.append((count, reader)) }

  mutating func reserve(events: Int, operations count: Int) {
    rows.reserveCapacity(events)
    operations.reserveCapacity(count)
  }

  mutating func append(_ other: EventSlice) {
    let base = UInt32(operations.count)
    let events = count
    for row in other.rows {
      var row = row
      row.start += base
      rows.append(row)
    }
    operations += other.operations
    ended = operations.count
    ignored += other.ignored
    for part in other.readers { readers.append((events + part.end, part.reader)) }
  }

  /// Which reader numbered the strings of an event.
  func reader(of index: Int) -> Int {
    var low = 0
    var high = readers.count - 1
    while low < high {
      let middle = (low + high) / 2
      if readers[middle].end <= index { low = middle + 1 } else { high = middle }
    }
    return readers.isEmpty ? 0 : readers[low].reader
  }

  /// Copies event `index` to the end of a customer's events; strings get the numbers of `strings`.
  func copy(
    _ index: Int, to events: inout CustomerEvents, compiled: CompiledRules,
    strings: inout StringTranslation, interner: inout Interner
  ) {
    let row = rows[index]
    for number in Int(row.start)..<Int(row.start + row.count) {
      var operation = operations[number]
      if operation.isFeed && compiled.isStringFeed[operation.number] {
        operation.value = strings.number(
          operation.value, reader: reader(of: index), interner: &interner)
      }
      events.addOperation(operation)
    }
    events.endEvent(occurred: row.occurred, position: row.position)
  }
}

/// Numbers of strings in one thread's fold for the numbers that the readers gave.
struct StringTranslation {
  private let readers: [Interner]
  private var known: [[Int64]]

  init(readers: [Interner]) {
    self.readers = readers
    known = readers.map { Array(repeating: -1, count: $0.count) }
  }

  mutating func number(_ value: Int64, reader: Int, interner: inout Interner) -> Int64 {
    if value < 0 { return interner.number(of: readers[reader].string(value)) }
    let number = known[reader][Int(value)]
    if number >= 0 { return number }
    let fresh = interner.number(of: readers[reader].string(value))
    known[reader][Int(value)] = fresh
    return fresh
  }
}
