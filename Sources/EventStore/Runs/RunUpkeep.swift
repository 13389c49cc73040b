/// Keeps the runs of a store: makes those that are missing from the log's columns.
///
/// One process at a time, the one that holds the store's lock, and with no ``RunIndex`` of the store open in it.
struct RunUpkeep {
  let files: StoreFiles
  let reader: LogReader
  let sipHash: SipHash
  var limits = RunLimits()

  /// Whether runs that end at `end` have become too short for a log of `size` events.
  func isDue(end: UInt64, size: UInt64) -> Bool { size >= end + UInt64(limits.least) }

  /// Brings the runs up to the log. Each run is a commit of its own; whatever ends it, what there is is whole.
  ///
  /// - Parameter anew: what there is is of no use.
  /// - Throws: where that did not go. The log does not need it.
  func run(size: UInt64, anew: Bool = false) throws {
    if anew { Files.remove(files.index) }
    let environment = try open(size)
    var manifest = try RunIndex.manifest(of: environment) ?? RunManifest(store: try files.id())
    let wanted = limits.ranges(below: size)
    let kept = zip(manifest.runs, wanted).prefix { $0.0.events == $0.1 }.count
    if kept == wanted.count { return }
    var old = Array(manifest.runs[kept...])
    manifest.runs.removeLast(manifest.runs.count - kept)
    var subjects = old.first?.firstSubject ?? manifest.subjects
    let builder = RunBuilder(reader: reader, sipHash: sipHash)
    for range in wanted[kept...] {
      let (run, values, after) = try builder.build(range, firstSubject: subjects)
      subjects = after
      manifest.runs.append(run)
      manifest.subjects = after
      manifest.leaf = try LeafRanges(reader).leaf(range.upperBound - 1)
      try put(values, manifest, removing: old, environment)
      old = []
    }
  }

  /// The environment of the index, made anew where it is not of use.
  private func open(_ size: UInt64) throws -> WritableEnvironment {
    if Files.exists("\(files.index)/data.mdb") {
      do {
        try MetaCheck.check("\(files.index)/data.mdb")
        let environment = try openExisting()
        if let manifest = try RunIndex.manifest(of: environment) {
          try RunIndex.check(manifest, files, reader, size: size)
        }
        return environment
      } catch {
        // What was wrong the writer said when it opened the index; it is made again.
      }
    }
    return try create()
  }

  /// A new environment, which gets its name only once it is whole, so that nobody takes one that was being made for damage.
  private func create() throws -> WritableEnvironment {
    let aside = Files.temporary(for: files.index)
    Files.removeStale(besides: files.index)
    Files.remove(aside)
    do {
      try Files.makeDirectory(aside)
      _ = try WritableEnvironment.create(aside, tables: RunManifest.tables)
      Files.remove(files.index)
      try Files.rename(aside, files.index)
    } catch {
      Files.remove(aside)
      throw error
    }
    return try openExisting()
  }

  private func openExisting() throws -> WritableEnvironment {
    try WritableEnvironment.open(
      files.index, tables: RunManifest.tables,
      replacing: [RunManifest.table.replaced(), RunSegment.table.replaced()])
  }

  private func put(
    _ values: [SealedValue<RunKey>], _ manifest: RunManifest, removing old: [Run],
    _ environment: WritableEnvironment
  ) throws {
    let segments = environment.table(RunSegment.table)
    let meta = environment.table(RunManifest.table)
    try environment.write { transaction in
      for run in old {
        for kind in RunKind.allCases {
          for segment in 0..<run.segments(kind) {
            try transaction.delete(segments, run.key(kind, segment))
          }
        }
      }
      for value in values { try transaction.put(segments, value) }
      try transaction.put(meta, RunManifest.key, manifest.encoded())
    }
  }
}
