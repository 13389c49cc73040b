import EventStore

/// Events of the shop as lines of NDJSON, into one buffer.
struct ShopLine {
  private(set) var bytes: [UInt8] = []
  /// Seconds since 1970 at which the shop opened; at midnight or later on its first day.
  private let start: Int64
  private var day = Int64.min
  private var date: [UInt8] = []

  init(start: Int64) {
    self.start = start
    bytes.reserveCapacity(1 << 17)
  }

  mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  /// Appends the line of an event, which has the given number in the export.
  mutating func append(_ event: ShopEvent, number: Int) {
    append(#"{"specversion":"1.0","id":"e-"#)
    append(decimal: number)
    append(#"","source":"https://shop.example","type":""#)
    append(event.kind.type)
    append(#"","subject":""#)
    append(subject: event.subject, Int(event.customer))
    append(#"","time":""#)
    append(time: start + event.occurred)
    append(#"","data":{"#)
    append(payload: event)
    append(#""channel":""#)
    append(ShopEvent.channels[Int(event.channel)])
    append("\"}}\n")
  }

  /// The members of `data` but the channel, each with its comma.
  private mutating func append(payload event: ShopEvent) {
    let number = Int(event.number)
    switch event.kind {
    case .adView: append(#""campaign":"spring-"#, number)
    case .videoCompleted: append(#""video":"v-"#, number)
    case .search: append(#""query":"q-"#, number)
    case .wordOfMouth: member("by", customer: number)
    case .siteVisit, .comparisonVisit: append(#""page":"/p/"#, number)
    case .guideView, .faqView, .contentView, .newsView, .demoView:
      append(#""page":"/read/"#, number)
    case .leadCreated: append(#""form":"newsletter-"#, number)
    case .identify:
      append(#""anonymous_id":""#)
      append(subject: number == 1 ? .cookie : .otherCookie, Int(event.customer))
      append(#"","#)
    case .cartAdd:
      append(#""product":"p-"#, number)
      member("price", cents: Int(event.other))
    case .checkoutStart, .thankYouSent: break
    case .purchase, .orderPaid: append(order: event)
    case .onboardingStep: member("step", number)
    case .offerRedeemed, .earlyAccess: append(#""offer":"o-"#, number)
    case .review:
      member("stars", number)
      append(#""product":"p-"#, Int(event.other))
    case .npsResponse: member("score", number)
    case .socialPost: append(#""product":"p-"#, number)
    case .referral: member("referred", customer: number)
    case .supportContact, .chat: append(topic: number)
    case .refund, .return: append(amount: event)
    }
  }

  private mutating func append(order event: ShopEvent) {
    append(amount: event)
    member("items", Int(event.other))
    append(
      event.isCancelled ? #""order":{"status":"cancelled"},"# : #""order":{"status":"paid"},"#)
  }

  private mutating func append(amount event: ShopEvent) {
    member("amount", cents: Int(event.number))
    append(event.isDollars ? #""currency":"USD","# : #""currency":"EUR","#)
  }

  private mutating func append(topic number: Int) {
    switch number {
    case 0: append(#""topic":"delivery","#)
    case 1: append(#""topic":"quality","#)
    case 2: append(#""topic":"payment","#)
    default: append(#""topic":"question","#)
    }
  }

  /// `"name":"prefix-NUMBER",` where `text` is all before the number.
  private mutating func append(_ text: String, _ number: Int) {
    append(text)
    append(decimal: number)
    append(#"","#)
  }

  private mutating func member(_ name: String, _ number: Int) {
    append("\"")
    append(name)
    append("\":")
    append(decimal: number)
    append(",")
  }

  private mutating func member(_ name: String, cents: Int) {
    append("\"")
    append(name)
    append("\":\"")
    append(decimal: cents / 100)
    append(".")
    append(decimal: cents % 100, width: 2)
    append("\",")
  }

  private mutating func member(_ name: String, customer: Int) {
    append("\"")
    append(name)
    append("\":\"")
    append(subject: .customer, customer)
    append("\",")
  }

  private mutating func append(subject: ShopEvent.Subject, _ customer: Int) {
    switch subject {
    case .customer: append("C-")
    case .cookie: append("k-")
    case .otherCookie: append("k2-")
    case .testAccount: append("qa-")
    }
    append(decimal: customer + 1, width: 6)
  }

  /// RFC 3339 in whole seconds.
  private mutating func append(time: Int64) {
    let today = (time >= 0 ? time : time - 86_399) / 86_400
    if today != day {
      day = today
      let (year, month, dayOfMonth) = CivilDate.civil(days: today)
      var line = ShopLine(start: 0)
      line.append(decimal: Int(year), width: 4)
      line.append("-")
      line.append(decimal: Int(month), width: 2)
      line.append("-")
      line.append(decimal: Int(dayOfMonth), width: 2)
      line.append("T")
      date = line.bytes
    }
    bytes.append(contentsOf: date)
    let second = Int(time - today * 86_400)
    append(decimal: second / 3600, width: 2)
    append(":")
    append(decimal: second / 60 % 60, width: 2)
    append(":")
    append(decimal: second % 60, width: 2)
    append("Z")
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  /// A number that is not negative, with zeros in front up to the width.
  private mutating func append(decimal number: Int, width: Int = 1) {
    var divisor = 1
    var digits = 1
    while digits < width || number / divisor >= 10 {
      divisor *= 10
      digits += 1
    }
    while divisor > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + number / divisor % 10))
      divisor /= 10
    }
  }
}
