import CEL
import EventStore

/// Reads lines of the log into what the facts need of them. One thread; many slices.
///
/// What an event gives to a fact is decided here, once: aliases, `where`, casts, defaults, `exchange`. The fold
/// itself never sees a payload.
struct EventReader {
  let compiled: CompiledRules
  private var evaluator: Evaluator
  private let paths: PayloadPaths
  /// The members that lead to each field's value and to its currency; nil where only lines have it.
  private let members: [[[[UInt8]]?]]
  /// Fields of the block at hand.
  private var cells: [FieldCells] = []
  private var payload: [PayloadValue]
  private let casts: [FieldCast]
  private var plans: [TypePlan] = []
  private let typeNumbers: [Int64]
  /// Ignored events have been left out before they come here.
  private let skipsIgnore: Bool
  private let attributes: CompiledRules.EventAttributeSet

  /// What a raw type of the log may be.
  private final class TypePlan {
    let aliases: [Int]
    let feeds: [FeedPlan]
    let targets: [Target]
    /// Slots of fields to be read.
    let fields: [Int]
    let needsLine: Bool

    init(
      aliases: [Int], feeds: [FeedPlan], targets: [Target], fields: [Int], needsLine: Bool
    ) {
      self.aliases = aliases
      self.feeds = feeds
      self.targets = targets
      self.fields = fields
      self.needsLine = needsLine
    }
  }

  /// What an event may give to one feed: the first of some targets whose alias it is.
  private struct FeedPlan: Sendable {
    var feed: Int
    var isFact: Bool
    var targets: Range<Int>
  }

  private struct Target: Sendable {
    /// Index in the plan's aliases.
    var alias: Int
    /// Field slot, or -1.
    var field: Int
    /// -1 without.
    var whereRoot: Int32
  }

  private enum AliasAnswer: UInt8 { case no, yes, failed }
  private var answers: [AliasAnswer] = []

  /// `types`: the raw types of the log by number.
  ///
  /// - Parameter skipsIgnore: the caller asks ``isIgnored(subject:)`` for each subject and leaves its events out.
  init(_ compiled: CompiledRules, types: [[UInt8]], skipsIgnore: Bool = false) {
    self.compiled = compiled
    self.skipsIgnore = skipsIgnore
    attributes =
      skipsIgnore
      ? compiled.readsAttributes : compiled.readsAttributes.union(compiled.ignoreAttributes)
    evaluator = Evaluator(program: compiled.eventProgram, facts: [])
    evaluator.slots = Array(
      repeating: Outcome(failed: .error, until: Microseconds.never),
      count: 4 + compiled.fields.count + compiled.ignoreFields.count)
    var list: [PayloadPaths.Path] = []
    var casts: [FieldCast] = []
    for slot in compiled.fields {
      let path = list.count
      list.append(.init(steps: slot.field.path, isPointer: slot.field.isPointer))
      var currency = -1
      if slot.field.type == .money {
        currency = list.count
        list.append(
          .init(
            steps: slot.field.currencyPath ?? ["currency"],
            isPointer: slot.field.currencyPath != nil && slot.field.currencyPathIsPointer))
      }
      casts.append(FieldCast(slot, path: path, currencyPath: currency, rules: compiled.rules))
    }
    self.casts = casts
    members = casts.map { $0.paths.map { list[$0].members } }
    paths = PayloadPaths(list)
    payload = paths.makeValues()
    var numbers: [Int64] = []
    for type in types { numbers.append(evaluator.interner.number(of: type.span)) }
    typeNumbers = numbers
    plans = types.map { plan(for: $0) }
  }

