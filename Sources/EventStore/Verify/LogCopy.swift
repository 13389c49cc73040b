/// Copies values of a log to a new environment; each one's checksum is checked on the way.
struct LogCopy {
  let reader: LogReader
  let target: WritableEnvironment

  /// Full blocks are copied so many at a time.
  static let step = 16

  /// Copies chunks and columns of some blocks behind those that the target has.
  func copyBlocks(
    _ blocks: Range<BlockNumber>, _ source: borrowing ReadTransaction,
    _ transaction: inout WriteTransaction
  ) throws {
    try copyTable(
      LogTables.events, from: blocks.lowerBound.first,
      below: blocks.upperBound.first, source, &transaction)
    try copyTable(
      LogTables.columns, from: ColumnKey(.directory, block: blocks.lowerBound),
      below: ColumnKey(.directory, block: blocks.upperBound), source, &transaction)
  }

  /// Copies entries from a key to another.
  func copyTable<Key>(
    _ name: TableName<Key>, from lower: Key? = nil, below upper: Key? = nil,
    _ source: borrowing ReadTransaction, _ transaction: inout WriteTransaction
  ) throws {
    let table = target.table(name)
    let end = upper?.keyBytes
    try source.forEach(
      reader.environment.table(name), from: lower, releasing: true
    ) { key, content in
      if let end, !key.keyBytes.span.isOrdered(before: end.span) { return false }
      try transaction.put(table, key, [UInt8](copying: content), appending: true)
      return true
    }
  }
}
