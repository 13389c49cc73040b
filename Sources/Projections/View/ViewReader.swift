import CEL
import EventStore

/// One generation of a view, opened for reading. A later switch does not disturb it.
public final class ViewReader: Sendable {
  /// What the view was made from, and what came out.
  public let manifest: ViewManifest
  /// The rules that the view was made with; their source is the file, byte for byte.
  public let rules: Rules
  private let directory: String
  let levels: ViewLevels
  let chunks: ViewChunks
  /// Number that no chunk has yet.
  let nextChunk: UInt32
  /// Bytes of the generation on disk.
  public var bytes: Int { levels.bytes }
  /// The first instant at which time alone may change the record of a customer; `Int64.max` without customers.
  public var staleAt: Int64 { chunks.staleAt.min() ?? Int64.max }
  /// Number of pieces that can be read apart from each other.
  public var chunkCount: Int { chunks.count }

  /// Names of the views of a store, by their bytes.
  public static func names(_ store: String) throws(ViewError) -> [String] {
    do throws(SystemError) {
      return try ViewFiles.names(store)
    } catch {
      throw ViewError(error, "list the views of `\(store)`", path: store)
    }
  }

  /// Opens the view called `name`, or the only one.
  public static func open(_ store: String, named name: String?) throws(ViewError) -> ViewReader {
    let name = try resolved(name, store)
    return try current(store, name) { try openGeneration($0, store, name) }
  }

  /// The rules of a view, also of one that cannot be read any more but for them.
  public static func rules(_ store: String, of name: String) throws(ViewError) -> Rules {
    let name = try resolved(name, store)
    return try current(store, name) { generation -> Rules in
      let directory = "\(ViewFiles.directory(store, name))/\(generation)"
      let environment = try ViewLevels.openEnvironment(
        directory, name, tables: [ViewFiles.meta.text])
      return try readRules(environment)
    }
  }

  /// The name of a view that is there: the one given, or that of the only one.
  public static func resolved(_ name: String?, _ store: String) throws(ViewError) -> String {
    let names = try names(store)
    if let name {
      guard names.contains(name) else {
        throw ViewError(
          .missing, "the store `\(store)` has no view `\(name)`",
          help: names.isEmpty
            ? "`clm-replay replay \(store) --rules FILE` makes one"
            : Suggestion.help(name, "views", among: names))
      }
      return name
    }
    guard let only = names.first else {
      throw ViewError(
        .missing, "the store `\(store)` has no view",
        help: "`clm-replay replay \(store) --rules FILE` makes one")
    }
    guard names.count == 1 else {
      throw ViewError(
        .ambiguous, "the store `\(store)` has several views, and none is named",
        help: "add --view with one of \(names.joined(separator: ", "))")
    }
    return only
  }

  /// How often one generation may fail to open before it counts as damaged.
  private static let attempts = 3

  private static func current<Output>(
    _ store: String, _ name: String, _ open: (_ generation: String) throws -> Output
  ) throws(ViewError) -> Output {
    // A switch between reading CURRENT and opening may have removed the generation: look again, as often as CURRENT names
    // another one.
    var failures: [String: Int] = [:]
    while true {
      var generation = ""
      let failure: ViewError
      do {
        generation = try ViewFiles.current(store, name)
        return try open(generation)
      } catch let error as any SystemFailure {
        failure = ViewError(error, "open view `\(name)`", path: store)
      } catch let error as ViewError {
        failure = error
      } catch {
        failure = ViewError(
          .damaged, "view `\(name)` of `\(store)` is damaged", help: ViewError.rebuilding)
      }
      failures[generation, default: 0] += 1
      if failures[generation] == attempts { throw failure }
    }
  }

  /// Opens a generation, in force or not.
  static func openGeneration(
    _ generation: String, _ store: String, _ name: String
  ) throws -> ViewReader {
    let directory = "\(ViewFiles.directory(store, name))/\(generation)"
    guard generation.hasPrefix("g"), try Files.isThere(directory) else {
      throw ViewError(
        .damaged, "view `\(name)` names a generation `\(generation)` that is not there",
        help: ViewError.rebuilding)
    }
    // Another form may have other tables.
    let environment = try ViewLevels.openEnvironment(
      directory, name, tables: [ViewFiles.meta.text], optional: ViewFiles.tables)
    let form = try ViewManifest.format(of: try value(environment, ViewFiles.manifestKey))
    guard form == UInt64(ViewManifest.format) else {
      throw ViewError(
        .damaged,
        "view `\(name)` has form \(form), and this version reads form \(ViewManifest.format)",
        help: ViewError.rebuilding)
    }
    guard ViewFiles.tables.allSatisfy(environment.has) else { throw ByteDecoder.Damaged() }
    return try ViewReader(environment, directory, name)
  }

