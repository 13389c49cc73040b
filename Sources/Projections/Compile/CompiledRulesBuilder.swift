import CEL

/// Lowers every text of a rules file, collecting refusals.
struct CompiledRulesBuilder {
  let rules: Rules
  var lowering: Lowering
  var events: Lowering
  var fields: [CompiledRules.FieldSlot] = []
  var feeds: [CompiledRules.Feed] = []
  /// Of each feed the first that gets the same of every event.
  var sharedFeeds: [Int] = []
  private var feedKeys: [FeedKey: Int] = [:]
  var purchaseFeed: Int?
  var refundFeed: Int?
  var facts: [CompiledRules.CompiledFact] = []
  var conditions: [CompiledRules.CompiledCondition] = []
  var leaving: [[Int]] = []
  var stageReads: [UInt64] = []
  var segments: [CompiledRules.CompiledSegment] = []
  var ignoreRoot: Int32 = -1
  var aliasRoots: [Int32] = []
  var readsAttributes: CompiledRules.EventAttributeSet = []
  var ignoreAttributes: CompiledRules.EventAttributeSet = []
  var ignoreFields: [CompiledRules.IgnoreField] = []
  var stageNames: [Int64] = []
  private var refusals: [Diagnostic] = []
  private var fieldNumbers: [Rules.FieldReference: Int] = [:]
  private var slotNodes: [Int: Int32] = [:]
  let slots: EventSlots
  /// Names of fields that `ignore` reads, in the order of their slots.
  private let ignoreNames: [String]

  init(_ rules: Rules) {
    self.rules = rules
    lowering = Lowering()
    events = Lowering()
    let names = Set(rules.ignore?.expression.references.values.map { $0 } ?? [])
    ignoreNames = names.subtracting(EventAttribute.all.map(\.name)).sorted()
    slots = EventSlots(ignoreFields: ignoreNames.count)
  }

  mutating func build(extra: [CompiledRules.ExtraFeed]) throws(RulesRefusal) {
    buildEventConditions()
    let facts = buildFacts()
    if let clv = rules.clv {
      purchaseFeed = addHiddenFeed(clv.purchase)
      refundFeed = clv.refund.map { addHiddenFeed($0) }
    }
    for feed in extra { addExtraFeed(feed) }
    sharedFeeds += sharedFeeds.count..<feeds.count
    let stage = stageScope()
    buildStages(facts, stage)
    buildSegments(facts.merging(stage) { fact, _ in fact })
    if !refusals.isEmpty { throw RulesRefusal(diagnostics: refusals) }
  }

  private mutating func refuse(
    _ refusal: Lowering.Refusal, _ what: String, _ condition: Rules.Condition
  ) {
    let isTime = refusal.code == "time-unschedulable"
    refusals.append(
      Diagnostic(
        code: refusal.code, message: "\(what): \(refusal.message)",
        help: isTime
          ? "compare ages and instants, or whole hours and minutes; see \"What time may do\" in docs/rules.md"
          : nil,
        place: rules.place(of: refusal.range.lowerBound, in: condition)))
  }

  // MARK: Events

  private mutating func fieldNumber(_ alias: Int, _ field: Int) -> Int {
    let reference = Rules.FieldReference(alias: alias, field: field)
    if let number = fieldNumbers[reference] { return number }
    let declared = rules.aliases[alias].fields[field]
    let defaultBits = declared.defaultValue.flatMap { events.bits(of: $0) }
    fields.append(
      CompiledRules.FieldSlot(alias: alias, field: declared, defaultBits: defaultBits))
    fieldNumbers[reference] = fields.count - 1
    return fields.count - 1
  }

  private mutating func slotNode(_ slot: Int, _ type: Type) -> Int32 {
    if let node = slotNodes[slot] { return node }
    let node = events.add(
      ProgramNode(operation: .eventSlot, a: Int32(slot)), type: type, motion: .still)
    slotNodes[slot] = node
    return node
  }

  /// What a condition over one event of an alias may read.
  private mutating func scope(alias: Int, reading names: Set<String>) -> Lowering.Scope {
    var (scope, read) = attributeScope(reading: names)
    readsAttributes.formUnion(read)
    for (index, field) in rules.aliases[alias].fields.enumerated()
    where names.contains("event.\(field.name)") {
      let number = fieldNumber(alias, index)
      scope["event.\(field.name)"] = slotNode(slots.field(number), field.type.celType)
    }
    // Fields that only other aliases of the target declare: this event lacks them.
    for name in names where scope[name] == nil {
      scope[name] = events.add(
        ProgramNode(operation: .constantError), type: typeOfField(name), motion: .still)
    }
    return scope
  }

  private func typeOfField(_ name: String) -> Type {
    for alias in rules.aliases {
      for field in alias.fields where "event.\(field.name)" == name {
        return field.type.celType
      }
    }
    return .bool
  }

