/// What a comparison adds up over customers, in any order.
struct ComparisonCounts: Sendable {
  var customers = 0
  /// Customers whose rows differ at any time.
  var changed = 0
  /// Customers parked under either.
  var parked = 0
  /// Customers with the same rows of whom one side alone parks, and of whom segments alone differ.
  var parkedOnly = 0
  var segmentsOnly = 0
  /// Customers by their stage under a and b.
  var cells: [Cell]
  /// Microseconds in each stage, all customers together.
  var times: BothSides<[Int128]>
  /// By number in ``ComparisonPlan/segments``.
  var segments: [Segment]
  var value: BothSides<HistoricalValue>
  /// The first customer by name of each kind.
  var examples: [Kind: Example] = [:]

  struct Cell: Sendable {
    var customers = 0
    /// Historical value of the customers in it, in minor units.
    var value = BothSides<Int128>(a: 0, b: 0)
  }

  struct Segment: Sendable {
    var customers = BothSides<Int>(a: 0, b: 0)
    var entered = 0
    var left = 0
  }

  /// What makes differences alike: where they end today, and the rows at which they part.
  struct Kind: Hashable, Sendable {
    var cell: Int
    var kind: Difference.Kind
    /// Numbers of transitions of the rows, of the segment where segments alone differ; -1 for none.
    var a: Int32
    var b: Int32
  }

  struct Example: Sendable {
    var customers: Int
    var rank: UInt32
    var difference: Difference
  }

  init(_ plan: ComparisonPlan) {
    cells = Array(repeating: Cell(), count: plan.cellCount)
    times = BothSides(
      a: Array(repeating: 0, count: plan.sides.a.rules.stages.count),
      b: Array(repeating: 0, count: plan.sides.b.rules.stages.count))
    segments = Array(repeating: Segment(), count: plan.segments.count)
    value = BothSides(
      a: HistoricalValue(plan.sides.a.rules), b: HistoricalValue(plan.sides.b.rules))
  }

  mutating func add(_ other: ComparisonCounts) {
    customers += other.customers
    changed += other.changed
    parked += other.parked
    parkedOnly += other.parkedOnly
    segmentsOnly += other.segmentsOnly
    for index in cells.indices {
      cells[index].customers += other.cells[index].customers
      cells[index].value.a += other.cells[index].value.a
      cells[index].value.b += other.cells[index].value.b
    }
    for index in times.a.indices { times.a[index] += other.times.a[index] }
    for index in times.b.indices { times.b[index] += other.times.b[index] }
    for index in segments.indices {
      segments[index].customers.a += other.segments[index].customers.a
      segments[index].customers.b += other.segments[index].customers.b
      segments[index].entered += other.segments[index].entered
      segments[index].left += other.segments[index].left
    }
    value.a.add(other.value.a)
    value.b.add(other.value.b)
    for (kind, example) in other.examples {
      guard var own = examples[kind] else {
        examples[kind] = example
        continue
      }
      own.customers += example.customers
      if example.rank < own.rank {
        own.rank = example.rank
        own.difference = example.difference
      }
      examples[kind] = own
    }
  }
}

/// Names of two rules files side by side, as numbers.
struct ComparisonPlan: Sendable {
  let sides: BothSides<ComparedSide>
  /// The stage of a with the name of each stage of b; -2 where there is none.
  let stageOfB: [Int32]
  /// The same of transitions (stages with conditions).
  let transitionOfB: [Int32]
  /// In a's order, then those of b alone; none that reads the population under either.
  let segments: [Segment]
  /// Segments that read the population, which nobody has computed.
  let unknownSegments: [String]

  struct Segment: Sendable {
    var name: String
    var numbers: BothSides<Int?>
  }

  init(_ sides: BothSides<ComparedSide>) {
    self.sides = sides
    let (a, b) = (sides.a.rules, sides.b.rules)
    stageOfB = b.stages.map { stage in
      a.stages.firstIndex { $0.name == stage.name }.map { Int32($0) } ?? -2
    }
    let (own, others) = (sides.a.compiled, sides.b.compiled)
    var numbers: [String: Int32] = [:]
    for number in own.conditions.indices { numbers[own.conditionName(number)] = Int32(number) }
    transitionOfB = others.conditions.indices.map { numbers[others.conditionName($0)] ?? -2 }
    var names: [String] = []
    for segment in a.segments + b.segments where !names.contains(segment.name) {
      names.append(segment.name)
    }
    let unknown = Set((a.segments + b.segments).filter(\.readsPopulation).map(\.name))
    unknownSegments = names.filter(unknown.contains)
    segments = names.filter { !unknown.contains($0) }.map { name in
      Segment(
        name: name,
        numbers: BothSides(
          a: a.segments.firstIndex { $0.name == name }, b: b.segments.firstIndex { $0.name == name }
        )
      )
    }
  }

  var cellCount: Int { (sides.a.rules.stages.count + 1) * (sides.b.rules.stages.count + 1) }

  /// - Parameters: numbers of stages; -1 for who is parked, or no customer.
  func cell(_ a: Int32, _ b: Int32) -> Int {
    Int(a + 1) * (sides.b.rules.stages.count + 1) + Int(b + 1)
  }

  func stages(ofCell cell: Int) -> BothSides<Int32> {
    let columns = sides.b.rules.stages.count + 1
    return BothSides(a: Int32(cell / columns) - 1, b: Int32(cell % columns) - 1)
  }
}