  private func plan(for type: [UInt8]) -> TypePlan {
    let name = String(decoding: type, as: UTF8.self)
    let aliases = compiled.rules.aliases.indices.filter { alias in
      compiled.rules.aliases[alias].types.contains { ByteString($0) == ByteString(name) }
    }
    var feeds: [FeedPlan] = []
    var targets: [Target] = []
    for (number, feed) in compiled.feeds.enumerated() where compiled.sharedFeeds[number] == number {
      let first = targets.count
      for target in feed.targets {
        guard let index = aliases.firstIndex(of: target.alias) else { continue }
        targets.append(Target(alias: index, field: target.field, whereRoot: target.whereRoot))
      }
      if targets.count > first {
        feeds.append(
          FeedPlan(feed: number, isFact: feed.fact >= 0, targets: first..<targets.count))
      }
    }
    var read: [Int] = []
    let asksIgnore = compiled.ignoreRoot >= 0 && !skipsIgnore
    let readsFields =
      asksIgnore
      || aliases.contains { compiled.aliasRoots[$0] >= 0 }
      || targets.contains { $0.field >= 0 || $0.whereRoot >= 0 }
    if readsFields {
      read = compiled.fields.indices.filter { aliases.contains(compiled.fields[$0].alias) }
    }
    let needsAttributes =
      !attributes.isEmpty
      && (asksIgnore || aliases.contains { compiled.aliasRoots[$0] >= 0 }
        || targets.contains { $0.whereRoot >= 0 })
    return TypePlan(
      aliases: aliases, feeds: feeds, targets: targets, fields: read,
      needsLine: !read.isEmpty || needsAttributes)
  }

  // MARK: Blocks

  /// Reads the fields of some rows of a block from its payload columns.
  ///
  /// - Parameter linking: a field that is read of each row, whatever the plans say; -1 for none.
  mutating func open(
    _ block: BlockColumns, rows: [Int32], number: Int, _ snapshot: LogSnapshot, linking: Int = -1
  ) throws {
    let directory = try snapshot.directory(ofBlock: number)
    if cells.isEmpty { cells = casts.map { _ in FieldCells() } }
    for field in casts.indices {
      let isRead = plans.map { field == linking || $0.fields.contains(field) }
      let own = rows.filter { isRead[Int(block.types[Int($0)])] }
      if own.isEmpty { continue }
      var columns: [PayloadColumn?] = []
      for steps in members[field] {
        guard let directory, let steps else { break }
        if let column = directory.column(of: steps) {
          columns.append(try snapshot.payloadColumn(column, ofBlock: number))
        } else if directory.isComplete {
          columns.append(nil)
        } else {
          break
        }
      }
      guard columns.count == members[field].count else {
        for row in own { cells[field].needsLine[Int(row)] = true }
        continue
      }
      casts[field].cast(
        columns[0], currency: columns.count > 1 ? columns[1] : nil, rows: own,
        interner: &evaluator.interner, into: &cells[field])
    }
  }

  /// Whether a row of the block at hand cannot be read without its line.
  func needsLine(_ row: Int, type: Int, linking: Int = -1) -> Bool {
    let plan = plans[type]
    if plan.needsLine && !attributes.isEmpty { return true }
    if linking >= 0 && cells[linking].needsLine[row] { return true }
    for field in plan.fields where cells[field].needsLine[row] { return true }
    return false
  }

  /// The interner behind the numbers of string values in slices.
  var interner: Interner { evaluator.interner }

  // MARK: One event

  /// Reads one event by its line; false if the rules ignore it. Its operations are added to `slice`.
  mutating func read(
    line: Span<UInt8>, type: Int, into slice: inout EventSlice
  ) -> Bool {
    prepare(line, type)
    return read(type, into: &slice)
  }

  /// Reads a row of the block at hand, which needs no line.
  mutating func read(row: Int, type: Int, into slice: inout EventSlice) -> Bool {
    prepare(row, type)
    return read(type, into: &slice)
  }

  private mutating func read(_ type: Int, into slice: inout EventSlice) -> Bool {
    if isIgnored(type) { return false }
    answerAliases(type, into: &slice)
    addFeeds(type, into: &slice)
    return true
  }

  /// The subject that a link event names; nil if it is none, or ignored.
  mutating func link(line: Span<UInt8>, type: Int, identity: Int) -> [UInt8]? {
    prepare(line, type)
    guard isLink(type, identity) else { return nil }
    // The field may be read for nothing else, so that it is not among the plan's.
    paths.extract(line, into: &payload)
    let value = casts[identity].cast(line, payload, interner: &evaluator.interner)
    return name(value)
  }

  /// As ``link(line:type:identity:)``, of a row that needs no line.
  mutating func link(row: Int, type: Int, identity: Int) -> [UInt8]? {
    prepare(row, type)
    return isLink(type, identity) ? name(cells[identity].outcome(row)) : nil
  }

