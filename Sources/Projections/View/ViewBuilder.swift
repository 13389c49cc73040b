import CEL
import EventStore

/// Builds a generation of a view aside and switches to it.
public final class ViewBuilder {
  private let store: String
  private let name: String
  private let compiled: CompiledRules
  private let view: LogView
  private let engine: String
  private let threads: Int
  private let parameters: ValueParameters?
  private let foldEngine: FoldEngine
  /// How much of the folding is done.
  public let meter = WorkMeter()
  private var outputRoot = OutputRoot()
  private var chunks: [Int] = []
  /// Held until the view is published or given up.
  private var lock: ViewLock?

  /// A generation that is complete and not yet in force.
  public struct Built {
    public var summary: ReplaySummary
    /// The models of `clv.model`; nil where the rules ask for none.
    public var valueFit: ValueFit?
    /// How long the models took, for people; nothing else depends on it.
    public var valueSeconds: Double
    /// Sum over customers of margin × (purchases less refunds), each rounded, in minor units; nil without `clv`, and where out of range.
    public var historicalValue: Int64?
    var directory: String
    var generation: String
    var environment: WritableEnvironment
    var outputRoot: [UInt8]
  }

  /// - Parameters:
  ///   - lock: of this view, if it was waited for; else it has to be free.
  ///   - parameters: of an earlier fit of `clv.model`, to be used in place of a new one.
  public init(
    storePath: String, name: String, _ compiled: CompiledRules, view: LogView, engine: String,
    threads: Int, lock: ViewLock? = nil, parameters: ValueParameters? = nil,
    foldEngine: FoldEngine = .words
  ) {
    self.lock = lock
    self.parameters = parameters
    self.foldEngine = foldEngine
    store = storePath
    self.name = name
    self.compiled = compiled
    self.view = view
    self.engine = engine
    self.threads = threads
  }

  private var home: String { ViewFiles.directory(store, name) }

  private func guarded<Output>(_ body: () throws -> Output) throws -> Output {
    do {
      return try body()
    } catch let error as any SystemFailure {
      throw ViewError(error, "build view `\(name)`", path: store)
    } catch let fault as TableFault {
      throw ViewError(
        .damaged,
        "view `\(name)` was damaged while it was built: table `\(fault.table)`: \(fault.what)",
        help: "replay it again, and look after the medium")
    }
  }

  // MARK: Building

  /// How far a build is.
  public enum Progress: Sendable {
    /// Share of the customers folded.
    case folded(Double)
    /// Steps of the search for the parameters of `clv.model` and of its spending model; 200 a start are the most.
    case fitting(steps: Int)
  }

  public func build(progress: (Progress) -> Void) throws -> Built {
    try guarded {
      if lock == nil {
        lock = try ViewLock.take(store, name, waitSeconds: 0, command: engine)
      }
      let generation = nextGeneration()
      let directory = "\(home)/\(generation).tmp"
      Files.remove(directory)
      try Files.makeDirectory(directory)
      do {
        return try build(directory, generation, progress)
      } catch {
        Files.remove(directory)
        throw error
      }
    }
  }

