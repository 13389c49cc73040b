import CEL
import EventStore

/// Two rules files over one log: who differs, and since when.
public struct RulesComparison: Sendable {
  public var asOf: Int64
  public var customers = 0
  /// Customers whose rows differ at any time.
  public var changed = 0
  /// Customers parked under either.
  public var parked = 0
  /// Stages at as-of under both, in the order of a's stages, then b's; nil where parked or without a row.
  public var matrix: [(a: String?, b: String?, customers: Int)] = []
  public var stages: [(name: String, a: Int, b: Int)] = []
  /// Sum of the historical value over all customers, in minor units of each file's currency.
  public var value: (a: Int64?, b: Int64?) = (nil, nil)
  public var digits: (a: Int, b: Int)
  /// The first five customers, by name, whose rows differ.
  public var examples: [Example] = []
  /// What either file could not use.
  public var warnings: (a: [FaultReport.Warning], b: [FaultReport.Warning]) = ([], [])

  public struct Example: Sendable {
    public var customer: String
    public var a: String?
    public var b: String?
    public var firstDifference: Int64
  }

  /// - Throws: what the store throws.
  public static func run(
    _ a: CompiledRules, _ b: CompiledRules, view: LogView, threads: Int
  ) throws -> RulesComparison {
    var comparison = RulesComparison(
      asOf: view.asOf, digits: (a.rules.currency.digits, b.rules.currency.digits))
    let left = try Side(a, view: view, threads: threads)
    let right = try Side(b, view: view, threads: threads)
    comparison.merge(left, right)
    comparison.warnings.a = try FaultReport(left.summary, view: view).warnings
    comparison.warnings.b = try FaultReport(right.summary, view: view).warnings
    return comparison
  }

  /// One rules file folded: what is compared of each customer, by name.
  private struct Side {
    let compiled: CompiledRules
    var names: [[UInt8]] = []
    /// At as-of; -1 where parked.
    var stages: [Int32] = []
    var folded = FoldedItems<FoldRow>()
    var historical: HistoricalValue
    var summary: ReplaySummary

    init(_ compiled: CompiledRules, view: LogView, threads: Int) throws {
      self.compiled = compiled
      let replayer = Replayer(compiled, view: view, threads: threads)
      let directory = try replayer.directory()
      var all = ComparedRun(compiled.rules)
      summary = try replayer.run(directory) {
        ComparisonSink(compiled.rules)
      } keep: { folded in
        for run in folded.runs { all.add(run) }
      }
      names = all.folded.ranks.map { Array(directory.name(of: $0)) }
      (stages, folded, historical) = (all.stages, all.folded, all.historical)
    }

    var rows: [FoldRow] { folded.items }

    func range(_ customer: Int) -> Range<Int> { folded.range(customer) }

    func stageName(_ customer: Int) -> String? {
      stages[customer] < 0 ? nil : compiled.rules.stages[Int(stages[customer])].name
    }

    func transitionName(_ number: Int32) -> String? {
      number < 0 ? nil : compiled.conditionName(Int(number))
    }

    func stage(_ number: Int32) -> String? {
      number < 0 ? nil : compiled.rules.stages[Int(number)].name
    }
  }

  private mutating func merge(_ left: Side, _ right: Side) {
    var cells: [[Int32]: Int] = [:]
    var i = 0
    var j = 0
    while i < left.names.count || j < right.names.count {
      let order = NameOrder.compare(left.names, i, right.names, j)
      customers += 1
      let a = order <= 0 ? i : nil
      let b = order >= 0 ? j : nil
      compare(left, a, right, b)
      cells[[a.map { left.stages[$0] } ?? -1, b.map { right.stages[$0] } ?? -1], default: 0] += 1
      if order <= 0 { i += 1 }
      if order >= 0 { j += 1 }
    }
    setStages(left, right, cells)
    value = (left.historical.minorUnits, right.historical.minorUnits)
  }

  private mutating func compare(_ left: Side, _ a: Int?, _ right: Side, _ b: Int?) {
    let isParked =
      a.map { left.stages[$0] < 0 } ?? false || b.map { right.stages[$0] < 0 } ?? false
    if isParked { parked += 1 }
    guard let instant = Self.firstDifference(left, a, right, b) else { return }
    changed += 1
    guard examples.count < 5 else { return }
    let name = a.map { left.names[$0] } ?? b.map { right.names[$0] } ?? []
    examples.append(
      Example(
        customer: String(decoding: name, as: UTF8.self), a: a.flatMap { left.stageName($0) },
        b: b.flatMap { right.stageName($0) }, firstDifference: instant))
  }

  /// The instant of the first row that one has and the other has not, or has otherwise; nil where all are equal.
  private static func firstDifference(
    _ left: Side, _ a: Int?, _ right: Side, _ b: Int?
  ) -> Int64? {
    guard let a else { return b.map { right.rows[right.range($0).lowerBound].at } }
    guard let b else { return left.rows[left.range(a).lowerBound].at }
    let x = left.range(a)
    let y = right.range(b)
    for offset in 0..<max(x.count, y.count) {
      let i = x.lowerBound + offset
      let j = y.lowerBound + offset
      if i >= x.upperBound { return right.rows[j].at }
      if j >= y.upperBound { return left.rows[i].at }
      let one = left.rows[i]
      let other = right.rows[j]
      if one.at != other.at { return min(one.at, other.at) }
      let isSame =
        one.isTimer == other.isTimer && left.folded.anchors[i] == right.folded.anchors[j]
        && left.stage(one.from) == right.stage(other.from)
        && left.stage(one.to) == right.stage(other.to)
        && left.transitionName(one.transition) == right.transitionName(other.transition)
      if !isSame { return one.at }
    }
    return nil
  }

  private mutating func setStages(_ left: Side, _ right: Side, _ cells: [[Int32]: Int]) {
    var names = left.compiled.rules.stages.map(\.name)
    for stage in right.compiled.rules.stages where !names.contains(stage.name) {
      names.append(stage.name)
    }
    for name in names {
      let a = left.compiled.rules.stages.firstIndex { $0.name == name }
      let b = right.compiled.rules.stages.firstIndex { $0.name == name }
      stages.append(
        (
          name,
          a.map { stage in left.stages.count { $0 == Int32(stage) } } ?? 0,
          b.map { stage in right.stages.count { $0 == Int32(stage) } } ?? 0
        ))
    }
    for a in Int32(-1)..<Int32(left.compiled.rules.stages.count) {
      for b in Int32(-1)..<Int32(right.compiled.rules.stages.count) {
        guard let count = cells[[a, b]] else { continue }
        matrix.append((left.stage(a), right.stage(b), count))
      }
    }
  }
}

/// What is compared of a run of customers.
private struct ComparedRun: Sendable {
  var folded = FoldedItems<FoldRow>()
  /// At as-of; -1 where parked.
  var stages: [Int32] = []
  var historical: HistoricalValue

  init(_ rules: Rules) { historical = HistoricalValue(rules) }

  mutating func add(_ other: ComparedRun) {
    folded.add(other.folded)
    stages += other.stages
    historical.add(other.historical)
  }
}

private struct ComparisonSink: FoldSink {
  private let rules: Rules
  private var run: ComparedRun

  init(_ rules: Rules) {
    self.rules = rules
    run = ComparedRun(rules)
  }

  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    run.folded.add(fold.result.rows, of: fold, rank: rank)
    run.stages.append(fold.result.parked == nil ? fold.result.stage : -1)
    run.historical.add(fold.result)
  }

  mutating func endRun() -> ComparedRun {
    defer { run = ComparedRun(rules) }
    return run
  }
}
