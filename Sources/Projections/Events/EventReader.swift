import CEL
import EventStore

/// Reads lines of the log into what the facts need of them. One thread; many slices.
///
/// What an event gives to a fact is decided here, once: aliases, `where`, casts, defaults, `exchange`. The fold
/// itself never sees a payload.
struct EventReader {
  let compiled: CompiledRules
  private var evaluator: ProgramEvaluator
  private let paths: PayloadPaths
  /// The members that lead to each field's value and to its currency; nil where only lines have it.
  private let members: [[[[UInt8]]?]]
  /// Fields of the block at hand; nothing for who reads lines only.
  private var cells = FieldCells(fields: 0)
  private var payload: [PayloadValue]
  private let casts: [FieldCast]
  private let typeNumbers: [Int64]
  /// Ignored events have been left out before they come here.
  private let skipsIgnore: Bool
  private let attributes: CompiledRules.EventAttributeSet
  private let slots: EventSlots

  private let plans: EventPlans
  private var tree: EventClassTree
  /// Of events without a class: those of the types of each alias, and those of them that are the alias.
  private var typed: [Int64]
  private var matched: [Int64]
  private var ignored: Int64 = 0
  /// Answers of the event at hand.
  private var answers: [UInt8] = []

  /// `types`: the raw types of the log by number.
  ///
  /// - Parameters:
  ///   - skipsIgnore: the caller asks ``isIgnored(subject:)`` for each subject and leaves its events out.
  ///   - classLimit: at most so many classes are told apart; what events give does not depend on it.
  init(
    _ compiled: CompiledRules, types: [[UInt8]], skipsIgnore: Bool = false,
    classLimit: Int = EventClassTree.limit
  ) {
    self.compiled = compiled
    self.skipsIgnore = skipsIgnore
    slots = compiled.slots
    typed = Array(repeating: 0, count: compiled.rules.aliases.count)
    matched = typed
    attributes =
      skipsIgnore
      ? compiled.readsAttributes : compiled.readsAttributes.union(compiled.ignoreAttributes)
    evaluator = ProgramEvaluator(program: compiled.eventProgram, facts: [])
    evaluator.slots = Array(
      repeating: TimedOutcome(failed: .error, until: Microseconds.never),
      count: compiled.slots.count(fields: compiled.fields.count))
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
    tree = EventClassTree(types: types.count, limit: classLimit)
    members = casts.map { $0.paths.map { list[$0].members } }
    paths = PayloadPaths(list)
    payload = paths.makeValues()
    var numbers: [Int64] = []
    for type in types { numbers.append(evaluator.interner.number(of: type.span)) }
    typeNumbers = numbers
    plans = EventPlans(
      compiled, types: types, skipsIgnore: skipsIgnore, readsAttributes: !attributes.isEmpty)
  }

  // MARK: Blocks

  /// Reads the fields of some rows of a block from its payload columns.
  ///
  /// - Parameter linking: a field that is read of each row, whatever the plans say; -1 for none.
  mutating func open(
    _ block: BlockColumns, rows: [Int32], _ snapshot: LogSnapshot, linking: Int = -1
  ) throws {
    let directory = try snapshot.directory(ofBlock: block.number)
    if cells.fields != casts.count { cells = FieldCells(fields: casts.count) }
    cells.needsLines = false
    for field in casts.indices {
      let isRead = (0..<plans.types.count).map {
        field == linking || plans.reads($0, field: field)
      }
      if !isRead.contains(true) { continue }
      let types = block.types
      let own = rows.filter { isRead[Int(types[Int($0)])] }
      if own.isEmpty { continue }
      var columns: [PayloadColumn?] = []
      for steps in members[field] {
        guard let directory, let steps else { break }
        if let column = directory.column(of: steps) {
          columns.append(try snapshot.payloadColumn(column, ofBlock: block.number))
        } else if directory.isComplete {
          columns.append(nil)
        } else {
          break
        }
      }
      guard columns.count == members[field].count else {
        for row in own { cells.setNeedsLine(field, Int(row)) }
        continue
      }
      casts[field].cast(
        columns[0], currency: columns.count > 1 ? columns[1] : nil, rows: own,
        interner: &evaluator.interner, field: field, into: &cells)
    }
  }

