/// Where the key is that signs a store's checkpoints, as the store remembers it: file `key`, two lines (docs/format.md).
///
/// The key itself lies outside the store, where those who can write to the store cannot.
public struct StoreKey: Sendable, Equatable {
  /// Of the private key.
  public var path: String
  /// The text of the public key (``VerifierKey``).
  public var verifier: String

  /// - Parameters:
  ///   - path: of the private key, from the root of the file system.
  ///   - verifier: the text of the public key.
  public init(path: String, verifier: String) {
    self.path = path
    self.verifier = verifier
  }

  /// The key that the store at `path` remembers; nil where it remembers none.
  /// - Throws: where it may remember one, and that cannot be read.
  public static func remembered(by store: String) throws(EventStoreError) -> StoreKey? {
    let file = StoreFiles(path: store).key
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.read(file)
    } catch {
      if error.kind == .missing { return nil }
      throw EventStoreError(error, "read `\(file)`", path: file)
    }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    guard lines.count == 2, lines[0].hasPrefix("private "), lines[1].hasPrefix("public ") else {
      throw EventStoreError(
        .damaged, "`\(file)` does not say where the key of the checkpoints is",
        help: "remove it, and name the key with --key")
    }
    return StoreKey(path: String(lines[0].dropFirst(8)), verifier: String(lines[1].dropFirst(7)))
  }

  /// Has the store at `path` remember the key, in place of another.
  public func remember(in store: String) throws(EventStoreError) {
    let file = StoreFiles(path: store).key
    do throws(SystemError) {
      try Files.replace(file, with: "private \(path)\npublic \(verifier)\n")
    } catch {
      throw EventStoreError(error, "write `\(file)`", path: file)
    }
  }
}
