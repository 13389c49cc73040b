import CEL

/// Finds transitions that chase each other, so that customers would be parked: by arithmetic where all conditions of a
/// circle compare one term with constants, and by folding made-up customers for the rest.
///
/// Deterministic, and bounded in steps: what it does not find may chase all the same.
public struct ChaseFinder {
  private let compiled: CompiledRules
  private let rules: Rules
  private let transitions: [Rules.Transition]
  private var circles: [Circle] = []
  private var known: [Key: Region?] = [:]
  private var steps = 0
  private static let stepLimit = 20_000
  private static let circleLimit = 20

  private struct Key: Hashable {
    var transition: Int
    var state: RegionFinder.State
  }

  /// Transitions of which each leads to the next within one settle, back to where it began.
  private struct Circle {
    var transitions: [Int]
    /// Where all hold.
    var region: Region
  }

  /// Warnings with code `chase` or `endless-timers`, by file order.
  public static func warnings(_ compiled: CompiledRules) -> [Diagnostic] {
    var finder = ChaseFinder(compiled)
    finder.findCircles()
    var trial = TrialCustomers(compiled)
    var parked = trial.parked()
    var warnings: [Diagnostic] = []
    for circle in finder.circles {
      let own = Set(circle.transitions.map { compiled.conditionName($0) })
      let example = parked.first { own.isSubset(of: $0.transitions) }
      parked.removeAll { own.isSubset(of: $0.transitions) }
      warnings.append(finder.warning(circle, example))
    }
    warnings += parked.map { finder.warning($0) }
    return warnings.sorted {
      ($0.place.line, $0.place.column, $0.message) < ($1.place.line, $1.place.column, $1.message)
    }
  }

  private init(_ compiled: CompiledRules) {
    self.compiled = compiled
    rules = compiled.rules
    transitions = compiled.transitions
  }

  // MARK: Circles

  private mutating func findCircles() {
    var reached: Set<Int> = transitions.isEmpty ? [] : [0]
    var open = Array(reached)
    while let stage = open.popLast() {
      for transition in compiled.leaving[stage]
      where reached.insert(transitions[transition].to).inserted {
        open.append(transitions[transition].to)
      }
    }
    for stage in rules.stages.indices where reached.contains(stage) {
      let state = RegionFinder.State(
        stage: rules.stages[stage].name, previous: nil, isEntered: false)
      follow(stage, state, path: [], .everywhere, visited: [stage])
    }
  }

  /// Takes what may be taken in a stage, in file order, each only where nothing above it holds.
  private mutating func follow(
    _ stage: Int, _ state: RegionFinder.State, path: [Int], _ held: Region, visited: [Int]
  ) {
    var left = held
    for transition in compiled.leaving[stage] {
      steps += 1
      if steps > Self.stepLimit || circles.count >= Self.circleLimit { return }
      guard let region = region(transition, state) else { return }
      let target = transitions[transition].to
      if let taken = left.and(region), !taken.isEmpty {
        let chain = path + [transition]
        if let start = visited.firstIndex(of: target) {
          add(Circle(transitions: Array(chain[start...]), region: taken))
        } else if chain.count < 8 {
          let next = RegionFinder.State(
            stage: rules.stages[target].name, previous: rules.stages[stage].name, isEntered: true)
          follow(target, next, path: chain, taken, visited: visited + [target])
        }
      }
      guard let rest = left.and(region.complement), !rest.isEmpty else { return }
      left = rest
    }
  }

  private mutating func region(_ transition: Int, _ state: RegionFinder.State) -> Region? {
    let key = Key(transition: transition, state: state)
    if let region = known[key] { return region }
    var finder = RegionFinder(rules, transitions[transition].condition, state)
    let region = finder.region()
    known[key] = .some(region)
    return region
  }

  private mutating func add(_ circle: Circle) {
    let own = Set(circle.transitions)
    if !circles.contains(where: { Set($0.transitions) == own }) { circles.append(circle) }
  }

  // MARK: Words

  private func warning(_ circle: Circle, _ example: TrialCustomers.Parked?) -> Diagnostic {
    let all = circle.transitions.count == 2 ? "both hold" : "all hold"
    let place = circle.transitions.map { transitions[$0].place }.min {
      ($0.line, $0.column) < ($1.line, $1.column)
    }
    let names = Self.listed(circle.transitions.map { named(compiled.conditionName($0)) })
    return Diagnostic(
      severity: .warning, code: "chase",
      message:
        "\(names) chase each other, so that customers are parked: \(all) \(RegionWords(rules).text(circle.region))",
      help: "let the conditions exclude each other, as `>=` and `<` do"
        + (example.map { "; such a customer: \(story($0))" } ?? ""),
      place: place ?? Rules.Place(line: 1, column: 1))
  }

  private func warning(_ parked: TrialCustomers.Parked) -> Diagnostic {
    let names = Self.listed(parked.transitions.map { named($0) })
    let isChase = parked.reason == .chase
    let place = parked.transitions.compactMap { self.place(of: $0) }.min {
      ($0.line, $0.column) < ($1.line, $1.column)
    }
    let verb = parked.transitions.count == 1 ? "leads back to where it began" : "chase each other"
    let message =
      isChase
      ? "\(names) \(verb), so that customers are parked, such as one with these events: \(story(parked))"
      : "time alone takes \(names) again and again, so that customers are parked at the 1,000th change, such as one with these events: \(story(parked))"
    return Diagnostic(
      severity: .warning, code: isChase ? "chase" : "endless-timers",
      message: message,
      help: isChase
        ? "let the conditions exclude each other, as `>=` and `<` do"
        : "let one of the conditions ask for an event, such as since(…) < days(30)",
      place: place ?? Rules.Place(line: 1, column: 1))
  }

  private func story(_ parked: TrialCustomers.Parked) -> String {
    "\(parked.events.joined(separator: ", ")); parked at \(Instant.text(parked.at))"
  }

  private func place(of name: String) -> Rules.Place? {
    switch rules.form {
    case .transitions(let transitions): transitions.first { $0.id == name }?.place
    case .firstMatch: rules.stages.first { $0.name == name }?.place
    }
  }

  private func named(_ name: String) -> String {
    "`\(name)`" + (place(of: name).map { " (line \($0.line))" } ?? "")
  }

  private static func listed(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return "\(names.dropLast().joined(separator: ", ")) and \(last)"
  }
}
