import EventStore
import Projections

/// All that is needed to check without this program why a customer is in a stage or segment (docs/evidence.md).
struct EvidenceBundle {
  static let format = 1

  let explanation: Explanation
  let subject: CustomerAccess
  let head: SignedHead
  let proof: CustomerProof
  /// Of the whole customer, whose rows the explanation takes one of.
  let record: CustomerRecord
  /// Which row is explained; nil for a stay in a segment.
  let row: Int?
  /// With which the view came into force under these rules; nil where the head does not hold it.
  let registered: (number: UInt64, bytes: [UInt8], path: [[UInt8]])?

  init(
    _ explanation: Explanation, row: Int?, record: CustomerRecord, _ subject: CustomerAccess,
    _ head: SignedHead
  ) throws {
    self.explanation = explanation
    self.row = row
    self.record = record
    self.subject = subject
    self.head = head
    let opened = subject.opened
    proof = try opened.run {
      try CustomerProof(
        subject.subjects, try subject.lines(), subject.compiled, view: subject.view,
        size: head.checkpoint.size)
    }
    registered = try opened.run { try Self.registered(subject, head) }
  }

  private static func registered(
    _ subject: CustomerAccess, _ head: SignedHead
  ) throws -> (number: UInt64, bytes: [UInt8], path: [[UInt8]])? {
    let snapshot = subject.opened.snapshot
    let hash = subject.compiled.rules.sha256
    let size = head.checkpoint.register?.size ?? 0
    let last = try snapshot.register().switches.last { entry in
      entry.number < size && entry.view.view == subject.viewName
        && Hex.text(entry.view.rulesHash) == hash
        && entry.number <= subject.served?.number ?? size
    }
    guard let last else { return nil }
    let proof = try snapshot.recordProof(of: last.number, in: size)
    return (last.number, proof.record.bytes, proof.path)
  }

  // MARK: JSON

  var json: JSONValue {
    let rules = subject.compiled.rules
    let parts = ExplanationJSON(explanation, subject)
    return .object([
      ("evidence", .count(Self.format)), ("engine", .string(Version.engine)),
      ("customer", .string(record.name)),
      (
        "view",
        .object([
          ("name", .string(subject.viewName)), ("model", .string(rules.modelName)),
          ("version", .count(rules.modelVersion)), ("size", .count(subject.view.size)),
          ("as_of", .string(RFC3339.text(subject.asOf))),
        ])
      ),
      (
        "rules",
        .object([
          ("file", .string(rules.file)), ("sha256", .string(rules.sha256)),
          ("text", .string(String(decoding: rules.source, as: UTF8.self))),
        ])
      ),
      ("log", logJSON), ("checkpoint", .optional(head.signature?.note)),
      ("key", .optional(head.signature?.key)),
      (
        "register",
        registered.map {
          .object([
            ("record", .count($0.number)), ("bytes", .string(Base64.text($0.bytes))),
            ("path", .hashes($0.path)),
          ])
        } ?? .null
      ),
      (
        "subjects",
        .array(
          proof.subjects.map { name, proof in
            .object([
              ("subject", .string(name)), ("events", proof?.eventsJSON ?? .array([])),
            ])
          })
      ),
      ("links", proof.linksJSON), ("elsewhere", .proofs(proof.elsewhere)),
      ("transitions", .array(record.rows.map { .object(parts.row($0)) })),
      ("stage", .optional(record.current?.stage)),
      ("since", .optional(record.current.map { RFC3339.text($0.since) })),
      ("parked_at", .optional(record.parked.map { RFC3339.text($0.at) })),
      ("claim", claim(parts)), ("rule", parts.rule), ("facts", parts.facts),
      ("minimal", parts.minimal),
    ])
  }

  private var logJSON: JSONValue {
    let register = head.checkpoint.register
    return .object([
      ("size", .count(head.checkpoint.size)), ("root", .string(Hex.text(head.checkpoint.root))),
      ("register_size", register.map { .count($0.size) } ?? .null),
      ("register_root", .optional(register.map { Hex.text($0.root) })),
    ])
  }

  private func claim(_ parts: ExplanationJSON) -> JSONValue {
    guard let stay = explanation.stay else {
      return .object([("transition", row.map { .count($0) } ?? .null)])
    }
    return .object([
      ("segment", .string(stay.segment)), ("holds", .bool(stay.holds)),
      ("stay", stay.spell.map { .object(parts.spell($0)) } ?? .null),
    ])
  }
}
