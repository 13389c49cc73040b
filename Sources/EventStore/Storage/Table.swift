/// A key of a table, as bytes in whose order LMDB keeps them.
package protocol TableKey: Sendable {
  var keyBytes: [UInt8] { get }
  /// Nil where the bytes are no key of this kind.
  init?(keyBytes: Span<UInt8>)
}

/// Big-endian, so that keys stand in the order of their numbers.
extension TableKey where Self: FixedWidthInteger {
  package var keyBytes: [UInt8] { .bigEndian(self) }

  package init?(keyBytes: Span<UInt8>) {
    guard keyBytes.count == Self.bitWidth / 8 else { return nil }
    self.init(truncatingIfNeeded: keyBytes.bigEndian)
  }
}

extension UInt32: TableKey {}
extension UInt64: TableKey {}

extension [UInt8]: TableKey {
  package var keyBytes: [UInt8] { self }
  package init?(keyBytes: Span<UInt8>) { self.init(copying: keyBytes) }
}

/// What a table is called, and what its keys are.
///
/// Each value of a table ends in a checksum that is seeded with the table's name and the value's key, so that one in another's
/// place fails. Transactions add it and check it: content comes out of them without, and only where it holds.
package struct TableName<Key: TableKey>: Sendable {
  package let text: String
  private let seed: UInt64

  package init(_ text: String) {
    self.text = text
    seed = Checksum.xxh64(Array(text.utf8).span, seed: 0)
  }

  private func seed(_ key: Span<UInt8>) -> UInt64 { Checksum.xxh64(key, seed: seed) }

  /// A value as it is stored.
  package func sealed(_ key: Key, _ content: consuming [UInt8]) -> SealedValue<Key> {
    let keyBytes = key.keyBytes
    let sum = Checksum.xxh64(content.span, seed: seed(keyBytes.span))
    content.appendLittle(sum)
    return SealedValue(key: key, keyBytes: keyBytes, bytes: content)
  }

  /// A value whose last ``Checksum/length`` bytes are kept for the checksum.
  func sealed(_ key: Key, inPlace value: consuming [UInt8]) -> SealedValue<Key> {
    let keyBytes = key.keyBytes
    let length = value.count - Checksum.length
    let sum = Checksum.xxh64(value.span.extracting(0..<length), seed: seed(keyBytes.span))
    var room = value.mutableSpan
    room.put(sum, at: length)
    return SealedValue(key: key, keyBytes: keyBytes, bytes: value)
  }

  /// Length of what stands before the checksum; nil where that does not hold.
  func contentLength(_ value: Span<UInt8>, key: Span<UInt8>) -> Int? {
    let length = value.count - Checksum.length
    guard length >= 0 else { return nil }
    let sum = Checksum.xxh64(value.extracting(0..<length), seed: seed(key))
    return sum == value.little(length, Checksum.length) ? length : nil
  }
}

/// A value with its checksum, for one table and key.
package struct SealedValue<Key: TableKey>: Sendable {
  package let key: Key
  let keyBytes: [UInt8]
  let bytes: [UInt8]

  /// What stands before the checksum.
  var content: Span<UInt8> {
    @_lifetime(borrow self)
    get { bytes.span.extracting(0..<bytes.count - Checksum.length) }
  }
}

/// Values of a table that will be replaced or removed: those of a key and behind it. LMDB reads the headers of their pages then.
package struct ReplacedValues: Sendable {
  let table: [UInt8]
  let from: [UInt8]
}

extension TableName {
  /// - Parameter key: all values unless given.
  package func replaced(from key: Key? = nil) -> ReplacedValues {
    ReplacedValues(table: Array(text.utf8), from: key?.keyBytes ?? [])
  }
}

/// A table of an environment that was opened.
package struct Table<Key: TableKey>: Sendable {
  package let name: TableName<Key>
  let number: UInt32
}

/// A value or key that is not what was stored.
package struct TableFault: Error, Sendable {
  /// Name of the table.
  package var table: String
  package var keyBytes: [UInt8]
  /// As "the checksum does not hold".
  package var what: String
}