  private func nextGeneration() -> String {
    let numbers = Files.list(home).compactMap { name -> Int? in
      name.hasPrefix("g") ? Int(name.dropFirst().prefix { $0.isNumber }) : nil
    }
    let digits = String((numbers.max() ?? 0) + 1)
    return "g" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  private func build(
    _ directory: String, _ generation: String, _ progress: (Progress) -> Void
  ) throws -> Built {
    let environment = try WritableEnvironment.build(directory, tables: ViewFiles.tables)
    var folded = try foldAll(environment, progress)
    let started = Files.monotonicSeconds()
    let fitted = try fitValue(folded) { progress(.fitting(steps: $0)) }
    let seconds = Files.monotonicSeconds() - started
    try writePopulation(&folded, values: fitted?.values ?? [], environment)
    try writeJoined(folded.joined, environment)
    return Built(
      summary: folded.summary, valueFit: fitted?.fit, valueSeconds: seconds,
      historicalValue: folded.historical.minorUnits, directory: directory, generation: generation,
      environment: environment, outputRoot: try outputRoot.root(threads: threads))
  }

  /// What is left of the customers once their records are written.
  private struct Folded {
    var summary: ReplaySummary
    var historical: HistoricalValue
    var buyers: [Buyer]
    /// RFM scores by record; nil for who is not scored.
    var scores: [RFM.Scores?]
    /// Rank of each record.
    var ranks: [UInt32]
    /// Other subjects of joined customers with the customer's name.
    var joined: [(subject: [UInt8], customer: [UInt8])]
  }

  private func foldAll(
    _ environment: WritableEnvironment, _ progress: (Progress) -> Void
  ) throws -> Folded {
    let packer = try RecordPacker(
      Replayer(compiled, view: view, threads: threads, engine: foldEngine, meter: meter))
    let directory = packer.directory
    var buyers = Buyers()
    if compiled.rules.clv != nil { buyers.reserve(directory.count) }
    var historical = HistoricalValue(compiled.rules)
    var ranks: [UInt32] = []
    let summary = try packer.run(
      progress: { progress(.folded($0)) },
      fold: { run in
        buyers.add(run.buyers)
        historical.add(run.historical)
        ranks += run.folded.ranks
      }, keep: { try write($0, environment) })
    let scores = try buyers.scores(
      compiled.rules.rfm, customers: directory.count, threads: threads)
    return Folded(
      summary: summary, historical: historical, buyers: buyers.all,
      scores: ranks.map { scores[Int($0)] }, ranks: ranks,
      joined: directory.allOthers.map { subject, rank in
        (Array(directory.names.bytes(of: subject)), Array(directory.name(of: rank)))
      })
  }

  /// The models of `clv.model`, and what they say by record; nil where the rules name none.
  private func fitValue(
    _ folded: Folded, progress: (_ steps: Int) -> Void
  ) throws -> (fit: ValueFit, values: [ValueFit.Customer?])? {
    guard let settings = compiled.rules.clv, let model = settings.model else { return nil }
    let buyers = folded.buyers
    let fit = try ValueFit(
      settings, model: model, digits: compiled.rules.currency.digits, buyers: buyers,
      asOf: view.asOf, threads: threads, given: parameters, progress: progress)
    guard let found = try fit.evaluate(buyers, threads: threads) else { return (fit, []) }
    var next = 0
    // Buyers and records both stand in the order of ranks.
    let values = folded.ranks.map { rank -> ValueFit.Customer? in
      guard next < buyers.count, buyers[next].rank == rank else { return nil }
      defer { next += 1 }
      return found[next]
    }
    return (fit, values)
  }

  private func write(_ runs: [PackedRun], _ environment: WritableEnvironment) throws {
    let table = environment.table(ViewFiles.rows)
    try environment.write { transaction in
      for run in runs {
        for leaf in run.leaves { outputRoot.add(leaf) }
        for chunk in run.chunks {
          var encoder = ByteEncoder()
          encoder.number(chunk.count)
          encoder.bytes += chunk.bytes
          try transaction.put(table, UInt32(chunks.count), encoder.bytes, appending: true)
          chunks.append(chunk.count)
        }
      }
    }
  }

  /// What one thread found about the population.
  private struct PopulationPart: Sendable {
    var values: [(chunk: Int, bytes: [UInt8])] = []
    /// Customers in each segment, and how many have an error there.
    var holding: [Int64]
    var failed: [Int64]
  }

  /// Scores, values, ranks and the segments that read them, by chunk in the order of the records.
  private func writePopulation(
    _ folded: inout Folded, values: [ValueFit.Customer?], _ environment: WritableEnvironment
  ) throws {
    var first = 0
    let firsts = chunks.map { count in
      defer { first += count }
      return first
    }
    let pages = ReadPages()
    let population = PopulationSegments.Population(
      scores: folded.scores, values: values,
      ranks: try PopulationRanks.scan(compiled, chunks: chunks.count, threads: threads) {
        [chunks] in (try Self.records($0, environment, pages), chunks[$0])
      })
    let (compiled, chunks, asOf) = (compiled, chunks, view.asOf)
    let ticket = Ticket()
    let parts = try Parallel.run(threads) { _ in
      var segments = PopulationSegments(compiled)
      let none = Array(repeating: Int64(0), count: compiled.segments.count)
      var part = PopulationPart(holding: none, failed: none)
      while true {
        let chunk = ticket.take()
        if chunk >= chunks.count { return part }
        var decoder =
          segments.numbers.isEmpty
          ? ByteDecoder([]) : try Self.records(chunk, environment, pages)
        let bytes = try Self.encode(
          firsts[chunk]..<firsts[chunk] + chunks[chunk], of: population, &decoder, &segments,
          &part, asOf)
        part.values.append((chunk, bytes))
      }
    }
    var values = parts.flatMap { $0.values }
    values.sort { $0.chunk < $1.chunk }
    let table = environment.table(ViewFiles.population)
    try environment.write { transaction in
      for (chunk, bytes) in values {
        try transaction.put(table, UInt32(chunk), bytes, appending: true)
      }
    }
    for part in parts { folded.summary.addSegments(part.holding, failed: part.failed) }
  }

  /// The records of a chunk, behind their count.
  private static func records(
    _ chunk: Int, _ environment: LMDBEnvironment, _ pages: ReadPages
  ) throws -> ByteDecoder {
    let table = environment.table(ViewFiles.rows)
    let bytes = try environment.read { try $0.copy(table, UInt32(chunk), noting: pages) }
    var decoder = ByteDecoder(bytes ?? [])
    _ = try decoder.number()
    return decoder
  }

  private static func encode(
    _ records: Range<Int>, of population: PopulationSegments.Population,
    _ decoder: inout ByteDecoder, _ segments: inout PopulationSegments,
    _ part: inout PopulationPart, _ asOf: Int64
  ) throws -> [UInt8] {
    var encoder = ByteEncoder()
    for record in records {
      encoder.number(population.scores[record].map { $0.code + 1 } ?? 0)
      encode(population.value(record), into: &encoder)
      if segments.numbers.isEmpty {
        encoder.number(0)
        continue
      }
      let answer = try segments.next(&decoder, record: record, population, asOf: asOf)
      encoder.number(answer.holding.count)
      for number in answer.holding {
        encoder.number(number)
        part.holding[number] += 1
      }
      for number in answer.failed { part.failed[number] += 1 }
    }
    return encoder.bytes
  }

  /// 0 without, 1 without a value in money, 2 with one.
  private static func encode(_ value: ValueFit.Customer?, into encoder: inout ByteEncoder) {
    guard let value else {
      encoder.number(0)
      return
    }
    encoder.number(value.value == nil ? 1 : 2)
    encoder.fixed(value.probabilityAlive.bitPattern)
    encoder.fixed(value.purchases.bitPattern)
    if let money = value.value { encoder.signed(money) }
  }

  private func writeJoined(
    _ joined: [(subject: [UInt8], customer: [UInt8])], _ environment: WritableEnvironment
  ) throws {
    let table = environment.table(ViewFiles.joined)
    let sorted = joined.sorted { $0.subject.lexicographicallyPrecedes($1.subject) }
    try environment.write { transaction in
      for pair in sorted {
        try transaction.put(table, pair.subject, pair.customer, appending: true)
      }
    }
  }

  // MARK: Switching

  /// Removes a generation that shall not come into force.
  public func discard(_ built: Built) throws { Files.remove(built.directory) }

  /// Makes a generation durable, notes it in the register and switches to it; readers of older ones keep what they have
  /// opened.
  ///
  /// The register comes first, so that no view is ever in force without its record; a process that dies between the two
  /// leaves the older view in force, and a record of one that never was.
  /// - Parameters:
  ///   - summary: what the replay has to say, to be said again by one that finds nothing new; not kept where parameters of
  ///     value models were given.
  ///   - look: given the generation as its readers will have it; where it throws, nothing comes into force.
  ///   - register: appends the control record; durable when it returns.
  public func publish(
    _ built: Built, switchedAt: Int64, summary: (ViewManifest) -> [UInt8],
    look: (ViewReader) throws -> Void = { _ in }, register: (ViewSwitch) throws -> Void
  ) throws -> ViewManifest {
    let rules = compiled.rules
    let root = try view.snapshot.root(ofFirst: view.size)
    let manifest = ViewManifest(
      name: name, model: rules.modelName, version: rules.modelVersion, rulesHash: rules.sha256,
      size: view.size, root: Hex.text(root), engine: engine,
      asOf: view.asOf, outputRoot: Hex.text(built.outputRoot), switchedAt: switchedAt,
      customers: built.summary.customers, rows: built.summary.transitions,
      parked: Int64(built.summary.parked.count))
    try guarded {
      var encoder = ByteEncoder()
      encoder.number(chunks.count)
      var values = [
        (ViewFiles.manifestKey, manifest.encoded()), (ViewFiles.rulesKey, rules.source),
        (ViewFiles.fileKey, Array(rules.file.utf8)), (ViewFiles.chunksKey, encoder.bytes),
      ]
      if parameters == nil { values.append((ViewFiles.summaryKey, summary(manifest))) }
      let meta = built.environment.table(ViewFiles.meta)
      try built.environment.write { transaction in
        for (key, content) in values { try transaction.put(meta, key, content) }
      }
      try built.environment.sync()
      try Files.syncDirectory(built.directory)
      try Files.rename(built.directory, "\(home)/\(built.generation)")
      try Files.syncDirectory(home)
      do {
        try look(try ViewReader.openGeneration(built.generation, store, name))
        try register(
          ViewSwitch(
            view: name, generation: built.generation, model: rules.modelName,
            version: Int64(rules.modelVersion), rulesHash: SHA256Bytes.hash(rules.source.span),
            size: view.size, root: root, engine: engine, asOf: view.asOf,
            outputRoot: built.outputRoot, customers: UInt64(built.summary.customers),
            transitions: UInt64(built.summary.transitions),
            parked: UInt64(built.summary.parked.count),
            rules: rules.source))
      } catch {
        Files.remove("\(home)/\(built.generation)")
        throw error
      }
      try Files.replace("\(home)/CURRENT", with: built.generation + "\n")
    }
    prune(keeping: built.generation)
    return manifest
  }

  /// Removes older generations, and what killed builds left.
  private func prune(keeping generation: String) {
    for name in Files.list(home) where name.hasPrefix("g") && name != generation {
      ViewFiles.removeGeneration(name, in: home)
    }
  }
}
