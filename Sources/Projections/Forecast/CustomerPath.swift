import EventStore

/// One customer under the fitted models: the history, P(alive) as it went and as it would go on in silence, and what is expected.
package struct CustomerPath: Sendable {
  package enum State: Sendable, Equatable {
    case buyer
    /// The first purchase is of this UTC day, after the cut.
    case late(String)
    case noPurchase
    /// The rules do not determine a stage, so that the customer is left out of everything.
    case parked
  }

  /// Within some time after the cut.
  package struct Expected: Sendable, Equatable {
    /// Microseconds.
    package var within: Int64
    package var purchases: Double
    /// Minor units; nil without an answer of the spending model.
    package var value: Int64?
  }

  package struct Point: Sendable, Equatable {
    package var day: Int64
    package var date: String
    package var isSilence: Bool
    /// At the end of that day, in the time of the model.
    package var frequency: Double
    package var age: Double
    package var alive: Double
    /// From the cut to that day; nil up to the cut.
    package var expected: Double?
  }

  package struct Model: Sendable {
    package var model: Rules.CLVModel
    /// At the cut.
    package var history: PurchaseHistory
    package var alive: Double
    /// Mean money of a repeat day, and what a purchase is expected to be, in whole currency.
    package var mean: Double
    package var amount: Double?
    /// At quarters of the horizon.
    package var expected: [Expected]
    /// All purchases to come, discounted, and their value; nil without a rate.
    /// Within the horizon.
    package var prediction: ValueFit.Prediction?
    package var residual: Double?
    package var residualValue: Int64?
    package var points: [Point]
  }

  /// By its name, and by all of its subjects.
  package let customer: String
  package let subjects: [String]
  package let state: State
  /// UTC days with a purchase up to as-of, rising, as days since 1970 and as text.
  package let days: [Int64]
  package var dates: [String] { days.map(Days.text) }
  /// Of these so many up to the cut.
  package let known: Int
  /// Those that were fitted; empty of one who is no buyer.
  package let models: [Model]

  /// - Throws: ``Forecast/Fault`` where there would be too many points.
  init(
    customer: String, subjects: [String], state: State, place: Int?, log: PurchaseLog,
    _ forecasts: [ModelForecast], _ settings: Rules.CLVSettings, cutDay: Int64, step: Int64,
    seed: UInt64
  ) throws {
    (self.customer, self.subjects, self.state) = (customer, subjects, state)
    guard let place else {
      (days, known, models) = ([], 0, [])
      return
    }
    let buyer = log.buyers[place]
    let days = log.days(of: place)
    self.days = days.map { Int64($0) }
    known = Int(buyer.frequency)
    let asked = try Self.askedDays(
      days.prefix(known).map { Int64($0) }, cutDay: cutDay, step: step,
      ahead: settings.horizon / Microseconds.day)
    let key = IntervalDraws.key(customer.utf8)
    models = try forecasts.compactMap { forecast in
      guard let model = forecast.fitted.purchaseModel else { return nil }
      var found = Self.model(
        model, forecast, buyer, days.prefix(Int(buyer.frequency)), asked, settings, cutDay: cutDay)
      found.prediction = try forecast.fitted.predict(
        [buyer], keys: [key], seed: seed, threads: 1)?.each[0]
      return found
    }
  }

  /// Every step from the first purchase on, each day of a purchase, the cut, and every step after it to the horizon.
  private static func askedDays(
    _ purchases: [Int64], cutDay: Int64, step: Int64, ahead: Int64
  ) throws -> [Int64] {
    guard let first = purchases.first else { return [] }
    let count = (cutDay - first) / step + ahead / step
    if count > Int64(TrackingPeriods.limit) {
      throw Forecast.Fault(
        kind: .periods,
        message:
          "from the first purchase on \(Days.text(first)) to the horizon there are more than \(TrackingPeriods.limit) steps of \(step)d",
        help: "take a longer --period, or a shorter --horizon")
    }
    var days = Set(purchases)
    days.formUnion(stride(from: first, through: cutDay, by: Int(step)))
    days.formUnion(stride(from: cutDay, through: cutDay + ahead, by: Int(step)))
    days.insert(cutDay + ahead)
    return days.sorted()
  }

  /// In whole days where the horizon has four of them.
  private static func quarterOf(_ horizon: Int64, _ number: Int64) -> Int64 {
    if number == 4 { return horizon }
    let part = horizon / 4 * number + horizon % 4 * number / 4
    return horizon < 4 * Microseconds.day ? part : part / Microseconds.day * Microseconds.day
  }

  private static func model(
    _ model: some PurchaseModel, _ forecast: ModelForecast, _ buyer: Buyer,
    _ days: ArraySlice<Int32>, _ asked: [Int64], _ settings: Rules.CLVSettings, cutDay: Int64
  ) -> Model {
    let fitted = forecast.fitted
    let clock = fitted.clock
    let history = clock.history(buyer, at: cutDay)
    let alive = model.probabilityAlive(history)
    let amount = fitted.amount(of: buyer)
    func value(_ purchases: Double) -> Int64? {
      amount.flatMap { fitted.value($0, times: purchases) }
    }
    var expected: [Expected] = []
    for quarter in Int64(1)...4 {
      let within = quarterOf(settings.horizon, quarter)
      let ahead = Discounting(settings, horizon: within)
      let purchases = model.expectedWhileAlive(
        history.frequency, history.age, within: [ahead.horizon])[0]
      let worth = ahead.worth(model, history.frequency, history.age)
      expected.append(
        Expected(within: within, purchases: alive * purchases, value: value(alive * worth)))
    }
    let residual = Discounting(settings).residualWhileAlive(
      model, history.frequency, history.age
    ).map { alive * $0 }
    let later = asked.filter { $0 > cutDay }
    let toCome = model.expectedWhileAlive(
      history.frequency, history.age, within: later.map { clock.time(from: cutDay, to: $0) })
    var points: [Point] = []
    for day in asked {
      guard let then = clock.history(days, at: day) else { continue }
      let isSilence = day > cutDay
      points.append(
        Point(
          day: day, date: Days.text(day), isSilence: isSilence, frequency: then.frequency,
          age: then.age, alive: model.probabilityAlive(then),
          expected: isSilence ? alive * toCome[points.count - (asked.count - later.count)] : nil))
    }
    return Model(
      model: forecast.model, history: history, alive: alive, mean: fitted.mean(buyer),
      amount: amount, expected: expected, residual: residual,
      residualValue: residual.flatMap(value), points: points)
  }
}