  /// Attributes of events that a condition reads, and what has to be read of lines for them.
  private mutating func attributeScope(
    reading names: Set<String>
  ) -> (scope: Lowering.Scope, reads: CompiledRules.EventAttributeSet) {
    var scope: Lowering.Scope = [:]
    var read: CompiledRules.EventAttributeSet = []
    for attribute in EventAttribute.all where names.contains(attribute.name) {
      scope[attribute.name] = slotNode(attribute.slot, .string)
      read.formUnion(attribute.reads)
    }
    return (scope, read)
  }

  private mutating func lowerEvent(
    _ condition: Rules.Condition, _ what: String, in scope: Lowering.Scope
  ) -> Int32 {
    do {
      return try events.lower(condition.expression, in: scope).root
    } catch {
      refuse(error, what, condition)
      return -1
    }
  }

  private mutating func buildEventConditions() {
    for (index, alias) in rules.aliases.enumerated() {
      guard let condition = alias.condition else {
        aliasRoots.append(-1)
        continue
      }
      let scope = scope(alias: index, reading: Set(condition.expression.references.values))
      aliasRoots.append(lowerEvent(condition, "`where` of `\(alias.name)`", in: scope))
    }
    if let identity = rules.identity { _ = fieldNumber(identity.alias, identity.field) }
    if let ignore = rules.ignore { buildIgnore(ignore) }
  }

  private mutating func buildIgnore(_ ignore: Rules.Condition) {
    var scope: Lowering.Scope
    (scope, ignoreAttributes) = attributeScope(
      reading: Set(ignore.expression.references.values))
    for (index, name) in ignoreNames.enumerated() {
      var numbers: [Int] = []
      for (alias, declared) in rules.aliases.enumerated() {
        for (field, own) in declared.fields.enumerated() where "event.\(own.name)" == name {
          numbers.append(fieldNumber(alias, field))
        }
      }
      let slot = slots.ignored(index)
      ignoreFields.append(CompiledRules.IgnoreField(slot: slot, fields: numbers))
      scope[name] = slotNode(slot, typeOfField(name))
    }
    ignoreRoot = lowerEvent(ignore, "`ignore`", in: scope)
  }

  // MARK: Facts

  /// What conditions may read of time and facts; a fact may read those before it.
  private mutating func buildFacts() -> Lowering.Scope {
    var scope: Lowering.Scope = [
      "now": lowering.add(ProgramNode(operation: .now), type: .timestamp, motion: .now)
    ]
    for (index, fact) in rules.facts.enumerated() {
      switch fact.kind {
      case .aggregate(let aggregate): buildAggregate(index, fact, aggregate)
      case .expression(let condition): buildExpression(fact, condition, in: scope)
      }
      let root = facts[index].root
      scope[fact.name] = root
      scope["facts.\(fact.name)"] = root
    }
    return scope
  }

  private mutating func addHiddenFeed(_ reference: Rules.FieldReference) -> Int {
    let field = fieldNumber(reference.alias, reference.field)
    feeds.append(
      CompiledRules.Feed(
        fact: -1,
        targets: [.init(alias: reference.alias, field: field, whereRoot: -1)], isString: false))
    return feeds.count - 1
  }

  private mutating func addExtraFeed(_ extra: CompiledRules.ExtraFeed) {
    var target = CompiledRules.Feed.Target(alias: extra.alias, field: -1, whereRoot: -1)
    var isString = false
    if let field = extra.field {
      target.field = fieldNumber(extra.alias, field)
      isString = rules.aliases[extra.alias].fields[field].type == .string
    }
    feeds.append(
      CompiledRules.Feed(
        fact: -1, targets: [target], isString: isString, tellsFaults: extra.tellsFaults))
  }

  /// What decides which events a fact gets, and what of them.
  private struct FeedKey: Hashable {
    var aliases: [Int]
    var field: String?
    var condition: String?
  }

  private mutating func buildAggregate(
    _ index: Int, _ fact: Rules.Fact, _ aggregate: Rules.Aggregate
  ) {
    var targets: [CompiledRules.Feed.Target] = []
    var isString = false
    for alias in aggregate.aliases where !targets.contains(where: { $0.alias == alias }) {
      var target = CompiledRules.Feed.Target(alias: alias, field: -1, whereRoot: -1)
      if let name = aggregate.field,
        let field = rules.aliases[alias].fields.firstIndex(where: { $0.name == name })
      {
        target.field = fieldNumber(alias, field)
        isString = rules.aliases[alias].fields[field].type == .string
      }
      if let condition = aggregate.condition {
        let scope = scope(alias: alias, reading: Set(condition.expression.references.values))
        target.whereRoot = lowerEvent(
          condition, "`where` of fact `\(fact.name)`", in: scope)
      }
      targets.append(target)
    }
    feeds.append(CompiledRules.Feed(fact: index, targets: targets, isString: isString))
    let feed = feeds.count - 1
    let key = FeedKey(
      aliases: aggregate.aliases, field: aggregate.field, condition: aggregate.condition?.text)
    sharedFeeds.append(feedKeys[key] ?? feed)
    if feedKeys[key] == nil { feedKeys[key] = feed }
    var node = ProgramNode(operation: .fact, a: Int32(feed))
    if let value = fact.defaultValue, let bits = lowering.bits(of: value) {
      node.c = 1
      node.bits = bits
    }
    let motion: StaticMotion =
      switch (aggregate.function, fact.type) {
      case (.count, _), (.distinct, _): .still(.nonNegative)
      case (.active, _): .still(Interval(0, (aggregate.within ?? 0) / max(1, aggregate.every ?? 1)))
      case (_, .timestamp): .still(.timestamps)
      default: .still
      }
    let root = lowering.add(
      node, type: fact.type, motion: motion, reads: 1 << UInt64(feed % 64))
    facts.append(
      CompiledRules.CompiledFact(root: root, feed: feed, type: fact.type, lowered: nil))
  }

