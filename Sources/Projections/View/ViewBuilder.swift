import CEL
import EventStore

/// Builds a generation of a view aside and switches to it.
public final class ViewBuilder {
  private let store: String
  let name: String
  let compiled: CompiledRules
  let view: LogView
  let engine: String
  let threads: Int
  private let parameters: ValueParameters?
  let foldEngine: FoldEngine
  /// How much of the folding is done.
  public let meter = WorkMeter()
  /// Where more than one customer in so many may change, folding everybody is faster than an update.
  var mostShare = 4
  var portions = Replayer.Portions()
  /// Noting how far a rebuild is takes at most one part in so many.
  var noteShare = 40.0
  /// Held until the view is published or given up.
  private var lock: ViewLock?

  /// A generation that is complete and not yet in force.
  public struct Built {
    /// What was counted.
    public var summary: ReplaySummary
    /// The models of `clv.model`; nil where the rules ask for none.
    package var valueFit: ValueFit?
    /// How long the models took, for people; nothing else depends on it.
    public var valueSeconds: Double
    /// Sum over customers of margin × (purchases less refunds), each rounded, in minor units; nil without `clv`, and where out of range.
    public var historicalValue: Int64?
    /// How many customers were folded.
    public var folded: Int64
    /// Not all customers were folded.
    public var isUpdate: Bool
    var draft: GenerationDraft
    var outputRoot: [UInt8]
    var tally: [UInt8]
    var links: [UInt8]?
    var leaves: [[UInt8]]
  }

  /// - Parameters:
  ///   - storePath: the store, in which the view will be.
  ///   - name: what the view is called by.
  ///   - compiled: the rules.
  ///   - view: what of the log is folded.
  ///   - engine: what the receipt says of the program, such as `shop 2.1`.
  ///   - threads: at least 1; the bytes do not depend on it.
  ///   - lock: of this view, if it was waited for; else it has to be free.
  public convenience init(
    storePath: String, name: String, _ compiled: CompiledRules, view: LogView, engine: String,
    threads: Int, lock: ViewLock? = nil
  ) {
    self.init(
      storePath: storePath, name: name, compiled, view: view, engine: engine, threads: threads,
      lock: lock, parameters: nil, foldEngine: .words)
  }

  /// - Parameters:
  ///   - parameters: of an earlier fit of `clv.model`, to be used in place of a new one.
  ///   - foldEngine: how customers are folded; the rows do not depend on it.
  package init(
    storePath: String, name: String, _ compiled: CompiledRules, view: LogView, engine: String,
    threads: Int, lock: ViewLock? = nil, parameters: ValueParameters? = nil, foldEngine: FoldEngine
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

  var home: String { ViewFiles.directory(store, name) }

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
    /// A rebuild that was ended goes on, behind so many customers.
    case resumed(customers: Int, of: Int)
    /// What a rebuild that was ended left is thrown away; why, in words.
    case unusable(String)
    /// Who ends the rebuild now finds so many customers folded the next time.
    case noted(customers: Int)
    /// Steps of the search for the parameters of `clv.model` and of its spending model; 200 a start are the most.
    case fitting(steps: Int)
  }

  /// Folds everybody; where a rebuild of the same was ended, everybody else.
  public func build(progress: (Progress) -> Void) throws -> Built {
    try guarded {
      try takeLock()
      guard let left = try unfinished(progress) else { return try build(from: nil, progress) }
      do {
        return try build(from: left, progress)
      } catch let unusable as UnfinishedBuild.Unusable {
        progress(.unusable(unusable.reason))
        Files.remove(left.directory)
        return try build(from: nil, progress)
      }
    }
  }

  private func build(
    from left: UnfinishedBuild?, _ progress: (Progress) -> Void
  ) throws -> Built {
    try writeAside([], from: 0) { draft in
      var packed = try foldAll(draft, from: left, progress)
      var sorted = try packed.root.sorted(threads: threads)
      packed.root = OutputRoot()
      try draft.write(buckets: sorted.buckets)
      sorted.buckets = []
      let units = ReplayPass.finishingUnits * packed.directory.eventCount
      meter.add(units / 2)
      try draft.write(
        joined: packed.directory.allOthers.map { subject, rank in
          (
            Array(packed.directory.names.bytes(of: subject)),
            Array(packed.directory.name(of: rank))
          )
        })
      let built = try finish(
        draft, packed.folded, sorted.leaves,
        folded: packed.folded.summary.customers - packed.resumed, isUpdate: false, progress)
      meter.add(units - units / 2)
      return built
    }
  }