  /// How many values an event of a raw type may bring.
  func mostValues(ofType type: Int) -> Int {
    plans.types[type].questions.range.count { plans.questions[$0].field >= 0 }
  }

  /// Whether some row of the block at hand cannot be read without its line.
  var needsLines: Bool { cells.needsLines || !attributes.isEmpty }

  /// Whether a row of the block at hand cannot be read without its line.
  func needsLine(_ row: Int, type: Int, linking: Int = -1) -> Bool {
    let plan = plans.types[type]
    if plan.needsLine && !attributes.isEmpty { return true }
    if linking >= 0 && cells.needsLine(linking, row) { return true }
    for place in plan.fields.range where cells.needsLine(Int(plans.fields[place]), row) {
      return true
    }
    return false
  }

  /// Exchanges the block at hand, and the strings, with another reader of the same rules and types: who has opened a block lends
  /// it to the other, and gets it back.
  mutating func exchangeBlock(with other: inout EventReader) {
    swap(&cells, &other.cells)
    swap(&evaluator.interner, &other.evaluator.interner)
  }

  /// The interner behind the numbers of string values in slices.
  var interner: Interner { evaluator.interner }

  // MARK: One event

  /// Where an event stands, and whose it is.
  struct Place {
    /// Rank within the pass of its customer.
    var rank: UInt32
    var occurred: Int64
    var position: UInt64
  }

  /// Reads one event by its line into `slice`; false if the rules ignore it.
  @discardableResult
  mutating func read(
    line: Span<UInt8>, type: Int, at place: Place, into slice: inout EventSlice
  ) -> Bool {
    prepare(line, type)
    return readSlots(type, at: place, into: &slice)
  }

  /// Reads a row of the block at hand, which needs no line.
  @inline(__always)
  mutating func read(row: Int, type: Int, at place: Place, into slice: inout EventSlice) {
    let number = knownClass(row, type)
    if number < 0 {
      prepare(row, type)
      readSlots(type, at: place, into: &slice)
      return
    }
    tree.count(number)
    for index in tree.fieldRange(number) {
      slice.add(cells.bits(Int(tree.fields[index]), row))
    }
    slice.endEvent(
      rank: place.rank, occurred: place.occurred, position: place.position, number: number)
  }

  /// The class of a row; -1 where it has to be looked at closely.
  @inline(__always)
  private mutating func knownClass(_ row: Int, _ type: Int) -> Int32 {
    let plan = plans.types[type]
    if !plan.isPlain { return -1 }
    var node = tree.root(type)
    for index in plan.questions.range {
      if node < 0 { return -1 }
      let question = plans.questions[index]
      if question.field >= 0 {
        node = tree.next(node, cells.status(Int(question.field), row))
      } else {
        let field = Int(question.condition.field)
        let isValue = cells.status(field, row) == 0
        let bits = cells.bits(field, row)
        let entry = plans.known[plans.place(of: question.condition, bits: bits)]
        guard entry.isKnown && entry.bits == bits && entry.isValue == isValue else { return -1 }
        node = tree.next(node, entry.code)
      }
    }
    return node
  }

