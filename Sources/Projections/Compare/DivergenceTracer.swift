import CEL
import EventStore

/// Finds what made two folds of one customer part. One thread; the folds are those of the rules on both sides.
struct DivergenceTracer {
  private let sides: BothSides<ComparedSide>
  private var tracers: BothSides<PointTracer>

  init(_ sides: BothSides<ComparedSide>) {
    self.sides = sides
    tracers = BothSides(a: PointTracer(sides.a.compiled), b: PointTracer(sides.b.compiled))
  }

  /// One customer as a side has folded it.
  struct Folded {
    var events: CustomerEvents
    var rows: [FoldRow]
    var parking: Parking?
    var interner: Interner

    /// The step that took a row.
    func point(of row: Int) -> FoldPoint {
      FoldPoint(at: rows[row].at, position: rows[row].isTimer ? nil : position(of: row))
    }

    func position(of row: Int) -> UInt64? {
      rows[row].anchor < 0 ? nil : events.position(Int(rows[row].anchor))
    }

    func has(position: UInt64) -> Bool {
      (0..<events.count).contains { events.position($0) == position }
    }
  }

  /// What made rows part.
  ///
  /// - Parameter row: the first that differs; nil where rows are the same and one side parks the customer.
  mutating func divergence(_ both: inout BothSides<Folded>, row: Int?) -> Divergence {
    if let row { return divergence(&both, row: row) }
    return Self.parked(BothSides(a: both.a.parking, b: both.b.parking))
  }

  private static func parked(_ parkings: BothSides<Parking?>) -> Divergence {
    func clause(_ parking: Parking?) -> Divergence.Clause? {
      parking.map {
        let names = $0.transitions.joined(separator: ", ")
        return Divergence.Clause(text: names.isEmpty ? $0.reason : "\($0.reason): \(names)")
      }
    }
    return Divergence(
      reason: .parked, rule: nil, sides: BothSides(a: clause(parkings.a), b: clause(parkings.b)))
  }

  // MARK: Rows

  private mutating func divergence(_ both: inout BothSides<Folded>, row: Int) -> Divergence {
    let points = BothSides(
      a: row < both.a.rows.count ? both.a.point(of: row) : nil,
      b: row < both.b.rows.count ? both.b.point(of: row) : nil)
    // The side that moves first, and whether the other moves at the same step.
    let taker: SideName
    switch (points.a, points.b) {
    case (let a?, let b?): taker = b < a ? .b : .a
    case (nil, _): taker = .b
    case (_, nil): taker = .a
    }
    guard let point = points[taker] else {
      return Divergence(reason: .anchor, rule: nil, sides: BothSides(a: nil, b: nil))
    }
    let isShared = points[taker.other] == point
    if !isShared, let found = outside(both, row, point, taker) { return found }
    let look = DivergenceLook(
      sides: sides, both: both, row: row, taker: taker, isShared: isShared)
    if let found = look.withoutConditions() { return found }
    var outcomes = BothSides<PointTracer.Outcomes>(a: [:], b: [:])
    for side in [SideName.a, .b] {
      let isTaken = side == taker || isShared
      outcomes[side] = tracers[side].outcomes(
        of: look.numbers(side), at: point, row: isTaken ? row : nil, both[side].events,
        &both[side].interner)
    }
    return look.divergence(outcomes)
  }

  /// Where the other side is not there at the point at all.
  private func outside(
    _ both: BothSides<Folded>, _ row: Int, _ point: FoldPoint, _ taker: SideName
  ) -> Divergence? {
    let other = taker.other
    func found(
      _ reason: Divergence.Reason, _ own: Divergence.Clause?, _ others: Divergence.Clause?
    ) -> Divergence {
      var clauses = BothSides<Divergence.Clause?>(a: nil, b: nil)
      clauses[taker] = own
      clauses[other] = others
      return Divergence(
        reason: reason, rule: sides[taker].transitionName(both[taker].rows[row].transition),
        sides: clauses)
    }
    if point.at > sides[other].view.asOf {
      return found(
        .asOf, .init(text: RFC3339.text(sides[taker].view.asOf)),
        .init(text: RFC3339.text(sides[other].view.asOf)))
    }
    if let parking = both[other].parking, parking.at <= point.at {
      var found = Self.parked(BothSides(a: both.a.parking, b: both.b.parking))
      found.sides[taker] = nil
      return found
    }
    if let position = point.position, !both[other].has(position: position) {
      return found(.event, .init(text: "#\(position)"), nil)
    }
    if row == 0 {
      // The first event of the other side comes later, or is not the customer's.
      return found(.event, nil, nil)
    }
    return nil
  }

  // MARK: Segments

  /// - Parameters:
  ///   - name: of a segment that holds under one side only.
  ///   - numbers: of it; nil where the rules have none.
  mutating func divergence(
    inSegment name: String, _ numbers: BothSides<Int?>, _ both: inout BothSides<Folded>
  ) -> Divergence {
    var terms = ClauseFinder.Pair(a: nil, b: nil)
    for side in [SideName.a, .b] {
      guard let number = numbers[side] else { continue }
      let outcome = tracers[side].outcome(
        ofSegment: number, asOf: sides[side].view.asOf, both[side].events, &both[side].interner)
      terms[side] = outcome.term
    }
    let isInBoth = terms.a != nil && terms.b != nil
    return Divergence(
      reason: isInBoth ? .clause : .rule, rule: name,
      sides: DivergenceLook.clauses(isInBoth ? ClauseFinder.narrow(terms) : terms))
  }
}
