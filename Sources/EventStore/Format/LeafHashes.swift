/// Hashes of leaves in a row, in one buffer.
struct LeafHashes: Sendable {
  private var bytes: [UInt8] = []
  private var input: [UInt8] = []

  var count: Int { bytes.count / SHA256Bytes.length }

  var all: [[UInt8]] { hashes(from: 0) }

  /// From a number on.
  func hashes(from first: Int) -> [[UInt8]] {
    stride(from: first * SHA256Bytes.length, to: bytes.count, by: SHA256Bytes.length).map {
      Array(bytes[$0..<$0 + SHA256Bytes.length])
    }
  }

  /// Adds that of a stored event; of an erased one it stands in place of the line.
  mutating func add(_ chunk: borrowing ChunkView, _ index: Int) {
    if chunk.kind(index) == ChunkView.erased {
      bytes.append(chunk.bytes.extracting(chunk.lineRange(index)))
      return
    }
    input.removeAll(keepingCapacity: true)
    chunk.appendLeaf(index, to: &input)
    Self.add(hashOf: input, to: &bytes)
  }

  /// Adds that of an event: SHA-256(0x00 ‖ header ‖ line).
  ///
  /// - Parameter header: without version, kind and format of the line, as a slot holds it.
  mutating func add(header: Span<UInt8>, line: Span<UInt8>) {
    input.removeAll(keepingCapacity: true)
    input.append(0)
    EventHeader.appendStart(to: &input)
    input.append(header)
    input.append(line)
    Self.add(hashOf: input, to: &bytes)
  }

  private static func add(hashOf input: [UInt8], to hashes: inout [UInt8]) {
    SHA256Bytes.append(hashOf: input.span, to: &hashes)
  }

  /// Puts parents in the place of their children; the number of hashes is a multiple of 2^levels.
  mutating func reduce(levels: Int) {
    let length = SHA256Bytes.length
    var input: [UInt8] = []
    input.reserveCapacity(1 + 2 * length)
    for _ in 0..<levels {
      var room = bytes.mutableSpan
      let pairs = room.count / (2 * length)
      for pair in 0..<pairs {
        input.removeAll(keepingCapacity: true)
        input.append(1)
        input.append(room.span.extracting(2 * pair * length..<2 * (pair + 1) * length))
        SHA256Bytes.put(hashOf: input.span, into: &room, at: pair * length)
      }
      bytes.removeLast(bytes.count - pairs * length)
    }
  }
}
