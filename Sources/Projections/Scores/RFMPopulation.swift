import EventStore

/// Who is scored how by RFM at one instant, and who is not and why: everybody is folded, under the rules of a view.
package struct RFMPopulation: Sendable {
  /// A segment of RFM, or why a customer is in none; in the order of tables.
  package struct Standing: Sendable, Hashable, Comparable {
    private let place: UInt8
    var number: Int { Int(place) }

    init(number: Int) { place = UInt8(number) }

    /// Bought before, and not within `rfm.within`.
    package static let noneWithin = Standing(number: RFMNames.names.count)
    /// Bought nothing yet, or is not yet known at all.
    package static let noPurchase = Standing(number: RFMNames.names.count + 1)
    package static let parked = Standing(number: RFMNames.names.count + 2)
    /// Was a customer, and has become a part of another one.
    package static let joined = Standing(number: RFMNames.names.count + 3)
    /// The eleven segments.
    package static let segments = RFMNames.names.indices.map { Standing(number: $0) }
    package static let all = segments + [noneWithin, noPurchase, parked, joined]

    package var isSegment: Bool { number < RFMNames.names.count }

    /// The segment's name, or a word that none of them is called by.
    package var name: String {
      switch self {
      case .noneWithin: "none_within"
      case .noPurchase: "no_purchase"
      case .parked: "parked"
      case .joined: "joined"
      default: RFMNames.names[number]
      }
    }

    package static func < (left: Standing, right: Standing) -> Bool { left.number < right.number }
  }

  /// One customer.
  package struct Entry: Sendable {
    package internal(set) var standing: Standing
    var code: RFM.Scores?
    /// Instant of the last purchase.
    package internal(set) var recency: Int64 = 0
    /// UTC days with a purchase.
    package internal(set) var frequency: Int64 = 0
    /// Purchases less refunds, in minor units.
    package internal(set) var monetary: Int64 = 0

    /// Nil for who is not scored; the measures are 0 then.
    package var scores: ViewCustomer.Scores? {
      code.map { .init(r: Int($0.r), f: Int($0.f), m: Int($0.m), name: $0.name) }
    }
  }

  package let settings: Rules.RFMSettings
  package let asOf: Int64
  /// UTF-8, in the order of their bytes.
  package private(set) var names: [[UInt8]] = []
  /// By name.
  package private(set) var entries: [Entry] = []
  /// Subjects that are parts of other customers.
  let joined: Set<[UInt8]>

  /// - Parameters:
  ///   - threads: at least 1; the result does not depend on it.
  ///   - progress: told the share that is done.
  /// - Throws: what the store throws.
  package init(
    _ compiled: CompiledRules, view: LogView, threads: Int, progress: (Double) -> Void
  ) throws {
    let settings = compiled.rules.rfm
    let replayer = Replayer(compiled, view: view, threads: threads)
    let directory = try replayer.directory()
    var all = ScoredRun()
    _ = try replayer.run(directory, progress: progress) {
      ScoreSink(isWithin: settings.within != nil)
    } keep: { folded in
      for run in folded.runs { all.add(run) }
    }
    let scores = try all.buyers.scores(settings, customers: directory.count, threads: threads)
    var entries = all.entries
    for (index, rank) in all.ranks.enumerated() {
      guard let scores = scores[Int(rank)] else { continue }
      entries[index].standing = Standing(number: Int(RFMNames.numbers[scores.code]))
      entries[index].code = scores
    }
    self.settings = settings
    asOf = view.asOf
    names = all.ranks.map { Array(directory.name(of: $0)) }
    self.entries = entries
    joined = Set(
      directory.allOthers.map { Array(directory.names.bytes(of: $0.subject)) })
  }

  /// Customers of a standing.
  package func count(_ standing: Standing) -> Int { entries.count { $0.standing == standing } }

  /// Customers who are scored.
  package var scored: Int { entries.count { $0.standing.isSegment } }
}

/// What a run says of its customers before they are scored.
private struct ScoredRun: Sendable {
  var ranks: [UInt32] = []
  var entries: [RFMPopulation.Entry] = []
  var buyers = Buyers()

  mutating func add(_ other: ScoredRun) {
    ranks += other.ranks
    entries += other.entries
    buyers.add(other.buyers)
  }
}

private struct ScoreSink: FoldSink {
  /// The rules set `rfm.within`.
  private let isWithin: Bool
  private var run = ScoredRun()

  init(isWithin: Bool) { self.isWithin = isWithin }

  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    run.ranks.append(rank)
    run.entries.append(entry(fold.result))
    run.buyers.add(fold.result, rank: rank)
  }

  private func entry(_ result: FoldResult) -> RFMPopulation.Entry {
    var entry = RFMPopulation.Entry(standing: .noPurchase)
    if result.parked != nil {
      entry.standing = .parked
      return entry
    }
    if result.purchases.all.count == 0 { return entry }
    let sums = isWithin ? result.purchases.recent : result.purchases.all
    if sums.count == 0 {
      entry.standing = .noneWithin
      return entry
    }
    entry.recency = sums.lastPurchase
    entry.frequency = sums.days
    entry.monetary = Int64(clamping: sums.net)
    return entry
  }

  mutating func endRun() -> ScoredRun {
    defer { run = ScoredRun() }
    return run
  }
}
