/// Events as the facts see them, in the order of the log: flat words, so that a fold reads its customers' events in one stretch.
/// Positions are below 2^44, as no disk holds more events.
///
/// ```
/// event     = occurred · place · operation[]
/// place     = position << 20 | customer in its run << 11 | reader << 1 | has operations
/// operation = value << 18 | is wide << 17 | is last << 16 | code [· value, where it is wide]
/// ```
struct EventSlice: Sendable {
  private(set) var words: [UInt64] = []
  /// Where each event starts.
  private var starts: [Int] = []
  /// Rank within the pass of each event's customer.
  private var ranks: [UInt32] = []
  private var lastOperation = -1
  /// Events left out by `ignore`.
  var ignored = 0
  /// Which reader numbered the strings.
  let reader: Int

  /// Customers of one run: those that a thread folds at a time.
  static let runBits: UInt32 = 9
  static let runLength = 1 << Int(runBits)
  static let readerLimit = 1 << 10

  init(reader: Int = 0) { self.reader = reader }

  var count: Int { starts.count }

  mutating func removeAll() {
    words.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    ranks.removeAll(keepingCapacity: true)
    ignored = 0
  }

  /// Starts an event; its operations follow.
  @inline(__always)
  mutating func beginEvent(rank: UInt32, occurred: Int64, position: UInt64) {
    starts.append(words.count)
    ranks.append(rank)
    lastOperation = -1
    words.append(UInt64(bitPattern: occurred))
    let place = UInt64(rank & (1 << Self.runBits - 1)) << 11 | UInt64(reader) << 1
    words.append(position << 20 | place)
  }

  @inline(__always)
  mutating func add(_ operation: CustomerEvents.Operation) {
    lastOperation = words.count
    let code = UInt64(operation.code)
    if (operation.value << 18) >> 18 == operation.value {
      words.append(UInt64(bitPattern: operation.value) << 18 | code)
    } else {
      words.append(1 << 17 | code)
      words.append(UInt64(bitPattern: operation.value))
    }
  }

  @inline(__always)
  mutating func endEvent() {
    guard lastOperation >= 0, let start = starts.last else { return }
    words[lastOperation] |= 1 << 16
    words[start + 1] |= 1
  }

  /// Takes back the event at hand: the rules ignore it.
  mutating func dropEvent() {
    if let start = starts.popLast() { words.removeLast(words.count - start) }
    _ = ranks.popLast()
    ignored += 1
  }

  /// The events run by run, in the order of the log within each.
  func grouped(runs: Int) -> RunEvents {
    var result = RunEvents(ignored: ignored)
    result.count = count
    var next = Array(repeating: 0, count: runs + 1)
    for index in starts.indices {
      next[Int(ranks[index] >> Self.runBits) + 1] += end(index) - starts[index]
    }
    for run in 0..<runs { next[run + 1] += next[run] }
    result.starts = next
    result.words = Array(repeating: 0, count: words.count)
    for index in starts.indices {
      let run = Int(ranks[index] >> Self.runBits)
      var target = next[run]
      for source in starts[index]..<end(index) {
        result.words[target] = words[source]
        target += 1
      }
      next[run] = target
    }
    return result
  }

  @inline(__always)
  private func end(_ index: Int) -> Int {
    index + 1 < starts.count ? starts[index + 1] : words.count
  }
}

/// The events of one block, run by run.
struct RunEvents: Sendable {
  fileprivate(set) var words: [UInt64] = []
  /// Where each run starts, and the end.
  fileprivate(set) var starts: [Int] = []
  fileprivate(set) var count = 0
  let ignored: Int

  init(ignored: Int) { self.ignored = ignored }
}

/// The events of one run, customer by customer.
struct RunLoader {
  private var words: [UInt64] = []
  /// Where each event starts, by customer, in the order of the log.
  private var events: [UInt32] = []
  private var found: [UInt32] = []
  /// Where each customer's events end.
  private var ends = Array(repeating: 0, count: EventSlice.runLength)