  private init(_ environment: LMDBEnvironment, _ directory: String, _ name: String) throws {
    self.directory = directory
    manifest = try ViewManifest(decoding: try Self.value(environment, ViewFiles.manifestKey))
    chunks = try ViewChunks(decoding: try Self.value(environment, ViewFiles.chunksKey))
    (levels, nextChunk) = try ViewLevels.open(
      environment, directory, view: name,
      described: try Self.value(environment, ViewFiles.levelsKey))
    rules = try Self.readRules(environment)
  }

  private static func readRules(_ environment: LMDBEnvironment) throws -> Rules {
    let source = try value(environment, ViewFiles.rulesKey)
    let file = String(decoding: try value(environment, ViewFiles.fileKey), as: UTF8.self)
    guard let rules = RulesLoader.load(bytes: source, file: file).rules else {
      throw ByteDecoder.Damaged()
    }
    return rules
  }

  /// A value of the table `meta`.
  private static func value(_ environment: LMDBEnvironment, _ key: [UInt8]) throws -> [UInt8] {
    try environment.read { transaction -> [UInt8] in
      guard let content = try transaction.get(environment.table(ViewFiles.meta), key) else {
        throw ByteDecoder.Damaged()
      }
      return [UInt8](copying: content)
    }
  }

  /// What the replay said that made the view, where a replay of the same would say it again.
  ///
  /// - Parameters:
  ///   - rules: of the replay.
  ///   - engine: that it folds with.
  ///   - view: what it folds.
  /// - Returns: nil where something is new, or the view cannot be read.
  public func summary(
    ifMadeBy rules: Rules, engine: String, of view: LogView
  ) throws -> [UInt8]? {
    guard manifest.size == view.size, manifest.asOf == view.asOf, manifest.engine == engine,
      manifest.rulesHash == rules.sha256, self.rules.file == rules.file,
      try isOfLog(view.snapshot)
    else { return nil }
    return try guarded { () throws -> [UInt8]? in try value(ViewFiles.meta, ViewFiles.summaryKey) }
  }

  /// Whether the events that it was made from stand in a log as they did then.
  func isOfLog(_ snapshot: LogSnapshot) throws -> Bool {
    try manifest.logGeneration == snapshot.generation && manifest.size <= snapshot.size
      && !snapshot.register(from: manifest.registerSize).speaksOfMoreThanViews
      && Hex.text(snapshot.root(ofFirst: manifest.size)) == manifest.root
  }

  /// A value of the generation's own environment; nil where there is none.
  func value<Key>(_ name: TableName<Key>, _ key: Key) throws -> [UInt8]? {
    let environment = levels.own.environment
    let table = environment.table(name)
    return try environment.read { transaction -> [UInt8]? in
      guard let content = try transaction.get(table, key) else { return nil }
      return [UInt8](copying: content)
    }
  }

  func guarded<Output>(_ body: () throws -> Output) throws(ViewError) -> Output {
    do {
      return try body()
    } catch let error as ViewError {
      throw error
    } catch let error as any SystemFailure {
      throw ViewError(error, "read the view `\(manifest.name)`", path: directory)
    } catch {
      throw ViewError(
        .damaged, "the view `\(manifest.name)` in `\(directory)` is damaged",
        help: ViewError.rebuilding)
    }
  }

  func records(_ chunk: Int) throws -> (ByteDecoder, Int) {
    (try levels.records(chunks.numbers[chunk]), chunks.records[chunk])
  }

  // MARK: Customers

  /// Visits all customers in the order of the bytes of their names.
  public func forEachCustomer(_ body: (ViewCustomer) throws -> Void) throws {
    for chunk in 0..<chunkCount {
      let found = try guarded { () throws -> [ViewCustomer] in try customers(in: chunk) }
      for customer in found { try body(customer) }
    }
  }

  /// Visits the customers of a chunk without their rows; several threads may read chunks at once.
  public func forEachCustomer(
    inChunk chunk: Int, _ body: (ViewCustomer) -> Void
  ) throws(ViewError) {
    let found = try guarded { try customers(in: chunk, withRows: false) }
    for customer in found { body(customer) }
  }

  /// Names of customers who stand around a name, in their order: about a thousand.
  public func names(around name: String) throws -> [String] {
    if chunks.count == 0 { return [] }
    return try customers(in: chunks.chunk(of: name.utf8) ?? 0, withRows: false).map(\.record.name)
  }

