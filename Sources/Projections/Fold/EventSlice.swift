/// Events of one block as the facts see them, still in the order of the log.
struct EventSlice: Sendable {
  /// Rank of the customer within the pass.
  private(set) var ranks: [UInt32] = []
  private(set) var occurred: [Int64] = []
  private(set) var positions: [UInt64] = []
  private(set) var starts: [Int32] = [0]
  private(set) var operations: [CustomerEvents.Operation] = []
  private(set) var values: [Int64] = []
  /// Events left out by `ignore`.
  var ignored = 0
  /// Which reader numbered the strings of events before each index.
  private(set) var readers: [(end: Int, reader: Int)] = []

  var count: Int { ranks.count }

  @inline(__always)
  mutating func add(_ operation: CustomerEvents.Operation, value: Int64) {
    operations.append(operation)
    values.append(value)
  }

  /// Ends an event whose operations have been added.
  mutating func endEvent(rank: UInt32, occurred instant: Int64, position: UInt64) {
    ranks.append(rank)
    occurred.append(instant)
    positions.append(position)
    starts.append(Int32(operations.count))
  }

  /// Says who numbered the strings of the events since the last call.
  mutating func endPart(reader: Int) { readers.append((count, reader)) }

  mutating func reserve(events: Int, operations count: Int) {
    ranks.reserveCapacity(events)
    occurred.reserveCapacity(events)
    positions.reserveCapacity(events)
    starts.reserveCapacity(events + 1)
    operations.reserveCapacity(count)
    values.reserveCapacity(count)
  }

  mutating func append(_ other: EventSlice) {
    let base = Int32(operations.count)
    let events = count
    ranks += other.ranks
    occurred += other.occurred
    positions += other.positions
    for end in other.starts.dropFirst() { starts.append(base + end) }
    operations += other.operations
    values += other.values
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
    for operation in Int(starts[index])..<Int(starts[index + 1]) {
      let what = operations[operation]
      var value = values[operation]
      if what.isFeed && compiled.isStringFeed[what.number] {
        value = strings.number(value, reader: reader(of: index), interner: &interner)
      }
      events.addOperation(what, value: value)
    }
    events.endEvent(occurred: occurred[index], position: positions[index])
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
