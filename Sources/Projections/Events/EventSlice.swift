/// Events as the facts see them, in the order of the log. Positions are below 2^63.
struct EventSlice: Sendable {
  private var events: [Event] = []
  private var values: [Int64] = []

  private struct Event: BitwiseCopyable {
    var occurred: Int64
    var position: UInt64
    /// Rank within the pass of its customer.
    var rank: UInt32
    /// Number of its class.
    var number: Int32
    /// Where its values end.
    var end: Int32
  }

  /// Customers of one run: those that a thread folds at a time.
  static let runBits: UInt32 = 9
  static let runLength = 1 << Int(runBits)

  var count: Int { events.count }

  mutating func removeAll() {
    events.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  /// Adds the value of an event whose end follows.
  @inline(__always)
  mutating func add(_ value: Int64) { values.append(value) }

  /// Adds the operations of an event without a class.
  mutating func add(_ operations: [CustomerEvents.Operation]) {
    values.append(Int64(operations.count))
    for operation in operations {
      values.append(Int64(operation.code))
      values.append(operation.value)
    }
  }

  @inline(__always)
  mutating func endEvent(rank: UInt32, occurred: Int64, position: UInt64, number: Int32) {
    events.append(
      Event(
        occurred: occurred, position: position, rank: rank, number: number,
        end: Int32(truncatingIfNeeded: values.count)))
  }

  /// The events of one block run by run, in the order of the log within each.
  ///
  /// - Parameters:
  ///   - first: position of the block's first event.
  ///   - reader: who numbered classes and strings.
  func grouped(runs: Int, first: UInt64, reader: Int) -> RunEvents {
    var result = RunEvents(first: first, reader: reader, count: count)
    var next = Array(repeating: UInt32(0), count: runs + 1)
    var start: Int32 = 0
    for event in events {
      next[Int(event.rank >> Self.runBits) + 1] += UInt32(2 + event.end - start)
      start = event.end
    }
    for run in 0..<runs { next[run + 1] += next[run] }
    result.starts = next
    result.words = Array(repeating: 0, count: Int(next[runs]))
    var words = result.words.mutableSpan
    start = 0
    for event in events {
      let run = Int(event.rank >> Self.runBits)
      var target = Int(next[run])
      words[target] = event.occurred
      words[target + 1] = RunEvents.place(
        customer: event.rank & (1 << Self.runBits - 1), row: event.position - first,
        number: event.number)
      target += 2
      for place in Int(start)..<Int(event.end) {
        words[target] = values[place]
        target += 1
      }
      start = event.end
      next[run] = UInt32(target)
    }
    return result
  }

  /// Gives all events of one customer to a loader.
  func forEach(_ body: (UInt32, Int64, UInt64, Int32, ArraySlice<Int64>) -> Void) {
    var start = 0
    for event in events {
      let end = Int(event.end)
      body(event.rank, event.occurred, event.position, event.number, values[start..<end])
      start = end
    }
  }
}

/// The events of one block, run by run, as flat words.
///
/// ```
/// event = occurred · place · value[as many as its class says]
/// place = class << 23 | row in its block << 9 | customer in its run
/// ```
struct RunEvents: Sendable {
  fileprivate(set) var words: [Int64] = []
  /// Where each run starts, and the end.
  fileprivate(set) var starts: [UInt32] = []
  let first: UInt64
  let reader: Int
  let count: Int

  fileprivate init(first: UInt64, reader: Int, count: Int) {
    self.first = first
    self.reader = reader
    self.count = count
  }

  /// What an event takes in memory.
  static func bytes(values: Int) -> Int { 8 * (2 + values) }

  @inline(__always)
  fileprivate static func place(customer: UInt32, row: UInt64, number: Int32) -> Int64 {
    Int64(number) << 23 | Int64(row) << 9 | Int64(customer)
  }
}
