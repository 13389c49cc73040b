import EventStore
import Projections

/// A first draft of rules for a log: what its events are, and stages that fit what customers do in it.
struct StarterRules {
  private let store: String
  private let profile: LogProfile
  private let events: StarterEvents
  private let rhythm: PurchaseRhythm
  /// The alias that says that somebody bought; nil where none does.
  private let purchase: StarterEvents.Alias?
  /// Types that are called so, too.
  private let otherPurchases: [String]
  private let amount: StarterEvents.Field?
  private let refund: (alias: StarterEvents.Alias, amount: StarterEvents.Field)?
  private let link: StarterLink?
  /// The rules file.
  private(set) var text = ""

  init(_ store: String, _ snapshot: LogSnapshot) throws {
    self.store = store
    profile = try LogProfile(snapshot)
    events = StarterEvents(profile)
    let purchases = Self.purchases(events.aliases)
    purchase = purchases.first
    otherPurchases = purchases.dropFirst().map(\.type.name)
    amount = purchase?.field { $0.type == "money" }
    refund = Self.refund(events.aliases)
    link = try StarterLink(events.aliases, snapshot)
    let active = purchase.map { [$0] } ?? events.aliases
    rhythm = try PurchaseRhythm(snapshot, types: Set(active.map(\.type.number)))
    write()
  }

  // MARK: What is what

  private static func words(_ alias: StarterEvents.Alias) -> Set<String> {
    Set(StarterNames.plain(alias.type.name).split(separator: "_").map(String.init))
  }

  /// Called as purchases are: those with an amount first, each kind by frequency.
  private static func purchases(_ aliases: [StarterEvents.Alias]) -> [StarterEvents.Alias] {
    let meant: Set<String> = [
      "purchase", "purchased", "order", "ordered", "transaction", "sale", "sold", "bought", "buy",
      "payment", "donation", "invoice", "charge",
    ]
    let other: Set<String> = [
      "refund", "refunded", "return", "returned", "cancel", "cancelled", "canceled", "chargeback",
      "view", "viewed", "abandoned", "started", "failed", "declined", "updated", "shipped",
      "delivered", "deleted", "pending", "voided",
    ]
    let found = aliases.filter {
      let words = words($0)
      return !words.isDisjoint(with: meant) && words.isDisjoint(with: other)
    }
    let hasAmount = { (alias: StarterEvents.Alias) in alias.field { $0.type == "money" } != nil }
    return found.filter(hasAmount) + found.filter { !hasAmount($0) }
  }

  private static func refund(
    _ aliases: [StarterEvents.Alias]
  ) -> (alias: StarterEvents.Alias, amount: StarterEvents.Field)? {
    let meant: Set<String> = ["refund", "refunded", "return", "returned", "chargeback"]
    for alias in aliases where !words(alias).isDisjoint(with: meant) {
      if let amount = alias.field({ $0.type == "money" }) { return (alias, amount) }
    }
    return nil
  }

  /// Answers to how likely somebody is to recommend.
  private var score: (alias: StarterEvents.Alias, field: StarterEvents.Field)? {
    for alias in events.aliases where !Self.words(alias).isDisjoint(with: ["nps", "survey"]) {
      let isScore = { (field: StarterEvents.Field) in
        field.type == "int" && StarterNames.plain(field.name).contains("score")
      }
      if let field = alias.field(isScore) { return (alias, field) }
    }
    return nil
  }

  // MARK: Text

  private mutating func line(_ text: String = "") { self.text += text + "\n" }

  private mutating func write() {
    writeHead()
    writeEvents()
    if let purchase { writeBuying(purchase) } else { writeActivity() }
  }

  private var modelName: String {
    let last = store.split(separator: "/").last.map(String.init) ?? ""
    let name = last.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
    return name.isEmpty ? "starter" : String(name.prefix(64))
  }