  /// Gathers a run from all blocks.
  mutating func gather(_ run: Int, _ blocks: [RunEvents]) {
    words.removeAll(keepingCapacity: true)
    for block in blocks where block.starts.count > run + 1 {
      words += block.words[block.starts[run]..<block.starts[run + 1]]
    }
    group()
  }

  /// Takes the events of a slice with one customer, whose rank is 0.
  mutating func gather(_ slice: EventSlice) {
    words = slice.words
    group()
  }

  private mutating func group() {
    found.removeAll(keepingCapacity: true)
    for index in ends.indices { ends[index] = 0 }
    var offset = 0
    while offset < words.count {
      found.append(UInt32(offset))
      ends[customer(offset)] += 1
      offset = end(offset)
    }
    var sum = 0
    for index in ends.indices {
      let count = ends[index]
      ends[index] = sum
      sum += count
    }
    if events.count < found.count {
      events += Array(repeating: 0, count: found.count - events.count)
    }
    for start in found {
      let customer = customer(Int(start))
      events[ends[customer]] = start
      ends[customer] += 1
    }
  }

  @inline(__always)
  private func customer(_ offset: Int) -> Int {
    Int(truncatingIfNeeded: words[offset + 1] >> 11) & (EventSlice.runLength - 1)
  }

  /// Where the event after the one at `offset` starts.
  @inline(__always)
  private func end(_ offset: Int) -> Int {
    var next = offset + 2
    if words[offset + 1] & 1 == 0 { return next }
    while true {
      let operation = words[next]
      next += operation >> 17 & 1 != 0 ? 2 : 1
      if operation >> 16 & 1 != 0 { return next }
    }
  }

  /// Loads the events of one customer, by (occurred, position); false if there are none.
  mutating func load(
    _ customer: Int, into events: inout CustomerEvents, compiled: CompiledRules,
    strings: inout StringTranslation, interner: inout Interner
  ) -> Bool {
    let range = (customer == 0 ? 0 : ends[customer - 1])..<ends[customer]
    events.removeAll()
    if range.isEmpty { return false }
    sort(range)
    for index in range {
      let offset = Int(self.events[index])
      let place = words[offset + 1]
      var next = offset + 2
      var isLast = place & 1 == 0
      while !isLast {
        let word = words[next]
        next += 1
        var operation = CustomerEvents.Operation(
          value: Int64(bitPattern: word) >> 18, code: UInt16(truncatingIfNeeded: word))
        if word >> 17 & 1 != 0 {
          operation.value = Int64(bitPattern: words[next])
          next += 1
        }
        isLast = word >> 16 & 1 != 0
        if operation.isFeed && compiled.isStringFeed[operation.number] {
          let reader = Int(place >> 1) & (EventSlice.readerLimit - 1)
          operation.value = strings.number(operation.value, reader: reader, interner: &interner)
        }
        events.addOperation(operation)
      }
      events.endEvent(occurred: Int64(bitPattern: words[offset]), position: place >> 20)
    }
    return true
  }

  /// Events stand by position already, so that only late ones have to move.
  private mutating func sort(_ range: Range<Int>) {
    for index in range.dropFirst() {
      let event = events[index]
      let occurred = Int64(bitPattern: words[Int(event)])
      var place = index
      while place > range.lowerBound,
        Int64(bitPattern: words[Int(events[place - 1])]) > occurred
      {
        events[place] = events[place - 1]
        place -= 1
        if index - place > 64 {
          events[place] = event
          sortAll(range)
          return
        }
      }
      events[place] = event
    }
  }

  /// For customers whose events came in no order at all; offsets rise with positions, so that they break ties.
  private mutating func sortAll(_ range: Range<Int>) {
    let sorted = events[range].sorted {
      (Int64(bitPattern: words[Int($0)]), $0) < (Int64(bitPattern: words[Int($1)]), $1)
    }
    events.replaceSubrange(range, with: sorted)
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
