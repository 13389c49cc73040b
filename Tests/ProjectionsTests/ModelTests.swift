import Foundation
import Testing

@testable import Projections

/// Published numbers of the purchase models. Where a directory with the CDNOW and donation files is named by
/// `CLM_REFERENCE_DATA`, the fits and all customers are held against them too.
@Suite struct ModelTests {
  private static let data = ProcessInfo.processInfo.environment["CLM_REFERENCE_DATA"]

  private func isClose(_ found: Double, _ expected: Double, _ relative: Double) -> Bool {
    (found - expected).magnitude <= relative * expected.magnitude
  }

  private static let bg = BetaGeometricNBD([0.242593, 4.413532, 0.792886, 2.425752])
  private static let paper = BetaGeometricNBD([0.243, 4.414, 0.793, 2.426])

  // MARK: Single numbers

  @Test func `BG/NBD expects what the spreadsheet of its authors does`() {
    let expected = [
      (0.1429, 0.0078), (1, 0.0532), (3, 0.1506), (31.8571, 1.0405), (32, 1.0437),
      // The sheet prints 1.8576; at its parameters arbitrary precision gives 1.857972.
      (78, 1.85797),
    ]
    for (time, purchases) in expected {
      let found = Self.bg.expectedPurchases(ofNewCustomerWithin: time)
      #expect((found - purchases).magnitude < 0.00006, "t = \(time): \(found)")
    }
    let customer = PurchaseHistory(frequency: 2, recency: 30.43, age: 38.86)
    #expect((Self.paper.expectedPurchases(customer, within: 39) - 1.22603).magnitude < 5e-6)
    #expect((Self.bg.expectedPurchases(customer, within: 39) - 1.22591).magnitude < 5e-6)
    #expect((Self.paper.probabilityAlive(customer) - 0.72658).magnitude < 5e-6)
    #expect((Self.bg.probabilityAlive(customer) - 0.72661).magnitude < 5e-6)
  }

  @Test func `Pareto/NBD gives the numbers of the BTYD walkthrough`() {
    let model = ParetoNBD([0.5534, 10.5802, 0.6061, 11.6562])
    let customer = PurchaseHistory(frequency: 26, recency: 30.86, age: 31)
    #expect((model.probabilityAlive(customer) - 0.99792).magnitude < 5e-6)
    #expect((model.expectedPurchases(customer, within: 52) - 25.4549).magnitude < 5e-5)
    #expect((model.expectedPurchases(ofNewCustomerWithin: 52) - 1.47307).magnitude < 5e-6)
    let residuals: [(PurchaseHistory, Double)] = [
      (customer, 86.0304), (PurchaseHistory(frequency: 2, recency: 30.43, age: 38.86), 6.48256),
      (PurchaseHistory(frequency: 0, recency: 0, age: 38.86), 0.476823),
    ]
    for (history, expected) in residuals {
      let found = DiscountedValue.residual(model, history, delta: 0.0027)
      #expect(isClose(found, expected, 2e-5), "\(found)")
    }
  }

  @Test func `BG/BB gives every row of opportunities its share, and keeps its expectations`() {
    let model = BetaGeometricBetaBinomial([1.203522, 0.749716, 0.656718, 2.783442])
    // All rows of n opportunities, by how many purchases and where the last one is.
    func histories(_ n: Int) -> [(history: PurchaseHistory, rows: Double)] {
      var found = [(PurchaseHistory(frequency: 0, recency: 0, age: Double(n)), 1.0)]
      for last in 1...n {
        var rows = 1.0
        for x in 1...last {
          found.append(
            (PurchaseHistory(frequency: Double(x), recency: Double(last), age: Double(n)), rows))
          rows *= Double(last - x) / Double(x)
        }
      }
      return found
    }
    func mean(_ n: Int) -> Double {
      histories(n).reduce(0) {
        $0 + $1.rows * exp(model.logLikelihood($1.history)) * $1.history.frequency
      }
    }
    let shares = histories(9).map { $0.rows * exp(model.logLikelihood($0.history)) }
    #expect(isClose(shares.reduce(0, +), 1, 1e-12))
    #expect(isClose(model.expectedPurchases(ofNewCustomerWithin: 9), mean(9), 1e-12))
    let toCome = zip(histories(6), histories(6).map { exp(model.logLikelihood($0.history)) })
      .reduce(0) { $0 + $1.0.rows * $1.1 * model.expectedPurchases($1.0.history, within: 3) }
    #expect(isClose(toCome, mean(9) - mean(6), 1e-11))
  }