  private func customers(in chunk: Int, withRows: Bool = true) throws -> [ViewCustomer] {
    var (decoder, count) = try records(chunk)
    var customers: [ViewCustomer] = []
    customers.reserveCapacity(count)
    guard rules.readsPopulation else {
      for _ in 0..<count {
        let record = try RecordCoding.decode(&decoder, rules: rules, withRows: withRows)
        customers.append(
          ViewCustomer(record: record, scores: nil, segments: record.current?.segments ?? []))
      }
      return customers
    }
    let group = try value(ViewFiles.population, UInt32(chunk / PopulationGroup.chunks))
    guard let group else { throw ByteDecoder.Damaged() }
    var ranks = try PopulationGroup.chunk(chunk % PopulationGroup.chunks, of: group)
    for _ in 0..<count {
      let record = try RecordCoding.decode(&decoder, rules: rules, withRows: withRows)
      customers.append(try customer(record, &ranks))
    }
    return customers
  }

  private func customer(_ record: CustomerRecord, _ ranks: inout ByteDecoder) throws -> ViewCustomer
  {
    let code = Int(try ranks.number())
    var scores: ViewCustomer.Scores?
    if code > 0 {
      let index = code - 1
      guard index < 125 else { throw ByteDecoder.Damaged() }
      let (r, f, m) = (index / 25 + 1, index / 5 % 5 + 1, index % 5 + 1)
      scores = ViewCustomer.Scores(r: r, f: f, m: m, name: RFMNames.name(r: r, f: f, m: m))
    }
    let value = try value(&ranks)
    var segments = record.current?.segments ?? []
    var ranked: [Int] = []
    for _ in 0..<(try ranks.count()) {
      let number = try ranks.index()
      guard rules.segments.indices.contains(number) else { throw ByteDecoder.Damaged() }
      ranked.append(number)
    }
    if !ranked.isEmpty {
      let own = segments
      segments = rules.segments.indices.filter {
        ranked.contains($0) || own.contains(rules.segments[$0].name)
      }.map { rules.segments[$0].name }
    }
    return ViewCustomer(record: record, scores: scores, value: value, segments: segments)
  }

  private func value(_ ranks: inout ByteDecoder) throws -> ViewCustomer.Value? {
    let kind = try ranks.number()
    if kind == 0 { return nil }
    guard kind <= 2 else { throw ByteDecoder.Damaged() }
    return ViewCustomer.Value(
      probabilityAlive: Double(bitPattern: try ranks.fixed()),
      purchases: Double(bitPattern: try ranks.fixed()),
      expected: kind == 2 ? try ranks.signed() : nil)
  }

  /// The customer that a subject belongs to; nil if the view has none.
  public func customer(named subject: String) throws(ViewError) -> ViewCustomer? {
    try guarded { () throws -> ViewCustomer? in
      if let found = try lookUp(Array(subject.utf8)) { return found }
      guard let joined = try joinedCustomer(Array(subject.utf8)) else { return nil }
      return try lookUp(joined)
    }
  }

  /// What segments may read of a customer of this view beside its facts: ranks are taken over all customers again.
  ///
  /// - Parameters:
  ///   - customer: of this view.
  ///   - compiled: the view's own rules.
  ///   - threads: at least 1; the result does not depend on it.
  public func population(
    of customer: ViewCustomer, _ compiled: CompiledRules, threads: Int
  ) throws -> PopulationValues {
    try guarded { () throws -> PopulationValues in
      let ranks = try PopulationRanks.scan(compiled, chunks: chunkCount, threads: threads) {
        try self.records($0)
      }
      let place = compiled.rules.population.isEmpty ? nil : try place(of: customer)
      return PopulationValues(
        expected: customer.value?.expected, probabilityAlive: customer.value?.probabilityAlive,
        scores: customer.scores.map { RFM.Scores(r: UInt8($0.r), f: UInt8($0.f), m: UInt8($0.m)) },
        ranks: ranks.values.map { values in place.flatMap { values[$0] } })
    }
  }

  /// The number of a customer's record.
  private func place(of customer: ViewCustomer) throws -> Int? {
    let name = Array(customer.record.name.utf8)
    guard let chunk = chunks.chunk(of: name) else { return nil }
    let first = chunks.firstRecords[chunk]
    return try customers(in: chunk).firstIndex { Array($0.record.name.utf8) == name }
      .map { first + $0 }
  }

  /// A key of LMDB has at most 511 bytes; subjects have 255.
  private func joinedCustomer(_ subject: [UInt8]) throws -> [UInt8]? {
    if subject.isEmpty || subject.count > 255 { return nil }
    return try levels.joined(subject)
  }

  private func lookUp(_ name: [UInt8]) throws -> ViewCustomer? {
    guard let chunk = chunks.chunk(of: name) else { return nil }
    return try customers(in: chunk).first { Array($0.record.name.utf8) == name }
  }
}
