import EventStore
import Glibc

/// The likelihood of many histories under one kind of model.
struct HistoriesLikelihood: Sendable {
  let grouped: GroupedHistories
  let threads: Int

  func value(_ model: some PurchaseModel) throws -> Double {
    let grouped = grouped
    let ages = try MaximumLikelihood.map(grouped.ages.count, threads: threads) {
      model.ageTerm(grouped.ages[$0].frequency, grouped.ages[$0].time)
    }
    let recencies = try MaximumLikelihood.map(grouped.recencies.count, threads: threads) {
      model.recencyTerm(grouped.recencies[$0].frequency, grouped.recencies[$0].time)
    }
    let heads = grouped.frequencies.reduce(0) {
      $0 + $1.weight * model.logHead($1.frequency)
    }
    let tails = try MaximumLikelihood.sum(grouped.histories.count, threads: threads) { range in
      var sum = 0.0
      for index in range {
        let history = grouped.histories[index]
        let age = ages[Int(history.age)]
        let gone = model.logGone(age, recencies[Int(history.recency)])
        // As `logAddExp`, but by `log`, which is faster than `log1p`: what it loses is below the rounding of the sum.
        let high = max(age.logAlive, gone)
        sum += history.weight * (high + log(1 + exp(min(age.logAlive, gone) - high)))
      }
      return sum
    }
    return heads + tails
  }
}

extension PurchaseModel {
  /// Fits the model.
  ///
  /// - Throws: ``FitFailure``.
  public static func fit(_ all: [PurchaseHistory], threads: Int = 1) throws -> Fit {
    try fit(all, GroupedHistories(all), threads: threads)
  }

  static func fit(
    _ all: [PurchaseHistory], _ grouped: GroupedHistories, threads: Int
  ) throws -> Fit {
    let repeaters = all.count { $0.frequency > 0 }
    guard repeaters >= MaximumLikelihood.repeatersNeeded else {
      throw FitFailure.tooFewRepeaters(
        found: repeaters, needed: MaximumLikelihood.repeatersNeeded)
    }
    let meanAge = all.reduce(0) { $0 + $1.age } / Double(all.count)
    // Time is a scale: a start that follows it makes the search the same in days and in weeks.
    var start = Array(repeating: 1.0, count: parameterNames.count)
    for (index, name) in parameterNames.enumerated()
    where isTimeScaled && (name == "alpha" || name == "beta") {
      start[index] = max(meanAge, 1e-3) / 3
    }
    let likelihood = HistoriesLikelihood(grouped: grouped, threads: threads)
    var target = MaximumLikelihood.Target(all: { try likelihood.value(Self($0)) })
    if let sample = MaximumLikelihood.sample(all) {
      let few = HistoriesLikelihood(grouped: GroupedHistories(sample), threads: 1)
      target.sample = { try few.value(Self($0)) }
    }
    return try MaximumLikelihood.maximize(
      from: start, names: parameterNames, customers: all.count, target)
  }
}

extension GammaGamma {
  /// Fits the model to customers with a repeat and a mean above 0; others are left out.
  ///
  /// - Throws: ``FitFailure``.
  public static func fit(_ all: [Spending], threads: Int = 1) throws -> Fit {
    let usable = all.filter { $0.frequency > 0 && $0.mean > 0 }
    guard usable.count >= MaximumLikelihood.repeatersNeeded else {
      throw FitFailure.tooFewRepeaters(
        found: usable.count, needed: MaximumLikelihood.repeatersNeeded)
    }
    let mean = usable.reduce(0) { $0 + $1.mean } / Double(usable.count)
    let likelihood = SpendingLikelihood(usable, threads: threads)
    var target = MaximumLikelihood.Target(all: { try likelihood.value(GammaGamma($0)) })
    if let sample = MaximumLikelihood.sample(usable) {
      let few = SpendingLikelihood(sample, threads: 1)
      target.sample = { try few.value(GammaGamma($0)) }
    }
    return try MaximumLikelihood.maximize(
      from: [1, 2, mean], names: parameterNames, customers: usable.count, target)
  }
}

/// The likelihood of many spendings.
struct SpendingLikelihood: Sendable {
  private let threads: Int
  /// What each spent at all repeats, by frequency.
  private var totals: [Double] = []
  /// Customers of one frequency, a stretch of them at a time.
  private var stretches: [(frequency: Double, range: Range<Int>)] = []
  private var frequencies: [(frequency: Double, weight: Double)] = []
  /// Sums of x ln z and of ln z.
  private var weightedLogs = 0.0
  private var logs = 0.0

  init(_ all: [GammaGamma.Spending], threads: Int) {
    self.threads = threads
    var byFrequency: [Double: [Double]] = [:]
    for spending in all {
      byFrequency[spending.frequency, default: []].append(spending.mean * spending.frequency)
      let logarithm = log(spending.mean)
      logs += logarithm
      weightedLogs += spending.frequency * logarithm
    }
    let length = 4096
    for (frequency, own) in byFrequency.sorted(by: { $0.key < $1.key }) {
      frequencies.append((frequency, Double(own.count)))
      for first in stride(from: 0, to: own.count, by: length) {
        let range = first..<min(first + length, own.count)
        stretches.append(
          (frequency, totals.count + range.lowerBound..<totals.count + range.upperBound))
      }
      totals += own
    }
  }

  func value(_ model: GammaGamma) throws -> Double {
    let heads = frequencies.reduce(0) { $0 + $1.weight * model.logHead($1.frequency) }
    let (totals, stretches) = (totals, stretches)
    let tails = try MaximumLikelihood.sum(stretches.count, pieceLength: 1, threads: threads) {
      var sum = 0.0
      for stretch in stretches[$0] {
        let factor = model.p * stretch.frequency + model.q
        sum -= factor * Self.sumOfLogs(model.gamma, totals[stretch.range])
      }
      return sum
    }
    return heads + tails + model.p * weightedLogs - logs
  }

  /// Σ ln(γ + total), as logarithms of products that stay within the range of a double.
  private static func sumOfLogs(_ gamma: Double, _ totals: ArraySlice<Double>) -> Double {
    var sum = 0.0
    var product = 1.0
    for total in totals {
      product *= gamma + total
      if product > 1e200 || product < 1e-200 {
        sum += log(product)
        product = 1
      }
    }
    return sum + log(product)
  }
}

extension MaximumLikelihood {
  /// Every n-th of many, in the order given; nil where they are few.
  static func sample<Element>(_ all: [Element]) -> [Element]? {
    let size = 4000
    if all.count < 2 * size { return nil }
    return (0..<size).map { all[$0 * all.count / size] }
  }

  /// The results of `body` for 0 ..< count, on all threads.
  static func map<Output: Sendable>(
    _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Output
  ) throws -> [Output] {
    if count < 4096 || threads <= 1 { return (0..<count).map(body) }
    return try Parallel.run(threads) { thread in
      (count * thread / threads..<count * (thread + 1) / threads).map(body)
    }.flatMap { $0 }
  }
}
