import CLibcrypto

/// Signatures of Ed25519 (RFC 8032), by OpenSSL's libcrypto.
enum Ed25519 {
  static let seedLength = 32
  static let keyLength = 32
  static let signatureLength = 64

  /// The library gives no Ed25519: a provider of fewer algorithms is set up on this machine, or memory is lacking.
  struct Unavailable: Error {}

  /// The public key of a seed of 32 bytes.
  static func publicKey(ofSeed seed: [UInt8]) throws(Unavailable) -> [UInt8] {
    let key = try Key(seed: seed)
    var bytes = [UInt8](repeating: 0, count: keyLength)
    var count = keyLength
    // Safe because the call writes at most `count` bytes, for which there is room.
    let status = unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe EVP_PKEY_get_raw_public_key(key.handle, $0.baseAddress, &count)
    }
    guard status == 1, count == keyLength else { throw Unavailable() }
    return bytes
  }

  /// Whether a public key of 32 bytes can be used here.
  static func check(publicKey: [UInt8]) throws(Unavailable) { _ = try Key(publicKey: publicKey) }

  /// 64 bytes.
  static func sign(_ message: [UInt8], seed: [UInt8]) throws(Unavailable) -> [UInt8] {
    let key = try Key(seed: seed)
    let context = try Context()
    var signature = [UInt8](repeating: 0, count: signatureLength)
    var count = signatureLength
    guard unsafe EVP_DigestSignInit(context.handle, nil, nil, nil, key.handle) == 1 else {
      throw Unavailable()
    }
    // Safe because the call reads the message, and writes at most `count` bytes, for which there is room.
    let status = unsafe message.withUnsafeBufferPointer { message in
      unsafe signature.withUnsafeMutableBufferPointer { signature in
        unsafe EVP_DigestSign(
          context.handle, signature.baseAddress, &count, message.baseAddress, message.count)
      }
    }
    guard status == 1, count == signatureLength else { throw Unavailable() }
    return signature
  }

  /// True where the signature of the message was made with the private part of a public key of 32 bytes.
  static func isSigned(
    _ message: [UInt8], _ signature: [UInt8], by publicKey: [UInt8]
  ) throws(Unavailable) -> Bool {
    guard signature.count == signatureLength else { return false }
    let key = try Key(publicKey: publicKey)
    let context = try Context()
    guard unsafe EVP_DigestVerifyInit(context.handle, nil, nil, nil, key.handle) == 1 else {
      throw Unavailable()
    }
    // Safe because the call reads both, and keeps no pointer.
    return unsafe message.withUnsafeBufferPointer { message in
      unsafe signature.withUnsafeBufferPointer { signature in
        unsafe EVP_DigestVerify(
          context.handle, signature.baseAddress, signature.count, message.baseAddress,
          message.count)
      }
    } == 1
  }

  /// A key of the library, freed with this.
  @safe private struct Key: ~Copyable {
    let handle: OpaquePointer

    init(seed: [UInt8]) throws(Unavailable) {
      precondition(seed.count == Ed25519.seedLength, "a seed has 32 bytes")
      try unsafe self.init(seed, EVP_PKEY_new_raw_private_key)
    }

    init(publicKey: [UInt8]) throws(Unavailable) {
      precondition(publicKey.count == Ed25519.keyLength, "a public key has 32 bytes")
      try unsafe self.init(publicKey, EVP_PKEY_new_raw_public_key)
    }

    @unsafe private init(
      _ bytes: [UInt8],
      _ make: (CInt, OpaquePointer?, UnsafePointer<UInt8>?, Int) -> OpaquePointer?
    ) throws(Unavailable) {
      // Safe because the call reads `count` bytes and keeps no pointer.
      let made = unsafe bytes.withUnsafeBufferPointer {
        unsafe make(EVP_PKEY_ED25519, nil, $0.baseAddress, $0.count)
      }
      guard let handle = unsafe made else { throw Unavailable() }
      unsafe self.handle = unsafe handle
    }

    deinit { unsafe EVP_PKEY_free(handle) }
  }

  /// What a signature is made or checked in, freed with this.
  @safe private struct Context: ~Copyable {
    let handle: OpaquePointer

    init() throws(Unavailable) {
      guard let handle = unsafe EVP_MD_CTX_new() else { throw Unavailable() }
      unsafe self.handle = unsafe handle
    }

    deinit { unsafe EVP_MD_CTX_free(handle) }
  }
}
