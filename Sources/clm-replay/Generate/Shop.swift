/// A made-up shop: customers with habits of their own, and what they do with a brand over some years.
///
/// Each comes as a cookie, looks around, may sign in and buy, then buys at a rate of their own until
/// they leave, after any order with a chance of their own (Fader, Hardie and Lee's BG/NBD process);
/// some of the lost come back. Content customers review, answer and recommend; others complain and
/// send back. Everything follows from the seed, and one customer's life from the seed and their number.
struct Shop {
  /// Seconds from the opening to the last event.
  let length: Int
  private let seed: UInt64
  /// The day on which the shop opened, from 1970-01-01.
  private let firstDay: Int64
  private var random = SplitMix64(seed: 0)

  private var customer: UInt32 = 0
  private var name = ShopEvent.Subject.customer
  private var channel = 0
  private var isDollars = false
  /// 0 is angry, 4 delighted; it changes with the years.
  private var mood = 0

  private static let day = 86_400

  init(seed: UInt64, firstDay: Int64, days: Int) {
    self.seed = seed
    self.firstDay = firstDay
    length = days * Self.day
  }

  /// Appends all events of one customer, roughly in the order in which they happened.
  mutating func appendEvents(ofCustomer number: Int, to events: inout [ShopEvent]) {
    random = SplitMix64(seed: seed, stream: number)
    customer = UInt32(truncatingIfNeeded: number)
    channel = random.pick([0, 0, 0, 1, 1, 2, 3])
    isDollars = random.chance(1, in: 25)
    mood = random.pick([0, 1, 2, 2, 3, 3, 3, 4, 4, 4])
    // One in two comes as the shop grows.
    let span = length / Self.day
    var joins = random.below(span)
    if random.chance(1, in: 2) { joins = max(joins, random.below(span)) }
    var now = joins * Self.day + timeOfDay()

    if random.chance(1, in: 200) {
      name = .testAccount
      visit(&events, &now, times: 3)
      order(&events, now, basket: 100, isFirst: true)
      return
    }
    let hasCookie = random.chance(7, in: 10)
    name = hasCookie ? .cookie : .customer
    notice(&events, &now)
    // A quarter never looks closer, and of those who do a third never buys.
    if random.chance(1, in: 4) { return }
    visit(&events, &now, times: 1 + random.below(4))
    if random.chance(1, in: 3) {
      if random.chance(1, in: 3) { cart(&events, now) }
      return
    }
    if hasCookie {
      name = .customer
      identify(&events, &now, cookie: 1)
    }
    buy(&events, now, hasCookie: hasCookie)
  }

  // MARK: Before the first order

  /// Hears of the shop.
  private mutating func notice(_ events: inout [ShopEvent], _ now: inout Int) {
    for _ in 0...random.below(2) {
      switch random.below(12) {
      case 0: add(&events, now, .newsView, 1 + random.below(60))
      case 1: add(&events, now, .wordOfMouth, random.below(Int(customer) + 1))
      case 2: add(&events, now, .videoCompleted, 1 + random.below(20), channel: 4)
      case 3, 4, 5: add(&events, now, .search, 1 + random.below(300), channel: 0)
      default: add(&events, now, .adView, 1 + random.below(9), channel: random.pick([0, 1, 4, 4]))
      }
      now += random.wait(mean: 3 * Self.day)
    }
  }

  /// Looks around: pages, comparisons, guides, questions, a demo.
  private mutating func visit(_ events: inout [ShopEvent], _ now: inout Int, times: Int) {
    for _ in 0..<times {
      switch random.below(12) {
      case 0: add(&events, now, .guideView, 1 + random.below(40))
      case 1: add(&events, now, .faqView, 1 + random.below(40))
      case 2: add(&events, now, .contentView, 1 + random.below(80))
      case 3: add(&events, now, .demoView, 1 + random.below(10))
      case 4, 5, 6: add(&events, now, .siteVisit, 100 + random.below(400))
      default: add(&events, now, .comparisonVisit, 100 + random.below(400))
      }
      if random.chance(1, in: 12) { add(&events, now + 240, .leadCreated, 1 + random.below(3)) }
      if random.chance(1, in: 30) {
        add(&events, now + 300, .chat, random.below(4), channel: ShopEvent.chat)
      }
      now += random.chance(1, in: 2) ? 60 + random.below(1800) : random.wait(mean: 2 * Self.day)
    }
  }

