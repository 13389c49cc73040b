/// Takes customers that both sides have folded, and keeps of them what differs. One thread.
///
/// It cannot be copied: each look at itself while it changes would have been a copy.
struct ComparisonSink: ~Copyable {
  private let plan: ComparisonPlan
  private(set) var counts: ComparisonCounts
  /// Every customer who differs is told of, not only one of each kind.
  private let keepsAll: Bool
  private var tracer: DivergenceTracer?
  /// Those of the run at hand.
  private var differences: [Difference] = []

  init(_ plan: ComparisonPlan, keepsAll: Bool) {
    self.plan = plan
    self.keepsAll = keepsAll
    counts = ComparisonCounts(plan)
  }

  mutating func endRun() -> [Difference] {
    defer { differences.removeAll() }
    return differences
  }

  /// - Parameters:
  ///   - has: which of them have the customer; at least one.
  ///   - name: of the customer.
  mutating func add(
    _ a: inout TruthFold, _ b: inout TruthFold, has: BothSides<Bool>, rank: UInt32,
    name: () -> String
  ) {
    counts.customers += 1
    let stages = BothSides(
      a: has.a ? Self.stage(a.customer.result) : -1, b: has.b ? Self.stage(b.customer.result) : -1)
    let values = BothSides(
      a: has.a ? counts.value.a.amount(of: a.customer.result) : nil,
      b: has.b ? counts.value.b.amount(of: b.customer.result) : nil)
    counts.value.a.add(values.a ?? 0)
    counts.value.b.add(values.b ?? 0)
    let cell = plan.cell(stages.a, stages.b)
    counts.cells[cell].customers += 1
    counts.cells[cell].value.a += Int128(values.a ?? 0)
    counts.cells[cell].value.b += Int128(values.b ?? 0)
    if has.a { Self.addTimes(a.customer.result, plan.sides.a.view.asOf, &counts.times.a) }
    if has.b { Self.addTimes(b.customer.result, plan.sides.b.view.asOf, &counts.times.b) }
    let parked = BothSides(
      a: has.a ? a.customer.result.parked?.at : nil, b: has.b ? b.customer.result.parked?.at : nil)
    if parked.a != nil || parked.b != nil { counts.parked += 1 }

    let firstSegment = addSegments(a.customer.result, b.customer.result, has)
    var kind = ComparisonCounts.Kind(cell: cell, kind: .rows, a: -1, b: -1)
    var row: Int?
    if let differing = firstDifference(a, b, has) {
      counts.changed += 1
      row = differing
      kind.a = Self.transition(a.customer.result, differing, has.a)
      kind.b = Self.transition(b.customer.result, differing, has.b)
    } else if parked.a != parked.b {
      counts.parkedOnly += 1
      kind.kind = .parked
    } else if let firstSegment {
      counts.segmentsOnly += 1
      kind.kind = .segments
      kind.a = Int32(firstSegment)
    } else {
      return
    }
    if counts.examples[kind] != nil {
      counts.examples[kind]?.customers += 1
      if !keepsAll { return }
    }
    var difference = Difference(
      customer: name(), kind: kind.kind,
      sides: BothSides(
        a: side(a, .a, has.a, stages.a, values.a, row),
        b: side(b, .b, has.b, stages.b, values.b, row)),
      divergence: Divergence(reason: .customer, rule: nil, sides: BothSides(a: nil, b: nil)))
    switch kind.kind {
    case .rows:
      difference.firstDifference = [difference.sides.a.row, difference.sides.b.row]
        .compactMap { $0?.at }.min()
    case .parked: difference.firstDifference = [parked.a, parked.b].compactMap { $0 }.min()
    case .segments: break
    }
    for segment in plan.segments {
      let isIn = isIn(segment, a.customer.result, b.customer.result, has)
      if isIn.b && !isIn.a { difference.entered.append(segment.name) }
      if isIn.a && !isIn.b { difference.left.append(segment.name) }
    }
    if has.a && has.b {
      difference.divergence = divergence(&a, &b, row: row, segment: firstSegment)
    }
    if counts.examples[kind] == nil {
      counts.examples[kind] = ComparisonCounts.Example(
        customers: 1, rank: rank, difference: difference)
    }
    if keepsAll { differences.append(difference) }
  }

  private static func stage(_ result: FoldResult) -> Int32 {
    result.parked == nil ? result.stage : -1
  }

  private static func transition(_ result: FoldResult, _ row: Int, _ has: Bool) -> Int32 {
    has && row < result.rows.count ? result.rows[row].transition : -1
  }

