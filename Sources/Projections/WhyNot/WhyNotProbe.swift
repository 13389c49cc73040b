/// Folds a customer's events with others behind them, and sees whether that leads to the goal.
struct WhyNotProbe {
  private let compiled: CompiledRules
  private let customer: String
  private let lines: [EventLine]
  private let asOf: Int64
  private let goal: WhyNotGoal
  private let end: Int64
  private var fold: CustomerFold
  private var occurred: [Int64] = []
  private var places: [CustomerEvents.Place] = []
  /// How many events the customer has.
  private var count = 0
  /// By number of an added event its number in the fold; nil where the rules ignore it.
  private var numbers: [Int?] = []
  /// Rows of the customer's events alone, until the end.
  private(set) var rows: [FoldRow] = []
  /// The same of stays in the goal.
  private var spells: [FoldSpell] = []
  private(set) var folds = 0
  /// Events that may still be folded.
  private(set) var workLeft: Int

  struct Outcome {
    /// Nil where the customer does not come there.
    var reached: Int64?
    /// Until there, and all where it does not.
    var rows: [FoldRow]
    /// The stage in which it stands at the end of the instant at which it came there.
    var stage: Int32 = -1
  }

  init(
    _ compiled: CompiledRules, customer: String, lines: [EventLine], asOf: Int64, _ goal: WhyNotGoal
  ) {
    self.compiled = compiled
    self.customer = customer
    self.lines = lines
    self.asOf = asOf
    self.goal = goal
    end = Microseconds.horizon(after: asOf)
    var followsSegments = false
    if case .segment = goal { followsSegments = true }
    fold = CustomerFold(compiled, followsSegments: followsSegments)
    fold.wantsRowsOnly = true
    workLeft = min(1_000_000 + 1_000 * lines.count, 3_000_000)
    load([])
    _ = run([], at: asOf)
    rows = fold.result.rows
    spells = fold.result.spells
  }

  /// Takes the events that the next runs choose from, in place of those before.
  mutating func load(_ events: [WhyNotEvent]) {
    let first = UInt64(Int64.max)
    let added = events.enumerated().compactMap { number, event in
      EventLine(
        position: first + UInt64(number),
        line: event.line(number, at: asOf, subject: customer, compiled.rules))
    }
    // Reading a line costs about as much as folding it a few times.
    workLeft -= 4 * (lines.count + added.count)
    let taken = fold.load(lines + added)
    occurred = fold.events.occurred
    places = fold.events.places
    count = taken.count { $0.position < first }
    numbers = Array(repeating: nil, count: events.count)
    for (number, line) in taken.enumerated() where line.position >= first {
      numbers[Int(line.position - first)] = number
    }
  }

  /// - Parameters:
  ///   - chosen: numbers of loaded events.
  ///   - instant: when they happen, no earlier than as-of.
  mutating func run(_ chosen: [Int], at instant: Int64) -> Outcome {
    let added = chosen.compactMap { numbers[$0] }
    if added.count < chosen.count { return Outcome(reached: nil, rows: []) }
    folds += 1
    workLeft -= 50 + count + 4 * added.count
    fold.events.take(
      (occurred[..<count] + added.map { _ in instant })[...],
      (places[..<count] + added.map { places[$0] })[...])
    fold.fold(asOf: end)
    let before = rows.count { $0.at <= instant }
    let new = Array(fold.result.rows.dropFirst(before))
    switch goal {
    case .stage(let stage):
      let reached = new.firstIndex { Int($0.to) == stage }
      guard let reached else { return Outcome(reached: nil, rows: new) }
      let at = new[reached].at
      return Outcome(
        reached: at, rows: Array(new[...reached]), stage: new.last { $0.at == at }?.to ?? -1)
    case .segment(let segment):
      let entry = fold.result.spells.first {
        Int($0.segment) == segment && $0.from >= instant && $0.to > $0.from
      }
      return Outcome(
        reached: entry?.from, rows: entry.map { entry in new.filter { $0.at <= entry.from } } ?? new
      )
    }
  }

  /// Whether the customer is there with what happened alone.
  func isThere(at instant: Int64) -> Bool {
    switch goal {
    case .stage(let stage): Int(rows.last { $0.at <= instant }?.to ?? -1) == stage
    case .segment(let segment):
      spells.contains { Int($0.segment) == segment && $0.from <= instant && instant < $0.to }
    }
  }
}
