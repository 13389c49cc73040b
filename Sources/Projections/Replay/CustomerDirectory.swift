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
  /// Other subjects of customers that were joined, by rank, each list by name.
  var joined: [UInt32: [UInt32]] = [:]
  var identityFaults = FaultCounts.Reasons()
  /// By subject, where `ignore` reads nothing else; empty where each event has to be asked.
  var ignored: [Bool] = []
  /// Events in view, ignored ones included.
  var eventCount = 0

  static let absent = UInt32.max

  /// - Parameter counts: events in view by subject.
  init(counts: [UInt32], identity: Identity?, names: NameTable) {
    self.names = names
    let subjectCount = counts.count
    var total = Array(repeating: UInt32(0), count: subjectCount)
    ranks = Array(repeating: Self.absent, count: subjectCount)
    for subject in 0..<subjectCount where counts[subject] > 0 {
      total[Int(identity?.roots[subject] ?? UInt32(subject))] += counts[subject]
      eventCount += Int(counts[subject])
    }
    subjects = (0..<UInt32(subjectCount)).filter { total[Int($0)] > 0 }
    names.sortByName(&subjects)
    self.counts = subjects.map { total[Int($0)] }
    for (rank, subject) in subjects.enumerated() { ranks[Int(subject)] = UInt32(rank) }
    guard let identity else { return }
    identityFaults = identity.faults
    for subject in 0..<subjectCount {
      let root = identity.roots[subject]
      guard root != UInt32(subject) else { continue }
      let rank = ranks[Int(root)]
      guard rank != Self.absent else { continue }
      ranks[subject] = rank
      joined[rank, default: []].append(UInt32(subject))
    }
    for rank in joined.keys {
      names.sortByName(&joined[rank, default: []])
    }
  }

  /// How many customers there are; those of whom every event is ignored are among them.
  var count: Int { subjects.count }

  func name(of rank: UInt32) -> ArraySlice<UInt8> { names.bytes(of: subjects[Int(rank)]) }

  func withName<Output>(of rank: UInt32, _ body: (Span<UInt8>) -> Output) -> Output {
    names.withBytes(of: subjects[Int(rank)], body)
  }

  func text(of rank: UInt32) -> String { String(decoding: name(of: rank), as: UTF8.self) }

  /// The other subjects of a customer.
  func joinedNames(of rank: UInt32) -> [[UInt8]] {
    if joined.isEmpty { return [] }
    return (joined[rank] ?? []).map { Array(names.bytes(of: $0)) }
  }
}

extension NameTable {
  /// Sorts subjects by the bytes of their names; the first eight bytes decide most comparisons.
  func sortByName(_ subjects: inout [UInt32]) {
    var keyed = subjects.map { (prefix: prefix(of: $0), subject: $0) }
    keyed.sort { left, right in
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      return isOrdered(left.subject, right.subject)
    }
    subjects = keyed.map { $0.subject }
  }

  private func prefix(of subject: UInt32) -> UInt64 {
    let name = bytes(of: subject)
    var result: UInt64 = 0
    for index in 0..<8 {
      result = result << 8 | (index < name.count ? UInt64(name[name.startIndex + index]) : 0)
    }
    return result
  }

  private func isOrdered(_ left: UInt32, _ right: UInt32) -> Bool {
    bytes(of: left).lexicographicallyPrecedes(bytes(of: right))
  }
}
