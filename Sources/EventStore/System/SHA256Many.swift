import CProcessor

/// Where a leaf stands in the bytes of a chunk.
struct LeafPlace: Sendable, BitwiseCopyable {
  /// Of the event's header; nil for an erased event, whose line is its leaf hash.
  var header: Int?
  var line: Int
  var lineLength: Int
}

extension SHA256Bytes {
  /// The processor has SHA instructions that two messages may share; where not, they are hashed one by one.
  static let hasLanes = processor_has_sha256() != 0

  /// So many messages are handed over at once.
  private static let mostMessages = 128
  private static let mostHead = 64

  /// Adds SHA-256(start ‖ header ‖ line) of each leaf.
  ///
  /// - Parameters:
  ///   - headerLength: of each header; with `start` at most 64 bytes.
  ///   - byLanes: false for what processors without such instructions do.
  static func append(
    hashesOf leaves: [LeafPlace], in bytes: Span<UInt8>, start: [UInt8], headerLength: Int,
    to hashes: inout [UInt8], byLanes: Bool = hasLanes
  ) {
    for leaf in leaves {
      let header = leaf.header ?? 0
      precondition(
        header >= 0 && headerLength <= bytes.count - header && leaf.line >= 0
          && leaf.lineLength >= 0 && leaf.lineLength <= bytes.count - leaf.line
          && (leaf.header != nil || leaf.lineLength == length), "the leaf lies within the bytes")
    }
    if byLanes && hasLanes {
      precondition(start.count + headerLength <= mostHead, "a head has at most 64 bytes")
      return appendByLanes(leaves, bytes, start, headerLength, &hashes)
    }
    var input: [UInt8] = []
    for leaf in leaves {
      let line = bytes.extracting(leaf.line..<leaf.line + leaf.lineLength)
      guard let header = leaf.header else {
        hashes.append(line)
        continue
      }
      input.removeAll(keepingCapacity: true)
      input += start
      input.append(bytes.extracting(header..<header + headerLength))
      input.append(line)
      append(hashOf: input.span, to: &hashes)
    }
  }

  private static func appendByLanes(
    _ leaves: [LeafPlace], _ bytes: Span<UInt8>, _ start: [UInt8], _ headerLength: Int,
    _ hashes: inout [UInt8]
  ) {
    let before = hashes.count
    hashes.append(contentsOf: repeatElement(0, count: leaves.count * length))
    // Safe because each leaf lies within the bytes, each hash within the room made for it, each head within its 64 bytes, and
    // the calls keep no pointer.
    unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe hashes.withUnsafeMutableBufferPointer { hashes in
        unsafe withUnsafeTemporaryAllocation(
          of: processor_message.self, capacity: mostMessages
        ) { messages in
          unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: mostMessages * mostHead
          ) { heads in
            guard let bytes = bytes.baseAddress, let hashes = hashes.baseAddress,
              let heads = heads.baseAddress, let messages = messages.baseAddress
            else { return }
            var count = 0
            for (number, leaf) in leaves.enumerated() {
              let hash = unsafe hashes + before + number * length
              guard let header = leaf.header else {
                unsafe hash.update(from: bytes + leaf.line, count: length)
                continue
              }
              let head = unsafe heads + count * mostHead
              for index in start.indices { unsafe head[index] = start[index] }
              unsafe (head + start.count).update(from: bytes + header, count: headerLength)
              unsafe (messages + count).initialize(
                to: processor_message(
                  head: head, body: bytes + leaf.line, hash: hash,
                  head_count: start.count + headerLength, body_count: leaf.lineLength))
              count += 1
              if count == mostMessages {
                unsafe processor_sha256_messages(messages, count)
                count = 0
              }
            }
            unsafe processor_sha256_messages(messages, count)
          }
        }
      }
    }
  }

  /// Puts SHA-256(0x01 ‖ left ‖ right) of each pair of hashes in the place of the first of them.
  static func reducePairs(_ hashes: inout [UInt8], byLanes: Bool = hasLanes) {
    let pairs = hashes.count / (2 * length)
    if byLanes && hasLanes {
      // Safe because each pair lies within the bytes, and parents may take the place of children.
      unsafe hashes.withUnsafeMutableBufferPointer {
        guard let base = $0.baseAddress else { return }
        unsafe processor_sha256_parents(base, pairs, base)
      }
    } else {
      var input: [UInt8] = []
      input.reserveCapacity(1 + 2 * length)
      var room = hashes.mutableSpan
      for pair in 0..<pairs {
        input.removeAll(keepingCapacity: true)
        input.append(1)
        input.append(room.span.extracting(2 * pair * length..<2 * (pair + 1) * length))
        put(hashOf: input.span, into: &room, at: pair * length)
      }
    }
    hashes.removeLast(hashes.count - pairs * length)
  }
}
