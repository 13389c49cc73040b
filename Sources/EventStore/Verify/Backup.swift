extension Store {
  /// Copies the log to a new store, compact, while others import; it appears under its name, by a rename, when it is safe on
  /// the medium and all of it was read again and verified. Opening it is restoring it. Views are not copied: they can be
  /// replayed.
  ///
  /// Full blocks never change and are copied with short transactions, so that no reader holds back pages while imports go
  /// on; the last one sees what has come meanwhile.
  ///
  /// - Parameters:
  ///   - destination: a path where nothing is.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - progress: given the share that is done, 0 to 1.
  ///   - noting: called when the copy is safe, before it has its name; where it throws, there is none.
  /// - Returns: what the verification of the copy said; size and root are those of the source at its last transaction.
  /// - Throws: `.exists`, `.diskFull`, `.damaged`; then there is nothing under `destination`.
  public func backup(
    to destination: String, threads: Int, progress: (Double) -> Void,
    noting: (BackupMade) throws(EventStoreError) -> Void = { _ in }
  ) throws(EventStoreError) -> VerifyReport {
    if Files.exists(destination) {
      throw EventStoreError(
        .exists, "`\(destination)` is there already", help: "name a place where there is nothing")
    }
    Files.removeStale(besides: destination)
    let temporary = Files.temporary(for: destination)
    do {
      let state = try copy(to: temporary, progress: { progress($0 * 0.5) })
      let copy = try Store.open(at: temporary)
      let report = try copy.verify(threads: threads) { progress(0.5 + $0 * 0.5) }
      if let problem = report.problems.first {
        let place = problem.position.map { "position \($0): " } ?? ""
        throw EventStoreError(
          .damaged, "the copy of `\(path)` does not verify: \(place)\(problem.what)",
          help: "`clm-replay verify \(path)` says whether the source is damaged")
      }
      guard report.size == state.size, report.root == state.tree.root else {
        throw EventStoreError(.damaged, "the copy of `\(path)` has another root than its source")
      }
      try noting(
        BackupMade(
          destination: Files.absolute(destination), size: report.size, root: report.root))
      // A copy of what was erased meanwhile shall not come into being.
      guard try isInForce() else { throw Store.purged(path) }
      try Files.rename(temporary, destination)
      try Files.syncDirectory(Files.parent(of: destination))
      return report
    } catch {
      Files.remove(temporary)
      if let error = error as? EventStoreError { throw error }
      if let fault = error as? ChunkFault { throw damage(fault.position, fault.what) }
      if let fault = error as? TableFault { throw damage(fault.inLog.position, fault.inLog.what) }
      if let error = error as? any SystemFailure {
        var failure = EventStoreError(error, "back up to `\(destination)`", path: destination)
        if failure.code == .diskFull {
          failure.help = "make room at `\(destination)`, and try again"
        }
        throw failure
      }
      throw EventStoreError(.io, "cannot back up to `\(destination)`: \(error)")
    }
  }

  private func damage(_ position: UInt64?, _ what: String) -> EventStoreError {
    let place = position.map { " at position \($0)" } ?? ""
    return EventStoreError(
      .damaged, "`\(path)` is damaged\(place): \(what)",
      help: "`clm-replay verify \(path)` lists all damage")
  }

  /// Makes a store in `temporary`, flushed; the state that it holds.
  private func copy(to temporary: String, progress: (Double) -> Void) throws -> StateRecord {
    let generation = try StoreFiles.makeDirectories(temporary)
    let state = try copyLog(to: generation, progress)
    try Files.syncDirectory(generation)
    let source = StoreFiles(path: path)
    let format = String(decoding: try Files.read(source.format), as: UTF8.self)
    try StoreFiles.writeSmallFiles(temporary, format: format)
    let head = HeadFile(path: StoreFiles(path: temporary).head)
    head.write(size: state.size, root: state.tree.root, slot: 0)
    if try Files.isThere(source.key) {
      try Files.create(
        StoreFiles(path: temporary).key,
        with: String(decoding: try Files.read(source.key), as: UTF8.self))
    }
    try Files.syncDirectory("\(temporary)/log")
    try Files.syncDirectory(temporary)
    return state
  }

  /// The environment is closed when this returns, since the copy is opened again.
  private func copyLog(to generation: String, _ progress: (Double) -> Void) throws -> StateRecord {
    let target = try WritableEnvironment.build(generation, tables: LogTables.names)
    let copy = LogCopy(reader: reader, target: target)
    let full = BlockNumber.full(try reader.state().size)
    for first in stride(from: full.lowerBound, to: full.upperBound, by: LogCopy.step) {
      let end = min(first.advanced(by: LogCopy.step), full.upperBound)
      try reader.environment.read { source in
        try target.write { try copy.copyBlocks(first..<end, source, &$0) }
      }
      progress(Double(end.rawValue) / Double(full.count + 1))
    }
    let state = try reader.environment.read { source -> StateRecord? in
      try target.write { transaction in
        try copy.copyBlocks(full.upperBound..<BlockNumber(Int(UInt32.max)), source, &transaction)
        try copy.copyTable(LogTables.control, source, &transaction)
        try copy.copyTable(LogTables.meta, source, &transaction)
      }
      guard let value = try source.get(reader.meta, StateRecord.key) else { return nil }
      return StateRecord(value)
    }
    try target.sync()
    guard let state else { throw ChunkFault(0, "the state record is missing or damaged") }
    return state
  }
}
