/// Paths and small files of a store directory (docs/format.md, "Directory").
///
/// ```
/// STORE/format        text: format number, feature sets, store id
/// STORE/lock          flock of the writer; says who
/// STORE/log/CURRENT   name of the generation
/// STORE/log/g1/       LMDB environment
/// STORE/log/head      size and root after the last commit, not flushed: a hint against rolled-back files
/// STORE/key           where the key of checkpoints is, if `checkpoint --init` was asked for
/// STORE/index/        LMDB environment of runs, derived from the log: may be missing
/// STORE/views/NAME/   generations of a view
/// ```
struct StoreFiles {
  let path: String

  static let formatNumber = 1
  /// Bit 0: full blocks may have a column of ids.
  static let compatibleFeatures = 1
  /// Bit 0 of the incompatible features: events may be erased.
  static let erasureFeature = 1

  var format: String { "\(path)/format" }
  var lock: String { "\(path)/lock" }
  var log: String { "\(path)/log" }
  var current: String { "\(path)/log/CURRENT" }
  var head: String { "\(path)/log/head" }
  var key: String { "\(path)/key" }
  /// Lines that imports did not take, unless they went elsewhere.
  var rejects: String { "\(path)/rejects.ndjson" }
  /// Runs of ids and subjects, derived from the log.
  var index: String { "\(path)/index" }

  static func isStore(_ path: String) -> Bool { Files.exists("\(path)/format") }

  /// Checks what a store says about itself, and gives the directory of its log.
  func generation() throws(EventStoreError) -> String {
    guard try isThere(path) else {
      throw EventStoreError(
        .missing, "there is no store at `\(path)`",
        help: "`clm-replay import \(path) FILE` makes one")
    }
    guard Files.isDirectory(path), try isThere(format) else {
      throw EventStoreError(.foreign, "`\(path)` is not a store: it has no file `format`")
    }
    try checkFormat(try text(format))
    _ = try id()
    let name = try text(current).split(separator: "\n").first.map(String.init) ?? ""
    guard name.hasPrefix("g"), name.dropFirst().allSatisfy(\.isNumber), name.count > 1 else {
      throw EventStoreError(.damaged, "`\(current)` names no generation of the log")
    }
    return "\(log)/\(name)"
  }

  /// - Throws: `.denied` where that may not be known.
  private func isThere(_ path: String) throws(EventStoreError) -> Bool {
    do throws(SystemError) {
      return try Files.isThere(path)
    } catch {
      throw EventStoreError(error, "open the store `\(self.path)`", path: path)
    }
  }

  private func text(_ path: String) throws(EventStoreError) -> String {
    do throws(SystemError) {
      return String(decoding: try Files.read(path), as: UTF8.self)
    } catch {
      if error.kind == .denied {
        throw EventStoreError(error, "open the store `\(self.path)`", path: path)
      }
      throw EventStoreError(.damaged, "`\(path)` cannot be read: \(error.text)")
    }
  }

  /// The store's id, 32 hexadecimal digits.
  func id() throws(EventStoreError) -> String {
    let lines = try text(format).split(separator: "\n")
    guard let id = lines.first(where: { $0.hasPrefix("id ") })?.dropFirst(3), id.count == 32,
      id.allSatisfy(\.isHexDigit)
    else { throw EventStoreError(.damaged, "`\(format)` has no id of the store") }
    return String(id)
  }

  private func checkFormat(_ text: String) throws(EventStoreError) {
    let lines = text.split(separator: "\n").map(String.init)
    guard lines.first == "clm-replay store" else {
      throw EventStoreError(.foreign, "`\(format)` does not begin with `clm-replay store`")
    }
    func value(_ key: String) -> String? {
      lines.first { $0.hasPrefix(key + " ") }.map { String($0.dropFirst(key.count + 1)) }
    }
    guard value("format") == String(Self.formatNumber) else {
      throw EventStoreError(
        .otherFormat,
        "`\(path)` is of format \(value("format") ?? "?"), this version reads format \(Self.formatNumber)",
        help: "use the version of clm-replay that wrote it, or a later one")
    }
    let known = ["read-compatible": 0, "incompatible": Self.erasureFeature]
    for (key, known) in known.sorted(by: { $0.key < $1.key }) {
      if let features = value(key).flatMap({ Int($0) }), features & ~known == 0 { continue }
      throw EventStoreError(
        .otherFormat,
        "`\(path)` uses \(key) features (\(value(key) ?? "?")) that this version does not know",
        help: "use a later version of clm-replay")
    }
  }

  /// Says in `format` that events may be erased: versions that do not know it refuse the store.
  func noteErasures() throws(SystemError) {
    let old = String(decoding: try Files.read(format), as: UTF8.self)
    let lines = old.split(separator: "\n").map { line in
      guard line.hasPrefix("incompatible "), let features = Int(line.dropFirst(13)) else {
        return String(line)
      }
      return "incompatible \(features | Self.erasureFeature)"
    }
    let text = lines.joined(separator: "\n") + "\n"
    if text != old { try Files.replace(format, with: text) }
  }