  /// Reads the event whose fields stand in the evaluator's slots; false if the rules ignore it.
  @discardableResult
  private mutating func readSlots(
    _ type: Int, at place: Place, into slice: inout EventSlice
  ) -> Bool {
    if isIgnored(type) {
      ignored += 1
      return false
    }
    answers.removeAll(keepingCapacity: true)
    for index in plans.types[type].questions.range {
      let question = plans.questions[index]
      if question.field >= 0 {
        let value = evaluator.slots[slots.field(Int(question.field))]
        answers.append(value.status == .ok ? 0 : 1 + value.reason.rawValue)
      } else {
        answers.append(answer(question.condition).code)
      }
    }
    var number = tree.find(type, answers)
    if number == nil {
      let found = makeClass(type)
      number = tree.insert(type, answers, found)
      if number == nil { addOwn(found, into: &slice) }
    }
    if let number {
      tree.count(number)
      for index in tree.fieldRange(number) {
        slice.add(evaluator.slots[slots.field(Int(tree.fields[index]))].bits)
      }
    }
    slice.endEvent(
      rank: place.rank, occurred: place.occurred, position: place.position,
      number: number ?? Int32(EventClassTable.own))
    return true
  }

  /// Adds an event that gets no class.
  private mutating func addOwn(_ found: EventClass, into slice: inout EventSlice) {
    for alias in found.typed { typed[alias] += 1 }
    for alias in found.matched { matched[alias] += 1 }
    slice.add(
      found.parts.map { part in
        let value =
          part.place < 0
          ? part.constant : evaluator.slots[slots.field(found.fields[Int(part.place)])].bits
        return CustomerEvents.Operation(value: value, code: part.code)
      })
  }

  private mutating func makeClass(_ type: Int) -> EventClass {
    var found = EventClass()
    answerAliases(type)
    let own = plans.types[type].aliases.range
    for place in own {
      let alias = plans.aliases[place].alias
      found.typed.append(alias)
      let answer = plans.answers[place - own.lowerBound]
      if answer.answer == .failed { found.add(.aliasFault(alias, answer.reason)) }
      if answer.answer == .yes { found.matched.append(alias) }
    }
    addFeeds(type, into: &found)
    return found
  }

  /// What a reader found, and what its numbers mean.
  struct Found: Sendable {
    var interner: Interner
    var classes: [EventClass]
    /// Events of the types of each alias, and those of them that are the alias.
    var typed: [Int64]
    var matched: [Int64]
    /// Events left out by `ignore`.
    var ignored: Int64
  }

  var found: Found {
    var found = Found(
      interner: evaluator.interner, classes: tree.classes, typed: typed, matched: matched,
      ignored: ignored)
    for (each, count) in zip(tree.classes, tree.counts) {
      for alias in each.typed { found.typed[alias] += count }
      for alias in each.matched { found.matched[alias] += count }
    }
    return found
  }

  /// What an event says about who is whom.
  enum LinkAnswer {
    /// It is no link event, or ignored.
    case none
    /// The subject that it names.
    case named([UInt8])
    /// A link event whose field has no value.
    case fault(FaultReason)
  }

  mutating func link(line: Span<UInt8>, type: Int, identity: Int) -> LinkAnswer {
    prepare(line, type)
    guard isLink(type, identity) else { return .none }
    // The field may be read for nothing else, so that it is not among the plan's.
    paths.extract(line, into: &payload)
    let value = casts[identity].cast(line, payload, interner: &evaluator.interner)
    return answer(value)
  }

  /// As ``link(line:type:identity:)``, of a row that needs no line.
  mutating func link(row: Int, type: Int, identity: Int) -> LinkAnswer {
    prepare(row, type)
    return isLink(type, identity) ? answer(cells.outcome(identity, row)) : .none
  }

  private mutating func isLink(_ type: Int, _ identity: Int) -> Bool {
    if isIgnored(type) { return false }
    answerAliases(type)
    let alias = compiled.fields[identity].alias
    let own = plans.types[type].aliases.range
    guard let place = own.first(where: { plans.aliases[$0].alias == alias }) else { return false }
    return plans.answers[place - own.lowerBound].answer == .yes
  }

  private func answer(_ value: TimedOutcome) -> LinkAnswer {
    value.status == .ok
      ? .named(Array(evaluator.interner.string(value.bits).utf8)) : .fault(value.reason)
  }