  private mutating func identify(_ events: inout [ShopEvent], _ now: inout Int, cookie: Int) {
    add(&events, now, .identify, cookie)
    now += 30 + random.below(900)
  }

  private mutating func cart(_ events: inout [ShopEvent], _ now: Int) {
    let price = 300 + random.below(12_000)
    add(&events, now, .cartAdd, 100 + random.below(400), price)
    if random.chance(1, in: 2) { add(&events, now + 60 + random.below(600), .checkoutStart) }
  }

  // MARK: Orders

  /// Orders at a rate of the customer's own, with a chance of their own to leave after each.
  private mutating func buy(_ events: inout [ShopEvent], _ first: Int, hasCookie: Bool) {
    // Mean days between orders, and the chance to leave after one, in thousandths: sixteenths of a
    // gamma and of a beta distribution.
    let gap = random.pick([
      11, 16, 21, 26, 31, 37, 43, 50, 58, 67, 78, 92, 110, 138, 185, 300,
    ])
    var leaves = random.pick([
      6, 16, 28, 42, 58, 76, 97, 121, 149, 182, 221, 269, 330, 412, 530, 740,
    ])
    if mood <= 1 { leaves = min(900, leaves * 2) }
    let basket = random.pick([18, 24, 30, 36, 44, 55, 70, 95, 140])
    var hasOtherCookie = hasCookie && random.chance(1, in: 5)
    var now = first
    var orders = 0
    while now < length {
      order(&events, now, basket: basket, isFirst: orders == 0)
      orders += 1
      if random.chance(1, in: 8) { mood = max(0, min(4, mood + random.pick([-3, -2, -1, 1, 1]))) }
      if orders >= 5 && random.chance(1, in: 6) {
        add(&events, now + random.wait(mean: 8 * Self.day), .earlyAccess, 1 + random.below(20))
      }
      // Candidates come faster than orders; the season takes its share of them.
      var next = now
      repeat { next += random.wait(mean: gap * Self.day * 69 / 100) } while !isInSeason(next)
      if random.below(1000) < leaves {
        // Gone; one in three comes back after months.
        guard random.chance(1, in: 3) else { return }
        next += (150 + random.below(250)) * Self.day
      }
      let last = now
      now = max(next / Self.day * Self.day + timeOfDay(), now + 3600)
      lookAround(&events, from: last, to: now, &hasOtherCookie)
    }
  }

  /// Between two orders: visits, some from another device, offers taken.
  private mutating func lookAround(
    _ events: inout [ShopEvent], from last: Int, to next: Int, _ hasOtherCookie: inout Bool
  ) {
    guard next - last > 2 * Self.day else { return }
    if random.chance(2, in: 5) {
      var now = last + random.below(next - last)
      if hasOtherCookie {
        name = .otherCookie
        visit(&events, &now, times: 1)
        name = .customer
        identify(&events, &now, cookie: 2)
        hasOtherCookie = false
      } else {
        visit(&events, &now, times: 1)
      }
    }
    if random.chance(1, in: 10) { cart(&events, last + random.below(next - last)) }
    if random.chance(1, in: 12) { add(&events, next - 1800, .offerRedeemed, 1 + random.below(30)) }
    if random.chance(1, in: 4) {
      add(
        &events, last + random.below(next - last), .adView, 1 + random.below(9),
        channel: random.pick([0, 4, 5]))
    }
  }

  private mutating func order(
    _ events: inout [ShopEvent], _ now: Int, basket: Int, isFirst: Bool
  ) {
    if random.chance(2, in: 5) { visitBefore(&events, now) }
    let cents = max(300, basket * (40 + random.below(120)) + random.below(100))
    let place = random.chance(1, in: 6) ? random.below(4) : channel
    let isCancelled = random.chance(1, in: 40)
    let kind: ShopEvent.Kind = place >= 2 ? .orderPaid : .purchase
    add(
      &events, now, kind, cents, 1 + random.below(5), channel: place, isCancelled: isCancelled)
    if name == .testAccount || isCancelled { return }
    follow(&events, now, cents, isFirst)
  }

