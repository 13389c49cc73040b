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

  /// The subject that each one ends at, by dense number.
  private(set) var roots: [UInt32]
  private(set) var faults = FaultCounts.Reasons()

  /// Takes `links` in the order (occurred, position). `numberOf` knows the subjects of the log; a name that no event
  /// carries is a subject all the same, without events.
  init(links: [Link], subjectCount: Int, numberOf: ([UInt8]) -> UInt32?) {
    let ordered = links.indices.sorted {
      (links[$0].occurred, links[$0].position) < (links[$1].occurred, links[$1].position)
    }
    // By subject, strangers behind those of the log; itself where it follows nobody.
    var follows = Array(0..<UInt32(subjectCount))
    var strangers: [[UInt8]: UInt32] = [:]
    func root(_ subject: UInt32) -> UInt32 {
      var subject = subject
      while follows[Int(subject)] != subject { subject = follows[Int(subject)] }
      return subject
    }
    for index in ordered {
      let (subject, position) = (links[index].subject, links[index].position)
      let named: UInt32
      if let number = numberOf(links[index].named) {
        named = number
      } else if let number = strangers[links[index].named] {
        named = number
      } else {
        named = UInt32(follows.count)
        strangers[links[index].named] = named
        follows.append(named)
      }
      if follows[Int(named)] != named {
        if follows[Int(named)] != subject { faults.add(.follows, position) }
      } else if root(subject) == named {
        faults.add(.circle, position)
      } else {
        follows[Int(named)] = subject
      }
    }
    roots = Array(0..<UInt32(subjectCount))
    for subject in roots.indices where follows[subject] != UInt32(subject) {
      roots[subject] = root(UInt32(subject))
    }
  }
}
