import CEL
import EventStore

/// What a view was made from and what came out: stored in its `meta` table.
public struct ViewManifest: Sendable {
  public var name: String
  public var model: String
  public var version: Int
  public var rulesHash: String
  /// Size and root of the log that was folded.
  public var size: UInt64
  public var root: String
  public var engine: String
  public var asOf: Int64
  public var outputRoot: String
  /// When the view was switched to, by the clock of the machine.
  public var switchedAt: Int64
  public var customers: Int64
  public var rows: Int64
  public var parked: Int64
  /// Of the log, and how many control records it had.
  public var logGeneration: String
  public var registerSize: UInt64

  /// Of the view's tables (docs/format.md); a view of another one has to be made again.
  static let format = 4

  public init(
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
  public func holds(_ view: ViewManifest) -> Bool {
    switches.contains { entry in
      entry.view.view == view.name && entry.view.size == view.size
        && entry.view.asOf == view.asOf && Hex.text(entry.view.outputRoot) == view.outputRoot
        && Hex.text(entry.view.rulesHash) == view.rulesHash
        && Hex.text(entry.view.root) == view.root
    }
  }
}