  private mutating func prepare(_ row: Int, _ type: Int) {
    evaluator.slots[EventSlots.type] = TimedOutcome(typeNumbers[type])
    for place in plans.types[type].fields.range {
      let field = Int(plans.fields[place])
      evaluator.slots[slots.field(field)] = cells.outcome(field, row)
    }
  }

  private mutating func prepare(_ line: Span<UInt8>, _ type: Int) {
    let plan = plans.types[type]
    evaluator.interner.forgetPassing()
    evaluator.slots[EventSlots.type] = TimedOutcome(typeNumbers[type])
    guard plan.needsLine else { return }
    if plan.fields.isEmpty && attributes.isEmpty { return }
    paths.extract(line, into: &payload)
    if !attributes.isEmpty { readAttributes(line, attributes) }
    for place in plan.fields.range {
      let field = Int(plans.fields[place])
      evaluator.slots[slots.field(field)] = casts[field].cast(
        line, payload, interner: &evaluator.interner)
    }
  }

  private mutating func readAttributes(
    _ line: Span<UInt8>, _ attributes: CompiledRules.EventAttributeSet
  ) {
    func text(_ value: PayloadValue) -> TimedOutcome {
      TimedOutcome(value.withText(line) { evaluator.interner.passingNumber(of: $0) })
    }
    if attributes.contains(.source) {
      evaluator.slots[EventSlots.source] = TimedOutcome(
        paths.source(payload).withText(line) { evaluator.interner.number(of: $0) })
    }
    if attributes.contains(.subject) {
      evaluator.slots[EventSlots.subject] = text(paths.subject(payload))
    }
    if attributes.contains(.id) { evaluator.slots[EventSlots.id] = text(paths.id(payload)) }
  }

  /// Whether `ignore`, which reads the subject only, leaves out the events of a subject.
  mutating func isIgnored(subject: Span<UInt8>) -> Bool {
    evaluator.interner.forgetPassing()
    evaluator.slots[EventSlots.subject] = TimedOutcome(
      evaluator.interner.passingNumber(of: subject))
    return evaluator.evaluate(compiled.ignoreRoot, at: 0).isTrue
  }

  private mutating func isIgnored(_ type: Int) -> Bool {
    guard compiled.ignoreRoot >= 0, !skipsIgnore else { return false }
    for name in compiled.ignoreFields {
      var outcome = TimedOutcome(failed: .error, until: Microseconds.never)
      for field in name.fields where plans.isAlias(type, compiled.fields[field].alias) {
        outcome = evaluator.slots[slots.field(field)]
        break
      }
      evaluator.slots[name.slot] = outcome
    }
    return evaluator.evaluate(compiled.ignoreRoot, at: 0).isTrue
  }

  private mutating func answerAliases(_ type: Int) {
    let own = plans.types[type].aliases
    for place in own.range {
      let condition = plans.aliases[place].condition
      var known = EventPlans.KnownAnswer()
      known.answer = .yes
      if condition.root >= 0 { known = answer(condition) }
      plans.answers[place - own.range.lowerBound] = known
    }
  }

  /// What a `where` says of the event at hand.
  private mutating func answer(_ condition: EventPlans.ConditionPlan) -> EventPlans.KnownAnswer {
    if condition.slot < 0 { return compute(condition.root) }
    let value = evaluator.slots[Int(condition.slot)]
    let isValue = value.status == .ok
    let place = plans.place(of: condition, bits: value.bits)
    let entry = plans.known[place]
    if entry.isKnown && entry.bits == value.bits && entry.isValue == isValue { return entry }
    var answer = compute(condition.root)
    answer.bits = value.bits
    answer.isValue = isValue
    answer.isKnown = true
    plans.known[place] = answer
    return answer
  }