  /// Removes what an erasure left that was killed: a generation that is no more, or not yet, in force.
  ///
  /// Only for who holds the store's lock.
  func removeStaleGenerations() throws(EventStoreError) {
    let current = try generation()
    for name in Files.list(log) {
      let path = "\(log)/\(name)"
      if name.hasSuffix(".tmp") {
        Files.remove(path)
      } else if name.hasPrefix("g"), Files.isDirectory(path), path != current {
        // By a rename first, so that who opens it finds all of it or nothing.
        do throws(SystemError) {
          try Files.rename(path, "\(path).tmp")
          Files.remove("\(path).tmp")
        } catch {
          Files.remove(path)
        }
      }
    }
  }

  /// A generation that holds a log and is not in force, if one could not be removed.
  func staleGeneration() throws(EventStoreError) -> String? {
    let current = try generation()
    return Files.list(log).map { "\(log)/\($0)" }.first {
      $0 != current && Files.exists("\($0)/data.mdb")
    }
  }

  /// Makes an empty store, complete, under `path`; it appears by a rename.
  ///
  /// What processes that were killed while they made one have left is removed.
  func create() throws(EventStoreError) {
    Files.removeStale(besides: path)
    let temporary = Files.temporary(for: path)
    do {
      Files.remove(temporary)
      let generation = try Self.makeDirectories(temporary)
      try Self.makeEmptyLog(generation)
      try Files.syncDirectory(generation)
      try Self.writeSmallFiles(
        temporary,
        format: """
          clm-replay store
          format \(Self.formatNumber)
          compatible \(Self.compatibleFeatures)
          read-compatible 0
          incompatible 0
          id \(Hex.text(Files.random(16)))

          """)
      try Files.syncDirectory("\(temporary)/log")
      try Files.syncDirectory(temporary)
      do throws(SystemError) {
        try Files.rename(temporary, path)
      } catch {
        // Another process was faster.
        guard Self.isStore(path) else { throw error }
        Files.remove(temporary)
        return
      }
      try Files.syncDirectory(Files.parent(of: path))
    } catch {
      Files.remove(temporary)
      if let error = error as? any SystemFailure {
        throw EventStoreError(error, "make a store at `\(path)`", path: path)
      }
      throw EventStoreError(.io, "cannot make a store at `\(path)`: \(error)")
    }
  }

  /// The directories of a store; that of the log's generation.
  static func makeDirectories(_ path: String) throws(SystemError) -> String {
    try Files.makeDirectory(path)
    try Files.makeDirectory("\(path)/log")
    try Files.makeDirectory("\(path)/views")
    try Files.makeDirectory("\(path)/log/g1")
    return "\(path)/log/g1"
  }

  static func writeSmallFiles(_ path: String, format: String) throws(SystemError) {
    let files = StoreFiles(path: path)
    try Files.create(files.current, with: "g1\n")
    try Files.create(files.lock, with: "")
    try Files.create(files.format, with: format)
  }

  private static func makeEmptyLog(_ generation: String) throws {
    let environment = try WritableEnvironment.create(generation, tables: LogTables.names)
    let meta = environment.table(LogTables.meta)
    try environment.write { transaction in
      try transaction.put(meta, StateRecord.key, StateRecord().encoded())
      try transaction.put(meta, LogReader.idKey, Files.random(16))
    }
    try environment.sync()
  }
}

extension EventStoreError {
  /// A failed call in words that say what to do.
  package init(_ error: any SystemFailure, _ doing: String, path: String) {
    switch error.kind {
    case .diskFull:
      let free = Files.freeBytes(path) ?? Files.freeBytes(Files.parent(of: path))
      let room = free.map { ", \($0) bytes are free" } ?? ""
      self.init(
        .diskFull, "cannot \(doing): \(error.text)\(room)",
        help: "events that were acknowledged are safe; make room and import again")
    case .readOnly:
      self.init(.readOnly, "cannot \(doing): \(error.text)")
    case .denied:
      self.init(
        .denied, "cannot \(doing): permission denied: \(error.operation)",
        help: error.operation.hasSuffix("/lock.mdb")
          ? "reading beside a writer takes write permission for `lock.mdb`; ask the owner of the store for it, or read a backup"
          : "run as the owner of the store, or ask for permission; `ls -ld` shows whose it is")
    case .addressSpace:
      self.init(
        .addressSpace,
        "cannot \(doing): the address space of this process is too small: \(error.text)",
        help: "files are mapped into it; `ulimit -v unlimited` before the command lifts the limit")
    case .damage:
      self.init(
        .damaged, "cannot \(doing): the file is damaged: \(error.text)",
        help: "restore the store from a backup")
    case .missing, .other:
      self.init(.io, "cannot \(doing): \(error.operation): \(error.text)")
    }
  }
}
