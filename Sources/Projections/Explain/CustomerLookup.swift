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
    return [text(directory.subjects[Int(rank)])] + directory.others(of: rank).map(text)
  }

  /// The events in view of some subjects, in the order of the log.
  ///
  /// - Parameter anchors: positions of events that may be theirs: they spare a look through all names.
  public static func lines(
    of subjects: [String], view: LogView, threads: Int = 1, anchors: [UInt64] = []
  ) throws -> [EventLine] {
    let numbers = try numbers(of: subjects, view, threads, anchors)
    let lines = try view.snapshot.events(ofSubjects: numbers, threads: threads) {
      position, line -> EventLine? in
      guard let line, position < view.size else { return nil }
      return EventLine(position: position, line: [UInt8](copying: line))
    }
    return lines.compactMap { $0 }.filter { $0.occurred <= view.asOf }
  }

  /// The dense numbers of those that the log has.
  private static func numbers(
    of subjects: [String], _ view: LogView, _ threads: Int, _ anchors: [UInt64]
  ) throws -> [UInt32] {
    var known: [String: UInt32] = [:]
    for position in anchors where position < view.size && known.count < subjects.count {
      guard let bytes = try view.snapshot.line(at: position),
        let line = EventLine(position: position, line: bytes), subjects.contains(line.subject)
      else { continue }
      known[line.subject] = try view.snapshot.subject(at: position)
    }
    let others = subjects.filter { known[$0] == nil }
    let found =
      others.isEmpty
      ? [] : try view.snapshot.subjects(named: others.map { Array($0.utf8) }, threads: threads)
    return known.values.sorted() + found.compactMap { $0 }
  }

  /// An event that joined a subject to a customer.
  public struct Link: Sendable, Equatable {
    public var position: UInt64
    /// The event's own subject, which the other follows since.
    public var subject: String
    public var named: String
  }

  /// The links in force among a customer's events, in the order in which they were taken (contract §5, Identity).
  ///
  /// - Parameter lines: all events in view of all subjects; a link that joins one of them is an event of another one.
  public static func links(of lines: [EventLine], compiled: CompiledRules) -> [Link] {
    guard let field = compiled.identityField else { return [] }
    var follows: [String: String] = [:]
    func root(_ subject: String) -> String {
      var subject = subject
      while let next = follows[subject] { subject = next }
      return subject
    }
    var links: [Link] = []
    for line in lines.sorted(by: { ($0.occurred, $0.position) < ($1.occurred, $1.position) }) {
      var reader = EventReader(compiled, types: [Array(line.type.utf8)])
      guard case .named(let bytes) = reader.link(line: line.line.span, type: 0, identity: field)
      else {
        continue
      }
      let named = String(decoding: bytes, as: UTF8.self)
      if follows[named] != nil || root(line.subject) == named { continue }
      follows[named] = line.subject
      links.append(Link(position: line.position, subject: line.subject, named: named))
    }
    return links
  }

  /// Raw types of the events that link subjects, and the path of the name in their payload; nil without `identity`.
  public static func linkField(_ compiled: CompiledRules) -> (types: [String], path: [String])? {
    guard let reference = compiled.rules.identity else { return nil }
    let alias = compiled.rules.aliases[reference.alias]
    return (alias.types, alias.fields[reference.field].path)
  }
}
