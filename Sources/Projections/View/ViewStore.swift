import EventStore

/// Paths and tables of a view (docs/format.md, "Views").
///
/// ```
/// STORE/views/NAME/CURRENT      name of the generation in force
/// STORE/views/NAME/gNNNNNN/     LMDB environment (and those it shares: ``ViewLevels``); never changed once it has this name,
///                               so that it is read without a lock file
/// ```
enum ViewFiles {
  static let meta = TableName<[UInt8]>("meta")
  /// By number of the chunk, as the next one.
  static let rows = TableName<UInt32>("rows")
  /// By places of chunks in the order of names (``PopulationGroup``).
  static let population = TableName<UInt32>("population")
  /// By subject; empty where it is joined to nobody any more.
  static let joined = TableName<[UInt8]>("joined")
  /// By bucket of the output root.
  static let hashes = TableName<UInt32>("hashes")
  static let tables = [
    meta.text, rows.text, population.text, joined.text, hashes.text,
  ]

  static let manifestKey = Array("manifest".utf8)
  static let rulesKey = Array("rules".utf8)
  static let fileKey = Array("file".utf8)
  static let chunksKey = Array("chunks".utf8)
  static let levelsKey = Array("levels".utf8)
  static let tallyKey = Array("tally".utf8)
  /// What links came to (``JoinCoding``); not there where the rules join nobody, and in views of earlier versions.
  static let linksKey = Array("links".utf8)
  /// Hashes of the leaves of the output root, bucket by bucket.
  static let leavesKey = Array("leaves".utf8)
  /// What the replay said of it; not there where parameters of value models were given to it.
  static let summaryKey = Array("summary".utf8)

  /// How far a rebuild is (``BuildMark``); not there once it is done.
  static let markKey = Array("unfinished".utf8)

  static func directory(_ store: String, _ name: String) -> String { "\(store)/views/\(name)" }

  /// Names of views that have a generation in force.
  static func names(_ store: String) throws(SystemError) -> [String] {
    var names: [String] = []
    for name in try Files.names(in: "\(store)/views")
    where try Files.isThere("\(store)/views/\(name)/CURRENT") { names.append(name) }
    return names
  }

  static func current(_ store: String, _ name: String) throws(SystemError) -> String {
    let text = String(
      decoding: try Files.read("\(directory(store, name))/CURRENT"), as: UTF8.self)
    return text.split(separator: "\n").first.map(String.init) ?? ""
  }

  /// Whether a directory is called as a generation is.
  static func isGeneration(_ name: String) -> Bool {
    name.utf8.first == 0x67 && name.utf8.count > 1 && name.utf8.count < 64
      && name.utf8.dropFirst().allSatisfy { $0 &- 0x30 < 10 }
  }

  /// Removes a generation. It goes by a rename first, so that who opens it finds all of it or nothing; on Linux a reader's map
  /// keeps its file until it is done.
  static func removeGeneration(_ name: String, in home: String) {
    let gone = "\(home)/\(name).tmp"
    // A rename that fails leaves it to be removed in place.
    if !name.hasSuffix(".tmp"), (try? Files.rename("\(home)/\(name)", gone)) != nil {
      Files.remove(gone)
    } else {
      Files.remove("\(home)/\(name)")
    }
  }
}

/// Why a view cannot be read or made.
public struct ViewError: Error, Sendable {
  /// Stable, kebab-case names; the command line prints them as `error[CODE]`.
  public enum Code: String, Sendable {
    /// The store has no view, or none of that name.
    case missing = "no-view"
    /// It has several, and none was named.
    case ambiguous = "several-views"
    /// Its files are not whole; it can be made again.
    case damaged = "view-damaged"
    /// The system failed to read or write.
    case failed = "view-failed"
    /// The view in force is untouched.
    case diskFull = "disk-full"
    /// The medium takes no writes.
    case readOnly = "read-only"
    /// This process may not read or write it.
    case denied = "permission-denied"
    /// Files cannot be mapped into this process.
    case addressSpace = "address-space"
  }
  /// Stable, for programs.
  public var code: Code
  /// Lower case, no full stop.
  public var message: String
  /// What to do about it, if there is something to say.
  public var help: String?

  init(_ code: Code, _ message: String, help: String? = nil) {
    self.code = code
    self.message = message
    self.help = help
  }

  /// What to do about a view that opens and is damaged all the same.
  static let rebuilding = "it can be made again: `clm-replay replay --rebuild`"

  init(_ error: any SystemFailure, _ doing: String, path: String) {
    let store = EventStoreError(error, doing, path: path)
    switch store.code {
    case .diskFull:
      self.init(
        .diskFull, store.message,
        help: "the view in force is as it was; make room and replay again")
    case .readOnly: self.init(.readOnly, store.message)
    case .denied: self.init(.denied, store.message, help: store.help)
    case .addressSpace: self.init(.addressSpace, store.message, help: store.help)
    case .damaged: self.init(.damaged, store.message, help: Self.rebuilding)
    default: self.init(.failed, store.message)
    }
  }
}