  private mutating func writeHead() {
    var what = "\(profile.size) events"
    if let earliest = profile.earliest, let latest = profile.latest {
      what += ", \(RFC3339.text(earliest).prefix(10)) to \(RFC3339.text(latest).prefix(10))"
    }
    if let sampled = profile.sampledBlocks {
      what += " (fields from \(sampled) blocks of 16,384 of them)"
    }
    let shown = store.printable
    line("# A first draft of rules, made by `clm-replay init` from \(what).")
    line("# Change what does not fit (docs/rules.md says what there is), and then:")
    let uses = [
      ("check FILE", "names every mistake, with line and column"),
      ("replay \(shown) --rules FILE", "folds the log: who is where"),
      ("explain \(shown) CUSTOMER", "says why"),
    ]
    let width = uses.map(\.0.count).max() ?? 0
    for (command, what) in uses {
      let gap = String(repeating: " ", count: width - command.count)
      line("#   clm-replay \(command)\(gap)    \(what)")
    }
    line("rules: 1")
    line("model: { name: \(StarterNames.yaml(modelName)), version: 1 }")
    line(
      "currency: \(events.currency ?? "EUR")"
        + (events.currency == nil ? "    # no event names one" : ""))
    line("# ignore: event.subject.startsWith('test-')    # whom to leave out of everything")
    if let link {
      let text = "identity: { link: \(link.alias).\(link.field) }"
      line(
        link.isKnown
          ? "\(text)    # \(link.share) % of these are subjects of other events: the same customer"
          : "# \(text)    # if that names another subject of the same customer")
    }
    if !events.otherCurrencies.isEmpty {
      let rates = events.otherCurrencies.map { "\($0): \"1.00\"" }.joined(separator: ", ")
      line(
        "# exchange: { \(rates) }    # rates into \(events.currency ?? "EUR"); amounts without one are left out, and counted"
      )
    }
    line("# timezone: Europe/Berlin    # whose days, weeks and months metrics count")
    line()
  }

  private mutating func writeEvents() {
    line("events:    # alias: types as they were sent, and the fields that rules may read")
    for alias in events.aliases {
      let count = Numbers.counted(alias.type.count, "event")
      let isShort = alias.fields.count < 4 && alias.fields.allSatisfy { $0.remark == nil }
      let fields = alias.fields.map(\.text).joined(separator: ", ")
      let short =
        "  \(alias.name): { types: [\(StarterNames.yaml(alias.type.name))]"
        + (alias.fields.isEmpty ? "" : ", fields: { \(fields) }") + " }"
      if isShort && short.utf8.count < 100 {
        line("\(short)    # \(count)")
      } else {
        line("  \(alias.name):    # \(count)")
        line("    types: [\(StarterNames.yaml(alias.type.name))]")
        line("    fields:")
        for field in alias.fields {
          line("      \(field.text)" + (field.remark.map { "    # \($0)" } ?? ""))
        }
      }
      for remark in alias.remarks.prefix(8) { line("    # \(remark.printable)") }
      if alias.name == purchase?.name, !otherPurchases.isEmpty {
        let named = otherPurchases.prefix(4).map { "`\($0.printable)`" }.joined(separator: ", ")
        line(
          "    # called so, too: \(named); what is another purchase, not the same one again, goes into types"
        )
      }
    }
    if events.aliases.isEmpty { line("  visit: { types: [visit] }    # the log has no events yet") }
    if events.others > 0 {
      line("  # \(events.others) rarer types: see `clm-replay status STORE --types`")
    }
    line()
  }

