/// Looks for the smallest set of one customer's events that alone gives one of its rows.
///
/// What is found was folded. Of sets that were not folded it is known that they cannot do: what stands behind the row changes
/// nothing of it, the event that the row is anchored in has to be there, an event that gives nothing to what the transitions read
/// can matter as the first of a set only, where the customer enters, and the condition that was taken and those on the way to its
/// stage ask for so many events (``MinimalNeeds``).
struct MinimalSearch {
  private var fold: CustomerFold
  private let events: CustomerEvents
  private let target: FoldRow
  private let identity: IdentityCheck?
  /// By number of the event.
  private let givesNothing: [Bool]
  /// What may stand in a set, by position.
  private let candidates: [Int]
  /// The same without the anchor, which is in every set.
  private let others: [Int]
  private let anchor: [Int]
  private let needs: MinimalNeeds
  private let weight: Int
  /// Work that may still be done: a fold costs its events, and a little for itself.
  private var workLeft: Int
  private(set) var folds = 0

  /// What was found.
  struct Found {
    /// Numbers of events, in the order of the fold.
    var events: [Int]
    /// No event can be left out.
    var isIrreducible: Bool
    /// All sets with fewer events than this were folded.
    var triedBelow: Int
    /// No set of as many events stands earlier.
    var isEarliest: Bool
    /// No smaller set gives the row.
    var isSmallest: Bool { triedBelow >= events.count }
  }

  /// - Parameters:
  ///   - loaded: a fold that has taken the customer's events.
  ///   - target: one of the rows that it came to.
  ///   - lines: the events.
  ///   - work: events that may be folded in all, 24 more for each fold.
  init(
    _ loaded: CustomerFold, target: FoldRow, customer: String, lines: [EventLine], work: Int
  ) {
    fold = loaded
    fold.observer = nil
    fold.wantsRowsOnly = true
    events = loaded.events
    self.target = target
    workLeft = work
    let compiled = loaded.compiled
    let identity = IdentityCheck(compiled, customer: customer, lines: lines)
    self.identity = identity
    needs = MinimalNeedsReader.needs(loaded, of: target)
    weight = needs.weight
    var read: Set<Int> = []
    for condition in compiled.conditions where condition.root >= 0 {
      read.formUnion(compiled.program.feeds(under: condition.root))
    }
    let events = loaded.events
    // Any event lets timers begin to be counted anew.
    let isLong = loaded.result.rows.count >= CustomerFold.timerRowLimit
    givesNothing = (0..<events.count).map { event in
      if isLong || identity?.isLink(event) == true { return false }
      return !(0..<events.operationCount(event)).contains { number in
        compiled.feeds(of: events.operation(event, number)).contains { read.contains($0) }
      }
    }
    candidates = (0..<events.count)
      .filter { event in
        let isBehind =
          target.isTimer ? events.occurred[event] >= target.at : event > Int(target.anchor)
        return !isBehind || identity?.isLink(event) == true
      }
      .sorted { events.position($0) < events.position($1) }
    anchor = target.anchor >= 0 ? [Int(target.anchor)] : []
    others = candidates.filter { Int32($0) != target.anchor }
  }

  /// Nil where not even all events together give the row.
  mutating func run() -> Found? {
    // The first check is done whatever the work.
    guard holds(candidates) else { return nil }
    var found = Found(
      events: candidates, isIrreducible: false, triedBelow: 0, isEarliest: false)
    reduce(&found)
    enumerate(&found)
    found.events.sort()
    return found
  }

  // MARK: Fewer and fewer

  /// Leaves out events, many at a time and then one by one, the last ones first.
  private mutating func reduce(_ found: inout Found) {
    var length = max(1, found.events.count / 2)
    while true {
      var hasRemoved = false
      var end = found.events.count
      while end > 0 {
        if workLeft <= 0 { return }
        let start = max(0, end - length)
        let rest = found.events.enumerated().filter {
          !(start..<end).contains($0.offset) || $0.element == Int(target.anchor)
        }.map(\.element)
        if rest.count < found.events.count, holds(rest) {
          found.events = rest
          hasRemoved = true
        }
        end = start
      }
      if length == 1 && !hasRemoved { break }
      length = max(1, length / 2)
    }
    found.isIrreducible = true
  }

