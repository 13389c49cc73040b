import CEL
import EventStore

/// Folds a whole log under one rules file and hands the customers, in order, to whoever keeps them.
public struct Replayer {
  public let compiled: CompiledRules
  public let view: LogView
  private let threads: Int
  private let followsSegments: Bool
  /// Memory for the events of one pass: a pass reads the log once for a run of customers. What may be used grows
  /// with the number of customers, so that the number of passes does not grow with the log.
  private static let passBytes = 96 << 20
  private static let passBytesPerCustomer = 100
  /// What an event takes while its pass is folded.
  private static let bytesPerEvent = 56

  /// - Parameters:
  ///   - threads: at least 1; the result does not depend on it.
  ///   - followsSegments: find when customers were in segments.
  public init(
    _ compiled: CompiledRules, view: LogView, threads: Int, followsSegments: Bool = false
  ) {
    self.compiled = compiled
    self.followsSegments = followsSegments
    self.view = view
    self.threads = min(max(1, threads), EventSlice.readerLimit)
  }

  /// - Parameter keep: called in order.
  public func run(progress: (Double) -> Void, keep: (borrowing ReplayBatch) throws -> Void) throws
    -> ReplaySummary
  {
    let names = try view.snapshot.subjectNames()
    let directory = try view.directory(compiled, names: names, threads: threads)
    var summary = ReplaySummary(compiled, asOf: view.asOf)
    summary.faults.identity = directory.identityFaults
    var buyers: [PendingCustomers.Buyer] = []
    var recent: [RFM.Measures] = []
    // What is not written takes no memory; growing by copies would take twice as much.
    buyers.reserveCapacity(compiled.rules.clv == nil ? 0 : directory.subjects.count)
    let passes = Self.passes(directory.counts)
    for (number, ranks) in passes.enumerated() {
      let pass = ReplayPass(
        compiled: compiled, view: view, directory: directory, names: names, ranks: ranks,
        threads: threads, followsSegments: followsSegments)
      try pass.run { output in
        summary.add(output, names: names, directory: directory)
        for run in output.runs {
          buyers += run.buyers
          recent += run.recent
        }
        try keep(ReplayBatch(runs: output.runs, ids: output.ids, threads: threads))
      }
      progress(Double(number + 1) / Double(passes.count))
    }
    try summary.setScores(
      buyers, recent: recent, customers: directory.subjects.count, threads: threads)
    for (rank, others) in directory.joined.sorted(by: { $0.key < $1.key }) {
      let name = Array(names.bytes(of: directory.subjects[Int(rank)]))
      for other in others { summary.joined.append((Array(names.bytes(of: other)), name)) }
    }
    return summary
  }

  /// Folds all customers and adds up what collectors find, in no order.
  func collect<Collector: FoldCollector>(
    progress: (Double) -> Void = { _ in }, _ make: @escaping @Sendable () -> Collector
  ) throws -> (found: Collector, names: NameTable, directory: CustomerDirectory) {
    let names = try view.snapshot.subjectNames()
    let directory = try view.directory(compiled, names: names, threads: threads)
    var found = make()
    let passes = Self.passes(directory.counts)
    for (number, ranks) in passes.enumerated() {
      let pass = ReplayPass(
        compiled: compiled, view: view, directory: directory, names: names, ranks: ranks,
        threads: threads)
      for part in try pass.collect(make) { found.add(part) }
      progress(Double(number + 1) / Double(passes.count))
    }
    return (found, names, directory)
  }

  /// Runs of customers whose events fit the memory of a pass.
  static func passes(_ counts: [UInt32]) -> [Range<Int>] {
    let eventsPerPass = (passBytes + passBytesPerCustomer * counts.count) / bytesPerEvent
    var passes: [Range<Int>] = []
    var start = 0
    var events = 0
    for (rank, count) in counts.enumerated() {
      if events > 0 && events + Int(count) > eventsPerPass {
        passes.append(start..<rank)
        start = rank
        events = 0
      }
      events += Int(count)
    }
    if start < counts.count { passes.append(start..<counts.count) }
    return passes
  }
}

/// The customers of one pass, folded.
public struct ReplayBatch: Sendable {
  let runs: [PendingCustomers]
  let ids: EventIDs
  let threads: Int
}

