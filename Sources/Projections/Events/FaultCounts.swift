/// Faults of some customers, to be added up.
struct FaultCounts: Sendable, Equatable {
  struct Entry: Sendable, Equatable {
    var count: Int64 = 0
    var firstPosition: UInt64 = .max

    mutating func add(_ position: UInt64, count more: Int64 = 1) {
      count += more
      firstPosition = min(firstPosition, position)
    }

    /// Puts what some customers come to now in place of what they came to before.
    ///
    /// - Returns: false where the first position cannot be told: it was theirs, and is no more.
    mutating func replace(_ before: Entry, with after: Entry) -> Bool {
      count += after.count - before.count
      if count == 0 {
        self = Entry()
        return true
      }
      if before.count == 0 || before.firstPosition > firstPosition {
        firstPosition = min(firstPosition, after.firstPosition)
        return true
      }
      // Nobody else has an earlier one.
      guard after.count > 0, after.firstPosition <= firstPosition else { return false }
      firstPosition = after.firstPosition
      return true
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

    /// As ``Entry/replace(_:with:)``, reason by reason.
    mutating func replace(_ before: Reasons, with after: Reasons) -> Bool {
      if before.entries.isEmpty && after.entries.isEmpty { return true }
      func padded(_ entries: [Entry]) -> [Entry] {
        entries.isEmpty
          ? Array(repeating: Entry(), count: FaultReason.allCases.count) : entries
      }
      entries = padded(entries)
      var isKnown = true
      for (index, pair) in zip(padded(before.entries), padded(after.entries)).enumerated()
      where !entries[index].replace(pair.0, with: pair.1) { isKnown = false }
      if entries.allSatisfy({ $0.count == 0 }) { entries = [] }
      return isKnown
    }
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

  /// Puts what some customers come to now in place of what they came to before.
  ///
  /// - Parameter after: has all faults of `identity`, which are nobody's.
  /// - Returns: false where a first position cannot be told without a look at everybody.
  mutating func replace(_ before: FaultCounts, with after: FaultCounts) -> Bool {
    func replace(_ all: inout [Int64], _ before: [Int64], _ after: [Int64]) {
      for index in all.indices { all[index] += after[index] - before[index] }
    }
    var isKnown = negativePurchases.replace(before.negativePurchases, with: after.negativePurchases)
    func replace(_ all: inout [Reasons], _ before: [Reasons], _ after: [Reasons]) {
      for index in all.indices where !all[index].replace(before[index], with: after[index]) {
        isKnown = false
      }
    }
    replace(&feeds, before.feeds, after.feeds)
    replace(&aliases, before.aliases, after.aliases)
    replace(&conditions, before.conditions, after.conditions)
    replace(&segments, before.segments, after.segments)
    replace(&given, before.given, after.given)
    replace(&typed, before.typed, after.typed)
    replace(&matched, before.matched, after.matched)
    identity = after.identity
    return isKnown
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
