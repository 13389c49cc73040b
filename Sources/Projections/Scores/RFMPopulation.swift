import EventStore

/// Who is scored how by RFM at one instant, and who is not and why: everybody is folded, under the rules of a view.
public struct RFMPopulation: Sendable {
  /// A segment of RFM, or why a customer is in none; in the order of tables.
  public struct Standing: Sendable, Hashable, Comparable {
    private let place: UInt8
    var number: Int { Int(place) }

    init(number: Int) { place = UInt8(number) }

    /// Bought before, and not within `rfm.within`.
    public static let noneWithin = Standing(number: RFMNames.names.count)
    /// Bought nothing yet, or is not yet known at all.
    public static let noPurchase = Standing(number: RFMNames.names.count + 1)
    public static let parked = Standing(number: RFMNames.names.count + 2)
    /// Was a customer, and has become a part of another one.
    public static let joined = Standing(number: RFMNames.names.count + 3)
    /// The eleven segments.
    public static let segments = RFMNames.names.indices.map { Standing(number: $0) }
    public static let all = segments + [noneWithin, noPurchase, parked, joined]

    public var isSegment: Bool { number < RFMNames.names.count }

    /// The segment's name, or a word that none of them is called by.
    public var name: String {
      switch self {
      case .noneWithin: "none_within"
      case .noPurchase: "no_purchase"
      case .parked: "parked"
      case .joined: "joined"
      default: RFMNames.names[number]
      }
    }

    public static func < (left: Standing, right: Standing) -> Bool { left.number < right.number }
  }

  /// One customer.
  public struct Entry: Sendable {
    public internal(set) var standing: Standing
    var code: RFM.Scores?
    /// Instant of the last purchase.
    public internal(set) var recency: Int64 = 0
    /// UTC days with a purchase.
    public internal(set) var frequency: Int64 = 0
    /// Purchases less refunds, in minor units.
    public internal(set) var monetary: Int64 = 0

    /// Nil for who is not scored; the measures are 0 then.
    public var scores: ViewCustomer.Scores? {
      code.map { .init(r: Int($0.r), f: Int($0.f), m: Int($0.m), name: $0.name) }
    }
  }

  public let settings: Rules.RFMSettings
  public let asOf: Int64
  /// UTF-8, in the order of their bytes.
  public private(set) var names: [[UInt8]] = []
  /// By name.
  public private(set) var entries: [Entry] = []
  /// Subjects that are parts of other customers.
  let joined: Set<[UInt8]>

  /// - Parameters:
  ///   - threads: at least 1; the result does not depend on it.
  ///   - progress: told the share that is done.
  /// - Throws: what the store throws.
  public init(
    _ compiled: CompiledRules, view: LogView, threads: Int, progress: (Double) -> Void
  ) throws {
    let settings = compiled.rules.rfm
    var names: [[UInt8]] = []
    var entries: [Entry] = []
    let replayer = Replayer(compiled, view: view, threads: threads)
    let summary = try replayer.run(progress: progress) { batch in
      for run in batch.runs {
        for index in 0..<run.count { names.append(run.name(of: index)) }
        entries += Self.entries(run, isWithin: settings.within != nil)
      }
    }
    for (index, scores) in summary.scores.enumerated() {
      guard let scores else { continue }
      entries[index].standing = Standing(number: Int(RFMNames.numbers[scores.code]))
      entries[index].code = scores
    }
    self.settings = settings
    asOf = view.asOf
    self.names = names
    self.entries = entries
    joined = Set(summary.joined.map(\.subject))
  }

  /// What a run says of its customers before they are scored. Those who buy stand in the order of the customers.
  private static func entries(_ run: PendingCustomers, isWithin: Bool) -> [Entry] {
    var entries = run.ranks.map { _ in Entry(standing: .noPurchase) }
    var parked = run.parked[...]
    var buyers = run.buyers[...]
    var recent = run.recent[...]
    for (index, rank) in run.ranks.enumerated() {
      if parked.first?.rank == rank {
        parked.removeFirst()
        entries[index].standing = .parked
      } else if let buyer = buyers.first, buyer.rank == rank {
        buyers.removeFirst()
        if !isWithin {
          entries[index].recency = buyer.recency
          entries[index].frequency = buyer.frequency
          entries[index].monetary = buyer.monetary
        } else if let measures = recent.first, measures.rank == rank {
          recent.removeFirst()
          entries[index].recency = measures.recency
          entries[index].frequency = measures.frequency
          entries[index].monetary = measures.monetary
        } else {
          entries[index].standing = .noneWithin
        }
      }
    }
    return entries
  }

  /// Customers of a standing.
  public func count(_ standing: Standing) -> Int { entries.count { $0.standing == standing } }

  /// Customers who are scored.
  public var scored: Int { entries.count { $0.standing.isSegment } }
}
