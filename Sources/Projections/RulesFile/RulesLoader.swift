import CEL
import EventStore

/// Reads a rules file: YAML to checked ``Rules``, with every fault named by line and column (docs/rules.md).
public struct RulesLoader {
  /// A file may not be larger, in bytes.
  public static let maximumBytes = 1 << 20

  let file: String
  let source: [UInt8]
  let text: RulesText
  private(set) var diagnostics: [Diagnostic] = []
  /// What stands in the file and could not be read, so that its uses are no errors of their own.
  var unreadable = UnreadableNames()

  var currency = Environment.Currency(code: "EUR", digits: 2)
  var aliases: [Rules.Alias] = []
  var facts: [Rules.Fact] = []
  var stages: [Rules.Stage] = []
  var population: [Rules.PopulationFact] = []
  /// Of all transitions that have one, those with errors included.
  var transitionIDs: [String] = []

  /// Both may be there: warnings leave the rules usable.
  public static func load(
    bytes: [UInt8], file: String
  ) -> (rules: Rules?, diagnostics: [Diagnostic]) {
    var loader = RulesLoader(bytes, file)
    let rules = loader.read()
    var diagnostics = loader.diagnostics
    diagnostics.sort {
      ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column)
    }
    let failed = diagnostics.contains { $0.severity == .error }
    return (failed ? nil : rules, diagnostics)
  }

  private init(_ bytes: [UInt8], _ file: String) {
    source = bytes
    self.file = file
    text = RulesText(bytes)
  }

  // MARK: Diagnostics

  var diagnosticsHaveErrors: Bool { diagnostics.contains { $0.severity == .error } }

  mutating func fault(
    _ code: String, _ message: String, _ place: Rules.Place, help: String? = nil
  ) {
    diagnostics.append(Diagnostic(code: code, message: message, help: help, place: place))
  }

  mutating func warn(
    _ code: String, _ message: String, _ place: Rules.Place, help: String? = nil
  ) {
    diagnostics.append(
      Diagnostic(severity: .warning, code: code, message: message, help: help, place: place))
  }

  static func suggestion(_ name: String, _ candidates: [String]) -> String? {
    Suggestion.nearest(to: name, among: candidates).map { "did you mean `\($0)`?" }
  }

  // MARK: Shapes

  /// The members of a map, keys checked against those known. One that was mistyped is an error, and is taken for the
  /// key that was meant, so that nothing else of the map is an error for lack of it.
  mutating func members(
    _ value: YAMLValue, _ what: String, known: [String]
  ) -> [String: YAMLValue.Member]? {
    guard case .map(let members, _) = value else {
      fault("yaml-shape", "\(what) has to be a map, and is \(value.kind)", value.place)
      return nil
    }
    var result: [String: YAMLValue.Member] = [:]
    for member in members where known.contains(member.key) { result[member.key] = member }
    for member in members where !known.contains(member.key) {
      fault(
        "unknown-key", "\(what) has no key `\(member.key)`", member.keyPlace,
        help: Self.suggestion(member.key, known)
          ?? "known keys are \(known.joined(separator: ", "))")
      if let meant = Suggestion.nearest(to: member.key, among: known), result[meant] == nil {
        result[meant] = member
      }
    }
    return result
  }

  /// The members of a map from names to things, in file order.
  mutating func named(_ value: YAMLValue?, _ what: String) -> [YAMLValue.Member] {
    guard let value else { return [] }
    if case .scalar(let scalar) = value, scalar.isNull { return [] }
    guard case .map(let members, _) = value else {
      fault("yaml-shape", "\(what) has to be a map, and is \(value.kind)", value.place)
      return []
    }
    return members
  }

  mutating func scalar(_ value: YAMLValue, _ what: String) -> YAMLValue.Scalar? {
    guard case .scalar(let scalar) = value, !scalar.isNull else {
      fault("yaml-shape", "\(what) has to be a value, and is \(value.kind)", value.place)
      return nil
    }
    return scalar
  }

  /// One value or a list of values.
  mutating func scalars(_ value: YAMLValue, _ what: String) -> [YAMLValue.Scalar] {
    if case .list(let values, let place) = value {
      if values.isEmpty { fault("yaml-shape", "\(what) is an empty list", place) }
      return values.compactMap { scalar($0, what) }
    }
    return scalar(value, what).map { [$0] } ?? []
  }

  mutating func integer(_ scalar: YAMLValue.Scalar, _ what: String) -> Int? {
    if let number = Int(scalar.text) { return number }
    fault("bad-number", "\(what) has to be a whole number, and is `\(scalar.text)`", scalar.place)
    return nil
  }

  /// `365d`, `12h`, `4w` in microseconds.
  mutating func span(_ scalar: YAMLValue.Scalar, _ what: String) -> Int64? {
    let units: [Character: Int64] = [
      "h": Microseconds.hour, "d": Microseconds.day, "w": 7 * Microseconds.day,
    ]
    let text = scalar.text
    if let last = text.last, let unit = units[last], let count = Int64(text.dropLast()),
      count > 0, text.dropLast().allSatisfy(\.isNumber)
    {
      let (length, overflow) = count.multipliedReportingOverflow(by: unit)
      if !overflow && length <= Microseconds.longestDuration { return length }
      fault("bad-duration", "\(what) of `\(text)` is longer than 292 years", scalar.place)
      return nil
    }
    fault(
      "bad-duration", "\(what) has to be a length such as 30d, and is `\(text)`", scalar.place,
      help: "a whole number above 0 and h, d or w; a day is 24 hours")
    return nil
  }

  /// A positive decimal such as 0.92.
  mutating func decimal(
    _ scalar: YAMLValue.Scalar, _ what: String, allowsZero: Bool = false
  ) -> Rules.Factor? {
    var parts = scalar.text.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 1 { parts.append("") }
    let digits = parts.joined()
    let isPlain = digits.utf8.allSatisfy { $0 &- 48 < 10 }
    if parts.count == 2, !parts[0].isEmpty, isPlain, digits.count <= 18,
      let mantissa = Int64(digits), mantissa > 0 || allowsZero
    {
      return Rules.Factor(mantissa: mantissa, scale: parts[1].count)
    }
    fault(
      "bad-number",
      "\(what) has to be a decimal above 0 with at most 18 digits, and is `\(scalar.text)`",
      scalar.place)
    return nil
  }

  /// A number as JSON writes it, such as 0.01 or 1e-3, that a double holds.
  ///
  /// - Parameter allowsZero: 0 is taken as well as what is above it.
  mutating func number(
    _ scalar: YAMLValue.Scalar, _ what: String, allowsZero: Bool = false
  ) -> Double? {
    let text = Array(scalar.text.utf8)
    if Decimal.isNumber(text.span), let number = Decimal.double(text.span), number.isFinite,
      number > 0 || (allowsZero && number == 0)
    {
      return number
    }
    fault(
      "bad-number",
      "\(what) has to be a number \(allowsZero ? "of 0 or above" : "above 0"), and is `\(scalar.text)`",
      scalar.place)
    return nil
  }

  /// One of a few words.
  mutating func word<Word: RawRepresentable & CaseIterable>(
    _ scalar: YAMLValue.Scalar, _ what: String
  ) -> Word? where Word.RawValue == String {
    if let word = Word(rawValue: scalar.text) { return word }
    let words = Word.allCases.map(\.rawValue)
    fault(
      "unknown-name",
      "\(what) has to be \(words.joined(separator: " or ")), and is `\(scalar.text)`",
      scalar.place, help: Self.suggestion(scalar.text, words))
    return nil
  }

  /// A name in the rules: `[A-Za-z_][A-Za-z0-9_]*`, no CEL keyword.
  mutating func checkName(_ name: String, _ what: String, _ place: Rules.Place) {
    let bytes = Array(name.utf8)
    let isStart = bytes.first.map { Self.isLetter($0) } ?? false
    if !isStart || !bytes.allSatisfy({ Self.isLetter($0) || $0 &- 48 < 10 }) {
      if !name.isEmpty { unreadable.badNames.append(name) }
      fault(
        "bad-name", "`\(name)` cannot be the name of \(what)", place,
        help: "letters, digits and _, no digit first")
    } else if Self.keywords.contains(name) {
      unreadable.badNames.append(name)
      fault("bad-name", "`\(name)` is a word of CEL and cannot be the name of \(what)", place)
    }
  }

  static func isLetter(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || (byte | 0x20) &- 97 < 26
  }

  /// KEYWORD of the CEL grammar; its reserved words may stand behind a dot.
  static let keywords: Set<String> = ["false", "in", "null", "true"]

  /// A stage's or the model's name: 1 to 64 of `[A-Za-z0-9._-]`, no dot first.
  mutating func checkLabel(_ name: String, _ what: String, _ place: Rules.Place) {
    let bytes = Array(name.utf8)
    let dot = UInt8(ascii: ".")
    let isFine = bytes.allSatisfy {
      ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || $0 == dot || $0 == UInt8(ascii: "_")
        || $0 == UInt8(ascii: "-")
    }
    if bytes.isEmpty || bytes.count > 64 || !isFine || bytes.first == dot {
      fault(
        "bad-name", "`\(name)` cannot be \(what)", place,
        help: "1 to 64 letters, digits, dots, _ and -, no dot first")
    }
  }

  // MARK: The file

  private static let topLevel = [
    "rules", "model", "currency", "ignore", "identity", "events", "facts", "stages",
    "transitions", "segments", "population", "clv", "rfm", "exchange", "timezone", "rates", "tests",
  ]

  private mutating func read() -> Rules? {
    let start = Rules.Place(line: 1, column: 1)
    guard source.count <= Self.maximumBytes else {
      fault("too-large", "the file has more than \(Self.maximumBytes) bytes", start)
      return nil
    }
    let root: YAMLValue
    do throws(YAMLValue.Fault) {
      root = try YAMLValue.parse(text)
    } catch {
      fault(error.code, error.message, error.place, help: error.help)
      return nil
    }
    guard let top = members(root, "a rules file", known: Self.topLevel) else { return nil }
    for needed in ["rules", "model", "currency", "events", "stages"] where top[needed] == nil {
      fault("missing-key", "the key `\(needed)` is missing", start)
    }
    if let member = top["rules"], let number = scalar(member.value, "rules"), number.text != "1" {
      fault(
        "rules-version", "this version reads rules of format 1, not `\(number.text)`", number.place)
    }
    return assemble(top)
  }

  private mutating func assemble(_ top: [String: YAMLValue.Member]) -> Rules? {
    unreadable.addSections(top, hasErrors: diagnosticsHaveErrors)
    if case .map(let segments, _)? = top["segments"]?.value {
      unreadable.segments = segments.map(\.key)
    }
    readCurrency(top["currency"])
    let model = readModel(top["model"])
    readAliases(top["events"]?.value)
    let ignore = readIgnore(top["ignore"]?.value)
    let identity = readIdentity(top["identity"]?.value)
    readFacts(top["facts"]?.value)
    let form = readStages(top["stages"], transitions: top["transitions"])
    readPopulation(top["population"]?.value)
    let segments = readSegments(top["segments"]?.value, form)
    let clv = readCLV(top["clv"]?.value)
    let rfm = readRFM(top["rfm"], hasCLV: top["clv"] != nil)
    let exchange = readExchange(top["exchange"]?.value)
    let timezone = readTimezone(top["timezone"]?.value)
    let rates = readRates(top["rates"]?.value)
    let tests = readTests(top["tests"]?.value)
    let hash = SHA256Bytes.hash(source.span)
    let rules = Rules(
      source: source,
      sha256: Hex.text(hash),
      file: file, modelName: model.name, modelVersion: model.version, currency: currency,
      ignore: ignore, identity: identity, aliases: aliases, facts: facts, stages: stages,
      form: form, segments: segments, population: population, clv: clv, rfm: rfm,
      exchange: exchange, timezone: timezone, rates: rates, tests: tests)
    lint(rules)
    return rules
  }

  private mutating func readCurrency(_ member: YAMLValue.Member?) {
    guard let member, let code = scalar(member.value, "currency") else { return }
    if let digits = Currencies.digits(of: code.text) {
      currency = Environment.Currency(code: code.text, digits: digits)
    } else {
      // As many digits as any currency has, so that no amount is an error of its own.
      currency = Environment.Currency(code: code.text, digits: 4)
      fault(
        "unknown-currency", "`\(code.text)` is no currency of ISO 4217", code.place,
        help: Self.suggestion(code.text, Currencies.all))
    }
  }

  private mutating func readModel(_ member: YAMLValue.Member?) -> (name: String, version: Int) {
    guard let member, let model = members(member.value, "model", known: ["name", "version"]) else {
      return ("", 0)
    }
    var name = ""
    var version = 0
    if let value = model["name"]?.value, let text = scalar(value, "model.name") {
      checkLabel(text.text, "the model's name", text.place)
      name = text.text
    } else {
      fault("missing-key", "the model has no `name`", member.keyPlace)
    }
    if let value = model["version"]?.value, let text = scalar(value, "model.version") {
      version = integer(text, "model.version") ?? 0
    } else {
      fault("missing-key", "the model has no `version`", member.keyPlace)
    }
    return (name, version)
  }

  private mutating func readExchange(_ value: YAMLValue?) -> [String: Rules.Factor] {
    var rates: [String: Rules.Factor] = [:]
    for member in named(value, "exchange") {
      if Currencies.digits(of: member.key) == nil {
        fault(
          "unknown-currency", "`\(member.key)` is no currency of ISO 4217", member.keyPlace,
          help: Self.suggestion(member.key, Currencies.all))
      } else if member.key == currency.code {
        fault(
          "exchange", "`\(member.key)` is the rules' own currency and has no rate", member.keyPlace)
      }
      if let text = scalar(member.value, "the rate of \(member.key)"),
        let rate = decimal(text, "the rate of \(member.key)")
      {
        rates[member.key] = rate
      }
    }
    return rates
  }

  private mutating func readTimezone(_ value: YAMLValue?) -> String? {
    guard let value, let zone = scalar(value, "timezone") else { return nil }
    let isSafe = zone.text.utf8.allSatisfy {
      ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || "/_+-".utf8.contains($0)
    }
    let database = Files.environment("TZDIR") ?? "/usr/share/zoneinfo"
    let isKnown =
      zone.text == "UTC" || !Files.isDirectory(database)
      || (Files.exists("\(database)/\(zone.text)")
        && !Files.isDirectory("\(database)/\(zone.text)"))
    if !isSafe || zone.text.hasPrefix("/") || !isKnown {
      fault(
        "unknown-timezone", "`\(zone.text)` is no time zone of the IANA database", zone.place,
        help: "write a name such as Europe/Berlin")
    }
    return zone.text
  }
}
