/// What the events of each raw type of a log may give to feeds under some rules: one reader's, in flat memory.
struct EventPlans {
  /// What a raw type of the log may be; its parts stand one type after the other in the lists.
  struct TypePlan: BitwiseCopyable {
    var aliases: SlabRun
    var feeds: SlabRun
    /// Fields to be read.
    var fields: SlabRun
    var needsLine: Bool
    /// What is asked of each event, so that the answers give its class.
    var questions: SlabRun
    /// Each question asks for one field at most, and nobody asks `ignore`.
    var isPlain: Bool
  }

  /// What an event may be asked: whether a field has a value, or a `where`.
  struct Question: BitwiseCopyable {
    /// Number of the field; -1 for a condition.
    var field: Int32
    var condition: ConditionPlan
  }

  struct AliasPlan: BitwiseCopyable {
    var alias: Int
    var condition: ConditionPlan
  }

  /// What an event may give to one feed: the first of some targets whose alias it is.
  struct FeedPlan: BitwiseCopyable {
    var feed: Int
    var faults: Faults
    var targets: SlabRun
  }

  /// A `where` of one type.
  struct ConditionPlan: BitwiseCopyable {
    /// -1 without.
    var root: Int32
    /// Where the condition asks for one field of the event and its type only: that field's slot and number, else -1.
    var slot: Int32
    var field: Int32
    /// Answers that are known, by what the slot holds.
    var known: Int32
  }

  /// The answer of a condition for one value of the slot that it reads.
  struct KnownAnswer: BitwiseCopyable {
    var bits: Int64 = 0
    var isKnown = false
    var isValue = false
    var answer = Answer.no
    var reason = FaultReason.error

    /// As an answer of an ``EventClassTree``.
    var code: UInt8 { answer == .failed ? 2 + reason.rawValue : answer.rawValue }
  }

  enum Answer: UInt8, BitwiseCopyable { case no, yes, failed }

  /// Which events without a value are told of: all of a fact; of `clv`, where a purchase is an event that has the field,
  /// those whose field cannot be read; none of who only looks at events.
  enum Faults: BitwiseCopyable { case all, unreadable, none }

  struct Target: BitwiseCopyable {
    /// Place in the type's aliases.
    var alias: Int
    /// Number of the field, or -1.
    var field: Int
    var condition: ConditionPlan
  }

  private let pool = SlabPool()
  /// By number of the raw type.
  let types: Slab<TypePlan>
  let aliases: Slab<AliasPlan>
  let feeds: Slab<FeedPlan>
  let targets: Slab<Target>
  let fields: Slab<Int32>
  let questions: Slab<Question>
  /// Answers of conditions, a run of places for each.
  let known: Slab<KnownAnswer>
  /// Of the aliases of the type at hand.
  let answers: Slab<KnownAnswer>
  private static let knownBits = 6

  /// - Parameters:
  ///   - types: the raw types of the log by number.
  ///   - skipsIgnore: ignored events have been left out before.
  ///   - readsAttributes: some condition reads what only the line of an event has.
  init(
    _ compiled: CompiledRules, types: [[UInt8]], skipsIgnore: Bool, readsAttributes: Bool
  ) {
    var builder = Builder(
      compiled: compiled, skipsIgnore: skipsIgnore, readsAttributes: readsAttributes)
    for type in types { builder.add(type) }
    self.types = pool.slab(builder.plans)
    aliases = pool.slab(builder.aliases)
    feeds = pool.slab(builder.feeds)
    targets = pool.slab(builder.targets)
    fields = pool.slab(builder.fields)
    questions = pool.slab(builder.questions)
    known = pool.slab(builder.conditions << Self.knownBits, of: KnownAnswer())
    answers = pool.slab(compiled.rules.aliases.count, of: KnownAnswer())
  }

  func isAlias(_ type: Int, _ alias: Int) -> Bool {
    types[type].aliases.range.contains { aliases[$0].alias == alias }
  }

  func reads(_ type: Int, field: Int) -> Bool {
    types[type].fields.range.contains { Int(fields[$0]) == field }
  }

  /// Where the answer of a condition stands for what its slot holds, in ``known``.
  @inline(__always)
  func place(of condition: ConditionPlan, bits: Int64) -> Int {
    let mixed = UInt64(bitPattern: bits) &* 0x9e37_79b9_7f4a_7c15
    return Int(condition.known) << Self.knownBits
      | Int(truncatingIfNeeded: mixed >> UInt64(64 - Self.knownBits))
  }

