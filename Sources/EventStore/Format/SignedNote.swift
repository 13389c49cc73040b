/// A text with an Ed25519 signature of its lines (C2SP signed-note, c2sp.org/signed-note).
///
/// ```
/// text, which ends in a line end
///
/// — NAME BASE64(key id, 4 bytes ‖ signature, 64 bytes)
/// ```
public struct SignedNote: Sendable, Equatable {
  /// Signed, with its last line end.
  public var text: String
  /// In the order of their lines; at least one.
  public var signatures: [Signature]

  /// A line below the text.
  public struct Signature: Sendable, Equatable {
    /// Of the key that signed.
    public var name: String
    /// Key id and signature.
    public var bytes: [UInt8]
  }

  /// - Throws: why it is no signed note.
  public init(parsing note: String) throws(NoteFault) {
    guard let gap = Self.lastEmptyLine(note) else {
      throw NoteFault("has no empty line before its signatures")
    }
    text = String(note[..<gap.text])
    signatures = []
    for line in note[gap.signatures...].split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
    {
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 3, parts[0] == "\u{2014}", !parts[1].isEmpty,
        let bytes = Base64.bytes(parts[2]), bytes.count > 4
      else { throw NoteFault("has a malformed signature line") }
      signatures.append(Signature(name: String(parts[1]), bytes: bytes))
    }
    guard !signatures.isEmpty, note.hasSuffix("\n") else { throw NoteFault("is not signed") }
  }

  /// Where the text ends, and where the signatures start.
  private static func lastEmptyLine(
    _ note: String
  ) -> (text: String.Index, signatures: String.Index)? {
    let bytes = note.utf8
    var index = bytes.endIndex
    var next: UInt8 = 0
    while index > bytes.startIndex {
      let before = bytes.index(before: index)
      if bytes[before] == 0x0a && next == 0x0a && bytes.index(after: index) < bytes.endIndex {
        return (index, bytes.index(after: index))
      }
      next = bytes[before]
      index = before
    }
    return nil
  }

  /// Signs a text, which ends in a line end.
  public init(text: String, signedBy key: SigningKey) throws {
    precondition(text.hasSuffix("\n"), "a note ends in a line end")
    self.text = text
    let signature = try key.sign(Array(text.utf8))
    signatures = [Signature(name: key.name, bytes: key.verifier.id + signature)]
  }

  /// Text and signatures as they stand in a file.
  public var note: String {
    text + "\n"
      + signatures.map { "\u{2014} \($0.name) \(Base64.text($0.bytes))\n" }.joined()
  }

  /// True where the key signed this text; false where it did not sign, or the signature does not hold.
  public func isSigned(by key: VerifierKey) -> Bool {
    signatures.contains { signature in
      signature.name == key.name && Array(signature.bytes.prefix(4)) == key.id
        && key.isValid(Array(signature.bytes.dropFirst(4)), of: Array(text.utf8))
    }
  }
}

/// Why a text is no note, key or checkpoint; reads on from its name.
public struct NoteFault: Error, Sendable {
  /// Lower case, no full stop; reads on from the name of the file.
  public var message: String

  init(_ message: String) { self.message = message }

  fileprivate static let unavailable = NoteFault(
    "cannot be used: OpenSSL as it is set up here has no Ed25519")
}

/// A public Ed25519 key with its name: `NAME+HEX(key id)+BASE64(0x01 ‖ public key)`.
public struct VerifierKey: Sendable, Equatable {
  /// Who signs; no blank, no plus sign.
  public let name: String
  /// 32 bytes (RFC 8032).
  public let publicKey: [UInt8]

  fileprivate static let ed25519: UInt8 = 1

  init(name: String, publicKey: [UInt8]) {
    self.name = name
    self.publicKey = publicKey
  }

  /// - Throws: why the text is no verifier key.
  public init(parsing text: String) throws(NoteFault) {
    let parts = text.split(separator: "\n").first.map {
      $0.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    }
    guard let parts, parts.count == 3, isKeyName(parts[0]), let key = Base64.bytes(parts[2]),
      key.count == 33, key[0] == Self.ed25519
    else { throw NoteFault("is no Ed25519 verifier key: NAME+ID+KEY") }
    name = String(parts[0])
    publicKey = Array(key.dropFirst())
    do throws(Ed25519.Unavailable) {
      try Ed25519.check(publicKey: publicKey)
    } catch {
      throw .unavailable
    }
    guard parts[1] == Hex.text(id) else {
      throw NoteFault("has a key id that does not belong to its key")
    }
  }

  /// The first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public key).
  public var id: [UInt8] {
    let bytes = Array(name.utf8) + [0x0a, Self.ed25519] + publicKey
    return Array(SHA256Bytes.hash(bytes.span).prefix(4))
  }

  /// As it is handed out.
  public var text: String {
    "\(name)+\(Hex.text(id))+\(Base64.text([Self.ed25519] + publicKey))"
  }

  func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    do throws(Ed25519.Unavailable) {
      return try Ed25519.isSigned(message, signature, by: publicKey)
    } catch {
      // A key that cannot be used here is refused where it is read.
      return false
    }
  }
}

/// A private Ed25519 key with its name: `PRIVATE+KEY+NAME+HEX(key id)+BASE64(0x01 ‖ seed)`, as other tools for signed notes
/// write it.
public struct SigningKey: Sendable {
  /// Who signs; no blank, no plus sign.
  public let name: String
  private let seed: [UInt8]
  /// The public key of the pair.
  public let verifier: VerifierKey
  private static let prefix = "PRIVATE+KEY+"

  /// A new key.
  ///
  /// - Throws: ``NoteFault`` where this machine's OpenSSL has no Ed25519.
  public init(name: String) throws(NoteFault) {
    precondition(isKeyName(name), "a name has no blanks and no plus signs")
    try self.init(name: name, seed: Files.random(Ed25519.seedLength))
  }

  private init(name: String, seed: [UInt8]) throws(NoteFault) {
    self.name = name
    self.seed = seed
    do throws(Ed25519.Unavailable) {
      verifier = VerifierKey(name: name, publicKey: try Ed25519.publicKey(ofSeed: seed))
    } catch {
      throw .unavailable
    }
  }

  /// - Throws: why the text is no signing key.
  public init(parsing text: String) throws(NoteFault) {
    let line = text.split(separator: "\n").first ?? ""
    let parts = line.dropFirst(Self.prefix.count)
      .split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard line.hasPrefix(Self.prefix), parts.count == 3, isKeyName(parts[0]),
      let bytes = Base64.bytes(parts[2]), bytes.count == 33, bytes[0] == VerifierKey.ed25519
    else { throw NoteFault("is no Ed25519 signing key: PRIVATE+KEY+NAME+ID+KEY") }
    try self.init(name: String(parts[0]), seed: Array(bytes.dropFirst()))
    guard parts[1] == Hex.text(verifier.id) else {
      throw NoteFault("has a key id that does not belong to its key")
    }
  }

  /// As it is kept, for its owner's eyes only.
  public var text: String {
    let bytes = [VerifierKey.ed25519] + seed
    return "\(Self.prefix)\(name)+\(Hex.text(verifier.id))+\(Base64.text(bytes))"
  }

  func sign(_ message: [UInt8]) throws(NoteFault) -> [UInt8] {
    do throws(Ed25519.Unavailable) {
      return try Ed25519.sign(message, seed: seed)
    } catch {
      throw .unavailable
    }
  }
}

private func isKeyName(_ name: some StringProtocol) -> Bool {
  !name.isEmpty && !name.contains { $0 == "+" || $0.isWhitespace }
}
