import Testing

@testable import EventStore

/// SHA-256 of many messages at once, by the processor's instructions where it has them, and by the library's function.
@Suite struct LeafHashTests {
  private func hashes(
    _ leaves: [LeafPlace], _ bytes: [UInt8], start: [UInt8] = [], headerLength: Int = 0,
    byLanes: Bool
  ) -> [[UInt8]] {
    var hashes: [UInt8] = []
    SHA256Bytes.append(
      hashesOf: leaves, in: bytes.span, start: start, headerLength: headerLength, to: &hashes,
      byLanes: byLanes)
    return stride(from: 0, to: hashes.count, by: 32).map { Array(hashes[$0..<$0 + 32]) }
  }

  private func hash(_ message: [UInt8], byLanes: Bool) -> String {
    let leaf = LeafPlace(header: 0, line: 0, lineLength: message.count)
    return Hex.text(hashes([leaf], message, byLanes: byLanes)[0])
  }

  private func random(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: 12)
    return (0..<count).map { _ in UInt8(random(256)) }
  }

  /// FIPS 180-4 and the examples of NIST's Cryptographic Standards and Guidelines.
  @Test(arguments: [true, false])
  func `published messages have their published hashes`(byLanes: Bool) {
    let long =
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
    let published = [
      "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      long: "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      String(repeating: "a", count: 1_000_000):
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ]
    for (message, expected) in published {
      #expect(hash(Array(message.utf8), byLanes: byLanes) == expected)
    }
  }

  @Test(arguments: [0, 1, 5, 40, 41, 63, 64])
  func `heads and lines of all lengths up to 300 are hashed as one message`(head: Int) {
    let bytes = random(400)
    let start = Array(bytes[..<(head / 2)])
    let leaves = (0...300).map { LeafPlace(header: 7, line: 50, lineLength: $0) }
    let expected = leaves.map { leaf in
      var message = start
      message += bytes[7..<7 + head - head / 2]
      message += bytes[50..<50 + leaf.lineLength]
      return SHA256Bytes.hash(message.span)
    }
    for byLanes in [true, false] {
      let found = hashes(
        leaves, bytes, start: start, headerLength: head - head / 2, byLanes: byLanes)
      #expect(found == expected)
    }
  }

  @Test func `two messages of any lengths share the processor`() {
    let bytes = random(400)
    // By the library, which is given the first byte apart.
    let expected = (0...300).map { length in
      SHA256Bytes.hash(prefix: bytes[50], bytes.span.extracting(51..<51 + length))
    }
    func leaf(_ length: Int) -> LeafPlace {
      LeafPlace(header: 50, line: 51, lineLength: length)
    }
    for first in 0...300 {
      let pairs = (0...300).flatMap { [leaf(first), leaf($0)] }
      let found = hashes(pairs, bytes, headerLength: 1, byLanes: true)
      #expect((0...300).allSatisfy { found[2 * $0] == expected[first] })
      #expect((0...300).allSatisfy { found[2 * $0 + 1] == expected[$0] })
    }
  }

  @Test(arguments: [true, false])
  func `the hash of an erased event stands in place of its line`(byLanes: Bool) {
    let bytes = random(100)
    let whole = LeafPlace(header: 0, line: 10, lineLength: 80)
    let erased = LeafPlace(header: nil, line: 60, lineLength: 32)
    let found = hashes([erased, whole, erased, whole], bytes, headerLength: 10, byLanes: byLanes)
    let expected = SHA256Bytes.hash(bytes.span.extracting(0..<90))
    #expect(found == [Array(bytes[60..<92]), expected, Array(bytes[60..<92]), expected])
  }

  @Test(arguments: [true, false])
  func `parents take the place of their children`(byLanes: Bool) {
    for pairs in 0...9 {
      var nodes = random(64 * pairs)
      var expected: [UInt8] = []
      for pair in 0..<pairs {
        let left = Array(nodes[64 * pair..<64 * pair + 32])
        let right = Array(nodes[64 * pair + 32..<64 * pair + 64])
        expected += MerkleTree.nodeHash(left, right)
      }
      SHA256Bytes.reducePairs(&nodes, byLanes: byLanes)
      #expect(nodes == expected)
    }
  }
}
