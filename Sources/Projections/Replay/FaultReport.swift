import CEL
import EventStore

/// What a replay could not use, in words: the faults of the contract, and what else a person should know.
///
/// The words are made from the event at each fault's first position.
public struct FaultReport: Sendable {
  /// One line of the list of faults.
  public struct Fault: Sendable {
    /// `fact`, `alias`, `identity`, `transition`, `stage` or `segment`.
    public var kind: String
    /// Of the fact, alias, transition …; empty for `identity`.
    public var name: String
    /// What a person must do something about, with an example: `not a number "12,50"`.
    public var reason: String
    /// Events; of transitions, stages and segments customers.
    public var count: Int64
    /// Nil where no event is behind it.
    public var firstPosition: UInt64?
  }

  /// One line for people about faults of one kind and name.
  public struct Warning: Sendable, Equatable {
    /// Stable, kebab-case.
    public var code: String
    /// Lower case, no full stop.
    public var message: String
    /// What to do about it, if there is something to say.
    public var help: String?
  }

  /// Facts, aliases, identity, conditions, in this order and that of the file.
  public private(set) var faults: [Fault] = []
  /// Purchases and refunds of `clv` whose amount cannot be read, as faults of kind `purchase` and `refund`.
  public private(set) var unvalued: [Fault] = []
  /// What of the faults people should be told.
  public private(set) var warnings: [Warning] = []

  private let compiled: CompiledRules
  private let counts: FaultCounts
  private let view: LogView
  /// Aliases without events and without a near type.
  private var strangers: [String] = []

  /// Makes words of what a replay counted; reads the event at each first position.
  ///
  /// - Throws: what the store throws.
  public init(_ summary: ReplaySummary, view: LogView) throws {
    compiled = summary.compiled
    counts = summary.faults
    self.view = view
    try addFacts()
    try addAliases()
    try addDefaults()
    try addIdentity()
    addConditions()
    try addValue()
  }

  // MARK: Facts

  private mutating func addFacts() throws {
    for (number, feed) in compiled.feeds.enumerated() where feed.fact >= 0 {
      let rules = compiled.rules
      let name = rules.facts[feed.fact].name
      let found = try feedFaults(number, kind: "fact", name: name)
      if found.isEmpty { continue }
      faults += found
      let left = counts.feeds[number].count
      let overflows = counts.feeds[number].found.first { $0.reason == .outOfRange }?.entry.count
      let all = max(counts.given[compiled.sharedFeeds[number]] + left - (overflows ?? 0), left)
      let aliases = feed.targets.map { "`\(rules.aliases[$0.alias].name)`" }
      warnings.append(
        Warning(
          code: "left-out",
          message:
            "fact `\(name)` left out \(left) of \(all) events of \(aliases.joined(separator: ", ")): \(Self.list(found))",
          help: Self.help(found)))
    }
  }

  private func feedFaults(_ feed: Int, kind: String, name: String) throws -> [Fault] {
    try worded(kind, name, counts.feeds[feed]) { reason, entry in
      try words(entry, else: reason) { $0.reason(feed: feed, line: $1) }
    }
  }

  /// What was counted of one thing, each reason in words.
  private func worded(
    _ kind: String, _ name: String, _ reasons: FaultCounts.Reasons,
    _ text: (FaultReason, FaultCounts.Entry) throws -> String
  ) rethrows -> [Fault] {
    try reasons.found.map { reason, entry in
      Fault(
        kind: kind, name: name, reason: try text(reason, entry), count: entry.count,
        firstPosition: entry.firstPosition)
    }
  }

  private func words(
    _ entry: FaultCounts.Entry, else reason: FaultReason,
    _ body: (inout EventReader, Span<UInt8>) -> String
  ) throws -> String {
    try Self.words(entry, else: reason, compiled, view, body)
  }

