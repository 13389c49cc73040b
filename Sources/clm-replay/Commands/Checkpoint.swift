import ArgumentParser
import EventStore

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Sign what the log is now; keep it elsewhere, and `verify --against` it later.",
    discussion: """
      EXAMPLES
        clm-replay checkpoint store --init ~/keys/shop.key > shop-2024-05-01.checkpoint
        clm-replay checkpoint store > shop-2024-05-02.checkpoint
        clm-replay verify store --against shop-2024-05-01.checkpoint

      --init makes an Ed25519 key (KEY, for its owner's eyes only, and KEY.pub to hand out); a key that is there is used.
      The store remembers where the key is, never the key. The form is that of C2SP tlog-checkpoint and signed-note, with
      the register's size and root as an extension line. --format json prints an object on standard output; with -o FILE the
      checkpoint goes to FILE all the same. A store that remembers a key does not take another by --init.
      """)

  @Argument(help: "The store.") var store: String
  @Option(name: .customLong("init"), help: "Make a key here, outside the store, and sign with it.")
  var newKey: String?
  @Option(help: "Sign with this key; the one that --init named unless given.") var key: String?
  @Option(name: .shortAndLong, help: "Where the checkpoint goes; standard output unless given.")
  var output = "-"
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if newKey != nil && key != nil {
      throw ValidationError("--init and --key do not go together")
    }
  }

  func run() throws {
    let opened = try OpenedStore(store)
    let origin = try opened.origin()
    let signingKey = try newKey.map { try makeKey($0, origin) } ?? readKey()
    let checkpoint = Checkpoint(origin: origin, opened.snapshot)
    let note = try SignedNote(text: checkpoint.text, signedBy: signingKey)
    if global.format == .json || global.format == .ndjson {
      let object = JSONValue.object([
        ("origin", .string(origin)), ("size", .count(checkpoint.size)),
        ("root", .string(Hex.text(checkpoint.root))),
        ("register_size", .count(opened.snapshot.registerSize)),
        ("register_root", .string(Hex.text(opened.snapshot.registerRoot))),
        ("key", .string(signingKey.verifier.text)), ("checkpoint", .string(note.note)),
      ])
      // The file is what `verify --against` reads; the object tells of it.
      if output != "-" { try OutputFile.write(note.note, to: output) }
      try StandardOutput.write(object.text + "\n")
    } else {
      try OutputFile.write(note.note, to: output)
    }
  }

  private func makeKey(_ path: String, _ origin: String) throws -> SigningKey {
    if path == "-" {
      throw CommandError(
        exit: .usage, code: "usage", message: "--init makes two files, and `-` is a stream",
        help: "name the key, as in `--init ~/keys/shop.key`")
    }
    if Files.isPath(path, within: store) {
      throw CommandError(
        exit: .couldNotRun, code: "inside-store",
        message: "the key `\(path)` would lie in the store that it is to protect",
        help: "keep it where those who can write to the store cannot")
    }
    if Files.exists("\(path).pub") && !Files.exists(path) {
      throw CommandError(
        exit: .couldNotRun, code: "key-exists",
        message: "`\(path).pub` is there, and its key `\(path)` is not: a new one would replace it",
        help: "checkpoints that were signed with it need it; take another name")
    }
    let key: SigningKey
    let known = try CheckpointFile.rememberedKey(store)
    if Files.exists(path) {
      key = try CheckpointFile.signingKey(path)
      if let known, known.verifier != key.verifier.text { throw otherKey(known, path) }
      Notice.write("the key `\(path)` was there and is used", quiet: global.quiet)
    } else if let known {
      throw otherKey(known, path)
    } else {
      do throws(NoteFault) {
        key = try SigningKey(name: origin)
      } catch {
        throw CommandError(
          exit: .couldNotRun, code: "bad-key", message: "the key `\(path)` \(error.message)")
      }
      do throws(SystemError) {
        try Files.createPrivate(path, with: key.text + "\n")
        try Files.create("\(path).pub", with: key.verifier.text + "\n")
        try Files.syncDirectory(Files.parent(of: path))
      } catch {
        throw CommandError(
          exit: .couldNotRun, code: "cannot-write",
          message: "the key `\(path)` cannot be written: \(error.text)")
      }
      Notice.write(
        "made the key `\(path)`; who checks needs `\(path).pub`: \(key.verifier.text)",
        quiet: global.quiet)
    }
    do throws(EventStoreError) {
      try StoreKey(path: Files.absolute(path), verifier: key.verifier.text).remember(in: store)
    } catch {
      Notice.write(
        "note: `\(store)` cannot remember where the key is (\(error.message)); next time name it with --key",
        quiet: global.quiet)
    }
    return key
  }

  /// Checkpoints of one store under two keys would look like a forgery to who knows the first.
  private func otherKey(_ known: StoreKey, _ path: String) -> CommandError {
    CommandError(
      exit: .couldNotRun, code: "other-key",
      message:
        "the store `\(store)` remembers the key `\(known.path)` (\(known.verifier)), and `\(path)` is another one",
      help:
        "`checkpoint` without --init signs with the one it remembers, --key KEY with another; to change it, remove `\(store)/key` and hand out the new public key"
    )
  }

  private func readKey() throws -> SigningKey {
    if let known = try CheckpointFile.signingKey(key, store: store) { return known }
    throw CommandError(
      exit: .couldNotRun, code: "no-key",
      message: "the store `\(store)` knows no key to sign with",
      help: CheckpointFile.makingKey(store))
  }
}