/// What a replay found, added up over all customers.
public struct ReplaySummary: Sendable {
  let compiled: CompiledRules
  public let asOf: Int64
  var fold: FoldSummary
  var faults: FaultCounts
  /// Customers whose rules do not determine a stage, in the order of their names.
  public private(set) var parked: [(customer: String, record: CustomerRecord.Parked)] = []
  /// RFM scores by rank of the customer among those with a record; nil for who is not scored.
  private(set) var scores: [RFM.Scores?] = []
  private var buyers: [PendingCustomers.Buyer] = []
  /// The models of `clv.model`; nil where the rules ask for none, or only rows were asked for.
  public private(set) var valueFit: ValueFit?
  /// How long the models took, for people; nothing else depends on it.
  public internal(set) var valueSeconds = 0.0
  /// What they say, by record; empty without them.
  private(set) var values: [ValueFit.Customer?] = []
  /// Other subjects of joined customers with the customer's name.
  var joined: [(subject: [UInt8], customer: [UInt8])] = []
  /// Ranks of the directory that have a record, in order.
  private(set) var present: [UInt32] = []

  init(_ compiled: CompiledRules, asOf: Int64) {
    self.compiled = compiled
    self.asOf = asOf
    fold = FoldSummary(compiled)
    faults = FaultCounts(compiled)
  }

  mutating func add(_ output: ReplayPass.Output, names: NameTable, directory: CustomerDirectory) {
    fold.events += output.events
    fold.ignored += output.ignored
    faults.add(output.faults)
    for run in output.runs {
      fold.add(run.summary)
      present += run.ranks
      for customer in run.parked {
        let name = names.bytes(of: directory.subjects[Int(customer.rank)])
        let transitions = customer.transitions.map { compiled.conditionName(Int($0)) }
        parked.append(
          (
            String(decoding: name, as: UTF8.self),
            CustomerRecord.Parked(
              at: customer.at, reason: customer.reason.text, transitions: transitions)
          ))
      }
    }
  }

  /// Sum over customers of margin × (purchases less refunds), each rounded, in minor units; nil where out of range.
  public private(set) var historicalValue: Int64?

  /// - Parameter recent: who is scored where the rules set `rfm.within`, by rank as the buyers.
  mutating func setScores(
    _ buyers: [PendingCustomers.Buyer], recent: [RFM.Measures], customers: Int, threads: Int
  ) throws {
    if let margin = compiled.rules.clv?.margin {
      var sum: Int128 = 0
      for buyer in buyers { sum += Int128(margin.times(buyer.monetary) ?? 0) }
      historicalValue = Int64(exactly: sum)
    }
    let settings = compiled.rules.rfm
    let isRecent = settings.within != nil
    let scored = try RFM.scores(
      recency: isRecent ? recent.map(\.recency) : buyers.map(\.recency),
      frequency: isRecent ? recent.map(\.frequency) : buyers.map(\.frequency),
      monetary: isRecent ? recent.map(\.monetary) : buyers.map(\.monetary),
      ties: settings.ties, threads: threads)
    let ranks = isRecent ? recent.map(\.rank) : buyers.map(\.rank)
    var byRank: [RFM.Scores?] = Array(repeating: nil, count: customers)
    for (rank, scores) in zip(ranks, scored) { byRank[Int(rank)] = scores }
    scores = present.map { byRank[Int($0)] }
    self.buyers = buyers
  }

  /// Fits `clv.model`, if the rules name one.
  ///
  /// - Parameters:
  ///   - given: parameters of an earlier fit, in its place.
  ///   - progress: called at each step of a search.
  mutating func fitValue(
    threads: Int, given: ValueParameters? = nil, progress: (_ steps: Int) -> Void
  ) throws {
    guard let settings = compiled.rules.clv, let model = settings.model else { return }
    let fit = try ValueFit(
      settings, model: model, digits: compiled.rules.currency.digits, buyers: buyers, asOf: asOf,
      threads: threads, given: given, progress: progress)
    valueFit = fit
    guard let found = try fit.evaluate(buyers, threads: threads) else { return }
    var next = 0
    // Buyers and records both stand in the order of ranks.
    values = present.map { rank in
      guard next < buyers.count, buyers[next].rank == rank else { return nil }
      defer { next += 1 }
      return found[next]
    }
  }

  public var events: Int64 { fold.events }
  public var ignored: Int64 { fold.ignored }
  public var customers: Int64 { fold.customers }
  /// Rows, entry rows included.
  public var transitions: Int64 { fold.rows }
  /// Customers in each stage at as-of, in file order.
  public var stages: [(name: String, customers: Int64)] {
    zip(compiled.rules.stages, fold.stages).map { ($0.name, $1) }
  }
  /// Customers in each segment at as-of, in file order.
  public var segments: [(name: String, customers: Int64)] {
    zip(compiled.rules.segments, fold.segments).map { ($0.name, $1) }
  }

  /// Adds customers to the segments that read the population.
  mutating func addSegments(_ holding: [Int64], failed: [Int64]) {
    for index in holding.indices {
      fold.segments[index] += holding[index]
      if failed[index] > 0 { faults.segments[index].add(.error, 0, count: failed[index]) }
    }
  }
}
