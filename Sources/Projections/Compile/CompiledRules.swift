import CEL

/// A rules file made ready for folding: conditions lowered, event types planned. Immutable, shared by threads.
public final class CompiledRules: Sendable {
  /// What was compiled.
  public let rules: Rules
  /// Conditions over facts, stage and time.
  let program: Program
  /// Conditions over one event: `ignore`, and `where` of aliases and facts.
  let eventProgram: Program
  let fields: [FieldSlot]
  let feeds: [Feed]
  /// Of each feed the first that gets the same of every event; an event is read for that one only.
  let sharedFeeds: [Int]
  /// Feeds that get what a feed gets, by the first of them.
  let feedGroups: [[Int]]
  /// Whether the values of a feed are numbers of strings.
  let isStringFeed: [Bool]
  /// Feed numbers of `clv.purchase` and `clv.refund`.
  let purchaseFeed: Int?
  let refundFeed: Int?
  /// Feeds from here on are read by no fact, but by who looks at events.
  let firstExtraFeed: Int
  /// Facts in file order.
  let facts: [CompiledFact]
  /// By transition, or by stage for stages with conditions (-1 for the last).
  let conditions: [CompiledCondition]
  /// Transitions that may leave each stage, in file order.
  let leaving: [[Int]]
  /// What decides about each stage's next change reads these facts.
  let stageReads: [UInt64]
  let segments: [CompiledSegment]
  /// Where conditions over one event find what they read.
  let slots: EventSlots
  let ignoreRoot: Int32
  let aliasRoots: [Int32]
  /// A `where` reads these attributes.
  let readsAttributes: EventAttributeSet
  /// `ignore` reads these attributes.
  let ignoreAttributes: EventAttributeSet
  /// For each field name that `ignore` reads: the slots that may give it, by alias in file order.
  let ignoreFields: [IgnoreField]
  let initialStageName: Int64
  let stageNames: [Int64]

  /// A field of an alias that something reads; its value stands in a slot of its own (``EventSlots/field(_:)``).
  struct FieldSlot: Sendable {
    var alias: Int
    var field: Rules.Field
    var defaultBits: Int64?
  }

  struct IgnoreField: Sendable {
    var slot: Int
    var fields: [Int]
  }

  struct EventAttributeSet: OptionSet, Sendable {
    var rawValue: UInt8
    static let source = EventAttributeSet(rawValue: 1)
    static let subject = EventAttributeSet(rawValue: 2)
    static let id = EventAttributeSet(rawValue: 4)
    static let all: EventAttributeSet = [.source, .subject, .id]
  }

  /// What events give to one aggregate fact (or to the customer's value).
  struct Feed: Sendable {
    /// Index of the fact; -1 for the hidden feeds of `clv`.
    var fact: Int
    var targets: [Target]
    struct Target: Sendable {
      var alias: Int
      var field: Int
      var whereRoot: Int32
    }
    var isString: Bool
    /// Of a feed that no fact and no value reads: events without a value are told of.
    var tellsFaults = false
  }

  /// Something to be read of the events of an alias: a field (by number), or only that it is one.
  struct ExtraFeed: Sendable {
    var alias: Int
    var field: Int?
    /// Events whose field has no value are told of.
    var tellsFaults = false
  }

  struct CompiledFact: Sendable {
    var root: Int32
    /// Number of the feed; -1 for an expr.
    var feed: Int
    var type: Type
    var lowered: LoweredExpression?
  }

  struct CompiledCondition: Sendable {
    var root: Int32
    var reads: UInt64
    var lowered: LoweredExpression?
  }

  struct CompiledSegment: Sendable {
    var condition: CompiledCondition
    /// It may end in an error that is a fault.
    var mayFail: Bool
    /// It may do so only where spans of time are longer than CEL's durations.
    var mayFailByTime: Bool
    /// Read over the facts at as-of once the population is known.
    var readsPopulation: Bool
  }

  /// - Throws: the diagnostics of parts whose changes in time cannot be computed.
  public convenience init(_ rules: Rules) throws(RulesRefusal) {
    try self.init(rules, extra: [])
  }

  /// - Parameter extra: feeds beside those of facts and of the value.
  init(_ rules: Rules, extra: [ExtraFeed]) throws(RulesRefusal) {
    var builder = CompiledRulesBuilder(rules)
    try builder.build(extra: extra)
    firstExtraFeed = builder.feeds.count - extra.count
    self.rules = rules
    program = builder.lowering.program
    eventProgram = builder.events.program
    fields = builder.fields
    feeds = builder.feeds
    sharedFeeds = builder.sharedFeeds
    feedGroups = builder.feeds.indices.map { feed in
      builder.feeds.indices.filter { builder.sharedFeeds[$0] == feed }
    }
    isStringFeed = builder.feeds.map(\.isString)
    purchaseFeed = builder.purchaseFeed
    refundFeed = builder.refundFeed
    facts = builder.facts
    conditions = builder.conditions
    leaving = builder.leaving
    stageReads = builder.stageReads
    segments = builder.segments
    slots = builder.slots
    ignoreRoot = builder.ignoreRoot
    aliasRoots = builder.aliasRoots
    readsAttributes = builder.readsAttributes
    ignoreAttributes = builder.ignoreAttributes
    ignoreFields = builder.ignoreFields
    stageNames = builder.stageNames
    initialStageName = builder.stageNames.first ?? 0
  }

  /// The aggregate that a feed belongs to; nil for those of no fact.
  func aggregate(_ feed: Int) -> Rules.Aggregate? {
    let fact = feeds[feed].fact
    guard fact >= 0, case .aggregate(let aggregate) = rules.facts[fact].kind else { return nil }
    return aggregate
  }

  /// The type of the field that a feed reads; nil where it only counts.
  func fieldType(ofFeed feed: Int) -> Rules.FieldType? {
    guard let target = feeds[feed].targets.first, target.field >= 0 else { return nil }
    return fields[target.field].field.type
  }

  /// Some field is an instant, so that spans may be longer than the log.
  var hasTimestampFields: Bool { fields.contains { $0.field.type == .timestamp } }

  /// `ignore` asks for nothing but the subject, so that each subject need be asked once.
  var ignoresBySubject: Bool {
    guard let ignore = rules.ignore else { return false }
    return ignore.expression.references.values.allSatisfy { $0 == "event.subject" }
  }

  /// Slot of the field that `identity` links by; nil without.
  var identityField: Int? {
    guard let identity = rules.identity else { return nil }
    let name = rules.aliases[identity.alias].fields[identity.field].name
    return fields.firstIndex { $0.alias == identity.alias && $0.field.name == name }
  }

  /// Id of a transition, or name of a stage with conditions.
  func conditionName(_ number: Int) -> String {
    switch rules.form {
    case .transitions(let transitions): transitions[number].id
    case .firstMatch: rules.stages[number].name
    }
  }

  var isFirstMatch: Bool {
    if case .firstMatch = rules.form { return true }
    return false
  }

  var transitions: [Rules.Transition] {
    if case .transitions(let transitions) = rules.form { return transitions }
    return []
  }
}

/// Why checked rules cannot be folded.
public struct RulesRefusal: Error, Sendable {
  /// At least one, by place in the file.
  public var diagnostics: [Diagnostic]
}
