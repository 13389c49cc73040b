import CEL
import EventStore

/// Makes events of demands: of each fact and alias one that the fact counts, then as few of them as the demands allow.
struct WhyNotPlanner {
  private let compiled: CompiledRules
  private let customer: String
  private let instant: Int64
  /// What a fact counts, by fact and alias; nil where none was found.
  private var templates: [Pair: WhyNotEvent?] = [:]
  /// No way has more events.
  static let eventLimit = 500
  private static let trials = 48

  private struct Pair: Hashable {
    var fact: Int
    var alias: Int
  }

  init(_ compiled: CompiledRules, customer: String, at instant: Int64) {
    self.compiled = compiled
    self.customer = customer
    self.instant = instant
  }

  private var rules: Rules { compiled.rules }

  // MARK: What a fact counts

  /// Finds an event for each of the facts and aliases of some demands.
  mutating func prepare(_ demands: [WhyNotDemand]) {
    var trials: [(pair: Pair, event: WhyNotEvent)] = []
    for demand in demands {
      let pair = Pair(fact: demand.fact, alias: demand.alias)
      if templates[pair] != nil { continue }
      templates[pair] = .some(nil)
      trials += candidates(pair).prefix(Self.trials).map { (pair, $0) }
    }
    let lines = trials.enumerated().compactMap { number, trial in
      EventLine(
        position: UInt64(number),
        line: trial.event.line(number, at: instant, subject: customer, rules))
    }
    var fold = CustomerFold(compiled)
    let taken = fold.load(lines)
    for (number, line) in taken.enumerated() {
      let trial = trials[Int(line.position)]
      guard case .some(nil) = templates[trial.pair], feeds(fold.events, number, trial.pair.fact)
      else { continue }
      templates[trial.pair] = trial.event
    }
  }

  private func feeds(_ events: CustomerEvents, _ event: Int, _ fact: Int) -> Bool {
    (0..<events.operationCount(event)).contains { number in
      compiled.feeds(of: events.operation(event, number)).contains(compiled.facts[fact].feed)
    }
  }

  /// Events with few fields first; fields take what `where` compares them with.
  private func candidates(_ pair: Pair) -> [WhyNotEvent] {
    guard let aggregate = compiled.aggregate(compiled.facts[pair.fact].feed) else { return [] }
    let alias = rules.aliases[pair.alias]
    let conditions = [alias.condition, aggregate.condition, rules.ignore].compactMap { $0 }
    var constants: [Value] = []
    for condition in conditions { collect(condition.expression.expression, &constants) }
    let read = Set(conditions.flatMap { $0.expression.references.values })
    var combinations: [[Int: String]] = [[:]]
    for (index, field) in alias.fields.enumerated() {
      let isTarget = field.name == aggregate.field
      let isRead = read.contains("event.\(field.name)")
      if !isTarget && !isRead { continue }
      var options: [String?] = isTarget ? [] : [nil]
      options.append(WhyNotLiteral(rules).any(field.type, at: instant))
      if isRead {
        for constant in constants {
          for relation in ["_==_", "_!=_", "_<_"] {
            options += WhyNotLiteral(rules).near(constant, relation, field.type).map { $0 }
          }
        }
      }
      combinations = options.flatMap { option in
        combinations.map { known in
          var known = known
          if let option { known[index] = option }
          return known
        }
      }
      combinations = Array(combinations.prefix(4 * Self.trials))
    }
    return alias.types.flatMap { type in
      combinations.map { WhyNotEvent(alias: pair.alias, type: type, fields: $0) }
    }
  }

  private func collect(_ expression: Expression, _ constants: inout [Value]) {
    switch expression.kind {
    case .literal(let value): constants.append(value)
    case .identifier, .message: break
    case .select(let operand, _, _): collect(operand, &constants)
    case .call(let name, let target, let arguments):
      if name == "money", case .literal(.string(let text))? = arguments.first?.kind,
        let minor = Decimal.minorUnits(
          Array(text.utf8).span, digits: rules.currency.digits)
      {
        constants.append(.money(minor))
      }
      for operand in (target.map { [$0] } ?? []) + arguments { collect(operand, &constants) }
    case .list(let elements): for element in elements { collect(element, &constants) }
    case .map: break
    case .comprehension(_, let range, _, let arguments):
      for operand in [range] + arguments { collect(operand, &constants) }
    }
  }

  // MARK: Plans

