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
        clm-replay prove store --customer C-1042 --format json

      POSITION proves that an event stands in the log (of an erased one: that its leaf hash does, and which control record says so); --subject that these are all events of a subject up to the last one
      shown; --customer the same of all subjects that a view joins to one customer, and which events join them; --consistency that the log of an older size is a beginning of this one; --record that a control record stands in
      the register. docs/evidence.md says how they are checked, and what they cannot show.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "An event's position.") var position: UInt64?
  @Option(help: "An older size, or a file with an older checkpoint.") var consistency: String?
  @Option(help: "A subject: all its events.") var subject: String?
  @Option(help: "A customer, by any of its subjects: all events of all of them, and the links.")
  var customer: String?
  @Option(help: "The view that says which subjects are one customer, if there are several.")
  var view: String?
  @Option(help: "The number of a control record.") var record: UInt64?
  @Option(help: "Prove against the log of this size, as an older checkpoint has it.")
  var size: UInt64?
  @Option(help: "The verifier key of an older checkpoint, or a file that holds it.")
  var key: String?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    let asked = [
      position != nil, consistency != nil, subject != nil, customer != nil, record != nil,
    ]
    if asked.filter({ $0 }).count != 1 {
      throw ValidationError(
        "exactly one of POSITION, --consistency, --subject, --customer and --record")
    }
    if view != nil && customer == nil && subject == nil {
      throw ValidationError("--view goes with --customer and --subject")
    }
    if key != nil && consistency == nil {
      throw ValidationError("--key goes with --consistency FILE")
    }
    if size != nil && (consistency != nil || record != nil) {
      throw ValidationError("--size goes with POSITION, --subject and --customer")
    }
  }

  func run() throws {
    // Before the store is opened, so that it cannot be newer than what is read of it.
    let older = try consistency.map { try OlderLog($0, key: key, store: store) }
    let opened = try OpenedStore(store)
    let proof = try opened.run { () throws -> JSONValue in
      if let position { return try inclusion(opened.snapshot, position) }
      if let older { return try consistent(opened, older) }
      if let subject { return try complete(opened, subject) }
      if let customer {
        return try CustomerProof.json(opened, customer: customer, view: view, size: size)
      }
      return try registered(opened.snapshot, record ?? 0)
    }
    if global.format == .json || global.format == .ndjson {
      try StandardOutput.write(proof.text + "\n")
    } else {
      try StandardOutput.show(lines(proof, indent: "").joined(separator: "\n") + "\n")
    }
  }

  private func inclusion(_ snapshot: LogSnapshot, _ position: UInt64) throws -> JSONValue {
    let proof = try snapshot.inclusionProof(of: position, in: size)
    let root = try snapshot.root(ofFirst: size ?? snapshot.size)
    var members = proof.members
    if proof.line == nil {
      let erasure = try snapshot.register().erasures.first {
        $0.erasure.positions.contains(position)
      }
      let json = erasure.map { recorded, number, _ in
        JSONValue.object([
          ("record", .count(number)), ("recorded", .string(RFC3339.text(recorded))),
        ])
      }
      members.append(("erased", json ?? .null))
    }
    return .object(
      [("size", .count(size ?? snapshot.size)), ("root", .string(Hex.text(root)))] + members)
  }

  private func complete(_ opened: OpenedStore, _ subject: String) throws -> JSONValue {
    let proof = try opened.snapshot.subjectProof(of: subject, in: size)
    var members = proof.members
    // One of several subjects is not the whole customer, which has to be said.
    let joined = try CustomerProof.joined(subject, opened, view: view)
    for customer in joined {
      let others = customer.subjects.filter { $0 != subject }
      ErrorReport(
        isWarning: true, code: "joined-subject",
        message:
          "`\(subject)` is one of \(customer.subjects.count) subjects of customer `\(customer.name)` in view `\(customer.view)`; not proved here: \(others.joined(separator: ", "))",
        help:
          "`clm-replay prove \(store) --customer \(customer.name) --view \(customer.view)` proves all of them"
      ).write()
    }
    members.append(("joined", .array(joined.map(\.json))))
    return .object(members)
  }

  /// What `--consistency` names: a size, or what a checkpoint says of one.
  private struct OlderLog {
    var text: String
    var size: UInt64
    /// Nil for a size.
    var checkpoint: Checkpoint?

    init(_ text: String, key: String?, store: String) throws {
      self.text = text
      if let number = UInt64(text) {
        size = number
      } else {
        let signed = try CheckpointFile.signed(text, key: key, store: store)
        size = signed.size
        checkpoint = signed
      }
    }
  }

  private func consistent(_ opened: OpenedStore, _ older: OlderLog) throws -> JSONValue {
    let (snapshot, old, oldSize) = (opened.snapshot, older.text, older.size)
    let expected = older.checkpoint?.root
    if let checkpoint = older.checkpoint,
      let other = checkpoint.otherStore(try opened.origin(), called: old)
    {
      throw CommandError(exit: .problems, code: other.kind.rawValue, message: other.what)
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
      ("path", .hashes(path)),
    ])
  }

  private func registered(_ snapshot: LogSnapshot, _ number: UInt64) throws -> JSONValue {
    let proof = try snapshot.recordProof(of: number)
    return .object([
      ("record", .count(number)), ("size", .count(snapshot.registerSize)),
      ("root", .string(Hex.text(snapshot.registerRoot))),
      ("bytes", .string(Base64.text(proof.record.bytes))), ("path", .hashes(proof.path)),
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