extension Forecast {
  /// The customer that a subject belongs to; throws where no event of it is in view.
  static func path(
    of subject: String, _ found: PurchaseCollector, _ log: PurchaseLog,
    _ directory: CustomerDirectory, _ forecasts: [ModelForecast], _ settings: Rules.CLVSettings,
    cut: Int64, step: Int64, seed: UInt64
  ) throws -> CustomerPath {
    guard let number = directory.names.number(of: Array(subject.utf8).span),
      directory.ranks[Int(number)] != CustomerDirectory.absent
    else {
      throw Fault(
        kind: .unknownCustomer, message: "no customer `\(subject)`",
        help: "`clm-replay export STORE --table customers -o -` lists them")
    }
    let rank = directory.ranks[Int(number)]
    func name(_ subject: UInt32) -> String {
      String(decoding: directory.names.bytes(of: subject), as: UTF8.self)
    }
    let subjects = [directory.subjects[Int(rank)]] + directory.others(of: rank)
    let place = log.buyers.firstIndex { $0.rank == rank }
    let state: CustomerPath.State =
      if place != nil {
        .buyer
      } else if found.parked.contains(rank) {
        .parked
      } else if let late = log.late.first(where: { $0.rank == rank }) {
        .late(Days.text(Int64(late.firstDay)))
      } else {
        .noPurchase
      }
    return try CustomerPath(
      customer: name(subjects[0]), subjects: subjects.map(name), state: state, place: place,
      log: log, forecasts, settings, cutDay: Days.day(of: cut), step: step, seed: seed)
  }
}
