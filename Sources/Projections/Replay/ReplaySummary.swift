/// What a replay found, added up over all customers.
public struct ReplaySummary: Sendable {
  let compiled: CompiledRules
  /// Microseconds since 1970.
  public let asOf: Int64
  var counts: FoldCounts
  var faults: FaultCounts
  /// Customers whose rules do not determine a stage, in the order of their names.
  public internal(set) var parked: [(customer: String, parking: Parking)] = []

  init(_ compiled: CompiledRules, asOf: Int64) {
    self.compiled = compiled
    self.asOf = asOf
    counts = FoldCounts(compiled)
    faults = FaultCounts(compiled)
  }

  /// Takes what some runs of customers came to.
  mutating func add(_ counts: FoldCounts, _ faults: FaultCounts, _ directory: CustomerDirectory) {
    self.counts.add(counts)
    self.faults.add(faults)
    for customer in counts.parked.sorted(by: { $0.rank < $1.rank }) {
      parked.append((directory.text(of: customer.rank), customer.parking))
    }
    self.counts.parked = []
  }

  /// Puts what some customers come to now in place of what they came to before; segments that read the population apart.
  ///
  /// - Returns: false where a fault's first position cannot be told without a look at everybody.
  mutating func replace(_ before: ReplaySummary, with after: ReplaySummary) -> Bool {
    counts.replace(before.counts, with: after.counts)
    let gone = Set(before.parked.map(\.customer))
    parked = parked.filter { !gone.contains($0.customer) } + after.parked
    parked.sort { $0.customer.utf8.lexicographicallyPrecedes($1.customer.utf8) }
    return faults.replace(before.faults, with: after.faults)
  }

  /// Takes what a pass read.
  mutating func add(_ read: ReadEvents) {
    counts.events += read.count
    counts.ignored += read.ignored
    faults.add(read.aliases)
  }

  /// In view, ignored ones left out.
  public var events: Int64 { counts.events }
  /// Left out by `ignore`.
  public var ignored: Int64 { counts.ignored }
  /// Who has an event in view, parked ones included.
  public var customers: Int64 { counts.customers }
  /// Rows, entry rows included.
  public var transitions: Int64 { counts.rows }
  /// Customers in each stage at as-of, in file order.
  public var stages: [(name: String, customers: Int64)] {
    zip(compiled.rules.stages, counts.stages).map { ($0.name, $1) }
  }
  /// Customers in each segment at as-of, in file order.
  public var segments: [(name: String, customers: Int64)] {
    zip(compiled.rules.segments, counts.segments).map { ($0.name, $1) }
  }

  /// Adds customers to the segments that read the population, and those for whom such a segment ended in an error.
  mutating func addSegments(_ holding: [Int64], failed: [Int64]) {
    for index in holding.indices {
      counts.segments[index] += holding[index]
      if failed[index] > 0 { faults.segments[index].add(.error, 0, count: failed[index]) }
    }
  }
}

/// Counts over some customers, to be added up in any order.
struct FoldCounts: Sendable {
  var events: Int64 = 0
  var ignored: Int64 = 0
  var customers: Int64 = 0
  var rows: Int64 = 0
  var stages: [Int64]
  var segments: [Int64]
  var parked: [(rank: UInt32, parking: Parking)] = []

  init(_ compiled: CompiledRules) {
    stages = Array(repeating: 0, count: compiled.rules.stages.count)
    segments = Array(repeating: 0, count: compiled.segments.count)
  }

  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    customers += 1
    rows += Int64(fold.result.rows.count)
    if let park = fold.result.parked {
      parked.append((rank, Parking(park, fold.compiled)))
      return
    }
    stages[Int(fold.result.stage)] += 1
    for index in fold.result.segments.indices where fold.result.segments[index] {
      segments[index] += 1
    }
  }

  mutating func replace(_ before: FoldCounts, with after: FoldCounts) {
    events += after.events - before.events
    ignored += after.ignored - before.ignored
    customers += after.customers - before.customers
    rows += after.rows - before.rows
    for index in stages.indices { stages[index] += after.stages[index] - before.stages[index] }
    for index in segments.indices {
      segments[index] += after.segments[index] - before.segments[index]
    }
  }

  mutating func add(_ other: FoldCounts) {
    events += other.events
    ignored += other.ignored
    customers += other.customers
    rows += other.rows
    for index in stages.indices { stages[index] += other.stages[index] }
    for index in segments.indices { segments[index] += other.segments[index] }
    parked += other.parked
  }
}