  private mutating func isLink(_ type: Int, _ identity: Int) -> Bool {
    if isIgnored(type) { return false }
    var scratch = EventSlice()
    answerAliases(type, into: &scratch)
    let alias = compiled.fields[identity].alias
    guard let index = plans[type].aliases.firstIndex(of: alias) else { return false }
    return answers[index] == .yes
  }

  private func name(_ value: Outcome) -> [UInt8]? {
    value.status == .ok ? Array(evaluator.interner.string(value.bits).utf8) : nil
  }

  private mutating func prepare(_ row: Int, _ type: Int) {
    evaluator.slots[0] = Outcome(typeNumbers[type])
    for field in plans[type].fields { evaluator.slots[4 + field] = cells[field].outcome(row) }
  }

  private mutating func prepare(_ line: Span<UInt8>, _ type: Int) {
    let plan = plans[type]
    evaluator.interner.forgetPassing()
    evaluator.slots[0] = Outcome(typeNumbers[type])
    guard plan.needsLine else { return }
    if plan.fields.isEmpty && attributes.isEmpty { return }
    paths.extract(line, into: &payload)
    if !attributes.isEmpty { readAttributes(line) }
    for field in plan.fields {
      evaluator.slots[4 + field] = casts[field].cast(
        line, payload, interner: &evaluator.interner)
    }
  }

  private mutating func readAttributes(_ line: Span<UInt8>) {
    func text(_ value: PayloadValue) -> Outcome {
      Outcome(value.withText(line) { evaluator.interner.passingNumber(of: $0) })
    }
    if attributes.contains(.source) {
      evaluator.slots[1] = Outcome(
        paths.source(payload).withText(line) { evaluator.interner.number(of: $0) })
    }
    if attributes.contains(.subject) {
      evaluator.slots[2] = text(paths.subject(payload))
    }
    if attributes.contains(.id) { evaluator.slots[3] = text(paths.id(payload)) }
  }

  /// Whether `ignore`, which reads the subject only, leaves out the events of a subject.
  mutating func isIgnored(subject: Span<UInt8>) -> Bool {
    evaluator.interner.forgetPassing()
    evaluator.slots[2] = Outcome(evaluator.interner.passingNumber(of: subject))
    return evaluator.evaluate(compiled.ignoreRoot, at: 0).isTrue
  }

  private mutating func isIgnored(_ type: Int) -> Bool {
    guard compiled.ignoreRoot >= 0, !skipsIgnore else { return false }
    for name in compiled.ignoreFields {
      var outcome = Outcome(failed: .error, until: Microseconds.never)
      for field in name.fields where plans[type].aliases.contains(compiled.fields[field].alias) {
        outcome = evaluator.slots[4 + field]
        break
      }
      evaluator.slots[name.slot] = outcome
    }
    return evaluator.evaluate(compiled.ignoreRoot, at: 0).isTrue
  }

  private mutating func answerAliases(_ type: Int, into slice: inout EventSlice) {
    answers.removeAll(keepingCapacity: true)
    for alias in plans[type].aliases {
      let root = compiled.aliasRoots[alias]
      if root < 0 {
        answers.append(.yes)
        continue
      }
      let outcome = evaluator.evaluate(root, at: 0)
      if outcome.status != .ok {
        slice.add(.aliasFault(alias))
        answers.append(.failed)
      } else {
        answers.append(outcome.bits != 0 ? .yes : .no)
      }
    }
  }

  private mutating func addFeeds(_ type: Int, into slice: inout EventSlice) {
    let plan = plans[type]
    for feed in plan.feeds {
      // An event counts once, under the first alias of the target that it is.
      guard let place = feed.targets.first(where: { answers[plan.targets[$0].alias] == .yes })
      else { continue }
      let target = plan.targets[place]
      if target.whereRoot >= 0 {
        let outcome = evaluator.evaluate(target.whereRoot, at: 0)
        if outcome.status != .ok {
          slice.add(.feedFault(feed.feed))
          continue
        }
        if outcome.bits == 0 { continue }
      }
      if target.field < 0 {
        slice.add(.feed(feed.feed, value: 0))
        continue
      }
      let value = evaluator.slots[4 + target.field]
      if value.status == .ok {
        slice.add(.feed(feed.feed, value: value.bits))
      } else if feed.isFact {
        slice.add(.feedFault(feed.feed))
      }
    }
  }
}
