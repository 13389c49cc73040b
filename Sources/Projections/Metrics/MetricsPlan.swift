import CEL
import EventStore

/// What metrics read of events beside what the rules' facts read: which aliases an event is, its channel, its NPS score, and
/// whom it refers.
public struct MetricsPlan: Sendable {
  /// How metrics are counted.
  public struct Settings: Sendable {
    /// Length of a row's period, in the time zone of the rules.
    public var period = Periods.Length.month
    /// The alias whose events count as activity, or `any`; the purchases of `clv` unless given.
    public var activity: String?
    /// After how long in a stage a customer counts as stuck, in microseconds.
    public var stuckAfter = 90 * Microseconds.day
    /// Stages that count as churned; nil: those that are called, or also called, as ``churnNames``.
    public var churned: [String]?
    /// Aliases of the steps of a funnel, in order; none: there is no funnel.
    public var funnel: [String] = []
    /// How long after the first step the last one may come, in microseconds.
    public var funnelWithin = 30 * Microseconds.day
    /// `alias.field`: lifecycle, cohorts and funnel are broken down by its value in the customer's first event that has one.
    public var breakdown: String?
    /// A customer is overdue who has been away for more than this many times the own median of days between purchases.
    public var overdueFactor = 2.0
    /// Months, activity by purchases, stuck after 90 days.
    public init() {}
  }

  package enum Activity: Sendable, Equatable {
    case purchases
    case alias(Int)
    case any
  }

  /// Why they cannot be counted so.
  public struct Fault: Error, Sendable {
    /// Lower case, no full stop.
    public var message: String
    /// What to do about it.
    public var help: String
  }

  /// Values that a breakdown may have.
  static let mostSlices = 1000

  /// Names of stages that count as churned unless the settings say which.
  public static let churnNames: Set<String> = [
    "churned", "lapsed", "dormant", "inactive", "lost", "sleeping",
  ]

  /// As they were given.
  public let settings: Settings
  package let activity: Activity
  /// By stage.
  public let isChurned: [Bool]
  let compiled: CompiledRules
  /// What each extra feed says.
  private let said: [Extra]
  /// The feed of scores; nil without an alias of answers.
  let scoreFeed: Int?
  /// Scores are ints, else doubles.
  let hasWholeScores: Bool
  /// The feed of the channel of each alias.
  let channelFeeds: [Int?]
  /// As they were given.
  public var rules: Rules { compiled.rules }
  /// Aliases of the funnel's steps.
  let funnel: [Int]
  /// The feed of the field that tables are broken down by, and its type.
  let breakdownFeed: Int?
  let breakdownType: Rules.FieldType
  /// What is wrong where nobody has a value to break down by; nil where the rules declare the field. A name that was misspelt
  /// would have no values either.
  let unknownBreakdown: Fault?
  /// The alias of NPS answers, and of referrals.
  public let answers: Int?
  package let referrals: Int?

  /// - Throws: ``Fault`` where the settings name what the rules do not have.
  public init(_ rules: Rules, _ settings: Settings) throws {
    self.settings = settings
    activity = try Self.activity(rules, settings.activity)
    isChurned = try Self.churned(rules, settings.churned)
    funnel = try settings.funnel.map { name in
      guard let alias = rules.aliases.firstIndex(where: { $0.name == name }) else {
        throw Self.unknownAlias(name, rules)
      }
      return alias
    }
    answers = Self.alias(rules, named: "nps", ofType: "nps_response")
    referrals = Self.alias(rules, named: "referral", ofType: "referral")
    var extended = rules
    var extras: [(feed: CompiledRules.ExtraFeed, says: Extra)] = []
    for alias in rules.aliases.indices { extras.append((.init(alias: alias), .alias(alias))) }
    for alias in rules.aliases.indices {
      let field = Self.field("channel", of: alias, [.string], &extended)
      extras.append((.init(alias: alias, field: field), .channel(alias: alias)))
    }
    var hasWholeScores = false
    if let answers {
      let field = Self.field("score", of: answers, [.double, .int], &extended)
      hasWholeScores = extended.aliases[answers].fields[field].type == .int
      extras.append((.init(alias: answers, field: field, tellsFaults: true), .score))
    }
    if let referrals {
      let field = Self.field("referred", of: referrals, [.string], &extended)
      extras.append((.init(alias: referrals, field: field), .referred))
    }
    var breakdownType = Rules.FieldType.string
    var unknownBreakdown: Fault?
    if let breakdown = settings.breakdown {
      let (alias, name) = try Self.reference(breakdown, rules)
      let field = Self.field(name, of: alias, [.string, .int, .bool], &extended)
      if field >= rules.aliases[alias].fields.count {
        unknownBreakdown = Self.unknownField(name, of: rules.aliases[alias])
      }
      breakdownType = extended.aliases[alias].fields[field].type
      extras.append((.init(alias: alias, field: field), .breakdown))
    }
    self.breakdownType = breakdownType
    self.unknownBreakdown = unknownBreakdown
    compiled = try CompiledRules(extended, extra: extras.map(\.feed))
    self.hasWholeScores = hasWholeScores
    let said = extras.map(\.says)
    self.said = said
    let first = compiled.firstExtraFeed
    scoreFeed = said.firstIndex(of: .score).map { first + $0 }
    breakdownFeed = said.firstIndex(of: .breakdown).map { first + $0 }
    channelFeeds = rules.aliases.indices.map { alias in
      said.firstIndex(of: .channel(alias: alias)).map { first + $0 }
    }
  }