  @Test func `BG/BB finds the parameters of the donations`() throws {
    guard let data = Self.data else { return }
    let text = try String(contentsOfFile: data + "/donations.csv", encoding: .utf8)
    var donors: [PurchaseHistory] = []
    for line in text.split(whereSeparator: \.isNewline).dropFirst() {
      let cells = line.split(separator: ",").compactMap { Double($0) }
      let history = PurchaseHistory(frequency: cells[0], recency: cells[1], age: cells[2])
      donors += Array(repeating: history, count: Int(cells[3]))
    }
    #expect(donors.count == 11_104)

    let fit = try BetaGeometricBetaBinomial.fit(donors)

    #expect((fit.logLikelihood - -33225.581).magnitude < 1e-3)
    for (found, expected) in zip(fit.parameters, [1.203522, 0.749716, 0.656718, 2.783442]) {
      #expect(isClose(found, expected, 1e-4), "\(found)")
    }
    let model = BetaGeometricBetaBinomial(fit.parameters)
    // Expected repeat donations of all 11,104 in the next five years.
    let total = donors.reduce(0) { $0 + model.expectedPurchases($1, within: 5) }
    #expect((total - 12_884.2).magnitude < 0.1, "\(total)")
    // Published for the year to come: alive at the next opportunity.
    func alive(_ x: Double, _ recency: Double) -> Double {
      let history = PurchaseHistory(frequency: x, recency: recency, age: 6)
      return model.probabilityAlive(history) * (model.delta + 6) / (model.gamma + model.delta + 6)
    }
    #expect((alive(0, 0) - 0.11).magnitude < 0.005)
    #expect((alive(6, 6) - 0.93).magnitude < 0.005)
  }

  @Test func `who never came back is alive for certain only under BG/NBD`() {
    let customer = PurchaseHistory(frequency: 0, recency: 0, age: 38.86)
    #expect(Self.bg.probabilityAlive(customer) == 1)
    let modified = ModifiedBetaGeometricNBD([0.524838, 6.182988, 0.891356, 1.614000])
    #expect((modified.probabilityAlive(customer) - 0.390).magnitude < 5e-4)
    let pareto = ParetoNBD([0.553282, 10.577753, 0.606171, 11.666907])
    #expect((pareto.probabilityAlive(customer) - 0.295).magnitude < 5e-4)
  }

  @Test func `the retention formula gives the lifetime value of a coffee drinker`() {
    // Kissmetrics: 24.30 a week, margin 21.3 %, retention 75 %, discount 10 %, over 20 years.
    let margin = 24.30 * 52 * 20 * 0.213
    let value = DiscountedValue.retention(margin: margin, retention: 0.75, discount: 0.10)
    #expect((value - 11_535).magnitude < 1)
  }

  // MARK: Special functions

