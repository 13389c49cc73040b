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
  /// - Parameters:
  ///   - subjects: all that are joined to the customer.
  ///   - view: what of the log is in view.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - anchors: positions of events that may be theirs: they spare a look through all names.
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
  package struct Link: Sendable, Equatable {
    package var position: UInt64
    /// The event's own subject, which the other follows since.
    package var subject: String
    package var named: String
  }

  /// The links in force among a customer's events, in the order in which they were taken (contract §5, Identity).
  ///
  /// - Parameter lines: all events in view of all subjects that the links could join; a link that joins one of them is an
  ///   event of another one.
  package static func links(of lines: [EventLine], compiled: CompiledRules) -> [Link] {
    var follows = Follows()
    return linkEvents(of: lines, compiled).filter { follows.take($0) }
  }

  /// All links among some events, in force or not, in the order in which they are taken.
  private static func linkEvents(of lines: [EventLine], _ compiled: CompiledRules) -> [Link] {
    guard let field = compiled.identityField else { return [] }
    return lines.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
      .compactMap { line in
        var reader = EventReader(compiled, types: [Array(line.type.utf8)])
        guard case .named(let name) = reader.link(line: line.line.span, type: 0, identity: field)
        else { return nil }
        return Link(
          position: line.position, subject: line.subject,
          named: String(decoding: name, as: UTF8.self))
      }
  }

  /// Who follows whom, by names; links are taken one after the other.
  private struct Follows {
    private var subjects: [ByteString: ByteString] = [:]

    /// False where the link is not in force: its subject follows another one, or would close a circle.
    mutating func take(_ link: Link) -> Bool {
      let (subject, named) = (ByteString(link.subject), ByteString(link.named))
      if subjects[named] != nil || root(subject) == named { return false }
      subjects[named] = subject
      return true
    }

    private func root(_ subject: ByteString) -> ByteString {
      var subject = subject
      while let next = subjects[subject] { subject = next }
      return subject
    }
  }

  /// The links of a customer, and what shows why others are not.
  package struct JoiningLinks: Sendable {
    /// Those in force, in the order in which they were taken.
    package var inForce: [Link] = []
    /// Positions of links of other customers, which subjects followed that a link of this one names in vain.
    package var elsewhere: [UInt64] = []
  }

  /// The links that join the subjects of a customer.
  ///
  /// - Parameters:
  ///   - lines: all events in view of the subjects.
  ///   - subjects: all subjects of the customer that have events in view.
  /// - Complexity: reads the links of all customers where one names a subject that is not the customer's, or has no event.
  package static func joiningLinks(
    of lines: [EventLine], subjects: [String], view: LogView, compiled: CompiledRules, threads: Int
  ) throws -> JoiningLinks {
    let own = Set(subjects.map { ByteString($0) })
    let strangers = Set(linkEvents(of: lines, compiled).map { ByteString($0.named) })
      .subtracting(own)
    if strangers.isEmpty { return JoiningLinks(inForce: links(of: lines, compiled: compiled)) }
    var found = JoiningLinks()
    var others: [ByteString: UInt64] = [:]
    for link in try allLinks(view, compiled, threads)
    where strangers.contains(ByteString(link.named)) && !own.contains(ByteString(link.subject)) {
      others[ByteString(link.named)] = link.position
    }
    let inVain = Set(
      linkEvents(of: lines, compiled).filter { others[ByteString($0.named)] != nil }
        .map(\.position))
    found.inForce = links(
      of: lines.filter { !inVain.contains($0.position) }, compiled: compiled)
    found.elsewhere = others.values.sorted()
    return found
  }

  /// The links in force over all subjects.
  private static func allLinks(
    _ view: LogView, _ compiled: CompiledRules, _ threads: Int
  ) throws -> [Link] {
    let names = try view.snapshot.subjectNames()
    let links = try view.links(compiled, ignored: [], threads: threads).links
    var follows = Follows()
    return links.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
      .map {
        Link(
          position: $0.position,
          subject: String(decoding: names.bytes(of: $0.subject), as: UTF8.self),
          named: String(decoding: $0.named, as: UTF8.self))
      }
      .filter { follows.take($0) }
  }

  /// Raw types of the events that link subjects, and the path of the name in their payload; nil without `identity`.
  package static func linkField(_ compiled: CompiledRules) -> (types: [String], path: [String])? {
    guard let reference = compiled.rules.identity else { return nil }
    let alias = compiled.rules.aliases[reference.alias]
    return (alias.types, alias.fields[reference.field].path)
  }
}
