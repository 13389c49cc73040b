import EventStore
import Projections

/// Proofs of all events of all subjects of one customer, and of the events that join them.
struct CustomerProof {
  /// A customer of more than one subject, as a view has it.
  struct Joined {
    var view: String
    var name: String
    /// The name first.
    var subjects: [String]

    var json: JSONValue {
      .object([
        ("view", .string(view)), ("customer", .string(name)),
        ("subjects", .array(subjects.map { .string($0) })),
      ])
    }
  }

  /// Of each subject; nil for one that is known by a link alone, without events of its own.
  let subjects: [(name: String, proof: SubjectProof?)]
  /// In the order in which they were taken.
  let links: [CustomerLookup.Link]
  /// Links of other customers that subjects followed before an event of this one named them: so they show why that one is
  /// not in force.
  let elsewhere: [InclusionProof]
  /// Where in `data` a link names the other subject; nil without `identity`.
  private let path: [String]?

  /// - Parameters:
  ///   - names: all subjects of the customer that have events in view.
  ///   - lines: these events.
  ///   - view: whose links join them.
  ///   - size: of the log to prove against.
  init(
    _ names: [String], _ lines: [EventLine], _ compiled: CompiledRules, view: LogView,
    size: UInt64
  ) throws {
    let found = try CustomerLookup.joiningLinks(
      of: lines, subjects: names, view: view,
      compiled: compiled, threads: Threads.count(nil))
    links = found.inForce
    // Whoever a link names belongs to the customer, though no event of theirs is in view.
    var all = names
    for link in links where !all.contains(link.named) { all.append(link.named) }
    let snapshot = view.snapshot
    subjects = try all.map { name in
      let isKnown = try snapshot.subject(named: Array(name.utf8).span) != nil
      return (name, isKnown ? try snapshot.subjectProof(of: name, in: size) : nil)
    }
    elsewhere = try found.elsewhere.map { try snapshot.inclusionProof(of: $0, in: size) }
    path = CustomerLookup.linkField(compiled)?.path
  }

  /// The proof of a customer as a view has it, as `prove --customer` prints it.
  ///
  /// - Parameter size: of the log to prove against; all of it unless given.
  static func json(
    _ opened: OpenedStore, customer name: String, view: String?, size: UInt64?
  ) throws -> JSONValue {
    let reader = try opened.view(named: view)
    let manifest = reader.manifest
    guard let record = try reader.customer(named: name)?.record else {
      throw CustomerAccess.unknown(name, opened, manifest.name)
    }
    let (names, view) = (
      [record.name] + record.subjects,
      try opened.logView(size: manifest.size, asOf: manifest.asOf)
    )
    let proof = try CustomerProof(
      names, try CustomerLookup.lines(of: names, view: view), try LoadedRules.load(reader).compiled,
      view: view, size: size ?? opened.snapshot.size)
    let proofs = proof.subjects.compactMap(\.proof)
    let (proved, root) = proofs.first.map { ($0.size, $0.root) } ?? (manifest.size, [])
    return .object([
      ("customer", .string(record.name)), ("view", .string(manifest.name)),
      ("rules_hash", .string(manifest.rulesHash)), ("as_of", .string(RFC3339.text(manifest.asOf))),
      ("view_size", .count(manifest.size)), ("size", .count(proved)),
      ("root", .string(Hex.text(root))),
      ("subjects", .array(proofs.map { .object($0.members) })),
      ("links", proof.linksJSON),
    ])
  }

  /// Customers of more than one subject that a subject belongs to, in each view, or in the one named.
  static func joined(_ subject: String, _ opened: OpenedStore, view: String?) throws -> [Joined] {
    let names = try view.map { [$0] } ?? ViewReader.names(opened.path)
    return try names.compactMap { name in
      guard let found = try opened.view(named: name).customer(named: subject),
        !found.record.subjects.isEmpty
      else { return nil }
      return Joined(
        view: name, name: found.record.name, subjects: [found.record.name] + found.record.subjects)
    }
  }

  var linksJSON: JSONValue {
    let path = path.map { JSONValue.array($0.map { .string($0) }) } ?? .null
    return .array(
      links.map { link in
        .object([
          ("position", .count(link.position)), ("subject", .string(link.subject)),
          ("named", .string(link.named)), ("path", path),
        ])
      })
  }
}

extension SubjectProof {
  var members: [(String, JSONValue)] {
    [
      ("subject", .string(subject)), ("size", .count(size)), ("root", .string(Hex.text(root))),
      ("events", eventsJSON),
    ]
  }

  var eventsJSON: JSONValue { .proofs(events) }
}

extension InclusionProof {
  var members: [(String, JSONValue)] {
    var bytes: [UInt8] = []
    header?.append(to: &bytes)
    return [
      ("position", .count(position)), ("leaf_hash", .string(Hex.text(leafHash))),
      ("header", header == nil ? .null : .string(Hex.text(bytes))),
      ("sequence", header.map { .count($0.sequence) } ?? .null),
      ("previous", header?.previous.map { .count($0) } ?? .null),
      ("recorded", .optional(header.map { RFC3339.text($0.recorded) })),
      ("line", .optional(line.map { String(decoding: $0, as: UTF8.self) })),
      ("path", .hashes(path)),
    ]
  }
}

extension JSONValue {
  static func proofs(_ events: [InclusionProof]) -> JSONValue {
    .array(events.map { .object($0.members) })
  }

  /// In hex.
  static func hashes(_ hashes: [[UInt8]]) -> JSONValue {
    .array(hashes.map { .string(Hex.text($0)) })
  }
}
