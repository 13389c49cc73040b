import ArgumentParser
import EventStore

struct ProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove",
    abstract: "Proofs that others can check without this program and without the log.",
    discussion: """
      EXAMPLES
        clm-replay prove store 1234 --format json
        clm-replay prove store --consistency checkpoint-of-may
        clm-replay prove store --subject C-1042 --format json

      POSITION proves that an event stands in the log; --subject that these are all events of a subject up to the last one
      shown; --consistency that the log of an older size is a beginning of this one; --record that a control record stands in
      the register. docs/evidence.md says how they are checked, and what they cannot show.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "An event's position.") var position: UInt64?
  @Option(help: "An older size, or a file with an older checkpoint.") var consistency: String?
  @Option(help: "A subject: all its events.") var subject: String?
  @Option(help: "The number of a control record.") var record: UInt64?
  @Option(help: "Prove against the log of this size, as an older checkpoint has it.")
  var size: UInt64?
  @Option(help: "The verifier key of an older checkpoint, or a file that holds it.")
  var key: String?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    let asked = [position != nil, consistency != nil, subject != nil, record != nil]
    if asked.filter({ $0 }).count != 1 {
      throw ValidationError("exactly one of POSITION, --consistency, --subject and --record")
    }
    if size != nil && (consistency != nil || record != nil) {
      throw ValidationError("--size goes with POSITION and --subject")
    }
  }

  func run() throws {
    let opened = try OpenedStore(store)
    let proof = try opened.run { () throws -> JSONValue in
      if let position { return try inclusion(opened.snapshot, position) }
      if let consistency { return try consistent(opened, consistency) }
      if let subject { return try complete(opened.snapshot, subject) }
      return try registered(opened.snapshot, record ?? 0)
    }
    if global.format == .json || global.format == .ndjson {
      try StandardOutput.write(proof.text + "\n")
    } else {
      try StandardOutput.write(lines(proof, indent: "").joined(separator: "\n") + "\n")
    }
  }

  private func hashes(_ path: [[UInt8]]) -> JSONValue {
    .array(path.map { .string(Hex.text($0)) })
  }

  private func members(_ proof: InclusionProof) -> [(String, JSONValue)] {
    var bytes: [UInt8] = []
    proof.header?.append(to: &bytes)
    let header = proof.header
    return [
      ("position", .count(proof.position)), ("leaf_hash", .string(Hex.text(proof.leafHash))),
      ("header", header == nil ? .null : .string(Hex.text(bytes))),
      ("sequence", header.map { .count($0.sequence) } ?? .null),
      ("previous", header?.previous.map { .count($0) } ?? .null),
      ("recorded", .optional(header.map { RFC3339.text($0.recorded) })),
      ("line", .optional(proof.line.map { String(decoding: $0, as: UTF8.self) })),
      ("path", hashes(proof.path)),
    ]
  }

  private func inclusion(_ snapshot: LogSnapshot, _ position: UInt64) throws -> JSONValue {
    let proof = try snapshot.inclusionProof(of: position, in: size)
    let root = try snapshot.root(ofFirst: size ?? snapshot.size)
    return .object(
      [("size", .count(size ?? snapshot.size)), ("root", .string(Hex.text(root)))]
        + members(proof))
  }

  private func complete(_ snapshot: LogSnapshot, _ subject: String) throws -> JSONValue {
    let proof = try snapshot.subjectProof(of: subject, in: size)
    return .object([
      ("subject", .string(subject)), ("size", .count(proof.size)),
      ("root", .string(Hex.text(proof.root))),
      ("events", .array(proof.events.map { .object(members($0)) })),
    ])
  }

  private func consistent(_ opened: OpenedStore, _ old: String) throws -> JSONValue {
    let snapshot = opened.snapshot
    var expected: [UInt8]?
    let oldSize: UInt64
    if let number = UInt64(old) {
      oldSize = number
    } else {
      let checkpoint = try CheckpointFile.signed(old, key: key, store: store)
      if let other = CheckpointFile.otherStore(old, checkpoint, try opened.origin()) {
        throw CommandError(exit: .problems, code: "other-store", message: other)
      }
      oldSize = checkpoint.size
      expected = checkpoint.root
    }
    let path = try snapshot.consistencyProof(from: oldSize)
    let oldRoot = try snapshot.root(ofFirst: oldSize)
    if let expected, expected != oldRoot {
      throw CommandError(
        exit: .problems, code: "forked",
        message:
          "the first \(oldSize) events have the root \(Hex.text(oldRoot)), and `\(old)` says \(Hex.text(expected))",
        help: "the store is not a continuation of the one that the checkpoint was made of")
    }
    return .object([
      ("old_size", .count(oldSize)), ("old_root", .string(Hex.text(oldRoot))),
      ("size", .count(snapshot.size)), ("root", .string(Hex.text(snapshot.root))),
      ("path", hashes(path)),
    ])
  }

  private func registered(_ snapshot: LogSnapshot, _ number: UInt64) throws -> JSONValue {
    let proof = try snapshot.recordProof(of: number)
    return .object([
      ("record", .count(number)), ("size", .count(snapshot.registerSize)),
      ("root", .string(Hex.text(snapshot.registerRoot))),
      ("bytes", .string(Base64.text(proof.record.bytes))), ("path", hashes(proof.path)),
    ])
  }

  /// One `name value` a line for people.
  private func lines(_ value: JSONValue, indent: String) -> [String] {
    guard case .object(let members) = value else { return [] }
    return members.flatMap { name, value -> [String] in
      let label = indent + name + String(repeating: " ", count: max(1, 10 - name.count))
      switch value {
      case .array(let elements):
        if elements.isEmpty { return [label + "(none)"] }
        return elements.enumerated().flatMap { index, element -> [String] in
          if case .string(let text) = element {
            return [(index == 0 ? label : String(repeating: " ", count: label.count)) + text]
          }
          return ["\(indent)\(name) \(index)"] + lines(element, indent: indent + "  ")
        }
      case .string(let text): return [label + text]
      case .null: return []
      default: return [label + value.text]
      }
    }
  }
}