  /// The events that meet all demands, one event as many of them as it can; nil where that cannot be done.
  func plan(_ way: [WhyNotDemand]) -> [WhyNotEvent]? {
    var plan: [Planned] = []
    for demand in way.sorted(by: { Self.order($0) < Self.order($1) }) {
      let pair = Pair(fact: demand.fact, alias: demand.alias)
      guard case .some(.some(let template)) = templates[pair] else { return nil }
      let field = field(demand)
      switch demand.kind {
      case .value(let json):
        guard let field else { return nil }
        let index = place(template, field, json, &plan)
        plan[index].set(field, json)
      case .fresh(let count):
        guard let field, count <= Self.eventLimit else { return nil }
        for number in 0..<count {
          let json = fresh(rules.aliases[demand.alias].fields[field].type, number)
          let index = place(template, field, json, &plan)
          plan[index].set(field, json)
        }
      case .count(let count):
        var missing = count
        for index in plan.indices where plan[index].takes(template, except: field) {
          plan[index].merge(template, except: field)
          missing -= 1
        }
        if missing > Self.eventLimit { return nil }
        while missing > 0 {
          plan.append(Planned(template, free: field))
          missing -= 1
        }
      case .sum(let amount):
        guard let field else { return nil }
        add(amount, to: field, template, demand, &plan)
      }
      if plan.count > Self.eventLimit { return nil }
    }
    return plan.map(\.event)
  }

  private struct Planned {
    var event: WhyNotEvent
    /// Fields whose value something asked for.
    var fixed: Set<Int>

    init(_ template: WhyNotEvent, free: Int?) {
      event = template
      fixed = Set(template.fields.keys.filter { $0 != free })
    }

    mutating func set(_ field: Int, _ json: String) {
      event.fields[field] = json
      fixed.insert(field)
    }

    /// Whether the event may be one of the template's too.
    func takes(_ template: WhyNotEvent, except free: Int?) -> Bool {
      event.alias == template.alias && event.type == template.type
        && template.fields.allSatisfy { field, json in
          field == free || !fixed.contains(field) || event.fields[field] == json
        }
    }

    mutating func merge(_ template: WhyNotEvent, except free: Int?) {
      for (field, json) in template.fields where !fixed.contains(field) {
        if field == free {
          if event.fields[field] == nil { event.fields[field] = json }
        } else {
          set(field, json)
        }
      }
    }
  }

  private static func order(_ demand: WhyNotDemand) -> Int {
    switch demand.kind {
    case .value: 0
    case .fresh: 1
    case .count: 2
    case .sum: 3
    }
  }

  private func field(_ demand: WhyNotDemand) -> Int? {
    let name = compiled.aggregate(compiled.facts[demand.fact].feed)?.field
    return rules.aliases[demand.alias].fields.firstIndex { $0.name == name }
  }

  /// An event of the plan whose field may take a value, or a new one.
  private func place(
    _ template: WhyNotEvent, _ field: Int, _ json: String, _ plan: inout [Planned]
  ) -> Int {
    let known = plan.indices.first { index in
      plan[index].takes(template, except: field)
        && (!plan[index].fixed.contains(field) || plan[index].event.fields[field] == json)
    }
    if let known {
      plan[known].merge(template, except: field)
      return known
    }
    plan.append(Planned(template, free: field))
    return plan.count - 1
  }

  private func add(
    _ amount: Int64, to field: Int, _ template: WhyNotEvent, _ demand: WhyNotDemand,
    _ plan: inout [Planned]
  ) {
    var places = plan.indices.filter {
      plan[$0].takes(template, except: field) && !plan[$0].fixed.contains(field)
    }
    if places.isEmpty {
      plan.append(Planned(template, free: field))
      places = [plan.count - 1]
    }
    let isMoney = rules.aliases[demand.alias].fields[field].type == .money
    for (index, share) in zip(places, Self.shares(amount, places.count)) {
      plan[index].merge(template, except: field)
      plan[index].set(field, isMoney ? WhyNotLiteral(rules).money(share) : String(share))
      plan[index].event.amount = (field, share)
    }
  }

  /// As even as whole units allow.
  static func shares(_ amount: Int64, _ count: Int) -> [Int64] {
    let share = amount / Int64(count)
    let rest = amount % Int64(count)
    return (0..<Int64(count)).map { $0 < rest.magnitude ? share + rest.signum() : share }
  }

  /// The same events with another amount in all.
  func with(total amount: Int64, _ events: [WhyNotEvent]) -> [WhyNotEvent] {
    var events = events
    let places = events.indices.filter { events[$0].amount != nil }
    for (index, share) in zip(places, Self.shares(amount, places.count)) {
      guard let field = events[index].amount?.field else { continue }
      let isMoney = rules.aliases[events[index].alias].fields[field].type == .money
      events[index].fields[field] = isMoney ? WhyNotLiteral(rules).money(share) : String(share)
      events[index].amount = (field, share)
    }
    return events
  }

  private func fresh(_ type: Rules.FieldType, _ number: Int64) -> String {
    switch type {
    case .money: WhyNotLiteral(rules).money(987_600 + number)
    case .int: "\(987_654_000 + number)"
    case .double: "\(987_654_000 + number).5"
    case .string: "\"what-if-\(number)\""
    case .bool: number == 0 ? "true" : "false"
    case .timestamp: WhyNotLiteral(rules).any(.timestamp, at: instant - number)
    }
  }
}
