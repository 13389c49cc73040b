import EventStore

/// A made-up shop: customers with habits of their own, and what they do with a brand over some years.
///
/// Each customer comes as a cookie, may be identified, buys at a rate and stays for a time of their own (so that some buy
/// once, some for years, and some come back), reviews, answers, refers, complains, returns. Everything follows from the seed.
struct Shop {
  struct Event {
    /// Microseconds; when it happened.
    var occurred: Int64
    /// When the shop's export holds it: late ones come behind others.
    var exported: Int64
    var type: String
    var subject: String
    /// Members of `data`, as JSON.
    var data: String
  }

  let start: Int64
  let days: Int
  private var random: SplitMix64
  private static let day: Int64 = 86_400_000_000
  private static let channels = ["web", "app", "store", "marketplace", "social"]

  init(seed: UInt64, start: Int64, days: Int) {
    self.start = start
    self.days = days
    random = SplitMix64(seed: seed)
  }

  private var end: Int64 { start + Int64(days) * Self.day }

  /// All events of one customer, in the order in which they happened.
  mutating func events(ofCustomer number: Int) -> [Event] {
    // Each customer has numbers of their own, whatever the others do.
    var events: [Event] = []
    let customer = "C-\(Self.padded(number + 1, 6))"
    let cookie = "k-\(Self.padded(number + 1, 6))"
    let joins = start + Int64(random.below(max(1, days * 4 / 5))) * Self.day + timeOfDay()
    let isIdentified = random.chance(7, in: 10)
    let habit = random.choice([34, 26, 22, 12, 6])
    let channel = random.below(Self.channels.count)
    var now = joins
    browse(&events, isIdentified ? cookie : customer, &now, channel, habit)
    if habit == 0 && random.chance(1, in: 2) { return events }
    if isIdentified {
      add(
        &events, now, "identify", customer,
        #"{"anonymous_id":"\#(cookie)","channel":"\#(Self.channels[channel])"}"#)
      now += Int64(random.below(3600)) * 1_000_000
    }
    buy(&events, customer, now, channel, habit)
    return events
  }

  private mutating func timeOfDay() -> Int64 {
    // Mostly in the day and the evening.
    let hour = [8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 20, 21, 21, 22][random.below(16)]
    return Int64(hour * 3600 + random.below(3600)) * 1_000_000
  }

  private mutating func browse(
    _ events: inout [Event], _ subject: String, _ now: inout Int64, _ channel: Int, _ habit: Int
  ) {
    for _ in 0..<1 + random.below(3) {
      add(
        &events, now, "ad_view", subject,
        #"{"campaign":"spring-\#(1 + random.below(9))","channel":"\#(Self.channels[random.below(5)])"}"#
      )
      now += random.wait(mean: 3 * Self.day)
    }
    if habit == 0 && random.chance(1, in: 3) { return }
    for _ in 0..<1 + random.below(3) {
      let type = random.chance(1, in: 3) ? "site_visit" : "comparison_visit"
      add(
        &events, now, type, subject,
        #"{"page":"/p/\#(100 + random.below(400))","channel":"\#(Self.channels[channel])"}"#)
      now += random.wait(mean: Self.day)
    }
  }

  /// Purchases at a rate of the customer's own, until they stop; some come back after a long time.
  private mutating func buy(
    _ events: inout [Event], _ customer: String, _ first: Int64, _ channel: Int, _ habit: Int
  ) {
    let gaps: [Int64] = [0, 150, 75, 38, 20]
    let stays: [Int64] = [0, 60, 320, 620, 1100]
    let basket = 20 + random.below(120)
    var now = first
    var stops = habit == 0 ? now : now + random.wait(mean: stays[habit] * Self.day)
    var orders = 0
    while now < end {
      purchase(&events, customer, now, channel, basket, orders)
      orders += 1
      if habit == 0 { return }
      now += random.wait(mean: gaps[habit] * Self.day)
      now = season(now)
      if now < stops { continue }
      // Gone; one in four comes back.
      if !random.chance(1, in: 4) { return }
      now = stops + (90 + Int64(random.below(250))) * Self.day
      stops = now + random.wait(mean: stays[habit] * Self.day)
    }
  }

  /// More is bought before the end of the year.
  private mutating func season(_ instant: Int64) -> Int64 {
    let date = CivilDate.civil(days: instant / Self.day)
    guard date.month == 10, random.chance(1, in: 3) else { return instant }
    return instant + Int64(20 + random.below(40)) * Self.day
  }

  private mutating func purchase(
    _ events: inout [Event], _ customer: String, _ now: Int64, _ channel: Int, _ basket: Int,
    _ orders: Int
  ) {
    if random.chance(1, in: 3) {
      add(
        &events, now - Int64(600 + random.below(80_000)) * 1_000_000, "site_visit", customer,
        #"{"page":"/p/\#(100 + random.below(400))","channel":"\#(Self.channels[channel])"}"#)
    }
    let cents = max(300, basket * (40 + random.below(120)) + random.below(100))
    let amount = Self.money(cents)
    let currency = random.chance(1, in: 25) ? "USD" : "EUR"
    let where_ = Self.channels[random.chance(1, in: 5) ? random.below(5) : channel]
    let status = random.chance(1, in: 40) ? "cancelled" : "paid"
    let type = random.chance(1, in: 6) ? "order_paid" : "purchase"
    add(
      &events, now, type, customer,
      #"{"amount":"\#(amount)","currency":"\#(currency)","channel":"\#(where_)","items":\#(1 + random.below(5)),"order":{"status":"\#(status)"}}"#
    )
    after(&events, customer, now, cents, currency, orders)
  }

  /// What follows an order: reviews, answers, referrals, complaints, returns.
  private mutating func after(
    _ events: inout [Event], _ customer: String, _ now: Int64, _ cents: Int, _ currency: String,
    _ orders: Int
  ) {
    if random.chance(1, in: 6) {
      let stars = [1, 2, 3, 4, 4, 5, 5, 5][random.below(8)]
      add(
        &events, now + random.wait(mean: 9 * Self.day), "review", customer,
        #"{"stars":\#(stars),"product":"p-\#(100 + random.below(400))"}"#)
    }
    if random.chance(1, in: 7) {
      let score = [3, 6, 7, 8, 8, 9, 9, 9, 10, 10][random.below(10)]
      add(
        &events, now + random.wait(mean: 14 * Self.day), "nps_response", customer,
        #"{"score":\#(score),"channel":"\#(Self.channels[random.below(2)])"}"#)
    }
    if orders >= 1 && random.chance(1, in: 12) {
      add(
        &events, now + random.wait(mean: 20 * Self.day), "referral", customer,
        #"{"referred":"C-\#(Self.padded(1 + random.below(900_000), 6))","channel":"app"}"#)
    }
    if random.chance(1, in: 11) {
      let reason = ["delivery", "quality", "payment", "question"][random.below(4)]
      add(
        &events, now + random.wait(mean: 5 * Self.day), "support_contact", customer,
        #"{"reason":"\#(reason)","channel":"\#(["mail", "phone", "chat"][random.below(3)])"}"#)
    }
    if random.chance(1, in: 16) {
      let part = random.chance(2, in: 3) ? cents : cents / 2
      add(
        &events, now + random.wait(mean: 12 * Self.day), "refund", customer,
        #"{"amount":"\#(Self.money(part))","currency":"\#(currency)"}"#)
    }
  }

  private mutating func add(
    _ events: inout [Event], _ occurred: Int64, _ type: String, _ subject: String, _ data: String
  ) {
    guard occurred >= start, occurred < end else { return }
    // One in fifty reaches the export days later.
    let late = random.chance(1, in: 50) ? Int64(1 + random.below(12)) * Self.day : 0
    events.append(
      Event(
        occurred: occurred, exported: occurred + late, type: type, subject: subject, data: data))
  }

  static func money(_ cents: Int) -> String { "\(cents / 100).\(padded(cents % 100, 2))" }

  static func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
