/// The smallest set of a customer's events that alone gives a row, found by folding sets of them and nothing else.
///
/// The row is given where all of it is the same: instant, stages, transition, cause and anchor.
public struct MinimalEvidence: Sendable {
  /// By (occurred, position). With joined subjects the events that join them are among them.
  public var events: [EventLine]
  /// How many events the customer has in view.
  public var of: Int
  /// No smaller set gives the row: all of them were folded.
  public var isSmallest: Bool
  /// No set of as many events gives it and stands earlier, position by position.
  public var isEarliest: Bool
  /// Without any one of the events the row is not there, or another one.
  public var isIrreducible: Bool
  /// All sets of fewer events than this were folded.
  public var triedBelow: Int
  /// Nil for a row that an event caused.
  public var absence: Absence?

  /// Time in which nothing happened that the condition reads.
  public struct Absence: Sendable {
    /// Names of aliases, in file order; none where the condition reads no event.
    public var aliases: [String]
    /// The last event of those aliases; nil without one.
    public var last: EventLine?
    /// Microseconds since 1970: that event's instant, else that of the entry into the stage; not part of the interval.
    public var from: Int64
    /// The instant of the row, no part of the interval: time is settled before the events of an instant.
    public var to: Int64
  }

  /// Events that may be folded for a customer with so many, 24 more for each fold: a fraction of a second.
  static func work(events: Int) -> Int { min(200_000 + 2_000 * events, 3_000_000) }
}

extension MinimalEvidence {
  /// - Parameters:
  ///   - fold: one that came to the row.
  ///   - lines: the events that it folded.
  /// - Returns: nil where the events of the customer alone do not give the row.
  init?(
    _ fold: CustomerFold, row index: Int, customer: String, lines: [EventLine], work: Int? = nil
  ) {
    let row = fold.result.rows[index]
    var search = MinimalSearch(
      fold, target: row, customer: customer, lines: lines,
      work: work ?? Self.work(events: lines.count))
    guard let found = search.run() else { return nil }
    events = found.events.map { lines[$0] }
    of = lines.count
    isSmallest = found.isSmallest
    isEarliest = found.isEarliest
    isIrreducible = found.isIrreducible
    triedBelow = found.triedBelow
    absence = row.isTimer ? Absence(fold, row: index, lines) : nil
  }
}

extension MinimalEvidence.Absence {
  fileprivate init(_ fold: CustomerFold, row index: Int, _ lines: [EventLine]) {
    let compiled = fold.compiled
    let row = fold.result.rows[index]
    // The conditions that decide: of stages with conditions all down to the lower of the two stages.
    let conditions =
      compiled.isFirstMatch
      ? compiled.conditions[0...Int(max(row.from, row.to))]
      : compiled.conditions[Int(row.transition)...Int(row.transition)]
    var read: Set<Int> = []
    for condition in conditions where condition.root >= 0 {
      for feed in compiled.program.feeds(under: condition.root) {
        read.formUnion(compiled.feeds[feed].targets.map(\.alias))
      }
    }
    let numbers = read.sorted()
    aliases = numbers.map { compiled.rules.aliases[$0].name }
    let types = Set(numbers.flatMap { compiled.rules.aliases[$0].types })
    let last = lines.last { $0.occurred < row.at && types.contains($0.type) }
    let entered = index > 0 ? fold.result.rows[index - 1].at : fold.result.firstSeen
    self.last = last
    from = last?.occurred ?? entered
    to = row.at
  }
}
