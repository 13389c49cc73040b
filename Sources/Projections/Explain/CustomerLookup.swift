import EventStore

/// Finds the subjects and the events of one customer in a log.
public enum CustomerLookup {
  /// All subjects of the customer that `subject` belongs to, its name first; nil if no event of it is in view.
  public static func subjects(
    of subject: String, view: LogView, compiled: CompiledRules
  ) throws -> [String]? {
    guard compiled.rules.identity != nil else { return [subject] }
    let names = try view.snapshot.subjectNames()
    let directory = try view.directory(compiled, names: names, threads: 1)
    func text(_ number: UInt32) -> String {
      String(decoding: names.bytes(of: number), as: UTF8.self)
    }
    guard let number = names.number(of: Array(subject.utf8).span) else { return nil }
    let rank = directory.ranks[Int(number)]
    if rank == CustomerDirectory.absent { return nil }
    return [text(directory.subjects[Int(rank)])] + (directory.joined[rank] ?? []).map(text)
  }

  /// The events in view of some subjects, in the order of the log.
  public static func lines(of subjects: [String], view: LogView) throws -> [EventLine] {
    let names = try view.snapshot.subjectNames()
    var positions: [UInt64] = []
    for subject in subjects {
      guard let number = names.number(of: Array(subject.utf8).span) else { continue }
      positions += try view.snapshot.positions(ofSubject: number).filter { $0 < view.size }
    }
    var lines: [EventLine] = []
    for position in positions.sorted() {
      guard let bytes = try view.snapshot.line(at: position),
        let line = EventLine(position: position, line: bytes)
      else { continue }
      if line.occurred <= view.asOf { lines.append(line) }
    }
    return lines
  }
}
