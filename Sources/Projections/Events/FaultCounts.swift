/// Faults of some customers, to be added up.
struct FaultCounts: Sendable, Equatable {
  struct Entry: Sendable, Equatable {
    var count: Int64 = 0
    var firstPosition: UInt64 = .max

    mutating func add(_ position: UInt64, count more: Int64 = 1) {
      count += more
      firstPosition = min(firstPosition, position)
    }
  }

  /// Entries of one thing, by reason.
  struct Reasons: Sendable, Equatable {
    private var entries: [Entry] = []

    mutating func add(_ reason: FaultReason, _ position: UInt64, count: Int64 = 1) {
      if entries.isEmpty {
        entries = Array(repeating: Entry(), count: FaultReason.allCases.count)
      }
      entries[Int(reason.rawValue)].add(position, count: count)
    }

    mutating func add(_ other: Reasons) {
      for (reason, entry) in other.found {
        add(reason, entry.firstPosition, count: entry.count)
      }
    }

    /// What was counted, in the order of the reasons.
    var found: [(reason: FaultReason, entry: Entry)] {
      zip(FaultReason.allCases, entries).filter { $1.count > 0 }.map { ($0, $1) }
    }

    var count: Int64 { entries.reduce(0) { $0 + $1.count } }
  }

  /// Events left out, by feed; a sum that left the range of its type is one of them.
  var feeds: [Reasons]
  /// Events that gave a feed something, by the first of those that share them.
  var given: [Int64]
  var aliases: [Reasons]
  /// Events of the raw types of each alias, and those of them that are the alias.
  var typed: [Int64]
  var matched: [Int64]
  var identity = Reasons()
  /// Customers, of transitions or of stages with conditions.
  var conditions: [Reasons]
  /// Customers, of segments.
  var segments: [Reasons]
  /// Purchases of `clv` with an amount below zero.
  var negativePurchases = Entry()

  init(_ compiled: CompiledRules) {
    feeds = Array(repeating: Reasons(), count: compiled.feeds.count)
    given = Array(repeating: 0, count: compiled.feeds.count)
    aliases = Array(repeating: Reasons(), count: compiled.rules.aliases.count)
    typed = Array(repeating: 0, count: compiled.rules.aliases.count)
    matched = typed
    conditions = Array(repeating: Reasons(), count: compiled.conditions.count)
    segments = Array(repeating: Reasons(), count: compiled.segments.count)
  }

  mutating func add(_ other: FaultCounts) {
    func merge(_ left: inout [Reasons], _ right: [Reasons]) {
      for index in left.indices { left[index].add(right[index]) }
    }
    func merge(_ left: inout [Int64], _ right: [Int64]) {
      for index in left.indices { left[index] += right[index] }
    }
    merge(&feeds, other.feeds)
    merge(&given, other.given)
    merge(&aliases, other.aliases)
    merge(&typed, other.typed)
    merge(&matched, other.matched)
    identity.add(other.identity)
    merge(&conditions, other.conditions)
    merge(&segments, other.segments)
    negativePurchases.add(
      other.negativePurchases.firstPosition, count: other.negativePurchases.count)
  }
}
