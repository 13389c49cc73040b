import EventStore
import Projections
import Synchronization

/// A store opened for a command that reads, with errors in the command line's words.
struct OpenedStore: Sendable {
  let path: String
  let store: Store
  let snapshot: LogSnapshot

  init(_ path: String) throws {
    self = try CommandError.translating { try OpenedStore(path, Store.open(at: path)) }
  }

  /// For a command that notes something in the register, too.
  static func registering(_ path: String) throws -> (OpenedStore, RegisterWriter) {
    try CommandError.translating {
      let register = try RegisterWriter.open(at: path)
      return (try OpenedStore(path, register.store), register)
    }
  }

  /// A store that is open already.
  init(_ path: String, _ store: Store) throws {
    self = try CommandError.translating { OpenedStore(path, store, try store.snapshot()) }
  }

  private init(_ path: String, _ store: Store, _ snapshot: LogSnapshot) {
    self.path = path
    self.store = store
    self.snapshot = snapshot
  }

  /// The log that was opened is still the one in force: nothing was erased since.
  func isInForce() throws -> Bool { try run { try store.isInForce() } }

  /// The same store with the log as it is now.
  func renewed() throws -> OpenedStore { OpenedStore(path, store, try laterSnapshot()) }

  /// Also where acknowledged events are missing: `verify` says which.
  init(verifying path: String) throws {
    self = try CommandError.translating { try OpenedStore(path, Store.openIncomplete(at: path)) }
  }

  /// A store and a view of it, opened side by side; what is wrong with the store is said first.
  static func open(
    _ path: String, withView name: String?
  ) throws -> (store: OpenedStore, view: ViewReader) {
    let store = Mutex<OpenedStore?>(nil)
    let view = Mutex<ViewReader?>(nil)
    try Parallel.both {
      let opened = try OpenedStore(path)
      store.withLock { $0 = opened }
    } _: {
      let opened = try Self.view(named: name, of: path)
      view.withLock { $0 = opened }
    }
    guard let store = store.withLock({ $0 }), let view = view.withLock({ $0 }) else {
      preconditionFailure("both are there where nothing was thrown")
    }
    return (store, view)
  }

  /// Runs `body`, with errors of the store and of views as command errors.
  func run<Output>(_ body: () throws -> Output) throws -> Output {
    try CommandError.translating(body)
  }

  /// What the checkpoints of the store call it.
  func origin() throws -> String {
    Checkpoint.origin(storeID: try run { try store.id() })
  }

  func view(named name: String?) throws -> ViewReader { try Self.view(named: name, of: path) }

  private static func view(named name: String?, of path: String) throws -> ViewReader {
    do throws(ViewError) {
      return try ViewReader.open(path, named: name)
    } catch {
      throw CommandError(error)
    }
  }

  /// What a view was made from, and since when it is in force, as the register says it.
  ///
  /// - Parameter snapshot: of the log after the view came into force.
  func served(_ manifest: ViewManifest, _ snapshot: LogSnapshot) throws -> ViewManifest {
    var manifest = manifest
    let register = try run { try snapshot.register(from: manifest.registerSize) }
    manifest.switchedAt = register.switched(to: manifest) ?? manifest.switchedAt
    return manifest
  }

  /// All views, by the bytes of their names.
  func views() throws -> [ViewReader] {
    try run { try ViewReader.names(path) }.map { try view(named: $0) }
  }

  /// The log as it is now: it holds all that a view was made from which was opened before.
  func laterSnapshot() throws -> LogSnapshot { try run { try store.snapshot() } }

  /// What a fold sees: by default all that is known, up to the latest event.
  ///
  /// - Parameter viewAsOf: of a view that is looked at in other times: nothing later is looked at unless it is asked for.
  func logView(asOf: String?, knownAt: String?, viewAsOf: Int64? = nil) throws -> LogView {
    try run {
      var size = snapshot.size
      if let knownAt {
        size = try snapshot.size(knownAt: try Times.instant(knownAt, option: "--known-at"))
      }
      let instant: Int64
      if let asOf {
        instant = try Times.instant(asOf, option: "--as-of")
      } else {
        let latest = try snapshot.latestOccurred(inFirst: size) ?? 0
        instant = min(viewAsOf ?? latest, latest)
      }
      return LogView(snapshot: snapshot, size: size, asOf: instant)
    }
  }

  /// What a view was made from; it may have been switched to since the store was opened.
  func logView(size: UInt64, asOf: Int64) throws -> LogView {
    let snapshot = size <= self.snapshot.size ? self.snapshot : try laterSnapshot()
    guard size <= snapshot.size else {
      throw CommandError(
        exit: .couldNotRun, code: "view-ahead",
        message:
          "the view was made from \(size) events, and the log has \(snapshot.size): they do not belong together",
        help: "replay the view again")
    }
    return LogView(snapshot: snapshot, size: size, asOf: asOf)
  }
}

enum ViewNames {
  /// A name that may be a directory: as `model.name`.
  static func checked(_ name: String) throws -> String {
    let isFine =
      !name.isEmpty && name.utf8.count <= 64 && !name.hasPrefix(".")
      && name.utf8.allSatisfy {
        ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || "._-".utf8.contains($0)
      }
    if isFine { return name }
    throw CommandError(
      exit: .usage, code: "usage", message: "`\(name)` cannot be the name of a view",
      help: "1 to 64 letters, digits, dots, _ and -, no dot first")
  }
}

extension CommandError {
  init(_ error: EventStoreError) {
    self.init(
      exit: error.code == .busy ? .busy : .couldNotRun, code: error.code.rawValue,
      message: error.message, help: error.help)
  }

  init(_ error: ViewError) {
    self.init(
      exit: error.code == .ambiguous ? .usage : .couldNotRun, code: error.code.rawValue,
      message: error.message, help: error.help)
  }

  init(_ fault: InputFault) {
    self.init(
      exit: fault.isUsage ? .usage : .couldNotRun, code: fault.code, message: fault.message,
      help: fault.help)
  }

  static func translating<Output>(_ body: () throws -> Output) throws -> Output {
    do {
      return try body()
    } catch let error as EventStoreError {
      throw CommandError(error)
    } catch let error as ViewError {
      throw CommandError(error)
    } catch let error as EnginesDiffer {
      throw CommandError(
        exit: .couldNotRun, code: "engines-differ",
        message:
          "the fold engines differ for customer \(error.rank), counted by name from 0: \(error.what)",
        help: "this is a defect of this program; `--fold-engine tree` folds as `explain` does")
    } catch let error as any SystemFailure {
      throw CommandError(
        exit: .couldNotRun, code: "io", message: "\(error.operation): \(error.text)")
    }
  }
}
