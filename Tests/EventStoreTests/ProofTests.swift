import EventStore
import Testing

@Suite struct ProofTests {
  private static let vectorLeaves = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
  ].map { bytes($0) }

  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0
    }
  }

  private static let vectorHashes = vectorLeaves.map { MerkleTree.leafHash($0.span) }

  /// The definitions of RFC 6962, 2.1, 2.1.1 and 2.1.2, word by word and with a memory.
  private final class Definition {
    let hashes: [[UInt8]]
    private var known: [Range<Int>: [UInt8]] = [:]

    init(_ hashes: [[UInt8]]) { self.hashes = hashes }

    private func half(_ count: Int) -> Int {
      var half = 1
      while half * 2 < count { half *= 2 }
      return half
    }

    func root(_ range: Range<Int>) -> [UInt8] {
      if range.count == 1 { return hashes[range.lowerBound] }
      if let root = known[range] { return root }
      let middle = range.lowerBound + half(range.count)
      let root = MerkleTree.nodeHash(
        self.root(range.lowerBound..<middle), self.root(middle..<range.upperBound))
      known[range] = root
      return root
    }

    func path(_ index: Int, _ range: Range<Int>) -> [[UInt8]] {
      if range.count == 1 { return [] }
      let middle = range.lowerBound + half(range.count)
      return index < middle
        ? path(index, range.lowerBound..<middle) + [root(middle..<range.upperBound)]
        : path(index, middle..<range.upperBound) + [root(range.lowerBound..<middle)]
    }

    func proof(_ old: Int, _ range: Range<Int>, _ isWhole: Bool) -> [[UInt8]] {
      if old == range.upperBound { return isWhole ? [] : [root(range)] }
      let middle = range.lowerBound + half(range.count)
      return old <= middle
        ? proof(old, range.lowerBound..<middle, isWhole) + [root(middle..<range.upperBound)]
        : proof(old, middle..<range.upperBound, false) + [root(range.lowerBound..<middle)]
    }
  }

  @Test func `leaf and node hashes have the published values`() {
    #expect(
      MerkleTree.leafHash(Array("L123456".utf8).span)
        == Self.bytes("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"))
    #expect(
      MerkleTree.nodeHash(Array("N123".utf8), Array("N456".utf8))
        == Self.bytes("aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"))
    let leaves = [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
      "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ]
    #expect(Self.vectorHashes == leaves.map { Self.bytes($0) })
  }

  @Test func `inclusion and consistency have the published proofs`() {
    let hashes = Self.vectorHashes
    let inclusion = MerkleProof.inclusion(of: 0, in: 8) { MerkleProof.root(of: $0, hashes) }
    #expect(
      inclusion
        == [
          "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
          "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
          "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ].map { Self.bytes($0) })
    let consistency = MerkleProof.consistency(from: 6, to: 8) { MerkleProof.root(of: $0, hashes) }
    #expect(
      consistency
        == [
          "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
          "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ].map { Self.bytes($0) })
  }

  @Test func `proofs are those of the definition and hold, for every size up to 300`() {
    let hashes = (0..<300).map { MerkleTree.leafHash(Array("leaf \($0)".utf8).span) }
    let definition = Definition(hashes)
    for size in 1...300 {
      let root = definition.root(0..<size)
      for other in stride(from: size % 3, to: size, by: size < 40 ? 1 : 3) {
        let path = MerkleProof.inclusion(of: UInt64(other), in: UInt64(size)) {
          definition.root(Int($0.lowerBound)..<Int($0.upperBound))
        }
        let isRight =
          path == definition.path(other, 0..<size)
          && MerkleProof.root(
            leafHash: hashes[other], at: UInt64(other), in: UInt64(size), path: path) == root
        if !isRight { Issue.record("inclusion of \(other) in \(size)") }
        guard other > 0 else { continue }
        let proof = MerkleProof.consistency(from: UInt64(other), to: UInt64(size)) {
          definition.root(Int($0.lowerBound)..<Int($0.upperBound))
        }
        let isConsistent =
          proof == definition.proof(other, 0..<size, true)
          && MerkleProof.isConsistent(
            old: UInt64(other), oldRoot: definition.root(0..<other), size: UInt64(size),
            root: root, path: proof)
        if !isConsistent { Issue.record("consistency of \(other) and \(size)") }
      }
    }
  }

  @Test func `tampered proofs are refused`() {
    var random = SeededRandom(seed: 41)
    let hashes = (0..<300).map { MerkleTree.leafHash(Array("leaf \($0)".utf8).span) }
    let definition = Definition(hashes)
    /// One change of a path; nil where it leaves it as it is.
    func tampered(_ path: [[UInt8]]) -> [[UInt8]]? {
      var changed = path
      switch random(5) {
      case 0 where !path.isEmpty: changed.removeLast()
      case 1 where !path.isEmpty: changed.removeFirst()
      case 2: changed.insert(hashes[random(300)], at: random(path.count + 1))
      case 3 where path.count > 1: changed.swapAt(random(path.count), random(path.count))
      default:
        if path.isEmpty { return nil }
        changed[random(path.count)][random(32)] ^= 1 << UInt8(random(8))
      }
      return changed == path ? nil : changed
    }
    for _ in 0..<3000 {
      let size = 2 + random(298)
      let index = random(size)
      let root = definition.root(0..<size)
      let path = definition.path(index, 0..<size)
      func leadsToRoot(_ leaf: [UInt8], _ index: Int, _ size: Int, _ path: [[UInt8]]) -> Bool {
        MerkleProof.root(leafHash: leaf, at: UInt64(index), in: UInt64(size), path: path) == root
      }
      if let changed = tampered(path) {
        #expect(!leadsToRoot(hashes[index], index, size, changed))
      }
      #expect(!leadsToRoot(hashes[(index + 1) % 300], index, size, path))
      let other = random(size)
      #expect(other == index || !leadsToRoot(hashes[index], other, size, path))
      #expect(
        MerkleProof.root(leafHash: hashes[index], at: UInt64(size), in: UInt64(size), path: path)
          == nil)
      let old = 1 + random(size - 1)
      let oldRoot = definition.root(0..<old)
      let proof = definition.proof(old, 0..<size, true)
      func isConsistent(_ old: Int, _ oldRoot: [UInt8], _ root: [UInt8], _ path: [[UInt8]]) -> Bool
      {
        MerkleProof.isConsistent(
          old: UInt64(old), oldRoot: oldRoot, size: UInt64(size), root: root, path: path)
      }
      if let changed = tampered(proof) {
        #expect(!isConsistent(old, oldRoot, root, changed))
      }
      #expect(!isConsistent(old, hashes[0] == oldRoot ? hashes[1] : hashes[0], root, proof))
      #expect(!isConsistent(old, oldRoot, oldRoot, proof))
    }
    #expect(!MerkleProof.isConsistent(old: 5, oldRoot: [], size: 4, root: [], path: []))
  }
}