  private mutating func writeBuying(_ purchase: StarterEvents.Alias) {
    let (days, times, name) = (rhythm.lapseDays, rhythm.loyalTimes, purchase.name)
    line("facts:    # values of one customer, folded from its events")
    line("  purchases:        { count: \(name) }")
    line("  purchases_365d:   { count: \(name), within: 365d }")
    line("  last_purchase_at: { last_time: \(name) }")
    if let amount {
      line("  revenue:          { sum: \(name).\(amount.name) }")
      line("  avg_purchase:     { avg: \(name).\(amount.name) }")
    }
    if let score {
      line("  last_score:       { last: \(score.alias.name).\(score.field.name), within: 365d }")
    }
    for alias in events.aliases.prefix(8) where alias.name != name {
      line("  \(alias.name)_events: { count: \(alias.name) }")
    }
    line()
    line("stages: [prospect, customer, repeat, loyal, lapsed, won_back]")
    line(
      "transitions:    # tried top to bottom; the first that holds is taken; then again, until none holds"
    )
    if rhythm.repeaters >= 10 {
      line(
        "  # Of \(rhythm.subjects) buyers \(rhythm.repeaters) came back, nine times in ten in less than \(days) days."
      )
    } else {
      line("  # Too few came back to say after how many days somebody is lost: \(days) is a guess.")
    }
    line(
      "  - { id: lapse, from: [customer, repeat, loyal, won_back], to: lapsed, when: \"since(last_purchase_at) >= days(\(days))\" }"
    )
    line(
      "  - { id: win_back, from: lapsed, to: won_back, when: \"since(last_purchase_at) < days(\(days))\" }"
    )
    if rhythm.repeaters >= 10 {
      line("  # Of those who came back one in five bought \(times) times or more.")
    }
    line(
      "  - { id: become_loyal, from: [customer, repeat, won_back], to: loyal, when: \"purchases_365d >= \(times)\" }"
    )
    line("  - { id: settle, from: won_back, to: repeat, when: \"in_stage() >= days(30)\" }")
    line("  - { id: buy_again, from: customer, to: repeat, when: \"purchases >= 2\" }")
    line("  - { id: convert, from: prospect, to: customer, when: \"purchases >= 1\" }")
    line()
    line("segments:    # conditions at as-of, and over time")
    line(
      "  about_to_lapse: { when: \"stage.name in ['customer', 'repeat', 'loyal'] && since(last_purchase_at) >= days(\(days * 2 / 3))\" }"
    )
    if score != nil { line("  promoters: { when: \"last_score >= 9\" }") }
    if let amount {
      line("  best_customers: { when: \"big_spender\" }")
      line("population:    # ranks over all customers; only segments may use them")
      line("  big_spender: { top: { of: revenue, percent: 10 } }")
      let back = refund.map { ", refund: \($0.alias.name).\($0.amount.name)" } ?? ""
      let clv = "clv: { purchase: \(name).\(amount.name)\(back)"
      let isEnough = rhythm.repeaters >= 100
      line(
        "\(clv)\(isEnough ? ", model: mbg_nbd, unit: 7d, horizon: 364d" : "") }    # "
          + (isEnough
            ? "`clm-replay value` says how good the forecasts are"
            : "too few came back for a `model`, such as mbg_nbd"))
    }
    line()
    writeTests(purchase, days)
  }

  private mutating func writeTests(_ purchase: StarterEvents.Alias, _ days: Int) {
    let type = StarterNames.yaml(purchase.type.name)
    let start = "2024-01-01T00:00:00Z"
    let lapse = 1_704_067_200_000_000 + Int64(days) * 86_400_000_000
    line("tests:    # examples of what must come out; `clm-replay check` runs them")
    line("  - name: who buys is a customer, and lapses \(days) days later")
    line("    given: [{ at: \(start), type: \(type) }]")
    line("    as_of: \(RFC3339.text(lapse))")
    line("    expect:")
    line("      - { at: \(start), to: customer, by: event }")
    line("      - { at: \(RFC3339.text(lapse)), to: lapsed, by: timer }")
  }

