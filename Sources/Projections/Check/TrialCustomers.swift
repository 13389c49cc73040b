import CEL
import EventStore

/// Customers made up from what a rules file itself mentions, folded in memory, to see whom it parks.
///
/// The same customers for the same file: events of all aliases in turn, values near the constants of the conditions, and
/// the spans of time that stand in them between the events. What they do not find may park customers all the same.
struct TrialCustomers {
  struct Parked {
    /// Ids of the transitions (names of stages) that are named.
    var transitions: [String]
    var reason: ParkReason
    var at: Int64
    /// The events that lead to it, in words.
    var events: [String]
  }

  private let compiled: CompiledRules
  /// Spans of time, amounts, whole numbers and texts that the rules mention.
  private var spans: [Int64] = [0, Microseconds.day]
  private var amounts: [Int64] = [100]
  private var numbers: [Int64] = [0, 1]
  private var texts: [String] = []
  /// How often an event may come in a row: whole numbers that the rules mention.
  private var bursts: [Int] = []
  private var chance = Chance()

  private static let customerCount = 120
  private static let longest = 8
  private static let mostEvents = 60
  private static let begin: Int64 = 1_704_067_200_000_000  // 2024-01-01T00:00:00Z
  /// Long enough for 1,000 changes by time alone at one a day.
  private static let far = 1_100 * Microseconds.day
  private static let budget = LookBudget(base: 4_000, perEvent: 50)

  /// Knuth's MMIX generator with a fixed seed.
  private struct Chance {
    var state: UInt64 = 1

    mutating func callAsFunction(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }

    mutating func pick<Element>(_ list: [Element], else other: Element) -> Element {
      list.isEmpty ? other : list[self(list.count)]
    }
  }

  init(_ compiled: CompiledRules) {
    self.compiled = compiled
    for program in [compiled.program, compiled.eventProgram] {
      for (node, type) in zip(program.nodes, program.types) where node.operation == .constant {
        switch type {
        case .duration where node.bits > 0 && node.bits <= 3_660 * Microseconds.day:
          spans.append(node.bits)
        case .money: amounts += [node.bits, node.bits &+ 1]
        case .int: numbers += [node.bits, node.bits &+ 1]
        case .string: texts.append(program.interner.string(node.bits))
        default: break
        }
      }
    }
    for number in numbers where number >= 2 && number <= 40 && !bursts.contains(Int(number)) {
      bursts.append(Int(number))
    }
    for fact in compiled.rules.facts {
      if case .aggregate(let aggregate) = fact.kind, let within = aggregate.within {
        spans.append(within)
      }
    }
  }

  /// Those whom the rules park, each set of transitions once, in the order in which they were found.
  mutating func parked() -> [Parked] {
    guard !compiled.rules.aliases.isEmpty else { return [] }
    var found: [Parked] = []
    var fold = CustomerFold(compiled, budget: Self.budget)
    for number in 0..<Self.customerCount {
      let lines = customer(number)
      let far = number < 8 ? Self.far : 2 * (spans.max() ?? 0)
      guard let parked = outcome(lines, far, &fold) else { continue }
      if found.contains(where: { Set($0.transitions) == Set(parked.transitions) }) { continue }
      found.append(shortened(lines, far, parked, &fold))
      if found.count == 5 { break }
    }
    return found
  }

  private func outcome(
    _ lines: [EventLine], _ far: Int64, _ fold: inout CustomerFold
  ) -> Parked? {
    let taken = fold.load(lines)
    guard let last = taken.last else { return nil }
    fold.fold(asOf: last.occurred + far)
    // A budget so small says nothing about the rules.
    guard let parked = fold.result.parked, parked.reason != .budget else { return nil }
    return Parked(
      transitions: parked.transitions.map { compiled.conditionName(Int($0)) },
      reason: parked.reason, at: parked.at,
      events: taken.filter { $0.occurred <= parked.at }.map {
        "\($0.type) at \(Instant.text($0.occurred))"
      })
  }

  /// Leaves out events one by one, the last first, as long as the same transitions park the customer.
  private func shortened(
    _ lines: [EventLine], _ far: Int64, _ parked: Parked, _ fold: inout CustomerFold
  ) -> Parked {
    var lines = lines
    var best = parked
    for index in lines.indices.reversed() where lines.count > 1 {
      var fewer = lines
      fewer.remove(at: index)
      if let again = outcome(fewer, far, &fold),
        Set(again.transitions) == Set(parked.transitions)
      {
        lines = fewer
        best = again
      }
    }
    return best
  }

  // MARK: Events

  private mutating func customer(_ number: Int) -> [EventLine] {
    var lines: [EventLine] = []
    var instant = Self.begin
    // The first customers have one event each, of every alias in turn: what time alone does shows best there.
    let count = number < 8 ? 1 : 1 + chance(Self.longest)
    for _ in 0..<count {
      let aliases = compiled.rules.aliases
      let alias =
        number < 8 ? aliases[number % aliases.count] : chance.pick(aliases, else: aliases[0])
      let repeats = number >= 8 && chance(3) == 0 ? chance.pick(bursts, else: 1) : 1
      for _ in 0..<repeats {
        if let line = event(lines.count, alias, instant) { lines.append(line) }
      }
      instant += chance.pick(spans, else: 0)
      if lines.count >= Self.mostEvents { break }
    }
    return lines
  }

  private mutating func event(_ index: Int, _ alias: Rules.Alias, _ instant: Int64) -> EventLine? {
    var data = Object()
    for field in alias.fields where !field.isPointer || field.path.allSatisfy({ Int($0) == nil }) {
      data.insert(field.path[...], value(of: field, instant))
    }
    var line = "{\"id\":\"\(index)\",\"source\":\"trial\",\"subject\":\"customer\""
    line += ",\"type\":\(RulesLoader.json(chance.pick(alias.types, else: "")))"
    line += ",\"time\":\"\(RFC3339.text(instant))\",\"data\":\(data.text)}"
    return EventLine(position: UInt64(index), line: Array(line.utf8))
  }

  private mutating func value(of field: Rules.Field, _ instant: Int64) -> String {
    switch field.type {
    case .money:
      let amount = chance.pick(amounts, else: 100)
      let digits = compiled.rules.currency.digits
      return "\"\(String(decoding: Decimal.spelled(amount, scale: digits), as: UTF8.self))\""
    case .int, .double: return String(chance.pick(numbers, else: 1))
    case .string: return RulesLoader.json(chance.pick(texts, else: "a"))
    case .bool: return chance(2) == 0 ? "false" : "true"
    case .timestamp: return "\"\(RFC3339.text(instant + chance.pick(spans, else: 0)))\""
    }
  }

  /// A JSON object of texts that are JSON already.
  private struct Object {
    private var members: [(name: String, value: String?, object: [Object])] = []

    mutating func insert(_ path: ArraySlice<String>, _ value: String) {
      guard let name = path.first else { return }
      let isLast = path.count == 1
      let place = members.firstIndex { $0.name == name }
      if isLast {
        if place == nil { members.append((name, value, [])) }
        return
      }
      var inner = place.flatMap { members[$0].object.first } ?? Object()
      inner.insert(path.dropFirst(), value)
      if let place {
        if members[place].value == nil { members[place].object = [inner] }
      } else {
        members.append((name, nil, [inner]))
      }
    }

    var text: String {
      let parts = members.map {
        "\(RulesLoader.json($0.name)):\($0.value ?? $0.object.first?.text ?? "{}")"
      }
      return "{\(parts.joined(separator: ","))}"
    }
  }
}
