import EventStore

/// What a view was computed from and what came out, as hashes in hexadecimal.
public struct Receipt: Sendable, Equatable {
  /// How many events of the log were folded, from the first.
  public var size: UInt64
  /// Of the log at that size.
  public var root: String
  /// SHA-256 of the rules file.
  public var rules: String
  /// Which program made it; nothing rests on that.
  public var engine: String
  /// Microseconds since 1970.
  public var asOf: Int64
  /// Over all that the view says of customers, in hexadecimal (docs/format.md).
  public var outputRoot: String

  /// Why a file is no receipt.
  public struct Fault: Error, Sendable {
    /// Lower case, no full stop.
    public var message: String
  }

  /// Reads what `replay --receipt` writes, or the whole object that `replay --format json` prints: JSON in UTF-8.
  public static func read(_ bytes: [UInt8]) throws(Fault) -> Receipt {
    let root: JSONTree
    do throws(JSONFault) {
      root = try JSONTree(checking: bytes.span)
    } catch {
      let line = bytes.prefix(error.offset).count { $0 == 0x0a } + 1
      throw Fault(message: "line \(line): \(error.message)")
    }
    guard case .object = root else { throw Fault(message: "it is no object") }
    let receipt = root.member("receipt") ?? root
    func text(_ name: String) throws(Fault) -> String {
      guard let member = receipt.member(name) else {
        throw Fault(message: "`\(name)` is missing")
      }
      guard let text = member.text else { throw Fault(message: "`\(name)` is no text") }
      return text
    }
    guard let member = receipt.member("size") else { throw Fault(message: "`size` is missing") }
    guard let size = member.count else { throw Fault(message: "`size` is no number of events") }
    guard let asOf = RFC3339.microseconds(Array(try text("as_of").utf8).span) else {
      throw Fault(message: "`as_of` is no instant")
    }
    return Receipt(
      size: size, root: try text("root"), rules: try text("rules"), engine: try text("engine"),
      asOf: asOf, outputRoot: try text("output_root"))
  }
}

extension Receipt {
  /// Folds again what the receipt speaks of, under the rules of then as the register has them.
  ///
  /// - Parameters:
  ///   - snapshot: the log that the receipt speaks of.
  ///   - threads: at least 1.
  ///   - progress: given the share that is done, 0 to 1.
  /// - Returns: what differs; nil where the same comes out.
  /// - Throws: where the log cannot be read.
  public func difference(
    from snapshot: LogSnapshot, threads: Int, progress: (Double) -> Void
  ) throws -> Deviation? {
    guard let what = try compare(snapshot, threads, progress) else { return nil }
    guard let erasure = try erasure(snapshot) else { return Deviation(what: what) }
    return Deviation(
      what:
        "events that the receipt was computed from were erased on \(RFC3339.text(erasure.recorded)) (record \(erasure.number) of the register), so that nobody can compute it again: \(what)",
      isErased: true)
  }

  /// What differs.
  public struct Deviation: Sendable {
    /// In words.
    public var what: String
    /// Nothing else has to be wrong: events were erased since the receipt was made.
    public var isErased = false
  }

  /// The erasure that came behind the replay which gave this receipt, of events that it had.
  private func erasure(_ snapshot: LogSnapshot) throws -> (recorded: Int64, number: UInt64)? {
    let register = try snapshot.register()
    let made = register.switches.last {
      $0.view.size == size && Hex.text($0.view.outputRoot) == outputRoot
        && Hex.text($0.view.rulesHash) == rules && $0.view.asOf == asOf
    }
    return made.flatMap { register.erasure(ofFirst: size, after: $0.number) }
  }

  private func compare(
    _ snapshot: LogSnapshot, _ threads: Int, _ progress: (Double) -> Void
  ) throws -> String? {
    guard size <= snapshot.size else {
      return "the receipt is of \(size) events, and the log has \(snapshot.size)"
    }
    let found = Hex.text(try snapshot.root(ofFirst: size))
    if found != root {
      return "the first \(size) events have the root \(found), and the receipt says \(root)"
    }
    let entry = try snapshot.register().switches.first {
      $0.view.rules != nil && Hex.text($0.view.rulesHash) == rules
    }
    guard let entry, let source = entry.view.rules else {
      return "the register has no rules file of SHA-256 \(rules)"
    }
    let place = "record \(entry.number) of the register"
    let loaded = RulesLoader.load(bytes: source, file: place)
    guard let rules = loaded.rules, let compiled = try? CompiledRules(rules) else {
      return "\(place) holds a rules file that this program refuses"
    }
    let result = Hex.text(
      try LogView(snapshot: snapshot, size: size, asOf: asOf)
        .outputRoot(compiled, threads: threads, progress: progress))
    return result == outputRoot
      ? nil : "a replay gives the output root \(result), and the receipt says \(outputRoot)"
  }
}

extension LogView {
  /// The output root of a replay of what is in view, 32 bytes; nothing is written.
  public func outputRoot(
    _ compiled: CompiledRules, threads: Int, progress: (Double) -> Void
  ) throws -> [UInt8] {
    var root = OutputRoot()
    let packer = try RecordPacker(Replayer(compiled, view: self, threads: threads))
    _ = try packer.run(progress: progress) { packed in
      for run in packed { for leaf in run.leaves { root.add(leaf) } }
    }
    return try root.sorted(threads: threads).root
  }
}
