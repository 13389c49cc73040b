import EventStore

/// The head of a log that a bundle of evidence proves everything under, signed where a key is known.
struct SignedHead {
  let checkpoint: Checkpoint
  /// The note and the verifier key under which it holds; nil where nobody signed.
  let signature: (note: String, key: String)?

  /// The log as it is now, signed with a key: the one given, else the one that the store remembers.
  init(_ opened: OpenedStore, key: String?) throws {
    checkpoint = Checkpoint(origin: try opened.origin(), opened.snapshot)
    guard let signingKey = try CheckpointFile.signingKey(key, store: opened.path) else {
      ErrorReport(
        isWarning: true, code: "not-signed",
        message:
          "nobody signs this evidence: the store `\(opened.path)` knows no key, so that it shows nothing to who did not learn size and root another way",
        help: CheckpointFile.makingKey(opened.path)
      ).write()
      signature = nil
      return
    }
    signature = (
      try SignedNote(text: checkpoint.text, signedBy: signingKey).note, signingKey.verifier.text
    )
  }

  /// What a checkpoint of the store says, once it is known to be of this log.
  ///
  /// - Parameters:
  ///   - path: of the checkpoint.
  ///   - key: the verifier key; the one that the store remembers unless given.
  ///   - folded: number of events that a view was made of.
  init(_ opened: OpenedStore, checkpoint path: String, key: String?, folded: UInt64) throws {
    guard let key = try key ?? CheckpointFile.rememberedKey(opened.path)?.verifier else {
      throw CommandError(
        exit: .couldNotRun, code: "no-key",
        message: "no key is known that `\(path)` could be signed by", help: "--key names it")
    }
    let (note, read, verifier) = try CheckpointFile.signed(path, by: key)
    let findings = opened.snapshot.findings(
      against: read, origin: try opened.origin(), called: path)
    if let finding = findings.first {
      throw CommandError(exit: .problems, code: finding.kind.rawValue, message: finding.what)
    }
    if read.size < folded {
      throw CommandError(
        exit: .couldNotRun, code: "older-checkpoint",
        message:
          "`\(path)` speaks of the first \(read.size) events, and \(folded) were folded",
        help:
          "take a newer checkpoint, or fold what was known then: --as-served or --known-at with its time"
      )
    }
    checkpoint = read
    signature = (note.note, verifier)
  }
}
