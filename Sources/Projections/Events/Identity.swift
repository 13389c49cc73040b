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
    let ordered = links.sorted {
      ($0.occurred, $0.position) < ($1.occurred, $1.position)
    }
    var follows: [UInt32: UInt32] = [:]
    var strangers: [[UInt8]: UInt32] = [:]
    func root(_ subject: UInt32) -> UInt32 {
      var subject = subject
      while let next = follows[subject] { subject = next }
      return subject
    }
    for link in ordered {
      let named: UInt32
      if let number = numberOf(link.named) {
        named = number
      } else if let number = strangers[link.named] {
        named = number
      } else {
        named = UInt32(subjectCount + strangers.count)
        strangers[link.named] = named
      }
      if let current = follows[named] {
        if current != link.subject { faults.add(.follows, link.position) }
      } else if root(link.subject) == named {
        faults.add(.circle, link.position)
      } else {
        follows[named] = link.subject
      }
    }
    roots = Array(0..<UInt32(subjectCount))
    for subject in follows.keys where Int(subject) < subjectCount {
      roots[Int(subject)] = root(subject)
    }
  }
}