  /// What the event at an entry's first position says.
  static func words(
    _ entry: FaultCounts.Entry, else reason: FaultReason, _ compiled: CompiledRules,
    _ view: LogView, _ body: (inout EventReader, Span<UInt8>) -> String
  ) throws -> String {
    guard let bytes = try view.snapshot.line(at: entry.firstPosition),
      let line = EventLine(position: entry.firstPosition, line: bytes)
    else { return reason.text }
    var reader = EventReader(compiled, types: [Array(line.type.utf8)])
    return body(&reader, bytes.span)
  }

  /// `3 missing (first at position 17), 2 null (first at position 40)`.
  public static func list(_ faults: [Fault]) -> String {
    faults.map { fault in
      let first = fault.firstPosition.map { " (first at position \($0))" } ?? ""
      return "\(fault.count) \(fault.reason)\(first)"
    }.joined(separator: ", ")
  }

  private static func help(_ faults: [Fault]) -> String? {
    let reasons = faults.map(\.reason)
    if reasons.contains(where: { $0.contains("without exchange") }) {
      return "give the rate under `exchange`"
    }
    if reasons.contains(where: { $0 == "missing" || $0 == "null" }) {
      return "a field's `default` stands in for missing and null; `path` says where it stands"
    }
    return nil
  }

  // MARK: Aliases

  private mutating func addAliases() throws {
    let types = view.snapshot.typeNames.map { String(decoding: $0, as: UTF8.self) }
    for (number, alias) in compiled.rules.aliases.enumerated() {
      let found = try worded("alias", alias.name, counts.aliases[number]) { reason, entry in
        try words(entry, else: reason) { $0.reason(alias: number, line: $1) }
      }
      faults += found
      if !found.isEmpty {
        warnings.append(
          Warning(
            code: "where-error",
            message:
              "`where` of alias `\(alias.name)` ended in an error for \(counts.aliases[number].count) of \(counts.typed[number]) events, which are left out: \(Self.list(found))"
          ))
      }
      if counts.matched[number] == 0 { addUnmatched(number, alias, types) }
    }
    addStrangers()
  }

  /// An alias that no event of the log matches.
  private mutating func addUnmatched(_ number: Int, _ alias: Rules.Alias, _ types: [String]) {
    let own = alias.types.map { "`\($0)`" }.joined(separator: ", ")
    if alias.types.contains(where: { types.contains($0) }) {
      // Its types come after as-of, or `where` takes none of them.
      guard counts.typed[number] > 0 else { return }
      warnings.append(
        Warning(
          code: "no-event",
          message:
            "no event is alias `\(alias.name)`: \(counts.typed[number]) have its types (\(own)), and its `where` takes none of them"
        ))
      return
    }
    let near = TypeNames.near(alias.types, among: types)
    if near.isEmpty {
      strangers.append("`\(alias.name)` (\(own))")
      return
    }
    faults.append(
      Fault(kind: "alias", name: alias.name, reason: "no event", count: 0, firstPosition: nil))
    warnings.append(
      Warning(
        code: "no-event",
        message: "no event of the log is alias `\(alias.name)`: it has none of type \(own)",
        help: "did you mean \(near.map { "`\($0)`" }.joined(separator: ", "))?"))
  }

  /// Aliases of types that the log has nothing like, in one line: a shop may not have asked for reviews yet.
  private mutating func addStrangers() {
    if strangers.isEmpty { return }
    warnings.append(
      Warning(
        code: "no-event",
        message:
          "the log has no event of \(strangers.count == 1 ? "alias" : "aliases") \(strangers.joined(separator: ", "))",
        help: "`clm-replay status STORE --types` lists the types that it has"))
  }