  // MARK: All sets of a size

  /// Folds all sets, the smaller first and among those of one size the earlier, until one gives the row.
  private mutating func enumerate(_ found: inout Found) {
    for size in 1...found.events.count {
      var set = anchor
      switch look(size - anchor.count, from: 0, &set) {
      case .none: found.triedBelow = size + 1
      case .found:
        found = Found(events: set, isIrreducible: true, triedBelow: size, isEarliest: true)
        return
      case .exhausted:
        found.triedBelow = size
        return
      }
    }
  }

  private enum Look { case none, found, exhausted }

  /// Completes `set` with as many events as there is room for, from `place` on, in the order of their positions. The anchor is in
  /// all sets, and so changes nothing of which of two stands earlier.
  private mutating func look(_ room: Int, from place: Int, _ set: inout [Int]) -> Look {
    if workLeft <= 0 { return .exhausted }
    workLeft -= 4 + weight * (4 + (others.count - place) / 16)
    if room < 0 { return .none }
    guard needs.canBeMet(set, room: room, others: others[place...]) else { return .none }
    if room == 0 { return isPlausible(set) && holds(set) ? .found : .none }
    let hasIdle = set.dropFirst(anchor.count).contains { givesNothing[$0] }
    for next in place..<others.count {
      if others.count - next < room { break }
      // Two that give nothing are not both the first.
      if hasIdle && givesNothing[others[next]] { continue }
      set.append(others[next])
      let result = look(room - 1, from: next + 1, &set)
      if result != .none { return result }
      set.removeLast()
    }
    return .none
  }

  /// Whether events that give nothing stand at the beginning of a set only, or are the anchor.
  private func isPlausible(_ set: [Int]) -> Bool {
    guard let first = set.filter({ events.occurred[$0] <= target.at }).min() else { return false }
    return set.allSatisfy { $0 == first || Int32($0) == target.anchor || !givesNothing[$0] }
  }

  // MARK: One set

  /// Whether a set of events alone gives the row, to the same customer.
  private mutating func holds(_ set: [Int]) -> Bool {
    if let identity, !identity.isOneCustomer(set) { return false }
    let numbers = set.filter { events.occurred[$0] <= target.at }.sorted()
    if numbers.isEmpty { return false }
    workLeft -= 24 + numbers.count
    folds += 1
    fold.events.take(
      numbers.map { events.occurred[$0] }[...], numbers.map { events.places[$0] }[...])
    fold.fold(asOf: target.at)
    return fold.result.rows.contains { row in
      var named = row
      named.anchor = row.anchor < 0 ? -1 : Int32(numbers[Int(row.anchor)])
      return named == target
    }
  }
}

/// Whether some of a customer's events alone join all their subjects to that customer.
private struct IdentityCheck {
  private let customer: String
  private let subjects: [String]
  /// The subject that an event names, by its number.
  private let named: [String?]

  /// Nil where there is nothing to join.
  init?(_ compiled: CompiledRules, customer: String, lines: [EventLine]) {
    guard let field = compiled.identityField, lines.contains(where: { $0.subject != customer })
    else { return nil }
    self.customer = customer
    subjects = lines.map(\.subject)
    named = lines.map { line in
      var reader = EventReader(compiled, types: [Array(line.type.utf8)])
      guard case .named(let bytes) = reader.link(line: line.line.span, type: 0, identity: field)
      else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  func isLink(_ event: Int) -> Bool { named[event] != nil }

  func isOneCustomer(_ set: [Int]) -> Bool {
    var follows: [String: String] = [:]
    func root(_ subject: String) -> String {
      var subject = subject
      while let next = follows[subject] { subject = next }
      return subject
    }
    // Events are numbered by (occurred, position), the order in which links are taken.
    for event in set.sorted() {
      guard let other = named[event], follows[other] == nil else { continue }
      if root(subjects[event]) != other { follows[other] = subjects[event] }
    }
    return set.allSatisfy { root(subjects[$0]) == customer }
  }
}