  /// Makes a generation in a directory of its own, which goes where `body` throws.
  ///
  /// - Parameters:
  ///   - shared: levels of the generation in force that go on being used.
  ///   - first: number of the first chunk that is free.
  func writeAside(
    _ shared: [ViewLevels.Level], from first: UInt32,
    _ body: (GenerationDraft) throws -> Built
  ) throws -> Built {
    try guarded {
      try takeLock()
      let generation = nextGeneration()
      let directory = "\(home)/\(generation).tmp"
      Files.remove(directory)
      try Files.makeDirectory(directory)
      do {
        return try body(
          try GenerationDraft(directory, generation, shared: shared, firstChunk: first))
      } catch {
        Files.remove(directory)
        throw error
      }
    }
  }

  func takeLock() throws {
    if lock == nil {
      lock = try ViewLock.take(store, name, waitSeconds: 0, command: engine)
    }
  }

  private func nextGeneration() -> String {
    let numbers = Files.list(home).compactMap { name -> Int? in
      name.hasPrefix("g") ? Int(name.dropFirst().prefix { $0.isNumber }) : nil
    }
    let digits = String((numbers.max() ?? 0) + 1)
    return "g" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  /// What is known of all customers once their records stand in chunks.
  struct Folded {
    /// Without segments that read the population.
    var summary: ReplaySummary
    var historical: HistoricalValue
    /// In the order of ranks.
    var buyers: Buyers
    /// Rank of each record, ascending.
    var ranks: [UInt32]
    /// More than every rank.
    var rankCount: Int
    /// What links came to, as a view keeps it.
    var links: [UInt8]?
  }

  /// What a fold of everybody leaves.
  private struct Packed {
    var folded: Folded
    var root = OutputRoot()
    var directory: CustomerDirectory
    /// Customers that an earlier rebuild had folded.
    var resumed: Int64 = 0
  }

  private func foldAll(
    _ draft: GenerationDraft, from left: UnfinishedBuild?, _ progress: (Progress) -> Void
  ) throws -> Packed {
    var replayer = Replayer(
      compiled, view: view, threads: threads, engine: foldEngine, meter: meter)
    replayer.portions = portions
    let packer = try RecordPacker(replayer)
    let directory = packer.directory
    var packed = Packed(
      folded: Folded(
        summary: ReplaySummary(compiled, asOf: view.asOf),
        historical: HistoricalValue(compiled.rules), buyers: Buyers(), ranks: [],
        rankCount: directory.count, links: directory.encodedJoins),
      directory: directory)
    if compiled.rules.clv != nil { packed.folded.buyers.reserve(directory.count) }
    var marker = Marker(
      draft, try purpose(), customers: directory.count, share: noteShare)
    var start: ReplayPoint?
    if let left {
      let taken = try left.copy(to: draft, replayer, directory)
      start = taken.point
      packed.resumed = taken.point.summary.customers
      packed.folded.ranks = taken.ranks
      packed.folded.buyers.add(taken.buyers)
      for buyer in taken.buyers.all { packed.folded.historical.add(buyer) }
      packed.root = taken.root
      progress(.resumed(customers: taken.point.customers, of: directory.count))
      // From here on the copy is what a later rebuild goes on with.
      _ = try marker.note(taken.point)
      try draft.environment.sync()
      Files.remove(left.directory)
    }
    packed.folded.summary = try packer.run(
      from: start, progress: { progress(.folded($0)) },
      fold: { run in
        packed.folded.buyers.add(run.buyers)
        packed.folded.historical.add(run.historical)
        packed.folded.ranks += run.folded.ranks
      },
      keep: { runs in
        for run in runs { for leaf in run.leaves { packed.root.add(leaf) } }
        try draft.append(runs.flatMap(\.chunks))
      },
      mark: { point in
        if try marker.note(point) { progress(.noted(customers: point.customers)) }
      })
    return packed
  }

  /// Values buyers, writes what is known of the population, and sums up.
  ///
  /// - Parameters:
  ///   - leaves: of the output root.
  ///   - folded: how many customers were folded.
  ///   - isUpdate: others were taken over as they were.
  func finish(
    _ draft: GenerationDraft, _ all: Folded, _ leaves: [[UInt8]], folded: Int64,
    isUpdate: Bool, _ progress: (Progress) -> Void
  ) throws -> Built {
    let started = Files.monotonicSeconds()
    let fitted = try fitValue(all) { progress(.fitting(steps: $0)) }
    let seconds = Files.monotonicSeconds() - started
    let tally = TallyCoding.encoded(all.summary)
    var summary = all.summary
    if compiled.rules.readsPopulation {
      let scores = try all.buyers.scores(
        compiled.rules.rfm, customers: all.rankCount, threads: threads)
      try PopulationWriter(compiled, draft, asOf: view.asOf, threads: threads).write(
        scores: all.ranks.map { scores[Int($0)] }, values: fitted?.values ?? [], into: &summary)
    }
    return Built(
      summary: summary, valueFit: fitted?.fit, valueSeconds: seconds,
      historicalValue: all.historical.minorUnits, folded: folded, isUpdate: isUpdate, draft: draft,
      outputRoot: OutputRoot.root(leaves), tally: tally, links: all.links,
      leaves: leaves)
  }

  /// The models of `clv.model`, and what they say by record; nil where the rules name none.
  private func fitValue(
    _ folded: Folded, progress: (_ steps: Int) -> Void
  ) throws -> (fit: ValueFit, values: [ValueFit.Customer?])? {
    guard let settings = compiled.rules.clv, let model = settings.model else { return nil }
    let buyers = folded.buyers.all
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

  // MARK: Switching

  /// Removes a generation that shall not come into force.
  public func discard(_ built: Built) throws { Files.remove(built.draft.directory) }

  /// Makes a generation durable, notes it in the register and switches to it; readers of older ones keep what they have
  /// opened.
  ///
  /// The register comes first, so that no view is ever in force without its record; a process that dies between the two
  /// leaves the older view in force, and a record of one that never was.
  ///
  /// - Parameters:
  ///   - built: what ``build(progress:)`` or ``update(_:progress:)`` gave.
  ///   - switchedAt: microseconds since 1970, by the clock of the machine.
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
      parked: Int64(built.summary.parked.count), logGeneration: view.snapshot.generation,
      registerSize: view.snapshot.registerSize)
    try guarded {
      var values = [
        (ViewFiles.manifestKey, manifest.encoded()), (ViewFiles.rulesKey, rules.source),
        (ViewFiles.fileKey, Array(rules.file.utf8)),
        (ViewFiles.chunksKey, built.draft.chunks.encoded()),
        (ViewFiles.levelsKey, built.draft.description), (ViewFiles.tallyKey, built.tally),
        (ViewFiles.leavesKey, built.leaves.flatMap { $0 }),
      ]
      if let links = built.links { values.append((ViewFiles.linksKey, links)) }
      if parameters == nil { values.append((ViewFiles.summaryKey, summary(manifest))) }
      let meta = built.draft.environment.table(ViewFiles.meta)
      // While much is flushed, who dies leaves something to go on with.
      if !built.isUpdate { try built.draft.environment.sync() }
      try built.draft.environment.write { transaction in
        try transaction.delete(meta, ViewFiles.markKey)
        for (key, content) in values { try transaction.put(meta, key, content) }
      }
      try built.draft.environment.sync()
      try Files.syncDirectory(built.draft.directory)
      try Files.rename(built.draft.directory, "\(home)/\(built.draft.generation)")
      try Files.syncDirectory(home)
      do {
        try look(try ViewReader.openGeneration(built.draft.generation, store, name))
        try register(
          ViewSwitch(
            view: name, generation: built.draft.generation, model: rules.modelName,
            version: Int64(rules.modelVersion), rulesHash: SHA256Bytes.hash(rules.source.span),
            size: view.size, root: root, engine: engine, asOf: view.asOf,
            outputRoot: built.outputRoot, customers: UInt64(built.summary.customers),
            transitions: UInt64(built.summary.transitions),
            parked: UInt64(built.summary.parked.count),
            rules: rules.source))
      } catch {
        Files.remove("\(home)/\(built.draft.generation)")
        throw error
      }
      try Files.replace("\(home)/CURRENT", with: built.draft.generation + "\n")
    }
    prune(keeping: built.draft.generation)
    return manifest
  }

  /// Removes older generations, and what killed builds left.
  private func prune(keeping generation: String) {
    for name in Files.list(home) where name.hasPrefix("g") && name != generation {
      ViewFiles.removeGeneration(name, in: home)
    }
  }
}