  /// Fields that are their `default` in all events, since no event of the log has a value where they are looked for: a path
  /// that was misspelt would give zeros without a word.
  private mutating func addDefaults() throws {
    var fields: [(alias: Int, field: Rules.Field)] = []
    for (number, alias) in compiled.rules.aliases.enumerated() where counts.typed[number] > 0 {
      fields += alias.fields.filter { $0.defaultValue != nil }.map { (number, $0) }
    }
    if fields.isEmpty { return }
    let paths = fields.map {
      PayloadPaths.Path(steps: $0.field.path, isPointer: $0.field.isPointer)
    }
    let found = try view.snapshot.missing(paths)
    for index in found.missing {
      let (number, field) = fields[index]
      let name = paths[index].name
      warnings.append(
        Warning(
          code: "default-only",
          message:
            "field `\(field.name)` of `\(compiled.rules.aliases[number].name)` is its `default` in all of \(counts.typed[number]) events: no event of the log has a value at `\(name)`",
          help: Suggestion.nearest(to: name, among: found.known.sorted()).map {
            "did you mean `path: \($0)`?"
          }))
    }
  }

  // MARK: Identity, conditions, value

  private mutating func addIdentity() throws {
    guard let field = compiled.identityField else { return }
    let found = try worded("identity", "", counts.identity) { reason, entry in
      try words(entry, else: reason) { $0.reason(link: field, reason, line: $1) }
    }
    faults += found
    if found.isEmpty { return }
    warnings.append(
      Warning(
        code: "link-refused",
        message: "\(counts.identity.count) links joined nobody: \(Self.list(found))"))
  }

  private mutating func addConditions() {
    func add(_ kind: String, _ name: String, _ reasons: FaultCounts.Reasons) {
      let found = worded(kind, name, reasons) { reason, _ in reason.text }
      faults += found
      if found.isEmpty { return }
      warnings.append(
        Warning(
          code: "condition-error",
          message:
            "\(kind) `\(name)` ended in an error for \(reasons.count) customers, and so did not hold: \(Self.list(found))"
        ))
    }
    for index in compiled.conditions.indices {
      add(
        compiled.isFirstMatch ? "stage" : "transition", compiled.conditionName(index),
        counts.conditions[index])
    }
    for (index, segment) in compiled.rules.segments.enumerated() {
      add("segment", segment.name, counts.segments[index])
    }
  }

  private mutating func addValue() throws {
    for (kind, feed) in [("purchase", compiled.purchaseFeed), ("refund", compiled.refundFeed)] {
      guard let feed else { continue }
      guard let target = compiled.feeds[feed].targets.first else { continue }
      let alias = compiled.rules.aliases[target.alias].name
      let found = try feedFaults(feed, kind: kind, name: alias)
      unvalued += found
      if found.isEmpty { continue }
      warnings.append(
        Warning(
          code: "left-out",
          message:
            "`clv.\(kind)` left out \(counts.feeds[feed].count) events of `\(alias)`, which count for no value: \(Self.list(found))",
          help: Self.help(found)))
    }
    let negative = counts.negativePurchases
    if negative.count > 0, let feed = compiled.purchaseFeed {
      warnings.append(
        Warning(
          code: "negative-purchases",
          message:
            "\(negative.count) of \(counts.given[feed]) purchases of `clv` have an amount below zero (first at position \(negative.firstPosition))",
          help:
            "they count as purchases; returns belong to an alias of their own, named by `clv.refund`: `where: event.amount < 0`"
        ))
    }
  }
}

/// Names of types that were probably meant.
enum TypeNames {
  /// Up to three types of a log that are near to one of an alias: the same but for case and signs, two edits apart, or
  /// with one within the other.
  static func near(_ wanted: [String], among types: [String]) -> [String] {
    var found: [String] = []
    for name in wanted {
      let key = letters(name)
      for type in types where !found.contains(type) {
        let other = letters(type)
        let isWithin =
          min(key.count, other.count) >= 4 && (key.contains(other) || other.contains(key))
        if key == other || isWithin || Suggestion.nearest(to: name, among: [type]) != nil {
          found.append(type)
        }
      }
    }
    return Array(found.prefix(3))
  }

  private static func letters(_ name: String) -> String {
    String(name.lowercased().filter { $0.isLetter || $0.isNumber })
  }
}
