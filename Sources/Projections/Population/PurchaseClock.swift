/// Time of the purchase models: whole UTC days, measured in units; under BG/BB opportunities of one unit each.
struct PurchaseClock: Sendable {
  /// Microseconds.
  let unit: Int64
  let countsOpportunities: Bool

  init(_ model: Rules.CLVModel, unit: Int64) {
    self.unit = unit
    countsOpportunities = model == .bgBB
  }

  /// From one day to a later one; under BG/BB how many opportunities have begun since.
  func time(from first: Int64, to last: Int64) -> Double {
    if countsOpportunities { return Double((last - first) * Microseconds.day / unit) }
    return Double(last - first) * (Double(Microseconds.day) / Double(unit))
  }

  /// The history of a buyer at the end of a day.
  func history(_ buyer: Buyer, at day: Int64) -> PurchaseHistory {
    let first = Int64(buyer.firstDay)
    return PurchaseHistory(
      frequency: countsOpportunities ? Double(buyer.opportunities) : Double(buyer.frequency - 1),
      recency: countsOpportunities
        ? Double(buyer.lastOpportunity) : time(from: first, to: Int64(buyer.lastDay)),
      age: time(from: first, to: day))
  }

  /// The history that rising days of purchases give at the end of a day; of no purchase there is none.
  func history(_ days: ArraySlice<Int32>, at day: Int64) -> PurchaseHistory? {
    guard let first = days.first, Int64(first) <= day else { return nil }
    var history = PurchaseHistory(
      frequency: 0, recency: 0, age: time(from: Int64(first), to: day))
    forEachRepeat(days) { own in
      if Int64(own) > day { return }
      history.frequency += 1
      history.recency = time(from: Int64(first), to: Int64(own))
    }
    return history
  }

  /// Visits the days that count as repeat purchases: all after the first; under BG/BB the first of each opportunity.
  func forEachRepeat(_ days: ArraySlice<Int32>, _ body: (Int32) -> Void) {
    guard let first = days.first else { return }
    if !countsOpportunities {
      for day in days.dropFirst() { body(day) }
      return
    }
    var last: Int64 = 0
    for day in days.dropFirst() {
      let opportunity = (Int64(day) - Int64(first)) * Microseconds.day / unit
      if opportunity > last { body(day) }
      last = opportunity
    }
  }
}
