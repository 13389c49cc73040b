/// Finds events and subjects of the log by what stands in runs on disk, for as many events as these cover.
///
/// It is derived from the log: what is wrong with it is a ``Fault``, upon which the log's columns are read instead. One thread at
/// a time.
final class RunIndex {
  /// What is wrong with the index.
  struct Fault: Error {
    var what: String
  }

  private let environment: LMDBEnvironment
  private let segments: Table<RunKey>
  let manifest: RunManifest
  /// Segments whose checksum has been looked at, by run, kind and number.
  private var checked: [[[Bool]]]

  private init(_ environment: LMDBEnvironment, _ manifest: RunManifest) {
    self.environment = environment
    segments = environment.table(RunSegment.table)
    self.manifest = manifest
    checked = manifest.runs.map { run in
      RunKind.allCases.map { Array(repeating: false, count: run.segments($0)) }
    }
  }

  /// How many events it covers, and how many subjects these have.
  var end: UInt64 { manifest.end }
  var subjects: UInt32 { manifest.subjects }

  /// The index of a log that it fits; nil where there is none.
  ///
  /// - Throws: ``Fault``, where there is one that is damaged or of another log.
  static func open(
    _ files: StoreFiles, _ reader: LogReader, size: UInt64
  ) throws(Fault) -> RunIndex? {
    guard Files.exists("\(files.index)/data.mdb") else { return nil }
    do {
      try MetaCheck.check("\(files.index)/data.mdb")
      let environment = try LMDBEnvironment.open(files.index, tables: RunManifest.tables)
      guard let manifest = try manifest(of: environment) else { return nil }
      try check(manifest, files, reader, size: size)
      return RunIndex(environment, manifest)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(what: describe(error, 0).what)
    }
  }

  static func manifest(of environment: LMDBEnvironment) throws -> RunManifest? {
    let meta = environment.table(RunManifest.table)
    return try environment.read { transaction -> RunManifest? in
      guard let content = try transaction.get(meta, RunManifest.key) else { return nil }
      guard let manifest = RunManifest(content) else {
        throw Fault(what: "the list of its runs is damaged")
      }
      return manifest
    }
  }

  /// Whether it is of this log.
  static func check(
    _ manifest: RunManifest, _ files: StoreFiles, _ reader: LogReader, size: UInt64
  ) throws {
    guard manifest.store == (try files.id()) else { throw Fault(what: "it is of another store") }
    guard manifest.end <= size, try LeafRanges(reader).leaf(manifest.end - 1) == manifest.leaf
    else { throw Fault(what: "it is of another state of the log") }
  }

  // MARK: Looking up

  /// Positions that may have an id of this hash: equal high 40 bits.
  func positions(of hash: UInt64) throws -> [UInt64] {
    var positions: [UInt64] = []
    try find(.ids, hash) { run, index in
      positions.append(run.events.lowerBound + UInt64(index))
      return true
    }
    return positions
  }

  /// Numbers of subjects that may have a name of this hash (``RunHash/name(_:_:)``).
  func subjects(of hash: UInt64) throws -> [UInt32] {
    var numbers: [UInt32] = []
    try find(.names, hash) { run, index in
      numbers.append(run.firstSubject &+ index)
      return true
    }
    return numbers
  }

  /// Position of the last event that a subject has in the index; nil without.
  func last(of subject: UInt32) throws -> UInt64? {
    var last: UInt64?
    try find(.chains, RunHash.number(subject)) { run, index in
      last = run.events.lowerBound + UInt64(index)
      return false
    }
    return last
  }

  /// Goes through what stands under a hash, the newest run first, until `body` says false.
  private func find(
    _ kind: RunKind, _ hash: UInt64, _ body: (Run, UInt32) -> Bool
  ) throws {
    try environment.read { transaction in
      for (number, run) in manifest.runs.enumerated().reversed() {
        let segment = run.segment(kind, of: hash)
        let key = run.key(kind, segment)
        let isChecked = checked[number][Int(kind.rawValue)][segment]
        guard
          let content = isChecked
            ? try transaction.getAgain(segments, key) : try transaction.get(segments, key)
        else { throw Fault(what: "a part of a run is missing") }
        checked[number][Int(kind.rawValue)][segment] = true
        guard
          let goesOn = RunSegment.find(
            hash, in: content,
            { index in
              UInt64(index) < UInt64(run.events.count) && body(run, index)
            })
        else { throw Fault(what: "a part of a run is malformed") }
        if !goesOn { return }
      }
    }
  }
}