  @Test func `special functions keep their identities`() {
    for (v, u) in [(0.3, 0.4), (2.5, 20), (9.5, 0.6), (1e4, 3), (1e9, 7), (40, 1e6)] {
      let (value, first, second) = SpecialFunctions.rising(v, u)
      if v < 1e3 {
        let expected = SpecialFunctions.logGamma(v + u) - SpecialFunctions.logGamma(v)
        #expect((value - expected).magnitude < 1e-13 * max(1, expected.magnitude * 10), "\(v) \(u)")
      }
      // Γ(v + u + 1) ÷ Γ(v) = (v + u) Γ(v + u) ÷ Γ(v)
      let up = SpecialFunctions.rising(v, u + 1)
      #expect(isClose(up.value, value + log(v + u), 1e-14))
      #expect(isClose(up.first, first + 1 / (v + u), 1e-12))
      #expect(
        (up.second - (second - 1 / (v + u) / (v + u))).magnitude < 1e-12 * max(1, second.magnitude))
    }
    #expect(isClose(SpecialFunctions.trigamma(1), Double.pi * Double.pi / 6, 1e-14))
    for x in [0.5, 1, 2.5, 7] {
      #expect(isClose(SpecialFunctions.logBeta(1, x), -log(x), 1e-13) || x == 1)
    }
  }

  // MARK: Customers

  /// x, t_x, T, mean; P(alive) and E[Y(39)] of BG, MBG, Pareto; expected value; value of 12 months at 1 % a month.
  private typealias Row = (
    Double, Double, Double, Double, Double, Double, Double, Double, Double, Double, Double, Double
  )

  private func check(_ row: Row) {
    let history = PurchaseHistory(frequency: row.0, recency: row.1, age: row.2)
    let modified = ModifiedBetaGeometricNBD([0.524838, 6.182988, 0.891356, 1.614000])
    let pareto = ParetoNBD([0.553282, 10.577753, 0.606171, 11.666907])
    #expect(isClose(Self.bg.probabilityAlive(history), row.4, 1e-5))
    #expect(isClose(Self.bg.expectedPurchases(history, within: 39), row.5, 1e-5))
    #expect(isClose(modified.probabilityAlive(history), row.6, 1e-5))
    #expect(isClose(modified.expectedPurchases(history, within: 39), row.7, 1e-5))
    #expect(isClose(pareto.probabilityAlive(history), row.8, 1e-5))
    #expect(isClose(pareto.expectedPurchases(history, within: 39), row.9, 1e-5))
    let spending = GammaGamma([6.24957, 3.74422, 15.44352])
      .expectedValue(.init(frequency: row.0, mean: row.3))
    if row.10 > 0 { #expect(isClose(spending, row.10, 2e-4)) }
    if row.11 > 0 {
      let purchases = DiscountedValue.purchases(
        Self.bg, history, horizon: 12 * 4.345, step: 4.345, rate: 0.01, period: 4.345)
      #expect(isClose(purchases * row.10, row.11, 1e-4))
    }
  }

  @Test func `thirty customers of the CDNOW sample`() {
    for row in Self.customers { check(row) }
  }

  private static let customers: [Row] = [
    (
      2, 30.43, 38.86, 22.35, 0.7266091368, 1.225910424, 0.7061262587, 1.262670779, 0.8691244719,
      1.455135769, 24.65861619, 36.27849576
    ),
    (
      1, 1.71, 38.86, 11.77, 0.2122273881, 0.2032506243, 0.1708196301, 0.1887892404, 0.1678771604,
      0.1709876065, 18.91147987, 4.637466329
    ),
    (
      0, 0, 38.86, 0, 1, 0.1947808579, 0.3897164421, 0.1539536444, 0.2951035176, 0.1070639907,
      35.17100215, 8.344093122
    ),
    (
      0, 0, 38.86, 0, 1, 0.1947808579, 0.3897164421, 0.1539536444, 0.2951035176, 0.1070639907,
      35.17100215, 8.344093122
    ),
    (
      0, 0, 38.86, 0, 1, 0.1947808579, 0.3897164421, 0.1539536444, 0.2951035176, 0.1070639907,
      35.17100215, 8.344093122
    ),
    (
      7, 29.43, 38.86, 73.74, 0.6418006394, 3.337239647, 0.6226387217, 3.166805355, 0.7494263398,
      3.711824662, 71.4628508, 283.5235926
    ),
    (
      0, 0, 38.86, 0, 1, 0.1947808579, 0.3897164421, 0.1539536444, 0.2951035176, 0.1070639907,
      35.17100215, 8.344093122
    ),
    (
      0, 0, 38, 0, 1, 0.1983349752, 0.3921254441, 0.1575563099, 0.300230858, 0.1105668806,
      35.17100215, 8.492859703
    ),
    (
      29, 37.71, 38, 26.26, 0.969133594, 20.05366532, 0.9658432103, 18.95005741, 0.9961247826,
      19.59489632, 26.39294766, 625.3500337
    ),
    (
      0, 0, 37.29, 0, 1, 0.2013695081, 0.3941539499, 0.1606419115, 0.3045887222, 0.1135869349,
      35.17100215, 8.619801198
    ),
    (
      25, 27.29, 36.86, 37.21, 0.04099631665, 0.7497320311, 0.0464399977, 0.8055249088,
      0.1094381204, 1.899399883, 37.17479588, 32.91053463
    ),
    (
      3, 17.43, 36.57, 26.42, 0.4204477576, 1.056445769, 0.3897445495, 0.9997609303, 0.479935526,
      1.164331272, 27.53757964, 34.73987043
    ),
    (
      0, 0, 36, 0, 1, 0.207130174, 0.3979354695, 0.1665230377, 0.3128107483, 0.1193922707,
      35.17100215, 8.860591575
    ),
    (
      2, 13.57, 35.43, 21.37, 0.4205310375, 0.7608304958, 0.3819099341, 0.7292471814, 0.4496195512,
      0.8002501344, 23.85508008, 21.72931393
    ),
    (
      5, 17, 34.86, 62.48, 0.2521103682, 1.039162319, 0.2401979434, 0.977767968, 0.3386088615,
      1.32468851, 60.27479124, 74.39413728
    ),
    (
      0, 0, 34.14, 0, 1, 0.2160489039, 0.4036193103, 0.1756859794, 0.3254076467, 0.1285593746,
      35.17100215, 9.2329001
    ),
    (
      0, 0, 33.71, 0, 1, 0.2182225397, 0.4049744895, 0.1779292513, 0.3284531139, 0.1308253049,
      35.17100215, 9.323549628
    ),
    (
      7, 28.71, 33.14, 66.7, 0.8106521525, 4.726636722, 0.7972194678, 4.51432399, 0.9086061597,
      4.994899195, 64.8384989, 362.630795
    ),
    (
      0, 0, 32.43, 0, 1, 0.2249632574, 0.4091055385, 0.1849098537, 0.3378357808, 0.1379281975,
      35.17100215, 9.604449943
    ),
    (
      1, 29.29, 32, 23.49, 0.7353849882, 0.8170378725, 0.7238492655, 0.9194248939, 0.9599619285,
      1.109618042, 27.05478929, 26.54596252
    ),
    (
      0, 0, 31.29, 0, 1, 0.2313321715, 0.4129130867, 0.1915372257, 0.34661478, 0.1447411364,
      35.17100215, 9.869561815
    ),
    (
      26, 30.86, 31, 39.97, 0.968919716, 20.7505705, 0.9655528689, 19.44803712, 0.9979180391,
      20.1160135, 39.89027723, 972.1255634
    ),
    (
      0, 0, 30.86, 0, 1, 0.2338304707, 0.4143822423, 0.1941449678, 0.3500355262, 0.1474396392,
      35.17100215, 9.973478848
    ),
    (
      0, 0, 30.29, 0, 1, 0.2372277481, 0.4163586319, 0.1976980963, 0.3546663858, 0.1511320053,
      35.17100215, 10.11472024
    ),
    (
      5, 29.57, 29.71, 42.51, 0.8880361452, 4.098428128, 0.878958903, 3.976014856, 0.9979277011,
      4.319425593, 41.91737399, 203.0978345
    ),
    (
      21, 4.71, 29.29, 299.63, 2.489437642e-11, 4.499066833e-10, 2.33050332e-10, 3.961117463e-09,
      2.384326507e-08, 4.040675943e-07, 294.2121143, 1.552723631e-07
    ),
    (
      0, 0, 29.14, 0, 1, 0.2443960953, 0.420450339, 0.2052208574, 0.3643588356, 0.1590066666,
      35.17100215, 10.41248674
    ),
    (
      1, 14.86, 28.57, 14.79, 0.6107825188, 0.7379119627, 0.5771011236, 0.7924166507, 0.7069641691,
      0.8766296637, 21.00984117, 18.56659892
    ),
    (
      1, 8.43, 28, 14.37, 0.4919769503, 0.6031559295, 0.4452353704, 0.6197120415, 0.5098841613,
      0.6400103564, 20.71801609, 14.9577502
    ),
    (
      0, 0, 27.29, 0, 1, 0.2568987968, 0.4273451348, 0.2184192233, 0.3810075573, 0.1729978344,
      35.17100215, 10.93102223
    ),
  ]

  // MARK: Fits

  /// Histories drawn from BG/NBD by its story.
  private func draw(_ count: Int, _ model: BetaGeometricNBD, seed: UInt64) -> [PurchaseHistory] {
    var state = seed
    func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Double(state >> 11) + 0.5) / 9_007_199_254_740_992
    }
    func gamma(_ shape: Double) -> Double {
      // Marsaglia and Tsang; below 1 by the power of a uniform number.
      if shape < 1 { return gamma(shape + 1) * pow(uniform(), 1 / shape) }
      let d = shape - 1.0 / 3
      while true {
        let normal = (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
        let v = pow(1 + normal / (9 * d).squareRoot(), 3)
        if v > 0, log(uniform()) < 0.5 * normal * normal + d - d * v + d * log(v) { return d * v }
      }
    }
    return (0..<count).map { _ in
      let age = 20 + 20 * uniform()
      let rate = gamma(model.r) / model.alpha
      let first = gamma(model.a)
      let stop = first / (first + gamma(model.b))
      var history = PurchaseHistory(frequency: 0, recency: 0, age: age)
      var time = 0.0
      while true {
        time += -log(uniform()) / rate
        if time > age { return history }
        history.frequency += 1
        history.recency = time
        if uniform() < stop { return history }
      }
    }
  }

  @Test func `a fit finds the parameters that made the data, and does not know of threads`() throws
  {
    let seed: UInt64 = 7
    print("seed \(seed)")
    let made = BetaGeometricNBD([0.8, 6, 1.2, 3])
    let histories = draw(20_000, made, seed: seed)
    let fit = try BetaGeometricNBD.fit(histories, threads: 2)
    for index in 0..<4 {
      let error = try #require(fit.standardErrors[index])
      #expect((fit.parameters[index] - made.parameters[index]).magnitude < 4 * error)
    }
    #expect(try BetaGeometricNBD.fit(histories, threads: 1).parameters == fit.parameters)
    // Nothing near the maximum is higher.
    for index in 0..<4 {
      for factor in [0.999, 1.001] {
        var moved = fit.parameters
        moved[index] *= factor
        let model = BetaGeometricNBD(moved)
        #expect(histories.reduce(0) { $0 + model.logLikelihood($1) } < fit.logLikelihood)
      }
    }
  }

  private func code(_ body: () throws -> Fit) -> FitVerdict.Code? {
    do {
      return try body().verdicts.first?.code
    } catch {
      return (error as? FitFailure)?.verdict.code
    }
  }

  @Test func `data that carry no fit are said to`() {
    let one = PurchaseHistory(frequency: 0, recency: 0, age: 10)
    #expect(
      code { try BetaGeometricNBD.fit(Array(repeating: one, count: 100)) } == .noRepeaters)
    #expect(code { try ParetoNBD.fit([.init(frequency: 3, recency: 9, age: 10)]) } == .oneCustomer)
    #expect(
      code { try GammaGamma.fit(Array(repeating: .init(frequency: 3, mean: 20), count: 100)) }
        == .spendTooSteady)
    #expect(
      code { try GammaGamma.fit(Array(repeating: .init(frequency: 3, mean: 0), count: 100)) }
        == .amountsZero)
  }

  @Test func `customers who are all alike are fitted at the boundary, by every model`() throws {
    let same = Array(repeating: PurchaseHistory(frequency: 2, recency: 40, age: 100), count: 20)
    let models: [any PurchaseModel.Type] = [
      BetaGeometricNBD.self, ModifiedBetaGeometricNBD.self, ParetoNBD.self,
      BetaGeometricBetaBinomial.self,
    ]
    for model in models {
      let fit = try model.fit(same)
      #expect(fit.verdicts.contains { $0.code == .boundary })
      #expect(fit.parameters.allSatisfy { $0.isFinite && $0 > 0 })
    }
  }

  @Test func `under a penalizer any buyers have a finite fit, and none have none`() throws {
    let settings = FitSettings(penalizer: 0.01)
    let histories: [[PurchaseHistory]] = [
      [.init(frequency: 0, recency: 0, age: 0)],
      Array(repeating: .init(frequency: 0, recency: 0, age: 0), count: 5),
      [.init(frequency: 0, recency: 0, age: 7)], [.init(frequency: 3, recency: 4, age: 5)],
      [.init(frequency: 1, recency: 1, age: 1), .init(frequency: 0, recency: 0, age: 3000)],
      [.init(frequency: 2500, recency: 2500, age: 2500), .init(frequency: 0, recency: 0, age: 0)],
    ]
    let models: [any PurchaseModel.Type] = [
      BetaGeometricNBD.self, ModifiedBetaGeometricNBD.self, ParetoNBD.self,
      BetaGeometricBetaBinomial.self,
    ]
    for model in models {
      for own in histories {
        let fit = try model.fit(own, settings: settings)
        #expect(fit.parameters.allSatisfy { $0.isFinite && $0 > 0 }, "\(model) \(own) \(fit)")
        #expect(fit.logLikelihood.isFinite, "\(model) \(own)")
      }
      #expect(code { try model.fit([], settings: settings) } == .noRepeaters)
      #expect(code { try model.fit([]) } == .noRepeaters)
    }
    let spent = try GammaGamma.fit([.init(frequency: 2, mean: 30)], settings: settings)
    #expect(spent.parameters.allSatisfy { $0.isFinite && $0 > 0 })
    #expect(code { try GammaGamma.fit([], settings: settings) } == .noRepeaters)
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func `units of time and money rescale a fit, and the order of customers does nothing`(
    seed: UInt64
  ) throws {
    print("seed \(seed)")
    let made = BetaGeometricNBD([0.9, 7, 0.7, 4])
    let histories = draw(1500, made, seed: seed)
    let models: [any PurchaseModel.Type] = [
      BetaGeometricNBD.self, ModifiedBetaGeometricNBD.self, ParetoNBD.self,
    ]
    for model in models {
      let fit = try model.fit(histories)
      let days = histories.map {
        PurchaseHistory(frequency: $0.frequency, recency: $0.recency * 7, age: $0.age * 7)
      }
      let other = try model.fit(Array(days.reversed()))
      for (index, isTime) in model.isTime.enumerated() {
        let expected = fit.parameters[index] * (isTime ? 7 : 1)
        #expect(isClose(other.parameters[index], expected, 1e-8), "\(model) \(index)")
      }
      #expect(other.verdicts == fit.verdicts)
    }
    let spendings = histories.filter { $0.frequency > 0 }.enumerated().map { index, history in
      GammaGamma.Spending(
        frequency: history.frequency, mean: 20 + Double(index * 7919 % 101) * history.recency / 9)
    }
    let fit = try GammaGamma.fit(spendings)
    // Shops in rupiah.
    let rupiah = spendings.map {
      GammaGamma.Spending(frequency: $0.frequency, mean: $0.mean * 17_000_000)
    }
    let other = try GammaGamma.fit(Array(rupiah.reversed()))
    for (index, factor) in [1, 1, 17_000_000].enumerated() {
      #expect(isClose(other.parameters[index], fit.parameters[index] * Double(factor), 1e-8))
    }
  }

  @Test
  func `draws of the future have the mean that the formulas expect, and their intervals hold`()
    throws
  {
    let history = PurchaseHistory(frequency: 4, recency: 30, age: 38)
    let gifts = PurchaseHistory(frequency: 3, recency: 5, age: 6)
    let models: [(any PurchaseModel, PurchaseHistory)] = [
      (Self.bg, history), (ModifiedBetaGeometricNBD([0.5, 6, 0.9, 1.6]), history),
      (ParetoNBD([0.55, 10.6, 0.6, 11.7]), history),
      (BetaGeometricBetaBinomial([1.2, 0.75, 0.66, 2.8]), gifts),
      // So eager that purchases are not drawn one by one.
      (BetaGeometricNBD([2, 0.001, 0.001, 40]), history),
    ]
    for (number, (model, history)) in models.enumerated() {
      var random = RandomSource(5, UInt64(number))
      var draw = FutureDraw(step: 1, horizon: 12)
      var (sum, squares, early) = (0.0, 0.0, 0.0)
      let count = 6_000
      for _ in 0..<count {
        draw.clear()
        model.drawFuture(history.frequency, history.age, &random, into: &draw)
        sum += draw.total
        squares += draw.total * draw.total
        early += draw.counts[0..<3].reduce(0, +)
      }
      let mean = sum / Double(count)
      let error = ((squares / Double(count) - mean * mean) / Double(count)).squareRoot()
      let expected = model.expectedWhileAlive(history.frequency, history.age, within: [3, 12])
      #expect((mean - expected[1]).magnitude < 4.5 * error, "\(model): \(mean), \(expected)")
      #expect((early / Double(count) - expected[0]).magnitude < 4.5 * error, "\(model)")
    }
    // A Poisson count by its probabilities.
    var random = RandomSource(1)
    for mean in [0.3, 8, 60, 4000] {
      let counts = (0..<6_000).map { _ in random.poisson(mean) }
      let found = counts.reduce(0, +) / 6_000
      let variance = counts.reduce(0) { $0 + ($1 - found) * ($1 - found) } / 6_000
      #expect((found - mean).magnitude < 4.5 * (mean / 6_000).squareRoot())
      #expect((variance / mean - 1).magnitude < 0.1)
    }
    let rising = PredictionInterval(sorted: (1...1000).map { Double($0) })
    #expect([rising.low95, rising.low80, rising.high80, rising.high95] == [25, 100, 900, 975])
    let root = PredictionDraws.lowerRoot([[4, 2, 0], [2, 5, 0], [0, 0, 0]])
    #expect(root == [[2, 0, 0], [1, 2, 0], [0, 0, 0]])
  }

  // MARK: The whole reference data

  @Test(.enabled(if: data != nil))
  func `all customers of the CDNOW sample, and the published fits`() throws {
    let text = try String(
      contentsOfFile: "\(Self.data ?? "")/cdnow_sample_predictions.csv", encoding: .utf8)
    let rows = text.split(separator: "\n").dropFirst().map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? 0 }
    }
    #expect(rows.count == 2357)
    for row in rows {
      check(
        (
          row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11],
          row[12]
        ))
    }
    let histories = rows.map { PurchaseHistory(frequency: $0[1], recency: $0[2], age: $0[3]) }
    func compare(_ fit: Fit, _ expected: [Double], _ logLikelihood: Double) {
      for (found, wanted) in zip(fit.parameters, expected) {
        #expect(isClose(found, wanted, 1e-3), "\(fit)")
      }
      #expect((fit.logLikelihood - logLikelihood).magnitude < 2e-4, "\(fit)")
    }
    compare(
      try BetaGeometricNBD.fit(histories, threads: 2), [0.242593, 4.413532, 0.792886, 2.425752],
      -9582.4256)
    compare(
      try ModifiedBetaGeometricNBD.fit(histories, threads: 2),
      [0.524838, 6.182988, 0.891356, 1.614000], -9582.1327)
    compare(
      try ParetoNBD.fit(histories, threads: 2), [0.553282, 10.577753, 0.606171, 11.666907],
      -9594.9739)
    let spending = rows.filter { $0[1] > 0 && $0[4] > 0 }.map {
      GammaGamma.Spending(frequency: $0[1], mean: $0[4])
    }
    #expect(spending.count == 946)
    compare(try GammaGamma.fit(spending, threads: 2), [6.24880, 3.74459, 15.44775], -4055.9232)
    let ones = BetaGeometricNBD([1, 1, 1, 1])
    #expect((histories.reduce(0) { $0 + ones.logLikelihood($1) } + 13887.6946).magnitude < 1e-4)
  }
}
