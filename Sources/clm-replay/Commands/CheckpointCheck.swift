import EventStore

/// One checkpoint that `verify --against` holds a store against, and what came of it.
struct CheckpointCheck {
  private let path: String
  /// Nil where it could not be taken: ``failure`` says why.
  private let checkpoint: Checkpoint?
  /// The key under which the signature holds; nil where none was known.
  private let key: String?
  /// Why it cannot be compared: unreadable, or not signed by the key.
  let failure: CommandError?
  private(set) var problems: [VerifyReport.Problem] = []
  /// What to call the first problem.
  private(set) var code: String?

  /// Reads a checkpoint; a bad one is kept as such, so that the others are looked at.
  init(_ path: String, key: String?, store: String) throws {
    self.path = path
    do {
      let read = try CheckpointFile.signedBy(path, key: key, store: store)
      checkpoint = read.checkpoint
      self.key = read.key
      failure = nil
    } catch let error as CommandError {
      checkpoint = nil
      self.key = nil
      failure = error
    }
  }

  /// Number of events that it speaks of.
  var size: UInt64 { checkpoint?.size ?? 0 }

  /// - Parameter agreed: up to here the log is what earlier checkpoints say.
  mutating func compare(_ snapshot: LogSnapshot, _ origin: String, _ agreed: inout UInt64) {
    guard let checkpoint else { return }
    let findings = snapshot.findings(
      against: checkpoint, origin: origin, called: path, agreed: agreed)
    code = findings.first?.kind.rawValue
    problems = findings.map { VerifyReport.Problem(position: $0.position, what: $0.what) }
    let isLogAsSaid = findings.allSatisfy { $0.position == nil && $0.kind != .otherStore }
    if isLogAsSaid { agreed = checkpoint.size }
  }

  private var signature: String {
    if failure?.code == "bad-signature" { return "bad" }
    if checkpoint == nil { return "unknown" }
    return key == nil ? "not checked" : "good"
  }

  /// One line for people.
  var text: String {
    if let failure { return "not held against checkpoint \(path): \(failure.message)" }
    let known = key.map { "key \($0), signature good" } ?? "key unknown, signature not checked"
    if problems.isEmpty { return "unchanged since checkpoint \(path): size \(size), \(known)" }
    let what = problems.map(\.what).joined(separator: "; ")
    return "changed since checkpoint \(path): \(what) (size \(size), \(known))"
  }

  var json: JSONValue {
    .object([
      ("file", .string(path)), ("unchanged", .bool(failure == nil && problems.isEmpty)),
      ("size", checkpoint.map { .count($0.size) } ?? .null),
      ("root", .optional(checkpoint.map { Hex.text($0.root) })), ("key", .optional(key)),
      ("signature", .string(signature)),
      (
        "problems",
        .array((failure.map { [$0.message] } ?? problems.map(\.what)).map { .string($0) })
      ),
    ])
  }
}