  private mutating func compute(_ root: Int32) -> EventPlans.KnownAnswer {
    let outcome = evaluator.evaluate(root, at: 0)
    var answer = EventPlans.KnownAnswer()
    if outcome.status != .ok {
      answer.answer = .failed
      answer.reason = reason(ofFailed: root)
    } else if outcome.bits != 0 {
      answer.answer = .yes
    }
    return answer
  }

  /// Why a `where` had no answer for the event at hand.
  private func reason(ofFailed root: Int32) -> FaultReason {
    switch failure(under: root) {
    case .undeclared: .missing
    case .slot(let slot): evaluator.slots[slot].reason
    case nil: .error
    }
  }

  /// What a `where` reads and an event does not have.
  enum MissingPart {
    /// A field that its alias does not declare.
    case undeclared
    /// What has no value, by its slot.
    case slot(Int)
  }

  /// The first part under a `where` that the event at hand has no value of; nil where the error is another one.
  func failure(under root: Int32) -> MissingPart? {
    let node = compiled.eventProgram.nodes[Int(root)]
    if node.operation == .constantError { return .undeclared }
    if node.operation == .eventSlot {
      return evaluator.slots[Int(node.a)].status == .ok ? nil : .slot(Int(node.a))
    }
    var found: MissingPart?
    compiled.eventProgram.forEachOperand(of: root) { operand in
      if found == nil { found = failure(under: operand) }
    }
    return found
  }

  private mutating func addFeeds(_ type: Int, into found: inout EventClass) {
    for number in plans.types[type].feeds.range {
      let feed = plans.feeds[number]
      // An event counts once, under the first alias of the target that it is.
      guard
        let place = feed.targets.range.first(where: {
          plans.answers[plans.targets[$0].alias].answer == .yes
        })
      else { continue }
      let target = plans.targets[place]
      if target.condition.root >= 0 {
        let known = answer(target.condition)
        if known.answer == .failed && feed.faults == .all {
          found.add(.feedFault(feed.feed, known.reason))
        }
        if known.answer != .yes { continue }
      }
      if target.field < 0 {
        found.add(.feed(feed.feed, value: 0))
        continue
      }
      let value = evaluator.slots[slots.field(target.field)]
      if value.status == .ok {
        found.add(feed: feed.feed, field: target.field)
      } else if feed.faults == .all || (feed.faults == .unreadable && !value.reason.isAbsence) {
        found.add(.feedFault(feed.feed, value.reason))
      }
    }
  }

  // MARK: One line, for words

  /// Reads every field of a line whose type is number 0.
  mutating func readAll(_ line: Span<UInt8>) {
    evaluator.interner.forgetPassing()
    evaluator.slots[EventSlots.type] = TimedOutcome(typeNumbers[0])
    paths.extract(line, into: &payload)
    readAttributes(line, .all)
    for field in casts.indices { evaluator.slots[slots.field(field)] = value(field, line) }
  }

  /// What a field of the line at hand is.
  mutating func value(_ field: Int, _ line: Span<UInt8>) -> TimedOutcome {
    casts[field].cast(line, payload, interner: &evaluator.interner)
  }

  /// Whether the line at hand is an alias.
  mutating func answer(alias: Int) -> Bool {
    guard plans.isAlias(0, alias) else { return false }
    let root = compiled.aliasRoots[alias]
    return root < 0 || evaluator.evaluate(root, at: 0).isTrue
  }

  /// Whether a `where` has an answer for the line at hand.
  mutating func isAnswered(_ root: Int32) -> Bool { evaluator.evaluate(root, at: 0).status == .ok }

  /// The value of a field as it stands in the line at hand.
  func spelled(_ field: Int, _ line: Span<UInt8>) -> String {
    casts[field].spelled(line, payload)
  }

  /// Decimals that the amount at hand may have.
  func decimals(_ field: Int, _ line: Span<UInt8>) -> Int { casts[field].decimals(line, payload) }

  /// The currency of the amount at hand.
  func currency(_ field: Int, _ line: Span<UInt8>) -> String {
    casts[field].currency(line, payload)
  }
}
