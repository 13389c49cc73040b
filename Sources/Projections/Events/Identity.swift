/// Joins subjects to customers (contract §5, Identity).
struct Identity {
  /// An event that says: the subject named is the event's own subject.
  struct Link: Sendable {
    var occurred: Int64
    var position: UInt64
    /// Dense number of the event's subject.
    var subject: UInt32
    var named: [UInt8]
  }

  /// Who follows whom behind some links, in few words: what it takes to go on with later ones.
  struct Joins: Sendable {
    /// How many subjects the log had.
    var subjects = 0
    /// The last of the links; nil for none.
    var last: (occurred: Int64, position: UInt64)?
    /// By the number of the follower.
    var followers: [(subject: UInt32, follows: UInt32)] = []
    /// Names that no event carried, by their bytes.
    var strangers: [(name: [UInt8], follows: UInt32)] = []
    var faults = FaultCounts.Reasons()

    /// All follow subjects of the log, and nobody himself by way of others.
    fileprivate var isSound: Bool {
      let leaders = followers.map(\.follows) + strangers.map(\.follows)
      guard leaders.allSatisfy({ $0 < subjects }), followers.allSatisfy({ $0.subject < subjects })
      else { return false }
      var follows = Array(0..<UInt32(subjects))
      for pair in followers { follows[Int(pair.subject)] = pair.follows }
      // Whose way is known to end; each way is gone once.
      var ends = follows.indices.map { follows[$0] == UInt32($0) }
      for pair in followers {
        var (way, subject) = ([Int](), Int(pair.subject))
        while !ends[subject] {
          if way.count == followers.count { return false }
          way.append(subject)
          subject = Int(follows[subject])
        }
        for each in way { ends[each] = true }
      }
      return true
    }
  }

  /// By subject; itself where it follows nobody.
  private var follows: [UInt32]
  /// Names that no event carries: subjects all the same, without events.
  private var strangers: [[UInt8]: UInt32] = [:]
  private var last: (occurred: Int64, position: UInt64)?
  private(set) var faults = FaultCounts.Reasons()

  /// Takes `links` in the order (occurred, position). `numberOf` knows the subjects of the log.
  init(links: [Link], subjectCount: Int, numberOf: ([UInt8]) -> UInt32?) {
    follows = Array(0..<UInt32(subjectCount))
    take(links, numberOf: numberOf)
  }

  /// Goes on from what some links came to.
  ///
  /// - Parameters:
  ///   - subjectCount: not below what it was then.
  ///   - nameOf: each subject that the log has had since.
  /// - Returns: nil where links cannot have come to that.
  init?(_ joins: Joins, subjectCount: Int, nameOf: (UInt32) -> [UInt8]) {
    guard joins.isSound, joins.subjects <= subjectCount else { return nil }
    follows = Array(0..<UInt32(subjectCount))
    for pair in joins.followers { follows[Int(pair.subject)] = pair.follows }
    for stranger in joins.strangers { strangers[stranger.name] = stranger.follows }
    if !strangers.isEmpty {
      for subject in UInt32(joins.subjects)..<UInt32(subjectCount) {
        if let leader = strangers.removeValue(forKey: nameOf(subject)) {
          follows[Int(subject)] = leader
        }
      }
    }
    last = joins.last
    faults = joins.faults
  }

  /// All of some links come behind those that were taken.
  func isBefore(_ links: [Link]) -> Bool {
    guard let last else { return true }
    return links.allSatisfy { ($0.occurred, $0.position) > last }
  }

  /// Takes more links, which come behind those that were taken.
  mutating func take(_ links: [Link], numberOf: ([UInt8]) -> UInt32?) {
    let ordered = links.indices.sorted {
      (links[$0].occurred, links[$0].position) < (links[$1].occurred, links[$1].position)
    }
    for index in ordered {
      let (subject, position) = (links[index].subject, links[index].position)
      last = (links[index].occurred, position)
      guard let number = numberOf(links[index].named) else {
        if strangers[links[index].named] ?? subject != subject { faults.add(.follows, position) }
        strangers[links[index].named] = strangers[links[index].named] ?? subject
        continue
      }
      if follows[Int(number)] != number {
        if follows[Int(number)] != subject { faults.add(.follows, position) }
      } else if root(subject) == number {
        faults.add(.circle, position)
      } else {
        follows[Int(number)] = subject
      }
    }
  }

  private func root(_ subject: UInt32) -> UInt32 {
    var subject = subject
    while follows[Int(subject)] != subject { subject = follows[Int(subject)] }
    return subject
  }

  /// The subject that each one ends at, by dense number.
  func roots() -> [UInt32] {
    var roots = Array(0..<UInt32(follows.count))
    for subject in roots.indices where follows[subject] != UInt32(subject) {
      roots[subject] = root(UInt32(subject))
    }
    return roots
  }

  var joins: Joins {
    Joins(
      subjects: follows.count, last: last,
      followers: follows.indices.filter { follows[$0] != UInt32($0) }
        .map { (UInt32($0), follows[$0]) },
      strangers: strangers.map { ($0.key, $0.value) }
        .sorted { $0.name.lexicographicallyPrecedes($1.name) }, faults: faults)
  }
}
