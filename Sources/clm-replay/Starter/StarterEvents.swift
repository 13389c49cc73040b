import EventStore
import Projections

/// The part `events` of starter rules: an alias for each type, with the fields that its payload has.
struct StarterEvents {
  struct Field {
    var name: String
    /// As the rules call it: money, int, double, string, bool, timestamp.
    var type: String
    /// As the rules write it, where it is not the name.
    var path: String?
    /// Path of the currency, where it is not `currency`.
    var currency: String?
    /// What to know of it.
    var remark: String?

    var text: String {
      if path == nil && currency == nil { return "\(name): \(type)" }
      var parts = ["type: \(type)"]
      if let path { parts.append("path: \(StarterNames.yaml(path))") }
      if let currency { parts.append("currency: \(StarterNames.yaml(currency))") }
      return "\(name): { \(parts.joined(separator: ", ")) }"
    }
  }

  struct Alias {
    var name: String
    var type: LogProfile.EventType
    var fields: [Field] = []
    var remarks: [String] = []

    func field(_ isMeant: (Field) -> Bool) -> Field? { fields.first(where: isMeant) }
  }

  private(set) var aliases: [Alias] = []
  /// Types that got no alias, being too many.
  private(set) var others = 0
  /// Of all money that names one, the one that most is in; nil where none is named.
  private(set) var currency: String?
  /// Other currencies, most frequent first.
  private(set) var otherCurrencies: [String] = []
  private static let mostAliases = 40
  private static let mostFields = 12

  init(_ profile: LogProfile) {
    var found: [String: Int] = [:]
    for type in profile.types {
      for field in type.fields where Self.isCurrency(field) {
        for (text, count) in field.texts { found[text, default: 0] += count }
      }
    }
    let ranked = found.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    currency = ranked.first
    otherCurrencies = Array(ranked.dropFirst().prefix(8))
    let digits = Currencies.digits(of: currency ?? "EUR") ?? 2
    var names = StarterNames()
    for type in profile.types.prefix(Self.mostAliases) {
      var alias = Alias(name: names.name(type.name, else: "event"), type: type)
      Self.addFields(to: &alias, digits)
      aliases.append(alias)
    }
    others = max(0, profile.types.count - Self.mostAliases)
  }

  /// It holds codes of ISO 4217 and nothing else.
  private static func isCurrency(_ field: LogProfile.Field) -> Bool {
    guard let name = field.steps.last, StarterNames.plain(name).contains("currency") else {
      return false
    }
    return field.strings == field.present && !field.texts.isEmpty
      && field.texts.keys.allSatisfy { Currencies.digits(of: $0) != nil }
  }

  private static func addFields(to alias: inout Alias, _ digits: Int) {
    var names = StarterNames()
    let type = alias.type
    // Most events have them; of equal ones as they stand.
    let ordered = type.fields.enumerated().sorted {
      ($1.element.present, $0.offset) < ($0.element.present, $1.offset)
    }.map(\.element)
    for field in ordered where field.present > 0 {
      let shown = field.steps.joined(separator: ".")
      guard alias.fields.count < mostFields else {
        alias.remarks.append("further fields: see `clm-replay status STORE --types`")
        break
      }
      if isCurrency(field) { continue }
      if field.lists == field.present {
        alias.remarks.append("`\(shown)` is a list")
        continue
      }
      guard let (kind, share) = kind(field) else {
        alias.remarks.append("`\(shown)` is of several kinds")
        continue
      }
      let name = names.name(field.steps.joined(separator: "_"), else: "field")
      var own = Field(name: name, type: kind, path: path(field.steps, name))
      if kind == "double" || kind == "int", isAmount(field, type) {
        if field.mostDecimals <= digits {
          own.type = "money"
          own.currency = currencyPath(field, type)
        } else {
          own.remark = "\(field.mostDecimals) decimals are more than money has here"
        }
      }
      if share < field.present {
        own.remark =
          "\(Numbers.percent(Double(field.present - share) * 100 / Double(field.present))) % are something else"
      } else if field.present < type.sampled {
        own.remark =
          "\(Numbers.percent(Double(field.present) * 100 / Double(type.sampled))) % have it"
      }
      alias.fields.append(own)
    }
  }

  /// The type of most values, and how many are of it; nil where there is no such.
  private static func kind(_ field: LogProfile.Field) -> (String, Int)? {
    let numbers = field.numbers + field.spelled
    let texts = field.strings
    let all = field.present
    // Texts that spell numbers throughout are numbers; an id such as "0017" is not one in JSON.
    if numbers * 20 >= all * 19, field.numbers > 0 || field.spelled == texts {
      return (field.hasFraction ? "double" : "int", numbers)
    }
    if field.times * 20 >= all * 19 { return ("timestamp", field.times) }
    if texts * 20 >= all * 19 { return ("string", texts) }
    if field.bools * 20 >= all * 19 { return ("bool", field.bools) }
    return nil
  }

  /// It is called as amounts are, or a currency stands beside it.
  private static func isAmount(_ field: LogProfile.Field, _ type: LogProfile.EventType) -> Bool {
    guard let last = field.steps.last else { return false }
    let words = Set(StarterNames.plain(last).split(separator: "_").map(String.init))
    let sure: Set<String> = ["amount", "revenue", "price", "total", "subtotal", "spend", "gmv"]
    let maybe: Set<String> = ["value", "cost", "fee", "tax", "shipping", "discount", "sum", "paid"]
    if !words.isDisjoint(with: ["count", "quantity", "qty", "items", "id", "points"]) {
      return false
    }
    if !words.isDisjoint(with: sure) { return true }
    return !words.isDisjoint(with: maybe) && currency(beside: field, type) != nil
  }

  private static func currency(
    beside field: LogProfile.Field, _ type: LogProfile.EventType
  ) -> LogProfile.Field? {
    type.fields.first {
      isCurrency($0) && $0.steps.dropLast().elementsEqual(field.steps.dropLast())
    } ?? type.fields.first { isCurrency($0) && $0.steps.count == 1 }
  }

  /// Nil for `currency`, which is looked at unless the rules say otherwise, and where there is none.
  private static func currencyPath(
    _ field: LogProfile.Field, _ type: LogProfile.EventType
  ) -> String? {
    guard let currency = currency(beside: field, type), currency.steps != ["currency"] else {
      return nil
    }
    return path(currency.steps, "")
  }

  /// As the rules write it; nil where it is the name.
  private static func path(_ steps: [String], _ name: String) -> String? {
    let isDotted = steps.allSatisfy { step in
      !step.isEmpty && !step.hasPrefix("/") && !step.contains(".")
    }
    let text =
      isDotted
      ? steps.joined(separator: ".")
      : steps.map {
        "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1")
      }.joined()
    return text == name ? nil : text
  }
}
