import EventStore

/// What is handed out of an erasure: who, how much, where, and what shows that the store says so (docs/evidence.md).
///
/// ```
/// {"erasure":{…},"checkpoint":NOTE,"signature":NOTE}
/// ```
struct ErasureReceipt {
  private let outcome: ErasureOutcome
  private let erasure: Erasure
  private let origin: String

  init(_ outcome: ErasureOutcome, _ erasure: Erasure, origin: String) {
    self.outcome = outcome
    self.erasure = erasure
    self.origin = origin
  }

  /// What the signature is over: two lines and the hash, in Base64, of the file up to `,"signature":`.
  private func statement(_ body: String) -> String {
    let bytes = Array(body.utf8)
    return
      "clm-replay erasure receipt\n\(origin)\n\(Base64.text(SHA256Bytes.hash(bytes.span)))\n"
  }

  /// The file; without a key neither checkpoint nor signature.
  func text(signedBy key: SigningKey?) throws -> String {
    let checkpoint = outcome.checkpoint(origin: origin)
    let note = try key.map { try SignedNote(text: checkpoint.text, signedBy: $0).note }
    let object = JSONValue.object([
      ("erasure", erasureJSON(checkpoint)), ("checkpoint", .optional(note)),
    ])
    let body = String(object.text.dropLast())
    let signature = try key.map { try SignedNote(text: statement(body), signedBy: $0).note }
    return "\(body),\"signature\":\(JSONValue.optional(signature).text)}\n"
  }

  private func erasureJSON(_ checkpoint: Checkpoint) -> JSONValue {
    let root = JSONValue.string(Hex.text(checkpoint.root))
    return .object([
      ("store", .string(origin)), ("recorded", .string(RFC3339.text(outcome.record.recorded))),
      ("reason", .string(erasure.reason)),
      ("subjects", .array(outcome.subjects.map { subjectJSON($0) })),
      ("events", .count(outcome.positions.count)), ("positions", outcome.positions.json),
      ("size", .count(checkpoint.size)), ("root_before", root), ("root_after", root),
      ("record", .count(outcome.record.number)),
      ("record_bytes", .string(Base64.text(outcome.record.bytes))),
      ("register_size", checkpoint.register.map { .count($0.size) } ?? .null),
      ("register_root", .optional(checkpoint.register.map { Hex.text($0.root) })),
      ("path", .hashes(outcome.path)),
    ])
  }

  private func subjectJSON(_ subject: ErasureOutcome.Subject) -> JSONValue {
    .object([
      ("subject", .string(subject.name)), ("events", .count(subject.events)),
      ("nonce", .string(Hex.text(subject.nonce))), ("hash", .string(Hex.text(subject.hash))),
    ])
  }
}

extension PositionRanges {
  /// The first of each range, and how many it has.
  var json: JSONValue {
    .array(ranges.map { .array([.count($0.lowerBound), .count($0.count)]) })
  }
}
