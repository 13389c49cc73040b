/// What events say by themselves: answers, channels, referrals, rates. Sums over customers, in any order.
struct EventMetrics: Sendable {
  struct Score: Sendable {
    var promoters: Int64 = 0
    var passives: Int64 = 0
    var detractors: Int64 = 0
    var answers: Int64 { promoters + passives + detractors }

    mutating func add(_ score: Double) {
      if score >= 9 {
        promoters += 1
      } else if score >= 7 {
        passives += 1
      } else {
        detractors += 1
      }
    }

    mutating func add(_ other: Score) {
      promoters += other.promoters
      passives += other.passives
      detractors += other.detractors
    }
  }

  enum ScoreKey: Hashable, Sendable {
    case all
    case period(Int)
    case stage(Int32)
    /// Nil where the answer names none.
    case channel(ByteString?)
  }

  struct Referral: Sendable {
    var referrer: UInt32
    var referred: ByteString
    var at: Int64
    var position: UInt64
  }

  struct Rate: Sendable {
    var starts: Int64 = 0
    var converted: Int64 = 0
    var open: Int64 = 0
    /// From start to conversion, in microseconds.
    var times: [Int64] = []
  }

  private(set) var scores: [ScoreKey: Score] = [:]
  /// Of the latest answer of each customer; stages are those at as-of.
  private(set) var latestScores: [ScoreKey: Score] = [:]
  /// Answers outside 0 to 10.
  var refusedScores: Int64 = 0
  /// Answers without a score, or with one that cannot be read.
  var unreadScores = FaultCounts.Reasons()
  var channels: ChannelCounts
  var referrals: [Referral] = []
  /// By rate, then by period.
  private(set) var rates: [[Rate]]

  init(periods: Int, rates: Int, aliases: Int) {
    channels = ChannelCounts(aliases: aliases)
    self.rates = Array(repeating: Array(repeating: Rate(), count: periods), count: rates)
  }

  /// False for an answer outside 0 to 10.
  mutating func addAnswer(_ answer: Answer, stage: Int32) -> Bool {
    guard answer.score >= 0, answer.score <= 10 else {
      refusedScores += 1
      return false
    }
    for key in answer.keys(stage: stage) { scores[key, default: Score()].add(answer.score) }
    return true
  }

  /// Adds the latest answer of a customer.
  mutating func addLatest(_ answer: Answer, stage: Int32) {
    for key in answer.keys(stage: stage) { latestScores[key, default: Score()].add(answer.score) }
  }

  /// One answer that counts.
  struct Answer: Sendable {
    var score: Double
    var period: Int
    var channel: ByteString?

    /// What it counts for.
    fileprivate func keys(stage: Int32) -> [ScoreKey] {
      [.all, .period(period), .stage(stage), .channel(channel)]
    }
  }

  /// - Parameters:
  ///   - from, to: the customer's events of both aliases, by number and instant, in order.
  ///   - within: a `to` counts before this much time has passed.
  mutating func addRate(
    _ rate: Int, from: [(event: Int, at: Int64)], to: [(event: Int, at: Int64)], within: Int64,
    _ periods: Periods, asOf: Int64
  ) {
    var next = 0
    for start in from {
      while next < to.count && to[next].event <= start.event { next += 1 }
      let period = periods.index(of: start.at)
      rates[rate][period].starts += 1
      if next < to.count && to[next].at - start.at < within {
        rates[rate][period].converted += 1
        rates[rate][period].times.append(to[next].at - start.at)
      } else if asOf - start.at < within - 1 {
        rates[rate][period].open += 1
      }
    }
  }

  mutating func add(_ other: EventMetrics) {
    for (key, score) in other.scores { scores[key, default: Score()].add(score) }
    for (key, score) in other.latestScores { latestScores[key, default: Score()].add(score) }
    refusedScores += other.refusedScores
    unreadScores.add(other.unreadScores)
    channels.add(other.channels)
    referrals += other.referrals
    for rate in rates.indices {
      for period in rates[rate].indices {
        rates[rate][period].starts += other.rates[rate][period].starts
        rates[rate][period].converted += other.rates[rate][period].converted
        rates[rate][period].open += other.rates[rate][period].open
        rates[rate][period].times += other.rates[rate][period].times
      }
    }
  }
}
