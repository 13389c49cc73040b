import EventStore

/// Who the customers are at as-of: subjects joined by `identity`, in the order of the bytes of their names.
struct CustomerDirectory: Sendable {
  /// Of all subjects of the log.
  let names: NameTable
  /// Rank of each subject's customer; `absent` where no event of it is in view.
  var ranks: [UInt32]
  /// Subject that names each customer, by rank.
  var subjects: [UInt32] = []
  /// Events in view, by rank, ignored ones included.
  var counts: [UInt32] = []
  /// Other subjects of customers that were joined, by rank, each customer's by name, and where each customer's begin; both
  /// empty where none was joined.
  private var joined: [UInt32] = []
  private var joinedStarts: [UInt32] = []
  var identityFaults = FaultCounts.Reasons()
  /// What the links of the rules' identity came to; nil where they join nobody.
  private var identity: Identity?
  /// By subject, where `ignore` reads nothing else; empty where each event has to be asked.
  var ignored: [Bool] = []
  /// Events in view, ignored ones included.
  var eventCount = 0
  /// Events in view by number of the raw type, ignored ones included.
  var typeCounts: [Int] = []

  static let absent = UInt32.max

  /// - Parameters:
  ///   - counts: events in view by subject.
  ///   - roots: of `identity`, where they are known.
  init(counts: [UInt32], identity: Identity?, roots: [UInt32]? = nil, names: NameTable) {
    self.names = names
    let subjectCount = counts.count
    var total = Array(repeating: UInt32(0), count: subjectCount)
    let roots = roots ?? identity?.roots()
    ranks = Array(repeating: Self.absent, count: subjectCount)
    for subject in 0..<subjectCount where counts[subject] > 0 {
      total[Int(roots?[subject] ?? UInt32(subject))] += counts[subject]
      eventCount += Int(counts[subject])
    }
    subjects = (0..<UInt32(subjectCount)).filter { total[Int($0)] > 0 }
    names.sortByName(&subjects)
    self.counts = subjects.map { total[Int($0)] }
    for (rank, subject) in subjects.enumerated() { ranks[Int(subject)] = UInt32(rank) }
    guard let identity, let roots else { return }
    identityFaults = identity.faults
    self.identity = identity
    var pairs: [UInt64] = []
    // Who has no event in view is nobody yet, whatever else the log holds.
    for subject in 0..<subjectCount where counts[subject] > 0 {
      let root = roots[subject]
      guard root != UInt32(subject) else { continue }
      let rank = ranks[Int(root)]
      guard rank != Self.absent else { continue }
      ranks[subject] = rank
      pairs.append(UInt64(rank) << 32 | UInt64(subject))
    }
    join(pairs)
  }

  /// - Parameters:
  ///   - counts: of the events in view.
  ///   - roots: of `identity`, where they are known.
  ///   - unusable: link events without a value.
  ///   - ignored: by subject, where `ignore` reads nothing else.
  init(
    _ counts: LogView.EventCounts, identity: Identity?, roots: [UInt32]? = nil,
    unusable: FaultCounts.Reasons, ignored: [Bool], names: NameTable
  ) {
    self.init(counts: counts.bySubject, identity: identity, roots: roots, names: names)
    typeCounts = counts.byType
    self.ignored = ignored
    identityFaults.add(unusable)
  }

  /// - Parameter pairs: rank << 32 | subject.
  private mutating func join(_ pairs: [UInt64]) {
    if pairs.isEmpty { return }
    joinedStarts = Array(repeating: 0, count: count + 1)
    var start = 0
    let sorted = pairs.sorted()
    while start < sorted.count {
      let rank = Int(sorted[start] >> 32)
      var own: [UInt32] = []
      while start < sorted.count && Int(sorted[start] >> 32) == rank {
        own.append(UInt32(truncatingIfNeeded: sorted[start]))
        start += 1
      }
      if own.count > 1 { names.sortByName(&own) }
      joined += own
      joinedStarts[rank + 1] = UInt32(own.count)
    }
    for rank in 0..<count { joinedStarts[rank + 1] += joinedStarts[rank] }
  }

  /// How many customers there are; those of whom every event is ignored are among them.
  var count: Int { subjects.count }

  /// Events in view of some customers, by their ranks.
  func events(of ranks: Range<Int>) -> Int { counts[ranks].reduce(0) { $0 + Int($1) } }

  func name(of rank: UInt32) -> ArraySlice<UInt8> { names.bytes(of: subjects[Int(rank)]) }

  func text(of rank: UInt32) -> String { String(decoding: name(of: rank), as: UTF8.self) }

  /// The other subjects of a customer, by name.
  func others(of rank: UInt32) -> ArraySlice<UInt32> {
    if joinedStarts.isEmpty { return [] }
    return joined[Int(joinedStarts[Int(rank)])..<Int(joinedStarts[Int(rank) + 1])]
  }

