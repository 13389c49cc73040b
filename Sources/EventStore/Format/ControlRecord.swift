/// An entry of the log that is no event (docs/format.md, "Control records"): a leaf of the second tree.
public struct ControlRecord: Sendable, Equatable {
  /// What a control record says.
  public enum Content: Sendable, Equatable {
    /// A view came into force.
    case viewSwitch(ViewSwitch)
    /// Changed rules were accepted under an old version.
    case rulesAccepted(RulesAccepted)
    /// A view was removed.
    case viewDropped(ViewDropped)
    /// Generations that were not in force were removed.
    case viewPruned(ViewPruned)
    /// Events were erased.
    case erasure(Erasure)
    /// A copy was made.
    case backup(BackupMade)
    /// Of a later version: kept and hashed, not understood.
    case unknown(kind: UInt8)
  }

  /// 0, 1, 2 … without gaps.
  public var number: UInt64
  /// Microseconds since 1970; never decreases along the register.
  public var recorded: Int64
  /// What it says.
  public var content: Content
  /// The leaf: what is stored, without its checksum.
  public var bytes: [UInt8]

  static let viewSwitchKind: UInt8 = 1
  static let rulesAcceptedKind: UInt8 = 2
  static let viewDroppedKind: UInt8 = 3
  static let viewPrunedKind: UInt8 = 4
  static let erasureKind: UInt8 = 5
  static let backupKind: UInt8 = 6

  /// Hash of its bytes as a leaf of the tree over control records, 32 bytes (RFC 6962, 2.1).
  public var leafHash: [UInt8] { MerkleTree.leafHash(bytes.span) }

  init(number: UInt64, recorded: Int64, _ view: ViewSwitch) {
    self.init(number, recorded, .viewSwitch(view), kind: Self.viewSwitchKind)
    view.append(to: &bytes)
  }

  init(number: UInt64, recorded: Int64, _ accepted: RulesAccepted) {
    self.init(number, recorded, .rulesAccepted(accepted), kind: Self.rulesAcceptedKind)
    accepted.append(to: &bytes)
  }

  init(number: UInt64, recorded: Int64, _ dropped: ViewDropped) {
    self.init(number, recorded, .viewDropped(dropped), kind: Self.viewDroppedKind)
    dropped.append(to: &bytes)
  }

  init(number: UInt64, recorded: Int64, _ pruned: ViewPruned) {
    self.init(number, recorded, .viewPruned(pruned), kind: Self.viewPrunedKind)
    pruned.append(to: &bytes)
  }

  init(number: UInt64, recorded: Int64, _ erasure: Erasure) {
    self.init(number, recorded, .erasure(erasure), kind: Self.erasureKind)
    erasure.append(to: &bytes)
  }

  init(number: UInt64, recorded: Int64, _ backup: BackupMade) {
    self.init(number, recorded, .backup(backup), kind: Self.backupKind)
    backup.append(to: &bytes)
  }

  /// What every record begins with.
  private init(_ number: UInt64, _ recorded: Int64, _ content: Content, kind: UInt8) {
    self.number = number
    self.recorded = recorded
    self.content = content
    bytes = [1, kind]
    bytes.appendLittle(recorded)
  }

  /// - Throws: where the bytes are no record.
  init(number: UInt64, bytes: [UInt8]) throws(ByteReader.Short) {
    self.number = number
    self.bytes = bytes
    var reader = ByteReader(bytes.span)
    guard try reader.number(UInt8.self) == 1 else { throw ByteReader.Short() }
    let kind = try reader.number(UInt8.self)
    recorded = try reader.instant()
    switch kind {
    case Self.viewSwitchKind: content = .viewSwitch(try ViewSwitch(&reader))
    case Self.rulesAcceptedKind: content = .rulesAccepted(try RulesAccepted(&reader))
    case Self.viewDroppedKind: content = .viewDropped(try ViewDropped(&reader))
    case Self.viewPrunedKind: content = .viewPruned(try ViewPruned(&reader))
    case Self.erasureKind: content = .erasure(try Erasure(&reader))
    case Self.backupKind: content = .backup(try BackupMade(&reader))
    default:
      content = .unknown(kind: kind)
      return
    }
    guard reader.remaining == 0 else { throw ByteReader.Short() }
  }
}