  private mutating func visitBefore(_ events: inout [ShopEvent], _ now: Int) {
    add(&events, now - 900 - random.below(2000), .siteVisit, 100 + random.below(400))
    add(
      &events, now - 300 - random.below(500), .cartAdd, 100 + random.below(400),
      300 + random.below(12_000))
    if random.chance(1, in: 2) { add(&events, now - 30 - random.below(200), .checkoutStart) }
  }

  /// What follows an order, by the customer's mood.
  private mutating func follow(
    _ events: inout [ShopEvent], _ now: Int, _ cents: Int, _ isFirst: Bool
  ) {
    if random.chance(1, in: 4) {
      add(&events, now + 60 + random.below(7200), .thankYouSent, channel: ShopEvent.mail)
    }
    if isFirst && random.chance(1, in: 3) {
      for step in 1...1 + random.below(3) {
        add(&events, now + step * (3600 + random.below(2 * Self.day)), .onboardingStep, step)
      }
    }
    if random.chance(1, in: 6) {
      let stars = max(1, min(5, mood + random.below(3)))
      add(
        &events, now + random.wait(mean: 9 * Self.day), .review, stars, 100 + random.below(400))
    }
    if random.chance(1, in: 6) {
      let score = max(0, min(10, mood * 2 + 1 + random.below(4)))
      add(
        &events, now + random.wait(mean: 14 * Self.day), .npsResponse, score,
        channel: random.pick([ShopEvent.mail, 1]))
    }
    if mood >= 3 {
      if random.chance(1, in: 14) {
        add(
          &events, now + random.wait(mean: 20 * Self.day), .referral,
          Int(customer) + 1 + random.below(50), channel: 1)
      }
      if random.chance(1, in: 18) {
        add(
          &events, now + random.wait(mean: 6 * Self.day), .socialPost, 100 + random.below(400),
          channel: 4)
      }
    }
    complain(&events, now, cents)
  }

  private mutating func complain(_ events: inout [ShopEvent], _ now: Int, _ cents: Int) {
    let patience = 3 + mood * 3
    if random.chance(1, in: patience) {
      let isChat = random.chance(1, in: 3)
      add(
        &events, now + random.wait(mean: 5 * Self.day), isChat ? .chat : .supportContact,
        random.below(4), channel: isChat ? ShopEvent.chat : random.pick([5, 6]))
    }
    if random.chance(1, in: patience * 2) {
      // A part of what was paid, or all of it.
      let part = random.chance(2, in: 3) ? cents : max(1, cents * (20 + random.below(60)) / 100)
      let kind: ShopEvent.Kind = random.chance(1, in: 2) ? .return : .refund
      add(&events, now + random.wait(mean: 11 * Self.day), kind, part)
    }
  }

  // MARK: Time

  /// Mostly in the day and the evening.
  private mutating func timeOfDay() -> Int {
    let hour = random.pick([7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 20, 21, 21, 22])
    return hour * 3600 + random.below(3600)
  }

  /// More is ordered before the end of the year, less in January and summer.
  private mutating func isInSeason(_ instant: Int) -> Bool {
    let dayOfYear = Int(((firstDay + Int64(instant / Self.day)) % 365 + 365) % 365)
    let share = [76, 80, 92, 98, 100, 96, 86, 86, 100, 110, 136, 145][min(11, dayOfYear / 30)]
    return random.chance(share, in: 145)
  }

  private mutating func add(
    _ events: inout [ShopEvent], _ occurred: Int, _ kind: ShopEvent.Kind, _ number: Int = 0,
    _ other: Int = 0, channel: Int? = nil, isCancelled: Bool = false
  ) {
    guard occurred >= 0, occurred < length else { return }
    // One in fifty reaches the export days later.
    let late = random.chance(1, in: 50) ? (1 + random.below(12)) * Self.day : 0
    events.append(
      ShopEvent(
        occurred: Int64(occurred), exported: Int64(occurred + late), customer: customer,
        kind: kind, subject: name, channel: UInt8(truncatingIfNeeded: channel ?? self.channel),
        isCancelled: isCancelled, isDollars: isDollars, number: Int32(truncatingIfNeeded: number),
        other: Int32(truncatingIfNeeded: other)))
  }
}
