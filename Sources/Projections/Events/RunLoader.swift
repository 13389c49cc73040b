/// The events of one run, customer by customer.
struct RunLoader {
  // In the order of the log within each customer.
  private var occurred: [Int64] = []
  private var places: [CustomerEvents.Place] = []
  private var values: [Int64] = []
  private var table = EventClassTable.empty
  /// Where each customer's events end.
  private var ends = Array(repeating: 0, count: EventSlice.runLength)
  /// As they are gathered, block by block.
  private var gathered: [Gathered] = []

  private struct Gathered: BitwiseCopyable {
    var occurred: Int64
    var place: CustomerEvents.Place
    var customer: Int32
  }

  /// Gathers a run from all blocks.
  mutating func gather(
    _ run: Int, _ read: ReadEvents, strings: inout StringTranslation, interner: inout Interner
  ) {
    gathered.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    table = read.table
    for block in read.blocks where block.starts.count > run + 1 {
      add(block, run, read, &strings, &interner)
    }
    group()
  }

  private mutating func add(
    _ block: RunEvents, _ run: Int, _ read: ReadEvents, _ strings: inout StringTranslation,
    _ interner: inout Interner
  ) {
    let ownNumbers = read.numbers[block.reader]
    let numbers = ownNumbers.span
    let valueCounts = read.table.valueCounts
    let counts = valueCounts.span
    let words = block.words.span
    var offset = Int(block.starts[run])
    let end = Int(block.starts[run + 1])
    while offset < end {
      let place = words[offset + 1]
      let number = numbers[Int(place >> 23)]
      let first = begin(
        words[offset], position: block.first + UInt64(place >> 9 & 0x3fff), number: number,
        customer: Int32(place & 0x1ff))
      offset += 2
      let count =
        number == EventClassTable.own ? 1 + 2 * Int(words[offset]) : Int(counts[Int(number)])
      for _ in 0..<count {
        values.append(words[offset])
        offset += 1
      }
      if read.hasStrings {
        translate(number, first, read, reader: block.reader, &strings, &interner)
      }
    }
  }

  /// Takes an event whose values follow; where they begin.
  @inline(__always)
  private mutating func begin(
    _ occurred: Int64, position: UInt64, number: Int32, customer: Int32
  ) -> Int {
    let first = values.count
    gathered.append(
      Gathered(
        occurred: occurred,
        place: .init(
          position: position, number: number, first: Int32(truncatingIfNeeded: first)),
        customer: customer))
    return first
  }

  /// Puts the fold's numbers of strings in place of the reader's.
  private mutating func translate(
    _ number: Int32, _ first: Int, _ read: ReadEvents, reader: Int,
    _ strings: inout StringTranslation, _ interner: inout Interner
  ) {
    func translate(_ place: Int) {
      values[place] = strings.number(values[place], reader: reader, interner: &interner)
    }
    if number != EventClassTable.own {
      for place in read.table.stringPlaces[Int(number)] { translate(first + place) }
      return
    }
    for index in 0..<Int(values[first]) {
      let place = first + 1 + 2 * index
      let operation = CustomerEvents.Operation(
        value: values[place + 1], code: UInt16(truncatingIfNeeded: values[place]))
      if operation.isFeed && read.isStringFeed[operation.number] { translate(place + 1) }
    }
  }

  /// Takes the events of a slice of no more customers than a run has, read by the only reader.
  mutating func gather(
    _ slice: EventSlice, _ read: ReadEvents, strings: inout StringTranslation,
    interner: inout Interner
  ) {
    gathered.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    table = read.table
    slice.forEach { rank, occurred, position, own, brought in
      let number = read.numbers[0][Int(own)]
      let first = begin(occurred, position: position, number: number, customer: Int32(rank))
      values += brought
      translate(number, first, read, reader: 0, &strings, &interner)
    }
    group()
  }

  private mutating func group() {
    for index in ends.indices { ends[index] = 0 }
    for event in gathered { ends[Int(event.customer)] += 1 }
    ends.turnIntoStarts()
    let missing = gathered.count - occurred.count
    if missing > 0 {
      occurred += Array(repeating: 0, count: missing)
      places += Array(repeating: .init(position: 0, number: 0, first: 0), count: missing)
    }
    for event in gathered {
      let target = ends[Int(event.customer)]
      ends[Int(event.customer)] = target + 1
      occurred[target] = event.occurred
      places[target] = event.place
    }
  }

  /// Hands the values of the run that was gathered to `events`.
  mutating func begin(_ events: inout CustomerEvents) {
    events.exchange(values: &values, of: table)
  }

  /// Loads the events of one customer, by (occurred, position); false if there are none.
  mutating func load(_ customer: Int, into events: inout CustomerEvents) -> Bool {
    let range = (customer == 0 ? 0 : ends[customer - 1])..<ends[customer]
    if range.isEmpty {
      events.removeAll()
      return false
    }
    sort(range)
    events.take(occurred[range], places[range])
    return true
  }

  /// Events stand by position already, so that only late ones have to move.
  private mutating func sort(_ range: Range<Int>) {
    for index in range.dropFirst() where occurred[index] < occurred[index - 1] {
      let instant = occurred[index]
      var place = index
      while place > range.lowerBound && occurred[place - 1] > instant { place -= 1 }
      if index - place > 64 { return sortAll(range) }
      move(index, to: place)
    }
  }

  private mutating func move(_ index: Int, to place: Int) {
    let (instant, event) = (occurred[index], places[index])
    var target = index
    while target > place {
      occurred[target] = occurred[target - 1]
      places[target] = places[target - 1]
      target -= 1
    }
    occurred[place] = instant
    places[place] = event
  }

  /// For customers whose events came in no order at all.
  private mutating func sortAll(_ range: Range<Int>) {
    let order = range.sorted {
      (occurred[$0], places[$0].position) < (occurred[$1], places[$1].position)
    }
    let sorted = (order.map { occurred[$0] }, order.map { places[$0] })
    occurred.replaceSubrange(range, with: sorted.0)
    places.replaceSubrange(range, with: sorted.1)
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
    let number = known[reader][Int(value)]
    if number >= 0 { return number }
    let fresh = interner.number(of: readers[reader].string(value))
    known[reader][Int(value)] = fresh
    return fresh
  }
}

/// The events of a pass, block by block, what they are, and who numbered their strings.
struct ReadEvents: Sendable {
  let blocks: [RunEvents]
  /// Events left out by `ignore`.
  let ignored: Int64
  let readers: [Interner]
  let table: EventClassTable
  /// Number in the table of each reader's classes.
  let numbers: [[Int32]]
  /// How many of the events are which alias.
  let aliases: FaultCounts
  let isStringFeed: [Bool]

  /// Some value is a string.
  let hasStrings: Bool

  init(_ compiled: CompiledRules, _ parts: [EventReader.Found], blocks: [RunEvents]) {
    self.blocks = blocks
    ignored = parts.reduce(0) { $0 + $1.ignored }
    readers = parts.map(\.interner)
    let isStringField = compiled.fields.map { $0.field.type == .string }
    (table, numbers) = EventClassTable.joined(
      parts.map(\.classes), isStringField: isStringField)
    isStringFeed = compiled.isStringFeed
    hasStrings = isStringFeed.contains(true)
    var aliases = FaultCounts(compiled)
    for part in parts {
      for alias in part.typed.indices {
        aliases.typed[alias] += part.typed[alias]
        aliases.matched[alias] += part.matched[alias]
      }
    }
    self.aliases = aliases
  }

  var count: Int64 { Int64(blocks.reduce(0) { $0 + $1.count }) }
}