  /// No type says that somebody bought: who does anything is active.
  private mutating func writeActivity() {
    let days = rhythm.lapseDays
    let all = events.aliases.isEmpty ? ["visit"] : events.aliases.map(\.name)
    let target = all.count == 1 ? all[0] : "[\(all.joined(separator: ", "))]"
    line(
      "# No type is called as purchases are: these stages follow activity. If one of the above is a purchase, see"
    )
    line(
      "# docs/rules.md for facts of it: { count: ALIAS }, { sum: ALIAS.amount }, { last_time: ALIAS }."
    )
    line("facts:    # values of one customer, folded from its events")
    line("  activities:       { count: \(target) }")
    line("  activities_30d:   { count: \(target), within: 30d }")
    line("  last_activity_at: { last_time: \(target) }")
    if let score {
      line("  last_score:       { last: \(score.alias.name).\(score.field.name), within: 365d }")
    }
    line()
    line("stages: [new, active, dormant, back]")
    line(
      "transitions:    # tried top to bottom; the first that holds is taken; then again, until none holds"
    )
    if rhythm.repeaters >= 10 {
      line(
        "  # Of \(rhythm.subjects) subjects \(rhythm.repeaters) came back, nine times in ten in less than \(days) days."
      )
    }
    line(
      "  - { id: fall_asleep, from: [new, active, back], to: dormant, when: \"since(last_activity_at) >= days(\(days))\" }"
    )
    line(
      "  - { id: wake_up, from: dormant, to: back, when: \"since(last_activity_at) < days(\(days))\" }"
    )
    line("  - { id: settle, from: back, to: active, when: \"in_stage() >= days(14)\" }")
    line("  - { id: engage, from: new, to: active, when: \"activities >= 2\" }")
    line()
    line("segments:    # conditions at as-of, and over time")
    line("  busy: { when: \"activities_30d >= \(rhythm.loyalTimes)\" }")
    if score != nil { line("  promoters: { when: \"last_score >= 9\" }") }
    line()
    let type = StarterNames.yaml(events.aliases.first?.type.name ?? "visit")
    line("tests:    # examples of what must come out; `clm-replay check` runs them")
    line("  - name: the second event makes somebody active")
    line(
      "    given: [{ at: 2024-01-01T00:00:00Z, type: \(type) }, { at: 2024-01-02T00:00:00Z, type: \(type) }]"
    )
    line("    expect: [{ at: 2024-01-02T00:00:00Z, to: active, by: event }]")
  }
}

/// A field that names another subject of the same customer: who is called so by a cookie signs in.
struct StarterLink {
  let alias: String
  let field: String
  /// Of a hundred values that were looked at, so many are subjects.
  let share: Int
  /// Most are.
  var isKnown: Bool { share >= 50 }

  init?(_ aliases: [StarterEvents.Alias], _ snapshot: LogSnapshot) throws {
    let meant = ["anonymous", "cookie", "device", "visitor", "previous", "guest", "temporary"]
    for alias in aliases {
      for field in alias.fields where field.type == "string" {
        guard meant.contains(where: { StarterNames.plain(field.name).contains($0) }),
          let share = try Self.share(field, alias, snapshot),
          share >= 5
            || ["identify", "login", "alias", "merge"].contains(alias.name)
        else { continue }
        (self.alias, self.field, self.share) = (alias.name, field.name, share)
        return
      }
    }
    return nil
  }

  private static func share(
    _ field: StarterEvents.Field, _ alias: StarterEvents.Alias, _ snapshot: LogSnapshot
  ) throws -> Int? {
    let path = field.path ?? field.name
    guard
      let values = alias.type.fields.first(where: { $0.steps.joined(separator: ".") == path })?
        .texts.keys, !values.isEmpty
    else { return nil }
    let wanted = Set(values.map { Array($0.utf8) })
    let names = try snapshot.subjectNames()
    var found = 0
    for subject in 0..<UInt32(names.count) where wanted.contains(Array(names.bytes(of: subject))) {
      found += 1
    }
    return found * 100 / wanted.count
  }
}