  /// The other subjects of all customers, each with its customer's rank, in the order of ranks.
  var allOthers: [(subject: UInt32, rank: UInt32)] {
    if joinedStarts.isEmpty { return [] }
    return (0..<UInt32(count)).flatMap { rank in others(of: rank).map { ($0, rank) } }
  }

  /// Gives two directories of one log the same ranks: those of all customers of both. Who is in the other one only has no
  /// events here.
  static func unite(_ a: inout CustomerDirectory, _ b: inout CustomerDirectory) {
    if a.subjects == b.subjects { return }
    var isThere = Array(repeating: false, count: max(a.ranks.count, b.ranks.count))
    for subject in a.subjects { isThere[Int(subject)] = true }
    for subject in b.subjects { isThere[Int(subject)] = true }
    var all = isThere.indices.filter { isThere[$0] }.map { UInt32($0) }
    a.names.sortByName(&all)
    a.spread(over: all)
    b.spread(over: all)
  }

  /// - Parameter all: subjects that name customers, by name, with all of the directory's own among them.
  private mutating func spread(over all: [UInt32]) {
    var fresh = Array(repeating: Self.absent, count: count)
    var own = 0
    for (rank, subject) in all.enumerated() where own < count && subjects[own] == subject {
      fresh[own] = UInt32(rank)
      own += 1
    }
    var counts = Array(repeating: UInt32(0), count: all.count)
    for (rank, place) in fresh.enumerated() { counts[Int(place)] = self.counts[rank] }
    for subject in ranks.indices where ranks[subject] != Self.absent {
      ranks[subject] = fresh[Int(ranks[subject])]
    }
    if !joinedStarts.isEmpty {
      var starts = Array(repeating: UInt32(0), count: all.count + 1)
      for (rank, place) in fresh.enumerated() {
        starts[Int(place) + 1] = joinedStarts[rank + 1] - joinedStarts[rank]
      }
      for rank in all.indices { starts[rank + 1] += starts[rank] }
      joinedStarts = starts
    }
    subjects = all
    self.counts = counts
  }

  /// What the links of the rules' identity came to; nil where they join nobody.
  var joins: Identity.Joins? { identity?.joins }

  /// The names of the other subjects of a customer.
  func joinedNames(of rank: UInt32) -> [[UInt8]] {
    let others = others(of: rank)
    return others.isEmpty ? [] : others.map { Array(names.bytes(of: $0)) }
  }
}

extension NameTable {
  /// Sorts subjects by the bytes of their names: by eight bytes behind what all names begin with, then name by name.
  func sortByName(_ subjects: inout [UInt32]) {
    guard let first = subjects.first else { return }
    var shared = withBytes(of: first) { $0.count }
    for subject in subjects where shared > 0 {
      shared = min(shared, sharedPrefix(first, subject))
    }
    var keyed: [Keyed] = []
    keyed.reserveCapacity(subjects.count)
    for subject in subjects {
      keyed.append(Keyed(key: key(of: subject, from: shared), subject: subject))
    }
    Self.sort(&keyed)
    var start = 0
    while start < keyed.count {
      var end = start + 1
      while end < keyed.count && keyed[end].key == keyed[start].key { end += 1 }
      if end - start > 1 {
        keyed[start..<end].sort { isOrdered($0.subject, $1.subject) }
      }
      start = end
    }
    for index in subjects.indices { subjects[index] = keyed[index].subject }
  }

  private struct Keyed: BitwiseCopyable {
    var key: UInt64
    var subject: UInt32
  }

  /// Sorts by the key, eleven bits at a time from the lowest on; digits that all keys share cost nothing.
  private static func sort(_ keyed: inout [Keyed]) {
    if keyed.count < 1024 { return keyed.sort { $0.key < $1.key } }
    var other = keyed
    for shift in stride(from: UInt64(0), to: 64, by: 11) {
      var counts = Array(repeating: 0, count: 1 << 11)
      for each in keyed { counts[Int(each.key >> shift & 0x7ff)] += 1 }
      if counts.contains(keyed.count) { continue }
      counts.turnIntoStarts()
      var target = other.mutableSpan
      for each in keyed {
        let digit = Int(each.key >> shift & 0x7ff)
        target[counts[digit]] = each
        counts[digit] += 1
      }
      swap(&keyed, &other)
    }
  }

  private func sharedPrefix(_ left: UInt32, _ right: UInt32) -> Int {
    withBytes(of: left) { left in
      withBytes(of: right) { right in
        var length = 0
        while length < min(left.count, right.count) && left[length] == right[length] {
          length += 1
        }
        return length
      }
    }
  }

  /// A shorter name comes first among those that begin with it, as zeros do; what still ties is compared in full.
  private func key(of subject: UInt32, from start: Int) -> UInt64 {
    withBytes(of: subject) { name in
      var result: UInt64 = 0
      for index in start..<start + 8 {
        result = result << 8 | (index < name.count ? UInt64(name[index]) : 0)
      }
      return result
    }
  }

  private func isOrdered(_ left: UInt32, _ right: UInt32) -> Bool {
    bytes(of: left).lexicographicallyPrecedes(bytes(of: right))
  }
}
