/// How a store differs from what a checkpoint says of it.
public struct CheckpointFinding: Sendable, Equatable {
  /// What kind of difference it is; the raw value is the code that commands print.
  public enum Kind: String, Sendable {
    /// The checkpoint is of another store.
    case otherStore = "other-store"
    /// Events or control records that the checkpoint knows are missing.
    case rolledBack = "rolled-back"
    /// Events or control records are not what they were.
    case forked
    /// It cannot be told.
    case damaged
  }

  /// What kind of difference it is.
  public var kind: Kind
  /// From here on the log differs; nil where that is not known.
  public var position: UInt64?
  /// In words.
  public var what: String
}

extension Checkpoint {
  /// What is wrong where the checkpoint is not of the store of an origin; nil where it is.
  ///
  /// - Parameters:
  ///   - origin: of this store.
  ///   - name: what the checkpoint is called, as the path of its file.
  public func otherStore(_ origin: String, called name: String) -> CheckpointFinding? {
    if self.origin == origin { return nil }
    return CheckpointFinding(
      kind: .otherStore,
      what:
        "`\(name)` is of another store: its origin is `\(self.origin)`, this one's `\(origin)`")
  }
}

extension LogSnapshot {
  /// How the log and the register differ from what a checkpoint says of them: nothing where both were only appended to since.
  ///
  /// - Parameters:
  ///   - checkpoint: what was signed; its signature is not looked at here.
  ///   - origin: of this store.
  ///   - name: what the checkpoint is called, as the path of its file.
  ///   - agreed: up to here the log is what earlier checkpoints say.
  public func findings(
    against checkpoint: Checkpoint, origin: String, called name: String, agreed: UInt64 = 0
  ) -> [CheckpointFinding] {
    if let other = checkpoint.otherStore(origin, called: name) { return [other] }
    return [
      logFinding(checkpoint, name, agreed),
      checkpoint.register.flatMap { registerFinding($0, name) },
    ].compactMap { $0 }
  }

  private func logFinding(
    _ checkpoint: Checkpoint, _ name: String, _ agreed: UInt64
  ) -> CheckpointFinding? {
    if checkpoint.size > size {
      return CheckpointFinding(
        kind: .rolledBack, position: size,
        what:
          "the log was rolled back: it has \(size) events, and `\(name)` was made at \(checkpoint.size)"
      )
    }
    let found: [UInt8]
    do throws(EventStoreError) {
      found = try root(ofFirst: checkpoint.size)
    } catch {
      return CheckpointFinding(
        kind: .damaged, position: agreed,
        what: "the log cannot be held against `\(name)`: \(error.message)")
    }
    if found == checkpoint.root { return nil }
    return CheckpointFinding(
      kind: .forked, position: agreed,
      what:
        "the log was forked: an event from \(agreed) to \(checkpoint.size - min(1, checkpoint.size)) is not what it was when `\(name)` was made; their root is \(Hex.text(found)), and was \(Hex.text(checkpoint.root))"
    )
  }

  private func registerFinding(_ head: Checkpoint.Head, _ name: String) -> CheckpointFinding? {
    if head.size > registerSize {
      return CheckpointFinding(
        kind: .rolledBack,
        what:
          "the register was rolled back: it has \(registerSize) records, and `\(name)` was made at \(head.size)"
      )
    }
    let found: [UInt8]
    do throws(EventStoreError) {
      found = try registerRoot(ofFirst: head.size)
    } catch {
      return CheckpointFinding(
        kind: .damaged, what: "the register cannot be held against `\(name)`: \(error.message)")
    }
    if found == head.root { return nil }
    return CheckpointFinding(
      kind: .forked,
      what: "the register was forked: its first \(head.size) records are not those of `\(name)`")
  }
}