/// What a view was made from and what came out, noted in the register when it came into force.
public struct ViewSwitch: Sendable, Equatable {
  /// Name of the view.
  public var view: String
  /// Name of the generation's directory.
  public var generation: String
  /// Name of the model in the rules file.
  public var model: String
  /// Of the model.
  public var version: Int64
  /// SHA-256 of the rules file.
  public var rulesHash: [UInt8]
  /// Size and root of the log that was folded.
  public var size: UInt64
  /// Of the log at that size, 32 bytes.
  public var root: [UInt8]
  /// The program and the version of the zone data that it folded with.
  public var engine: String
  /// Microseconds since 1970.
  public var asOf: Int64
  /// Of the rows, 32 bytes.
  public var outputRoot: [UInt8]
  /// How many customers the view has.
  public var customers: UInt64
  /// How many rows, entry rows included.
  public var transitions: UInt64
  /// How many customers are parked.
  public var parked: UInt64
  /// The rules file, in the first record of its hash only.
  public var rules: [UInt8]?

  /// - Parameter rules: the rules file, where this record shall hold it.
  package init(
    view: String, generation: String, model: String, version: Int64, rulesHash: [UInt8],
    size: UInt64, root: [UInt8], engine: String, asOf: Int64, outputRoot: [UInt8],
    customers: UInt64, transitions: UInt64, parked: UInt64, rules: [UInt8]?
  ) {
    self.view = view
    self.generation = generation
    self.model = model
    self.version = version
    self.rulesHash = rulesHash
    self.size = size
    self.root = root
    self.engine = engine
    self.asOf = asOf
    self.outputRoot = outputRoot
    self.customers = customers
    self.transitions = transitions
    self.parked = parked
    self.rules = rules
  }

  fileprivate func append(to bytes: inout [UInt8]) {
    for text in [view, generation, model, engine] { bytes.append(text: text) }
    bytes.appendLittle(version)
    bytes.appendLittle(size)
    bytes.appendLittle(asOf)
    bytes.appendLittle(customers)
    bytes.appendLittle(transitions)
    bytes.appendLittle(parked)
    bytes += rulesHash + root + outputRoot
    bytes.append(rules == nil ? 0 : 1)
    if let rules { bytes += rules }
  }

  fileprivate init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    view = try reader.text()
    generation = try reader.text()
    model = try reader.text()
    engine = try reader.text()
    version = try reader.number(Int64.self)
    size = try reader.count()
    asOf = try reader.instant()
    customers = try reader.count()
    transitions = try reader.count()
    parked = try reader.count()
    rulesHash = try reader.array(SHA256Bytes.length)
    root = try reader.array(SHA256Bytes.length)
    outputRoot = try reader.array(SHA256Bytes.length)
    rules = try reader.number(UInt8.self) == 1 ? try reader.array(reader.remaining) : nil
  }
}

/// A rules file of other content under the same model and version that a view may be served under all the same.
public struct RulesAccepted: Sendable, Equatable {
  /// Name of the view.
  public var view: String
  /// Name of the model in the rules file.
  public var model: String
  /// Of the model.
  public var version: Int64
  /// SHA-256 of the rules file.
  public var rulesHash: [UInt8]

  /// - Parameter rulesHash: SHA-256 of the rules file, 32 bytes.
  package init(view: String, model: String, version: Int64, rulesHash: [UInt8]) {
    self.view = view
    self.model = model
    self.version = version
    self.rulesHash = rulesHash
  }

  fileprivate func append(to bytes: inout [UInt8]) {
    for text in [view, model] { bytes.append(text: text) }
    bytes.appendLittle(version)
    bytes += rulesHash
  }

  fileprivate init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    view = try reader.text()
    model = try reader.text()
    version = try reader.number(Int64.self)
    rulesHash = try reader.array(SHA256Bytes.length)
  }
}

extension [UInt8] {
  /// Its length u16, and its bytes.
  mutating func append(text: String) {
    appendLittle(UInt16(text.utf8.count))
    self += text.utf8
  }
}

extension ByteReader {
  mutating func text() throws(Short) -> String {
    String(decoding: try array(Int(try number(UInt16.self))), as: UTF8.self)
  }

  /// Microseconds since 1970, in the years 1 to 9999.
  fileprivate mutating func instant() throws(Short) -> Int64 {
    let value = try number(Int64.self)
    guard RFC3339.range.contains(value) else { throw Short() }
    return value
  }

  fileprivate mutating func count() throws(Short) -> UInt64 {
    let value = try number(UInt64.self)
    guard value <= UInt64(Int64.max) else { throw Short() }
    return value
  }
}
