import EventStore
import Testing

/// C2SP signed-note and tlog-checkpoint.
@Suite struct NoteTests {
  /// The example of the Go module golang.org/x/mod/sumdb/note.
  private let privateKey =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
  private let publicKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
  private let signed = """
    If you think cryptography is the answer to your problem,
    then you don't know what your problem is.

    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

    """

  @Test func `the published note is signed by its key`() throws {
    let note = try SignedNote(parsing: signed)
    let key = try VerifierKey(parsing: publicKey)
    #expect(note.isSigned(by: key))
    #expect(note.note == signed)
    #expect(try SigningKey(parsing: privateKey).verifier == key)
    #expect(try SigningKey(parsing: privateKey).text == privateKey)
    #expect(key.text == publicKey)
  }

  @Test func `a note that was changed is not signed`() throws {
    let key = try VerifierKey(parsing: publicKey)
    #expect(try !SignedNote(parsing: signed.replacing("your", with: "my")).isSigned(by: key))
    var other = try SignedNote(parsing: signed)
    other.signatures[0].bytes[10] ^= 1
    #expect(!other.isSigned(by: key))
    other = try SignedNote(parsing: signed)
    other.signatures[0].name = "Somebody"
    #expect(!other.isSigned(by: key))
    #expect(
      !(try SignedNote(parsing: signed).isSigned(by: try SigningKey(name: "PeterNeumann").verifier))
    )
  }

  @Test(arguments: [
    "", "text\n", "text\n\n", "text\n\nnot a signature\n", "text\n\n— name\n",
    "text\n\n— name AAAA\n",
    "text\n\n— name x08go/ZJkuBS9UG/SffcvIAQ", "text\n— name x08go/ZJkuBS9UG/SffcvIAQ\n",
  ])
  func `what is no note is refused`(_ text: String) {
    #expect(throws: NoteFault.self) { try SignedNote(parsing: text) }
  }

  @Test(arguments: [
    "", "name", "name+00000000+AAAA",
    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+AxpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  ])
  func `what is no key is refused`(_ text: String) {
    #expect(throws: NoteFault.self) { try VerifierKey(parsing: text) }
    #expect(throws: NoteFault.self) { try SigningKey(parsing: "PRIVATE+KEY+\(text)") }
  }

  @Test(arguments: [
    "origin\n5\nAAAA\n", "origin\n05\n\(Base64.text(Array(repeating: 1, count: 32)))\n",
    "\n5\n\(Base64.text(Array(repeating: 1, count: 32)))\n",
    "origin\n-1\n\(Base64.text(Array(repeating: 1, count: 32)))\n",
    "origin\n5\n\(Base64.text(Array(repeating: 1, count: 32)))\nregister x y\n",
  ])
  func `what is no checkpoint is refused`(_ text: String) {
    #expect(throws: NoteFault.self) { try Checkpoint(parsing: text) }
  }

  @Test func `base64 has one form only`() {
    #expect(Base64.text(Array("foobar".utf8)) == "Zm9vYmFy")
    #expect(Base64.text(Array("foob".utf8)) == "Zm9vYg==")
    #expect(Base64.bytes("Zm9vYg==") == Array("foob".utf8))
    for text in ["Zm9vYg", "Zm9vYg=", "Zm9vYh==", "Zm9v Yg==", "=", "Z", "Zm9vYg==="] {
      #expect(Base64.bytes(text) == nil, "\(text)")
    }
  }
}
