import CEL
import EventStore

/// What a view was made from and what came out: stored in its `meta` table.
public struct ViewManifest: Sendable {
  /// What the view is called by.
  public var name: String
  /// `model.name` of its rules.
  public var model: String
  /// `model.version` of its rules.
  public var version: Int
  /// SHA-256 of the rules file, lower-case hex.
  public var rulesHash: String
  /// How many events of the log were folded, from the first.
  public var size: UInt64
  /// Merkle root of the log at ``size``, lower-case hex.
  public var root: String
  /// Which program made it.
  public var engine: String
  /// Microseconds since 1970.
  public var asOf: Int64
  /// Over all that it says of customers, lower-case hex; the same for the same log, rules and as-of.
  public var outputRoot: String
  /// When the view was switched to, by the clock of the machine.
  public var switchedAt: Int64
  /// Parked ones included.
  public var customers: Int64
  /// Moves between stages, entries included.
  public var rows: Int64
  /// Customers whose rules do not determine a stage.
  public var parked: Int64
  /// Which generation of the log was read; an erasure makes another one.
  public var logGeneration: String
  /// How many control records the log had.
  public var registerSize: UInt64

  /// Of the view's tables (docs/format.md); a view of another one has to be made again.
  static let format = 4

  package init(
    name: String, model: String, version: Int, rulesHash: String, size: UInt64, root: String,
    engine: String, asOf: Int64, outputRoot: String, switchedAt: Int64, customers: Int64,
    rows: Int64, parked: Int64, logGeneration: String, registerSize: UInt64
  ) {
    self.name = name
    self.model = model
    self.version = version
    self.rulesHash = rulesHash
    self.size = size
    self.root = root
    self.engine = engine
    self.asOf = asOf
    self.outputRoot = outputRoot
    self.switchedAt = switchedAt
    self.customers = customers
    self.rows = rows
    self.parked = parked
    self.logGeneration = logGeneration
    self.registerSize = registerSize
  }

  func encoded() -> [UInt8] {
    var encoder = ByteEncoder()
    encoder.number(Self.format)
    for text in [name, model, rulesHash, root, engine, outputRoot] { encoder.text(text) }
    encoder.signed(Int64(version))
    encoder.number(size)
    encoder.signed(asOf)
    encoder.signed(switchedAt)
    encoder.number(UInt64(customers))
    encoder.number(UInt64(rows))
    encoder.number(UInt64(parked))
    encoder.text(logGeneration)
    encoder.number(registerSize)
    return encoder.bytes
  }

  /// The format of the view that a manifest speaks of.
  static func format(of bytes: [UInt8]) throws(ByteDecoder.Damaged) -> UInt64 {
    var decoder = ByteDecoder(bytes)
    return try decoder.number()
  }

  /// - Parameter bytes: of this format.
  init(decoding bytes: [UInt8]) throws(ByteDecoder.Damaged) {
    var decoder = ByteDecoder(bytes)
    _ = try decoder.number()
    name = try decoder.string()
    model = try decoder.string()
    rulesHash = try decoder.string()
    root = try decoder.string()
    engine = try decoder.string()
    outputRoot = try decoder.string()
    version = Int(try decoder.signed())
    size = try decoder.number()
    asOf = try decoder.signed()
    switchedAt = try decoder.signed()
    customers = Int64(truncatingIfNeeded: try decoder.number())
    rows = Int64(truncatingIfNeeded: try decoder.number())
    parked = Int64(truncatingIfNeeded: try decoder.number())
    logGeneration = try decoder.string()
    registerSize = try decoder.number()
  }
}

extension LogSnapshot {
  /// The view came into force with a record. Only those are looked at that were written since it was made.
  public func registerHolds(_ view: ViewManifest) throws(EventStoreError) -> Bool {
    try register(from: view.registerSize).holds(view)
  }
}

extension Register {
  /// The view came into force with a record.
  public func holds(_ view: ViewManifest) -> Bool { switched(to: view) != nil }

  /// When a view came into force, in microseconds since 1970; nil where no record speaks of it.
  public func switched(to view: ViewManifest) -> Int64? {
    switches.first { entry in
      entry.view.view == view.name && entry.view.size == view.size
        && entry.view.asOf == view.asOf && Hex.text(entry.view.outputRoot) == view.outputRoot
        && Hex.text(entry.view.rulesHash) == view.rulesHash
        && Hex.text(entry.view.root) == view.root
    }?.recorded
  }
}
