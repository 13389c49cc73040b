/// The events of one customer in view, by (occurred, position), with what each gives to the facts.
struct CustomerEvents: Sendable {
  private(set) var occurred: [Int64] = []
  private(set) var position: [UInt64] = []
  /// Operations of event n: `starts[n] ..< starts[n + 1]`.
  private(set) var starts: [Int32] = [0]
  private(set) var operations: [Operation] = []

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

  mutating func removeAll() {
    occurred.removeAll(keepingCapacity: true)
    position.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    starts.append(0)
    operations.removeAll(keepingCapacity: true)
  }

  @inline(__always)
  mutating func addOperation(_ operation: Operation) { operations.append(operation) }

  /// Ends an event whose operations have been added.
  @inline(__always)
  mutating func endEvent(occurred instant: Int64, position place: UInt64) {
    occurred.append(instant)
    position.append(place)
    starts.append(Int32(operations.count))
  }
}
