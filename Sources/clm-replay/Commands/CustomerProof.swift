import EventStore
import Projections

/// Proofs of all events of all subjects that a view joins to one customer, and of the events that join them.
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

  private let customer: Joined
  private let manifest: ViewManifest
  private let proofs: [SubjectProof]
  private let links: [CustomerLookup.Link]
  private let field: (types: [String], path: [String])?

  /// - Parameter size: of the log to prove against; all of it unless given.
  init(_ opened: OpenedStore, customer name: String, view: String?, size: UInt64?) throws {
    let reader = try opened.view(named: view)
    manifest = reader.manifest
    guard let found = try reader.customer(named: name) else {
      throw CommandError(
        exit: .couldNotRun, code: "unknown-customer",
        message: "no customer `\(name)` in view `\(manifest.name)`",
        help: "`clm-replay export \(opened.path) --table customers -o -` lists them")
    }
    customer = Joined(
      view: manifest.name, name: found.record.name,
      subjects: [found.record.name] + found.record.subjects)
    let compiled = try LoadedRules.load(reader).compiled
    let log = try opened.logView(size: manifest.size, asOf: manifest.asOf)
    // A subject may be known by a link alone, without events of its own.
    proofs = try customer.subjects.filter { subject in
      try log.snapshot.subject(named: Array(subject.utf8).span) != nil
    }.map { try log.snapshot.subjectProof(of: $0, in: size ?? log.snapshot.size) }
    links = CustomerLookup.links(
      of: try CustomerLookup.lines(of: customer.subjects, view: log), compiled: compiled)
    field = CustomerLookup.linkField(compiled)
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

  /// - Parameter event: the form of an event's proof.
  func json(_ event: (InclusionProof) -> JSONValue) -> JSONValue {
    let (size, root) = proofs.first.map { ($0.size, $0.root) } ?? (manifest.size, [])
    let path = field.map { JSONValue.array($0.path.map { .string($0) }) } ?? .null
    return .object([
      ("customer", .string(customer.name)), ("view", .string(manifest.name)),
      ("rules_hash", .string(manifest.rulesHash)), ("as_of", .string(RFC3339.text(manifest.asOf))),
      ("view_size", .count(manifest.size)), ("size", .count(size)),
      ("root", .string(Hex.text(root))),
      (
        "subjects",
        .array(
          proofs.map { proof in
            .object(proof.members(event))
          })
      ),
      (
        "links",
        .array(
          links.map { link in
            .object([
              ("position", .count(link.position)), ("subject", .string(link.subject)),
              ("named", .string(link.named)), ("path", path),
            ])
          })
      ),
    ])
  }
}

extension SubjectProof {
  /// - Parameter event: the form of an event's proof.
  func members(_ event: (InclusionProof) -> JSONValue) -> [(String, JSONValue)] {
    [
      ("subject", .string(subject)), ("size", .count(size)), ("root", .string(Hex.text(root))),
      ("events", .array(events.map { event($0) })),
    ]
  }
}