  /// Lays out the plans of types.
  private struct Builder {
    let compiled: CompiledRules
    let skipsIgnore: Bool
    let readsAttributes: Bool
    var plans: [TypePlan] = []
    var aliases: [AliasPlan] = []
    var feeds: [FeedPlan] = []
    var targets: [Target] = []
    var fields: [Int32] = []
    var questions: [Question] = []
    /// Conditions whose answers are kept.
    var conditions = 0

    mutating func add(_ type: [UInt8]) {
      let own = aliasesOf(type)
      let firsts = (aliases.count, feeds.count, fields.count, targets.count)
      let firstQuestion = questions.count
      for alias in own {
        aliases.append(AliasPlan(alias: alias, condition: condition(compiled.aliasRoots[alias])))
      }
      for (number, feed) in compiled.feeds.enumerated()
      where compiled.sharedFeeds[number] == number {
        let first = targets.count
        for target in feed.targets {
          guard let place = own.firstIndex(of: target.alias) else { continue }
          targets.append(
            Target(alias: place, field: target.field, condition: condition(target.whereRoot)))
        }
        if targets.count > first {
          feeds.append(
            FeedPlan(
              feed: number, faults: faults(ofFeed: number), targets: SlabRun(first..<targets.count))
          )
        }
      }
      let asksIgnore = compiled.ignoreRoot >= 0 && !skipsIgnore
      let asksOthers =
        own.contains { compiled.aliasRoots[$0] >= 0 }
        || targets[firsts.3...].contains { $0.condition.root >= 0 }
      if asksIgnore || asksOthers || targets[firsts.3...].contains(where: { $0.field >= 0 }) {
        fields += compiled.fields.indices.filter { own.contains(compiled.fields[$0].alias) }
          .map { Int32($0) }
      }
      addQuestions(aliases[firsts.0...].map(\.condition), targets[firsts.3...])
      let needsAttributes = readsAttributes && (asksIgnore || asksOthers)
      plans.append(
        TypePlan(
          aliases: SlabRun(firsts.0..<aliases.count), feeds: SlabRun(firsts.1..<feeds.count),
          fields: SlabRun(firsts.2..<fields.count),
          needsLine: fields.count > firsts.2 || needsAttributes,
          questions: SlabRun(firstQuestion..<questions.count),
          isPlain: !asksIgnore
            && questions[firstQuestion...].allSatisfy { $0.field >= 0 || $0.condition.slot >= 0 }))
    }

    private mutating func addQuestions(
      _ conditions: [ConditionPlan], _ targets: ArraySlice<Target>
    ) {
      for condition in conditions + targets.map(\.condition) where condition.root >= 0 {
        questions.append(Question(field: -1, condition: condition))
      }
      let none = ConditionPlan(root: -1, slot: -1, field: -1, known: -1)
      for field in Set(targets.map(\.field)).sorted() where field >= 0 {
        questions.append(Question(field: Int32(field), condition: none))
      }
    }

    private func aliasesOf(_ type: [UInt8]) -> [Int] {
      let name = ByteString(String(decoding: type, as: UTF8.self))
      return compiled.rules.aliases.indices.filter { alias in
        compiled.rules.aliases[alias].types.contains { ByteString($0) == name }
      }
    }

    private mutating func condition(_ root: Int32) -> ConditionPlan {
      guard root >= 0 else { return ConditionPlan(root: -1, slot: -1, field: -1, known: -1) }
      var slots = compiled.eventProgram.eventSlots(under: root)
      slots.remove(EventSlots.type)
      guard let slot = slots.first, slots.count == 1,
        let field = compiled.slots.fieldNumber(of: slot)
      else {
        return ConditionPlan(root: root, slot: -1, field: -1, known: -1)
      }
      conditions += 1
      return ConditionPlan(
        root: root, slot: Int32(slot), field: Int32(field), known: Int32(conditions - 1))
    }

    private func faults(ofFeed number: Int) -> Faults {
      if compiled.feeds[number].fact >= 0 || compiled.feeds[number].tellsFaults { return .all }
      return number == compiled.purchaseFeed || number == compiled.refundFeed ? .unreadable : .none
    }
  }
}
