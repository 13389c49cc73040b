import CEL
import EventStore

/// Two sides over one log: who differs, since when, and why.
public struct HistoryComparison: Sendable {
  /// What was compared.
  public let sides: BothSides<ComparedSide>
  /// Customers that either side has.
  public let customers: Int
  /// Customers whose rows differ at any time.
  public let changed: Int
  /// Customers parked under either side.
  public let parked: Int
  /// Customers with the same rows whom one side alone parks.
  public let parkedOnly: Int
  /// Customers with the same rows of whom segments alone differ.
  public let segmentsOnly: Int
  /// Stages at as-of under both, in the order of a's stages, then b's; nil where parked or no customer.
  public let matrix: [Cell]
  /// In the order of a's stages, then those of b alone.
  public let stages: [Stage]
  /// In the order of a's segments, then those of b alone; those that read the population are left out.
  public let segments: [Segment]
  /// Segments that read the population, and are not looked at.
  public let unknownSegments: [String]
  /// Sum of the historical value over all customers, in minor units of each side's currency; nil without `clv`, and out of range.
  public let value: BothSides<Int64?>
  /// The part of it that belongs to customers who stand in another stage.
  public let moved: BothSides<Int64?>
  /// One of each kind, the most telling ones first: those in another stage today, the most frequent kind first.
  public let examples: [Example]
  /// What either side could not use.
  public let warnings: BothSides<[FaultReport.Warning]>

  /// Customers by their stage under both sides.
  public struct Cell: Sendable {
    /// Nil where parked, or no customer.
    public var stages: BothSides<String?>
    /// How many stand so.
    public var customers: Int
    /// Historical value of these customers.
    public var value: BothSides<Int64?>
  }

  /// One stage under both sides, at as-of and over time.
  public struct Stage: Sendable {
    /// As the rules call it.
    public var name: String
    /// In it at as-of.
    public var customers: BothSides<Int>
    /// Who is in it under b alone.
    public var entered: Int
    /// Who is in it under a alone.
    public var left: Int
    /// Of all customers together, up to as-of; nil where a side has no such stage.
    public var days: BothSides<Double?>
  }

  /// One segment under both sides, at as-of.
  public struct Segment: Sendable {
    /// As the rules call it.
    public var name: String
    /// In it at as-of.
    public var customers: BothSides<Int>
    /// Who is in it under b alone.
    public var entered: Int
    /// Who is in it under a alone.
    public var left: Int
  }

  /// One customer of those who differ in the same way.
  public struct Example: Sendable {
    /// How many differ in this way.
    public var customers: Int
    /// Of the first of them by name.
    public var difference: Difference
  }

  /// Folds the log under both sides.
  ///
  /// - Parameters:
  ///   - sides: over one snapshot of a log.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - progress: given the share that is done, 0 to 1.
  ///   - each: called with every customer who differs, in the order of the bytes of their names; where it is nil, only examples
  ///     are looked at more closely.
  /// - Throws: what the store and `each` throw.
  public static func run(
    _ sides: BothSides<ComparedSide>, threads: Int, progress: (Double) -> Void = { _ in },
    each: ((Difference) throws -> Void)? = nil
  ) throws -> HistoryComparison {
    let plan = ComparisonPlan(sides)
    let names = try sides.a.view.snapshot.subjectNames(threads: threads)
    var directories = BothSides(
      a: try sides.a.view.directory(sides.a.compiled, names: names, threads: threads),
      b: try sides.b.view.directory(sides.b.compiled, names: names, threads: threads))
    CustomerDirectory.unite(&directories.a, &directories.b)
    var counts = ComparisonCounts(plan)
    var summaries = BothSides(
      a: ReplaySummary(sides.a.compiled, asOf: sides.a.view.asOf),
      b: ReplaySummary(sides.b.compiled, asOf: sides.b.view.asOf))
    summaries.a.faults.identity = directories.a.identityFaults
    summaries.b.faults.identity = directories.b.identityFaults
    let ranges = Self.passes(sides, directories, threads)
    let plans = BothSides(
      a: TruthPlanBuilder.plan(sides.a.compiled), b: TruthPlanBuilder.plan(sides.b.compiled))
    for (number, ranks) in ranges.enumerated() {
      func pass(
        _ side: ComparedSide, _ directory: CustomerDirectory, _ plan: TruthPlan?
      ) -> ReplayPass {
        ReplayPass(
          compiled: side.compiled, view: side.view, directory: directory, ranks: ranks,
          threads: threads, plan: plan)
      }
      let pass = ComparisonPass(
        plan,
        BothSides(
          a: pass(sides.a, directories.a, plans.a), b: pass(sides.b, directories.b, plans.b)),
        threads: threads, keepsAll: each != nil)
      try pass.run(into: &counts, &summaries) { differences in
        for difference in differences { try each?(difference) }
      }
      progress(Double(number + 1) / Double(ranges.count))
    }
    return HistoryComparison(
      plan, counts,
      warnings: BothSides(
        a: try FaultReport(summaries.a, view: sides.a.view).warnings,
        b: try FaultReport(summaries.b, view: sides.b.view).warnings))
  }

