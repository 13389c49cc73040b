/// Reads the tables of one generation of the log; every call is a transaction of its own.
final class LogReader: Sendable {
  let environment: LMDBEnvironment
  let directory: String
  let meta: Table<[UInt8]>
  let events: Table<UInt64>
  let columns: Table<ColumnKey>
  let control: Table<UInt64>
  private let pages = ReadPages()

  static let idKey = Array("id-key".utf8)

  init(_ environment: LMDBEnvironment) {
    self.environment = environment
    directory = environment.directory
    meta = environment.table(LogTables.meta)
    events = environment.table(LogTables.events)
    columns = environment.table(LogTables.columns)
    control = environment.table(LogTables.control)
  }

  /// Checks `data.mdb` and opens it for reading.
  static func open(_ directory: String) throws(EventStoreError) -> LogReader {
    LogReader(
      try checked(directory) {
        do throws(LMDBError) {
          return try LMDBEnvironment.open(directory, tables: LogTables.names)
        } catch {
          // Who may not write `lock.mdb` can only read while nobody writes: a writer would not see him.
          guard error.kind == .denied, try !isBeingWritten(directory) else { throw error }
          return try LMDBEnvironment.openUnlocked(directory, tables: LogTables.names)
        }
      })
  }

  /// Checks `data.mdb` and opens it for writing.
  ///
  /// - Parameter replacing: values that will be replaced or removed.
  static func openWritable(
    _ directory: String, replacing: [ReplacedValues]
  ) throws(EventStoreError) -> WritableEnvironment {
    try checked(directory) {
      try WritableEnvironment.open(directory, tables: LogTables.names, replacing: replacing)
    }
  }

  private static func checked<Environment>(
    _ directory: String, _ open: () throws -> Environment
  ) throws(EventStoreError) -> Environment {
    let file = "\(directory)/data.mdb"
    do throws(MetaCheck.Fault) {
      try MetaCheck.check(file)
    } catch {
      throw EventStoreError(error, file)
    }
    do {
      return try open()
    } catch let error as any SystemFailure {
      throw EventStoreError(error, "open `\(file)`", path: directory)
    } catch {
      throw EventStoreError(.io, "cannot open `\(file)`: \(error)")
    }
  }

  /// Whether a process holds the lock of the store's writer, `lock`, two directories up.
  private static func isBeingWritten(_ directory: String) throws(SystemError) -> Bool {
    try Files.lock("\(directory)/../../lock", shared: true) == nil
  }

  /// Runs `body`, with its errors in the store's words.
  func guarded<Output>(_ doing: String, _ body: () throws -> Output) throws(EventStoreError)
    -> Output
  {
    do {
      return try body()
    } catch {
      throw translated(error, doing)
    }
  }

  /// An error in the store's words.
  func translated(_ error: any Error, _ doing: String) -> EventStoreError {
    switch error {
    case let error as EventStoreError: return error
    case let fault as ChunkFault: return damage(fault.position, fault.what)
    case let fault as ControlFault: return damage(nil, fault.text)
    case let fault as TableFault: return damage(fault.inLog.position, fault.inLog.what)
    case let error as any SystemFailure: return EventStoreError(error, doing, path: directory)
    default: return EventStoreError(.io, "cannot \(doing): \(error)")
    }
  }

  private func damage(_ position: UInt64?, _ what: String) -> EventStoreError {
    let place = position.map { " at position \($0)" } ?? ""
    return EventStoreError(
      .damaged, "`\(directory)/data.mdb` is damaged\(place): \(what)",
      help: "`clm-replay verify` lists all damage; restore the store from a backup")
  }

  func state() throws(EventStoreError) -> StateRecord {
    try guarded("read the state of the log") {
      let stateKey = StateRecord.key
      let state = try environment.read { transaction -> StateRecord? in
        guard let value = try transaction.get(meta, stateKey) else { return nil }
        return StateRecord(value)
      }
      guard let state else { throw ChunkFault(0, "the state record is missing or damaged") }
      return state
    }
  }

  /// The state as a write transaction sees it: what others committed since it was read last.
  func state(in transaction: borrowing WriteTransaction) throws -> StateRecord {
    let stateKey = StateRecord.key
    guard let stored = try transaction.get(meta, stateKey),
      let state = StateRecord(stored.span)
    else { throw ChunkFault(0, "the state record is missing or damaged") }
    return state
  }

  func idHashKey() throws(EventStoreError) -> SipHash {
    try guarded("read the key of the log") {
      let idKey = Self.idKey
      let key = try environment.read { transaction -> [UInt8]? in
        guard let value = try transaction.get(meta, idKey), value.count == 16 else { return nil }
        return [UInt8](copying: value)
      }
      guard let key else { throw ChunkFault(0, "the key of the id hashes is missing or damaged") }
      return SipHash(key: key)
    }
  }

  /// Visits chunks from the one that holds `position` on, until `body` says false.
  ///
  /// - Parameters:
  ///   - releasing: let go of the memory of each chunk behind it.
  ///   - noting: let go of it together with others, later: where chunks are looked at one by one.
  func forEachChunk(
    from position: UInt64, releasing: Bool = false, noting: Bool = false,
    _ body: (borrowing ChunkView) throws -> Bool
  ) throws {
    try environment.read { transaction in
      try transaction.forEach(
        events, from: position, orBefore: true, releasing: releasing
      ) { first, content in
        if noting { pages.note(content) }
        let chunk = try ChunkView(first: first, content: content)
        return try body(chunk)
      }
    }
  }

