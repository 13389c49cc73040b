/// The tables of the log (docs/format.md).
enum LogTables {
  static let meta = TableName<[UInt8]>("meta")
  /// By the position of a chunk's first event.
  static let events = TableName<UInt64>("ev")
  static let columns = TableName<ColumnKey>("col")
  /// By number.
  static let control = TableName<UInt64>("ctl")

  static let names = [meta.text, events.text, columns.text, control.text]
}

/// One column of one block.
struct ColumnKey: TableKey {
  let block: UInt32
  let column: UInt16

  init(_ column: ColumnNumber, block: BlockNumber) {
    self.block = UInt32(block.rawValue)
    self.column = column.rawValue
  }

  var keyBytes: [UInt8] { block.keyBytes + .bigEndian(column) }

  init?(keyBytes: Span<UInt8>) {
    guard keyBytes.count == 6 else { return nil }
    let number = keyBytes.bigEndian
    block = UInt32(truncatingIfNeeded: number >> 16)
    column = UInt16(truncatingIfNeeded: number)
  }
}

extension TableFault {
  /// In the words of the log: at which position, if it concerns one, and what.
  var inLog: (position: UInt64?, what: String) {
    let key = keyBytes.span
    let names = "of table `\(table)`: \(what)"
    switch table {
    case LogTables.events.text:
      guard let first = UInt64(keyBytes: key) else { return (0, names) }
      return (first, "the checksum of a chunk does not hold")
    case LogTables.columns.text:
      guard let key = ColumnKey(keyBytes: key) else { return (0, names) }
      return (
        BlockNumber(Int(key.block)).first, "the checksum of column \(key.column) does not hold"
      )
    case LogTables.control.text:
      guard let number = UInt64(keyBytes: key) else { return (nil, names) }
      return (nil, "control record \(number) is missing or damaged")
    case LogTables.meta.text:
      return (
        0,
        keyBytes == StateRecord.key
          ? "the state record is missing or damaged"
          : "the key of the id hashes is missing or damaged"
      )
    default: return (nil, names)
    }
  }
}