  private mutating func buildExpression(
    _ fact: Rules.Fact, _ condition: Rules.Condition, in scope: Lowering.Scope
  ) {
    var lowered: LoweredExpression?
    do {
      lowered = try lowering.lower(condition.expression, in: scope)
    } catch {
      refuse(error, "fact `\(fact.name)`", condition)
    }
    guard let lowered else {
      let stand = lowering.add(
        ProgramNode(operation: .constantError), type: fact.type, motion: .still)
      facts.append(
        CompiledRules.CompiledFact(root: stand, feed: -1, type: fact.type, lowered: nil))
      return
    }
    var node = ProgramNode(
      operation: .expressionFact, a: lowered.root, b: Int32(lowering.program.expressionFactCount))
    lowering.program.expressionFactCount += 1
    if let value = fact.defaultValue, let bits = lowering.bits(of: value) {
      node.c = 1
      node.bits = bits
    }
    let root = lowering.add(
      node, type: fact.type,
      motion: lowering.motion(lowered.root).fact(
        defaultRange: node.c == 1 ? Lowering.range(of: node.bits, fact.type) : nil),
      reads: lowering.reads(lowered.root))
    facts.append(
      CompiledRules.CompiledFact(root: root, feed: -1, type: fact.type, lowered: lowered))
  }

  // MARK: Stages

  private mutating func lowerCondition(
    _ condition: Rules.Condition, _ what: String, in scope: Lowering.Scope
  ) -> CompiledRules.CompiledCondition {
    do {
      let lowered = try lowering.lower(condition.expression, in: scope)
      return CompiledRules.CompiledCondition(
        root: lowered.root, reads: lowering.reads(lowered.root), lowered: lowered)
    } catch {
      refuse(error, what, condition)
      return CompiledRules.CompiledCondition(root: -1, reads: 0, lowered: nil)
    }
  }

  /// What transitions and segments may read of the stage.
  private mutating func stageScope() -> Lowering.Scope {
    [
      "stage.name": lowering.add(ProgramNode(operation: .stageName), type: .string, motion: .still),
      "stage.previous": lowering.add(
        ProgramNode(operation: .stagePrevious), type: .string, motion: .still),
      "stage.entered_at": lowering.add(
        ProgramNode(operation: .stageEnteredAt), type: .timestamp, motion: .still(.timestamps)),
    ]
  }

  /// - Parameter stage: what transitions may read beside facts; stages with conditions may not.
  private mutating func buildStages(_ facts: Lowering.Scope, _ stage: Lowering.Scope) {
    stageNames = rules.stages.map { lowering.program.interner.number(of: $0.name) }
    switch rules.form {
    case .transitions(let transitions):
      let scope = facts.merging(stage) { fact, _ in fact }
      for transition in transitions {
        conditions.append(
          lowerCondition(transition.condition, "transition `\(transition.id)`", in: scope))
      }
      leaving = Array(repeating: [], count: rules.stages.count)
      for (index, transition) in transitions.enumerated() {
        for stage in transition.from { leaving[stage].append(index) }
      }
      stageReads = leaving.map { $0.reduce(0) { $0 | conditions[$1].reads } }
    case .firstMatch(let stages):
      var reads: UInt64 = 0
      for (index, condition) in stages.enumerated() {
        if let condition {
          conditions.append(
            lowerCondition(condition, "stage `\(rules.stages[index].name)`", in: facts))
        } else {
          conditions.append(CompiledRules.CompiledCondition(root: -1, reads: 0, lowered: nil))
        }
        reads |= conditions[index].reads
        stageReads.append(reads)
        leaving.append([])
      }
    }
  }

  // MARK: Segments

  private mutating func buildSegments(_ known: Lowering.Scope) {
    var scope = known
    let names = Rules.populationVariables(rules.population)
    for (slot, name) in names.enumerated() where scope[name.name] == nil {
      scope[name.name] = lowering.add(
        ProgramNode(operation: .eventSlot, a: Int32(slot)), type: name.type, motion: .still)
    }
    for segment in rules.segments {
      let condition = lowerCondition(segment.condition, "segment `\(segment.name)`", in: scope)
      let failure =
        condition.root >= 0 ? lowering.program.mayFail(condition.root) : (any: false, byTime: false)
      segments.append(
        CompiledRules.CompiledSegment(
          condition: condition, mayFail: failure.any, mayFailByTime: failure.byTime,
          readsPopulation: segment.readsPopulation))
    }
  }
}