  /// Ranges of customers whose events, read for both sides, fit in memory: half as much again as one replay takes.
  private static func passes(
    _ sides: BothSides<ComparedSide>, _ directories: BothSides<CustomerDirectory>, _ threads: Int
  ) -> [Range<Int>] {
    func bytes(_ side: ComparedSide, _ directory: CustomerDirectory) -> Int {
      Replayer(side.compiled, view: side.view, threads: threads).bytesPerEvent(directory)
    }
    let counts = zip(directories.a.counts, directories.b.counts).map { $0 + $1 }
    return Replayer.passes(
      counts,
      bytesPerEvent: max(bytes(sides.a, directories.a), bytes(sides.b, directories.b)), halves: 3)
  }

  // MARK: Sums to results

  private init(
    _ plan: ComparisonPlan, _ counts: ComparisonCounts,
    warnings: BothSides<[FaultReport.Warning]>
  ) {
    sides = plan.sides
    customers = counts.customers
    changed = counts.changed
    parked = counts.parked
    parkedOnly = counts.parkedOnly
    segmentsOnly = counts.segmentsOnly
    self.warnings = warnings
    let hasValue = BothSides(
      a: plan.sides.a.rules.clv != nil, b: plan.sides.b.rules.clv != nil)
    func amounts(_ sums: BothSides<Int128>) -> BothSides<Int64?> {
      BothSides(
        a: hasValue.a ? Int64(exactly: sums.a) : nil, b: hasValue.b ? Int64(exactly: sums.b) : nil)
    }
    var moved = BothSides<Int128>(a: 0, b: 0)
    var matrix: [Cell] = []
    for (number, cell) in counts.cells.enumerated() where cell.customers > 0 {
      let numbers = plan.stages(ofCell: number)
      let stages = BothSides(
        a: plan.sides.a.stageName(numbers.a), b: plan.sides.b.stageName(numbers.b))
      matrix.append(
        Cell(stages: stages, customers: cell.customers, value: amounts(cell.value)))
      if stages.a != stages.b {
        moved.a += cell.value.a
        moved.b += cell.value.b
      }
    }
    self.matrix = matrix
    value = BothSides(a: counts.value.a.minorUnits, b: counts.value.b.minorUnits)
    self.moved = amounts(moved)
    stages = Self.stages(plan, counts, matrix)
    segments = zip(plan.segments, counts.segments).map { segment, counts in
      Segment(
        name: segment.name, customers: counts.customers, entered: counts.entered,
        left: counts.left)
    }
    unknownSegments = plan.unknownSegments
    examples = Self.examples(counts)
  }

  private static func stages(
    _ plan: ComparisonPlan, _ counts: ComparisonCounts, _ matrix: [Cell]
  ) -> [Stage] {
    let (a, b) = (plan.sides.a.rules.stages, plan.sides.b.rules.stages)
    let names = a.map(\.name) + b.map(\.name).filter { name in !a.contains { $0.name == name } }
    func days(_ times: [Int128], _ number: Int?) -> Double? {
      number.map { Double(times[$0]) / 86_400_000_000 }
    }
    return names.map { name in
      func customers(_ isIn: (BothSides<String?>) -> Bool) -> Int {
        matrix.reduce(0) { isIn($1.stages) ? $0 + $1.customers : $0 }
      }
      return Stage(
        name: name,
        customers: BothSides(a: customers { $0.a == name }, b: customers { $0.b == name }),
        entered: customers { $0.b == name && $0.a != name },
        left: customers { $0.a == name && $0.b != name },
        days: BothSides(
          a: days(counts.times.a, a.firstIndex { $0.name == name }),
          b: days(counts.times.b, b.firstIndex { $0.name == name })))
    }
  }

  private static func examples(_ counts: ComparisonCounts) -> [Example] {
    // Who moved from stage to stage, who is in one under one side alone, who is in the same one by another way.
    func place(_ example: ComparisonCounts.Example) -> Int {
      let sides = example.difference.sides
      if sides.a.stage == sides.b.stage && sides.a.isParked == sides.b.isParked { return 2 }
      return example.difference.divergence.reason == .customer ? 1 : 0
    }
    return counts.examples.values.sorted { one, other in
      if place(one) != place(other) { return place(one) < place(other) }
      if one.customers != other.customers { return one.customers > other.customers }
      return one.rank < other.rank
    }.map { Example(customers: $0.customers, difference: $0.difference) }
  }
}
