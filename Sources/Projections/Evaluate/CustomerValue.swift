/// What a customer bought: the input of RFM, of the historical value and of the value models.
///
/// Purchases and refunds are added in the order of the fold, by (occurred, position).
struct CustomerValue: Sendable {
  /// What the rules want to know beside the sums over all time.
  struct Wanted: Sendable {
    /// Length of an opportunity in microseconds; 0 where nobody counts them.
    var opportunity: Int64 = 0
    /// The spending model sees purchases less refunds.
    var isNet = false
    /// Purchases and refunds after this instant are added up apart; `never` where nobody asks for them.
    var windowStart = Microseconds.never
  }

  /// Recency, frequency and money over some time.
  struct Sums: Sendable, Equatable {
    /// Purchases with a usable amount.
    var count: Int64 = 0
    /// Sum of purchases less the absolute value of refunds, in minor units.
    var net: Int128 = 0
    /// Distinct UTC days with a purchase.
    var days: Int64 = 0
    var lastPurchase: Int64 = 0
    /// UTC day since 1970 of the last purchase.
    fileprivate(set) var lastDay: Int64 = .min

    /// True on the first purchase of a day.
    @inline(__always)
    fileprivate mutating func addPurchase(at instant: Int64, day: Int64, amount: Int64) -> Bool {
      count += 1
      net += Int128(amount)
      lastPurchase = instant
      if day == lastDay { return false }
      days += 1
      lastDay = day
      return true
    }
  }

  let wanted: Wanted
  /// Over all time.
  private(set) var all = Sums()
  /// After ``Wanted/windowStart``.
  private(set) var recent = Sums()
  /// Instant of the first purchase or refund in ``recent``.
  private(set) var firstRecent: Int64?
  /// UTC day since 1970 of the first purchase.
  private(set) var firstDay: Int64 = .min
  /// Purchases after the first day, in minor units; under `net` less the refunds that took them back.
  private var repeats: Int128 = 0

  /// Spans of one unit after the first day's that have a purchase, and the last of them, counted from the first day.
  private(set) var opportunities: Int64 = 0
  private(set) var lastOpportunity: Int64 = 0

  init(_ wanted: Wanted = Wanted()) { self.wanted = wanted }

  /// Money of the days after the first that have a purchase, in minor units.
  ///
  /// Under `net` a refund takes back what was bought last before it: money of these days first, and what exceeds it of
  /// the first day. What exceeds that too was bought at another time, so that the whole is never above what is left of
  /// all purchases.
  var repeatTotal: Int128 { wanted.isNet ? min(repeats, all.net) : repeats }

  /// Under `net`: what came back is all that the spending model would see, so that no money is to be expected.
  var keepsNothing: Bool {
    wanted.isNet && (all.net <= 0 || (all.days > 1 && repeatTotal <= 0))
  }

  mutating func addPurchase(at instant: Int64, amount: Int64) {
    let day = ScalarValue.floorDivide(instant, Microseconds.day).0
    if all.days == 0 { firstDay = day }
    if day != firstDay { repeats += Int128(amount) }
    if all.addPurchase(at: instant, day: day, amount: amount) && wanted.opportunity > 0 {
      let opportunity = (day - firstDay) * Microseconds.day / wanted.opportunity
      if opportunity > lastOpportunity { opportunities += 1 }
      lastOpportunity = opportunity
    }
    if instant > wanted.windowStart {
      _ = recent.addPurchase(at: instant, day: day, amount: amount)
      firstRecent = firstRecent ?? instant
    }
  }

  mutating func addRefund(at instant: Int64, amount: Int64) {
    let size = Int128(amount.magnitude)
    all.net -= size
    if instant > wanted.windowStart {
      recent.net -= size
      firstRecent = firstRecent ?? instant
    }
    if wanted.isNet && repeats > 0 { repeats = max(0, repeats - size) }
  }
}