  /// One column of a sealed block; nil where the block is not sealed.
  func column(_ column: ColumnNumber, block: BlockNumber) throws -> [UInt8]? {
    try environment.read { try $0.copy(columns, ColumnKey(column, block: block), noting: pages) }
  }

  /// Gives one column of a sealed block to `body` where it stands; nil where the block is not sealed.
  func withColumn<Output>(
    _ column: ColumnNumber, block: BlockNumber, _ body: (Span<UInt8>) throws -> Output
  ) throws -> Output? {
    try environment.read { transaction -> Output? in
      let key = ColumnKey(column, block: block)
      guard let content = try transaction.get(columns, key) else { return nil }
      return try body(content)
    }
  }

  /// A block has columns of its own; where that cannot be told, it counts as having them.
  func isSealed(_ block: BlockNumber) -> Bool {
    do {
      return try column(.directory, block: block) != nil
    } catch {
      return true
    }
  }

  /// The block is full now, and was not when the log had `size` events.
  func isLaterSealed(_ block: BlockNumber, size: UInt64) -> Bool {
    size < block.end && isSealed(block)
  }

  /// Base columns of a block, at most as far as `size`.
  func block(_ block: BlockNumber, size: UInt64, withIDs: Bool) throws -> BlockColumns {
    var result = BlockColumns(block)
    guard let subjects = try column(.subjects, block: block) else {
      return try openBlock(block, size: size)
    }
    result.subjects = try decoded(subjects, .subjects, block: block)
    result.types = try decoded(try column(.types, block: block), .types, block: block)
    result.occurred = try decoded(try column(.occurred, block: block), .occurred, block: block)
    if withIDs {
      result.idHashes = try decoded(try column(.idHashes, block: block), .idHashes, block: block)
    }
    guard result.types.count == result.count, result.occurred.count == result.count,
      !withIDs || result.idHashes.count == result.count
    else { throw ChunkFault(block.first, "columns of different lengths") }
    return result
  }

  /// Of a block's columns those of subjects and of id hashes only, at most as far as `size`.
  func indexColumns(block number: BlockNumber, size: UInt64) throws -> BlockColumns {
    guard let subjects = try column(.subjects, block: number),
      let idHashes = try column(.idHashes, block: number)
    else { return try block(number, size: size, withIDs: true) }
    var result = BlockColumns(number)
    result.subjects = try decoded(subjects, .subjects, block: number)
    result.idHashes = try decoded(idHashes, .idHashes, block: number)
    return result
  }

  private func decoded<Number: FixedWidthInteger>(
    _ bytes: [UInt8]?, _ column: ColumnNumber, block: BlockNumber
  ) throws(ChunkFault) -> [Number] {
    guard let bytes, let values: [Number] = ColumnCoding.decode(bytes.span) else {
      throw ChunkFault(block.first, "column \(column.rawValue) is malformed")
    }
    return values
  }

  /// The columns of a block that is not sealed, from its chunks.
  private func openBlock(_ number: BlockNumber, size: UInt64) throws -> BlockColumns {
    let first = number.first
    var result = BlockColumns(number)
    guard first < size else { return result }
    var sealed = false
    try forEachChunk(from: first) { chunk in
      let next = first + UInt64(result.count)
      guard chunk.first == next, next < size else { return false }
      guard let columns = try chunk.columns() else {
        // Another process sealed the block between two transactions.
        sealed = true
        return false
      }
      result.append(columns, rows: Int(min(UInt64(chunk.count), size - next)))
      return true
    }
    if sealed {
      guard try column(.subjects, block: number) != nil else {
        throw ChunkFault(first, "the columns of a full block are missing")
      }
      return try block(number, size: size, withIDs: true)
    }
    guard result.count >= number.rows(of: size) else {
      throw ChunkFault(first + UInt64(result.count), "a chunk is missing")
    }
    return result
  }

  /// Names of the subjects that first appear in a block; of one that was filled behind the first `size` events maybe more.
  ///
  /// - Throws: also behind some of the names, where their column is malformed.
  func forEachNewName(block: BlockNumber, size: UInt64, _ body: (Span<UInt8>) -> Void) throws {
    var column = try column(.newNames, block: block)
    if column == nil {
      let names = try openBlock(block, size: size).newNames
      // Another process may have filled the block between the two looks: then they stand in their column.
      column = try self.column(.newNames, block: block)
      if column == nil {
        for name in names { body(name.span) }
        return
      }
    }
    let bytes = column ?? []
    var reader = ByteReader(bytes.span)
    do throws(ByteReader.Short) {
      for _ in 0..<(try reader.number(UInt32.self)) {
        body(bytes.span.extracting(try reader.take(Int(try reader.number(UInt8.self)))))
      }
    } catch {
      throw ChunkFault(block.first, "the column of names is malformed")
    }
  }
}

extension EventStoreError {
  package init(_ fault: MetaCheck.Fault, _ file: String) {
    switch fault {
    case .missing: self.init(.damaged, "`\(file)` is missing")
    case .unreadable(let code): self.init(SystemError(code, "open \(file)"), "read", path: file)
    case .empty:
      self.init(
        .truncated, "`\(file)` is empty",
        help: "restore the store from a backup; an empty file holds no events")
    case .foreign(let why): self.init(.foreign, "`\(file)` is no LMDB file of this kind: \(why)")
    case .truncated(let bytes, let expected):
      self.init(
        .truncated,
        "`\(file)` is truncated: \(bytes) bytes, and its meta pages speak of \(expected)",
        help: "restore the store from a backup")
    case .damaged(let why):
      self.init(
        .damaged, "`\(file)` is damaged: \(why)", help: "restore the store from a backup")
    }
  }
}