/// Checkpoints and keys in files, with errors in the command line's words.
enum CheckpointFile {
  /// The key that a store remembers; nil where it remembers none.
  static func rememberedKey(_ store: String) throws -> StoreKey? {
    try CommandError.translating { try StoreKey.remembered(by: store) }
  }

  /// The key that a user named, else the one that the store remembers; nil without either.
  static func signingKey(_ named: String?, store: String) throws -> SigningKey? {
    try (named ?? rememberedKey(store)?.path).map { try signingKey($0) }
  }

  /// What to do where no key is known.
  static func makingKey(_ store: String) -> String {
    "`clm-replay checkpoint \(store) --init KEY` makes one, --key names one"
  }

  static func read(_ path: String) throws -> (note: SignedNote, checkpoint: Checkpoint) {
    let text = String(decoding: try InputFile.read(path, what: "checkpoint"), as: UTF8.self)
    do throws(NoteFault) {
      let note = try SignedNote(parsing: text)
      return (note, try Checkpoint(parsing: note.text))
    } catch {
      throw CommandError(
        exit: .couldNotRun, code: "bad-checkpoint", message: "`\(path)` \(error.message)")
    }
  }

  /// A checkpoint whose signature holds under a key: the one given, else the one that the store remembers. Without either
  /// a warning says that it was not checked.
  static func signed(_ path: String, key: String?, store: String) throws -> Checkpoint {
    try signedBy(path, key: key, store: store).checkpoint
  }

  /// The same, with the verifier key; nil where no key is known.
  static func signedBy(
    _ path: String, key: String?, store: String
  ) throws -> (checkpoint: Checkpoint, key: String?) {
    guard let known = try key ?? rememberedKey(store)?.verifier else {
      let (_, checkpoint) = try read(path)
      ErrorReport(
        isWarning: true, code: "signature-unchecked",
        message: "the signature of `\(path)` was not checked: the store remembers no key",
        help: "--key names it"
      ).write()
      return (checkpoint, nil)
    }
    let (_, checkpoint, verifier) = try signed(
      path, by: known,
      help: key == nil ? "the key is the one that the store remembers; --key names another" : nil)
    return (checkpoint, verifier)
  }

  /// A checkpoint whose signature holds under a verifier key, with its note and the key.
  ///
  /// - Parameter help: where it does not.
  static func signed(
    _ path: String, by key: String, help: String? = nil
  ) throws -> (note: SignedNote, checkpoint: Checkpoint, key: String) {
    let (note, checkpoint) = try read(path)
    let verifier = try verifierKey(key)
    guard note.isSigned(by: verifier) else {
      throw CommandError(
        exit: .couldNotRun, code: "bad-signature",
        message: "`\(path)` is not signed by the key `\(verifier.text)`, or was changed since",
        help: help)
    }
    return (note, checkpoint, verifier.text)
  }

  static func signingKey(_ path: String) throws -> SigningKey {
    let text = String(decoding: try InputFile.read(path, what: "key"), as: UTF8.self)
    do throws(NoteFault) {
      return try SigningKey(parsing: text)
    } catch {
      throw CommandError(exit: .couldNotRun, code: "bad-key", message: "`\(path)` \(error.message)")
    }
  }

  /// A verifier key, from a file or as it is.
  static func verifierKey(_ text: String) throws -> VerifierKey {
    let content =
      // A verifier key is NAME+ID+KEY; anything else names a file.
      Files.exists(text) || !text.contains("+")
      ? String(decoding: try InputFile.read(text, what: "key"), as: UTF8.self) : text
    do throws(NoteFault) {
      return try VerifierKey(parsing: content)
    } catch {
      throw CommandError(exit: .couldNotRun, code: "bad-key", message: "`\(text)` \(error.message)")
    }
  }
}
