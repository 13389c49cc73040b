/// The events of one customer in view, by (occurred, position), with what each gives to the facts.
struct CustomerEvents: Sendable {
  private(set) var occurred: [Int64] = []
  /// Where each stands, and what it is.
  private(set) var places: [Place] = []
  /// Of this customer and others.
  private(set) var values: [Int64] = []
  private(set) var table = EventClassTable.empty

  /// An event but for its instant.
  struct Place: Sendable, BitwiseCopyable {
    /// In the log.
    var position: UInt64
    /// Number of the class in `table`.
    var number: Int32
    /// Where the event's values begin.
    var first: Int32
  }

  /// What an event does: feed a fact, fail to, or fail at the `where` of an alias.
  struct Operation: Sendable {
    /// What the fact gets: a value of its field in 64 bits, 0 where it only counts; of a fault its reason.
    var value: Int64
    var code: UInt16
    private static let feedFault: UInt16 = 1 << 14
    private static let aliasFault: UInt16 = 1 << 15

    static func feed(_ number: Int, value: Int64) -> Operation {
      Operation(value: value, code: UInt16(number))
    }
    static func feedFault(_ number: Int, _ reason: FaultReason) -> Operation {
      Operation(value: Int64(reason.rawValue), code: UInt16(number) | feedFault)
    }
    static func aliasFault(_ number: Int, _ reason: FaultReason) -> Operation {
      Operation(value: Int64(reason.rawValue), code: UInt16(number) | aliasFault)
    }
    var reason: FaultReason { FaultReason(rawValue: UInt8(truncatingIfNeeded: value)) ?? .error }
    @inline(__always) var isFeed: Bool { code < Self.feedFault }
    var isAliasFault: Bool { code >= Self.aliasFault }
    @inline(__always) var number: Int { Int(code & 0x3fff) }
  }

  var count: Int { occurred.count }

  func position(_ event: Int) -> UInt64 { places[event].position }

  /// How many operations an event has.
  func operationCount(_ event: Int) -> Int {
    let number = Int(places[event].number)
    if number == EventClassTable.own { return Int(values[Int(places[event].first)]) }
    return Int(table.partStarts[number + 1] - table.partStarts[number])
  }

  func operation(_ event: Int, _ index: Int) -> Operation {
    let number = Int(places[event].number)
    let first = Int(places[event].first)
    if number == EventClassTable.own {
      let place = first + 1 + 2 * index
      return Operation(value: values[place + 1], code: UInt16(truncatingIfNeeded: values[place]))
    }
    let part = table.parts[Int(table.partStarts[number]) + index]
    return Operation(
      value: part.place < 0 ? part.constant : values[first + Int(part.place)], code: part.code)
  }

  /// The first of them.
  func first(_ count: Int) -> CustomerEvents {
    var events = self
    events.occurred.removeLast(self.count - count)
    events.places.removeLast(self.count - count)
    return events
  }

  mutating func removeAll() {
    occurred.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
  }

  /// Takes the values and classes that the events of the next customers refer to, for those that it had.
  mutating func exchange(values: inout [Int64], of table: EventClassTable) {
    swap(&self.values, &values)
    self.table = table
  }

  /// Takes the events of a customer.
  mutating func take(_ occurred: ArraySlice<Int64>, _ places: ArraySlice<Place>) {
    removeAll()
    self.occurred.append(contentsOf: occurred)
    self.places.append(contentsOf: places)
  }
}

extension CompiledRules {
  /// The feeds that an operation of an event goes to; none where it is a fault.
  func feeds(of operation: CustomerEvents.Operation) -> [Int] {
    guard operation.isFeed, operation.number < feedGroups.count else { return [] }
    return feedGroups[operation.number]
  }
}
