/// What the fold does for events of each class, in flat memory.
struct FlatClasses {
  private let pool = SlabPool()
  let table: EventClassTable
  /// Of each class what it gives to facts.
  let parts: Slab<Part>
  let runs: Slab<SlabRun>
  /// Atoms that its events decide, and general atoms over what they feed.
  let touched: Slab<UInt64>
  let general: Slab<UInt64>
  /// Each of its events counts as one for some feeds, and does nothing else that is counted.
  let isPlain: Slab<Bool>
  /// Events of plain classes so far.
  let counts: Slab<Int64>

  struct Part: BitwiseCopyable {
    var series: Int32
    /// Place among the event's values; -1 where the fact only counts.
    var place: Int32
  }

  init(_ compiled: CompiledRules, _ table: EventClassTable, _ effects: Slab<TruthPlan.Effects>) {
    self.table = table
    let feeding = table.classes.map { each in
      each.parts.filter { $0.operation.isFeed && $0.operation.number < effects.count }
        .map { Part(series: Int32($0.operation.number), place: $0.place) }
    }
    (parts, runs) = pool.slab(lists: feeding)
    touched = pool.slab(
      feeding.map { $0.reduce(into: 0) { $0 |= effects[Int($1.series)].touched } })
    general = pool.slab(
      feeding.map { $0.reduce(into: 0) { $0 |= effects[Int($1.series)].general } })
    isPlain = pool.slab(
      table.classes.indices.map { number in
        number != EventClassTable.own
          && table.classes[number].parts.allSatisfy {
            let what = $0.operation
            return what.isFeed && what.number != compiled.purchaseFeed
              && what.number != compiled.refundFeed
          }
      })
    counts = pool.slab(table.classes.count, of: 0)
  }

  /// Adds what was counted to the events that gave feeds something.
  func add(to given: inout [Int64], _ compiled: CompiledRules) {
    for number in 0..<counts.count where counts[number] > 0 {
      for part in table.classes[number].parts {
        let feed = part.operation.number
        if feed < compiled.firstExtraFeed { given[feed] += counts[number] }
      }
    }
  }
}