  /// What an operation of an event says, beside what facts are fed.
  enum Extra: Sendable, Equatable {
    case alias(Int)
    case channel(alias: Int)
    case score
    case referred
    case breakdown
  }

  /// - Parameter feed: the number of a feed; nil for one that belongs to a fact or to the value.
  @inline(__always)
  func extra(_ feed: Int) -> Extra? {
    let number = feed - compiled.firstExtraFeed
    return number < 0 ? nil : said[number]
  }

  /// A field as the rules declare it, or as `data` has it.
  private static func field(
    _ name: String, of alias: Int, _ types: [Rules.FieldType], _ rules: inout Rules
  ) -> Int {
    let declared = rules.aliases[alias].fields
    if let index = declared.firstIndex(where: { $0.name == name && types.contains($0.type) }) {
      return index
    }
    // No rule can read a name with a blank.
    rules.aliases[alias].fields.append(
      Rules.Field(
        name: " \(name)", type: types[0], path: [name], isPointer: false,
        currencyPath: nil,
        currencyPathIsPointer: false, defaultValue: nil, place: rules.aliases[alias].place))
    return rules.aliases[alias].fields.count - 1
  }

  private static func alias(_ rules: Rules, named name: String, ofType type: String) -> Int? {
    rules.aliases.firstIndex { $0.name == name }
      ?? rules.aliases.firstIndex { $0.types.contains(type) }
  }

  private static func activity(_ rules: Rules, _ name: String?) throws -> Activity {
    guard let name else { return rules.clv == nil ? .any : .purchases }
    if name == "any" { return .any }
    if let alias = rules.aliases.firstIndex(where: { $0.name == name }) { return .alias(alias) }
    var fault = unknownAlias(name, rules)
    fault.help += "; `any` is all of them"
    throw fault
  }

  private static func unknownAlias(_ name: String, _ rules: Rules) -> Fault {
    Fault(
      message: "the rules have no alias `\(name)`",
      help: Suggestion.help(name, "aliases", among: rules.aliases.map(\.name)))
  }

  private static func unknownField(_ name: String, of alias: Rules.Alias) -> Fault {
    Fault(
      message:
        "no event of `\(alias.name)` has a text at `data.\(name)`, and the rules have no field `\(name)` for it",
      help: Suggestion.help(name, "fields of the rules", among: alias.fields.map(\.name)))
  }

  /// Alias and field that `alias.field` names.
  private static func reference(
    _ text: String, _ rules: Rules
  ) throws -> (alias: Int, field: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else {
      throw Fault(
        message: "`\(text)` names no field of an alias",
        help: "a field is named as in `\(rules.aliases.first?.name ?? "purchase").channel`")
    }
    guard let alias = rules.aliases.firstIndex(where: { $0.name == parts[0] }) else {
      throw unknownAlias(parts[0], rules)
    }
    return (alias, parts[1])
  }

  private static func churned(_ rules: Rules, _ names: [String]?) throws -> [Bool] {
    for name in names ?? [] where !rules.stages.contains(where: { $0.isCalled(name) }) {
      throw Fault(
        message: "the rules have no stage `\(name)`",
        help: Suggestion.help(name, "stages", among: rules.stages.map(\.name)))
    }
    let wanted = names.map { Set($0) } ?? churnNames
    return rules.stages.map { stage in
      ([stage.name] + stage.also).contains { wanted.contains($0) }
    }
  }
}