  /// Time in stages up to as-of, or to the instant at which the customer was parked.
  private static func addTimes(_ result: FoldResult, _ asOf: Int64, _ times: inout [Int128]) {
    let rows = result.rows
    let end = result.parked?.at ?? asOf
    for index in rows.indices {
      let next = index + 1 < rows.count ? rows[index + 1].at : end
      times[Int(rows[index].to)] += Int128(next - rows[index].at)
    }
  }

  // MARK: Segments

  private func isIn(
    _ segment: ComparisonPlan.Segment, _ a: FoldResult, _ b: FoldResult, _ has: BothSides<Bool>
  ) -> BothSides<Bool> {
    func holds(_ number: Int?, _ result: FoldResult, _ has: Bool) -> Bool {
      guard has, let number else { return false }
      return number < result.segments.count && result.segments[number]
    }
    return BothSides(a: holds(segment.numbers.a, a, has.a), b: holds(segment.numbers.b, b, has.b))
  }

  /// - Returns: the first segment that one side alone has the customer in.
  private mutating func addSegments(
    _ a: FoldResult, _ b: FoldResult, _ has: BothSides<Bool>
  ) -> Int? {
    var first: Int?
    for (number, segment) in plan.segments.enumerated() {
      let isIn = isIn(segment, a, b, has)
      if isIn.a { counts.segments[number].customers.a += 1 }
      if isIn.b { counts.segments[number].customers.b += 1 }
      if isIn.a == isIn.b { continue }
      if isIn.b { counts.segments[number].entered += 1 } else { counts.segments[number].left += 1 }
      first = first ?? number
    }
    return first
  }

  // MARK: Rows

  /// The first row that one has and the other has not, or has otherwise.
  private func firstDifference(
    _ a: borrowing TruthFold, _ b: borrowing TruthFold, _ has: BothSides<Bool>
  ) -> Int? {
    if !has.a || !has.b { return 0 }
    let (left, right) = (a.customer.result.rows.count, b.customer.result.rows.count)
    for row in 0..<min(left, right) {
      let (one, other) = (a.customer.result.rows[row], b.customer.result.rows[row])
      let isSame =
        one.at == other.at && one.isTimer == other.isTimer
        && one.from == (other.from < 0 ? other.from : plan.stageOfB[Int(other.from)])
        && one.to == plan.stageOfB[Int(other.to)]
        && one.transition
          == (other.transition < 0 ? -1 : plan.transitionOfB[Int(other.transition)])
        && a.customer.position(of: one.anchor) == b.customer.position(of: other.anchor)
      if !isSame { return row }
    }
    return left == right ? nil : min(left, right)
  }

  private func side(
    _ fold: borrowing TruthFold, _ name: SideName, _ has: Bool, _ stage: Int32, _ value: Int64?,
    _ row: Int?
  ) -> Difference.Side {
    let side = plan.sides[name]
    var own = Difference.Side(stage: side.stageName(stage), value: value)
    guard has else { return own }
    own.isParked = fold.customer.result.parked != nil
    if let row, row < fold.customer.result.rows.count {
      let found = fold.customer.result.rows[row]
      let position = fold.customer.position(of: found.anchor)
      own.row = Difference.Row(
        at: found.at, from: side.stageName(found.from), to: side.rules.stages[Int(found.to)].name,
        transition: side.transitionName(found.transition), isTimer: found.isTimer,
        position: position == EventIDs.none ? nil : position)
    }
    return own
  }

  private mutating func divergence(
    _ a: inout TruthFold, _ b: inout TruthFold, row: Int?, segment: Int?
  ) -> Divergence {
    func folded(_ fold: inout TruthFold) -> DivergenceTracer.Folded {
      var folded = DivergenceTracer.Folded(
        events: fold.customer.events, rows: fold.customer.result.rows,
        parking: fold.customer.result.parked.map { Parking($0, fold.compiled) },
        interner: Interner())
      // Lent, not copied: there may be many strings.
      swap(&folded.interner, &fold.evaluator.interner)
      return folded
    }
    var both = BothSides(a: folded(&a), b: folded(&b))
    defer {
      swap(&both.a.interner, &a.evaluator.interner)
      swap(&both.b.interner, &b.evaluator.interner)
    }
    var tracer = self.tracer ?? DivergenceTracer(plan.sides)
    defer { self.tracer = tracer }
    if row == nil, let segment,
      a.customer.result.parked?.at == b.customer.result.parked?.at
    {
      return tracer.divergence(
        inSegment: plan.segments[segment].name, plan.segments[segment].numbers, &both)
    }
    return tracer.divergence(&both, row: row)
  }
}
