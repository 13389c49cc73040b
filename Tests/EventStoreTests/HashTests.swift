@testable import EventStore
import Testing

@Suite struct HashTests {
  private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0
    }
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// The leaves and roots of certificate transparency's own tests (RFC 6962).
  @Test func `the Merkle tree has the published roots`() {
    let leaves = [
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
      "606162636465666768696a6b6c6d6e6f",
    ]
    let roots = [
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    var tree = MerkleTree()
    #expect(hex(tree.root) == roots[0])
    for (index, leaf) in leaves.enumerated() {
      tree.append(leafHash: MerkleTree.leafHash(bytes(leaf).span))
      #expect(hex(tree.root) == roots[index + 1])
    }
  }

  @Test func `the tree of peaks is the tree of the definition, for every size up to 300`() {
    func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
      if leaves.count == 1 { return leaves[leaves.startIndex] }
      var half = 1
      while half * 2 < leaves.count { half *= 2 }
      let middle = leaves.startIndex + half
      return MerkleTree.nodeHash(root(leaves[..<middle]), root(leaves[middle...]))
    }
    var tree = MerkleTree()
    var leaves: [[UInt8]] = []
    for number in 0..<300 {
      let leaf = MerkleTree.leafHash(Array("leaf \(number)".utf8).span)
      leaves.append(leaf)
      tree.append(leafHash: leaf)
      #expect(tree.root == root(leaves[...]))
    }
  }

  /// Published vectors of xxHash (seed 0 and 2654435761 over a known text).
  @Test func `XXH64 has the published values`() {
    #expect(Checksum.xxh64([UInt8]().span, seed: 0) == 0xEF46_DB37_51D8_E999)
    #expect(Checksum.xxh64(Array("abc".utf8).span, seed: 0) == 0x44BC_2CF5_AD77_0999)
    #expect(
      Checksum.xxh64(Array("Nobody inspects the spammish repetition".utf8).span, seed: 0)
        == 0xFBCE_A83C_8A37_8BF1)
  }

  @Test func `a sealed value holds in its own place only`() {
    let key: [UInt8] = [1]
    let other: [UInt8] = [2]
    let table = TableName<[UInt8]>("ev")
    var value = table.sealed(key, Array("content".utf8)).bytes

    #expect(table.sealed(key, inPlace: Array("content12345678".utf8)).bytes == value)
    #expect(table.contentLength(value.span, key: key.span) == 7)
    #expect(table.contentLength(value.span, key: other.span) == nil)
    #expect(TableName<[UInt8]>("col").contentLength(value.span, key: key.span) == nil)
    value[3] ^= 1
    #expect(table.contentLength(value.span, key: key.span) == nil)
  }
}
