/// One aggregate fact of one customer: the events that it counts and what they come to.
struct FactState {
  enum ValueKind { case integer, double, string }

  let function: Rules.AggregateFunction
  let kind: ValueKind
  let isMoney: Bool
  /// Microseconds; 0 for all time.
  let within: Int64
  let every: Int64
  let defaultBits: Int64?
  /// Members are kept beyond what the function needs, for explanations.
  let keepsAll: Bool

  /// Where the members stand that may leave a window or that explanations ask for; shared, and nil where nothing is kept.
  let list: MemberList?
  /// Members before it have left the window.
  private(set) var head = 0
  /// Members from here on came later than this state.
  private(set) var end = 0
  /// When the first member leaves the window.
  private var leaves = Microseconds.never
  /// For `active` of a customer with many events.
  private var spans: ActiveSpans?
  private var count: Int64 = 0
  private var sum: Int128 = 0
  private var negatives = 0
  private var isHuge = false
  private var doubles = ExactSum()
  /// Members that may yet be the extreme, best first.
  private var candidates: [Int] = []
  private var candidateHead = 0
  private var distinct: [Int64: Int] = [:]
  private var firstValue: Int64 = 0
  private var firstOccurred: Int64 = 0
  private var lastValue: Int64 = 0
  private var lastOccurred: Int64 = 0
  private(set) var firstEvent: Int32 = -1
  private(set) var lastEvent: Int32 = -1
  /// The event that holds the extreme of all time.
  private var bestEvent: Int32 = -1

  /// - Parameter list: shared with the facts over the same target.
  init(
    _ aggregate: Rules.Aggregate, type: Rules.FieldType?, defaultBits: Int64?, keepsAll: Bool,
    list: MemberList
  ) {
    function = aggregate.function
    switch type {
    case .double: kind = .double
    case .string: kind = .string
    default: kind = .integer
    }
    isMoney = type == .money
    within = aggregate.within ?? 0
    every = aggregate.every ?? 0
    self.defaultBits = defaultBits
    self.keepsAll = keepsAll
    self.list = within > 0 || keepsAll ? list : nil
  }

  /// Its members have to be compared as strings.
  @inline(__always)
  var ordersStrings: Bool { kind == .string && (function == .min || function == .max) }

  /// Begins a new customer; its list is begun anew once for all that share it.
  ///
  /// - Parameter occurred: of all events of the customer.
  mutating func reset(_ occurred: [Int64]) {
    head = 0
    end = 0
    leaves = Microseconds.never
    if function == .active {
      spans = occurred.count > 256 ? ActiveSpans(every: every, occurred: occurred) : nil
    }
    count = 0
    sum = 0
    negatives = 0
    isHuge = false
    firstEvent = -1
    lastEvent = -1
    bestEvent = -1
    switch function {
    case .sum, .avg: if kind == .double { doubles.reset() }
    case .min, .max:
      candidates.removeAll(keepingCapacity: true)
      candidateHead = 0
    case .distinct: distinct.removeAll(keepingCapacity: true)
    default: break
    }
  }

  // MARK: Events in and out

  /// True if the sum is beyond 64 bits with this event, which the list has got already.
  ///
  /// - Parameter isLess: the order of strings, by their numbers.
  mutating func add(
    occurred instant: Int64, value: Int64, event: Int32, isLess: (Int64, Int64) -> Bool
  ) -> Bool {
    if let list {
      if within > 0 && head == end { leaves = instant + within }
      if spans != nil && end > head { spans?.count(list.occurred(end - 1), instant, sign: 1) }
      end += 1
    }
    if count == 0 {
      firstValue = value
      firstOccurred = instant
      firstEvent = event
    }
    count += 1
    lastValue = value
    lastOccurred = instant
    lastEvent = event
    switch function {
    case .sum, .avg:
      if kind == .double {
        let number = Double(bitPattern: UInt64(bitPattern: value))
        doubles.add(number)
        if number < 0 { negatives += 1 }
        // Only numbers close to the end of the range can leave it in any countable sum.
        if number.magnitude > 1e290 { isHuge = true }
        return isHuge && !doubles.rounded().isFinite
      } else {
        sum += Int128(value)
        if value < 0 { negatives += 1 }
        return function == .sum && Int64(exactly: sum) == nil
      }
    case .min, .max: addCandidate(value, event, isLess)
    case .distinct: distinct[distinctKey(value), default: 0] += 1
    default: break
    }
    return false
  }

  /// 0.0 and -0.0 are one value.
  private func distinctKey(_ value: Int64) -> Int64 {
    kind == .double && value == Int64.min ? 0 : value
  }

  private mutating func addCandidate(
    _ value: Int64, _ event: Int32, _ isLess: (Int64, Int64) -> Bool
  ) {
    guard let list else {
      // `firstValue` holds the extreme; nothing ever leaves.
      // Of equal values the last one counts.
      if count == 1 || !isBetter(firstValue, than: value, isLess: isLess) {
        firstValue = value
        bestEvent = event
      }
      return
    }
    while candidates.count > candidateHead,
      let last = candidates.last,
      !isBetter(list.value(last), than: value, isLess: isLess)
    {
      candidates.removeLast()
    }
    candidates.append(end - 1)
  }

  /// Strictly better as a minimum or maximum.
  private func isBetter(
    _ value: Int64, than other: Int64, isLess: (Int64, Int64) -> Bool
  ) -> Bool {
    let wantsLess = function == .min
    switch kind {
    case .integer: return wantsLess ? value < other : value > other
    case .double:
      let left = Double(bitPattern: UInt64(bitPattern: value))
      let right = Double(bitPattern: UInt64(bitPattern: other))
      return wantsLess ? left < right : left > right
    case .string:
      if value == other { return false }
      return wantsLess ? isLess(value, other) : isLess(other, value)
    }
  }

  /// Lets go of what has left the window at `instant`.
  @inline(__always)
  mutating func advance(to instant: Int64) {
    if leaves <= instant { dropExpired(instant) }
  }

  private mutating func dropExpired(_ instant: Int64) {
    guard let list else { return }
    while head < end, list.occurred(head) + within <= instant {
      let value = list.value(head)
      count -= 1
      switch function {
      case .sum, .avg:
        if kind == .double {
          let number = Double(bitPattern: UInt64(bitPattern: value))
          doubles.add(number, sign: -1)
          if number < 0 { negatives -= 1 }
        } else {
          sum -= Int128(value)
          if value < 0 { negatives -= 1 }
        }
      case .min, .max:
        if candidateHead < candidates.count, candidates[candidateHead] == head {
          candidateHead += 1
        }
      case .distinct:
        let key = distinctKey(value)
        if let left = distinct[key] { distinct[key] = left > 1 ? left - 1 : nil }
      case .active:
        if spans != nil && head + 1 < end {
          spans?.count(list.occurred(head), list.occurred(head + 1), sign: -1)
        }
      default: break
      }
      head += 1
    }
    leaves = Microseconds.never
    if head < end {
      firstValue = list.value(head)
      firstOccurred = list.occurred(head)
      firstEvent = list.event(head)
      leaves = firstOccurred + within
    }
  }

  // MARK: Reading

  private var empty: TimedOutcome {
    if let defaultBits { return TimedOutcome(defaultBits) }
    return TimedOutcome(failed: .unset, until: Microseconds.never)
  }

  /// The value at `instant`, which is not before the last one asked for.
  ///
  /// Changes in place: a plain read of an element would copy it first.
  mutating func value(at instant: Int64) -> TimedOutcome {
    advance(to: instant)
    return read(at: instant)
  }

  /// As ``read(anewAt:interner:)``, in place.
  mutating func value(anewAt instant: Int64, interner: @autoclosure () -> Interner) -> TimedOutcome
  {
    read(anewAt: instant, interner: interner())
  }

  /// The value at an instant that is only looked at: the window stays where it is.
  mutating func value(aheadAt instant: Int64, interner: @autoclosure () -> Interner)
    -> TimedOutcome
  {
    leaves <= instant ? read(anewAt: instant, interner: interner()) : read(at: instant)
  }

  /// The value at `instant`; the window must have been advanced to it.
  func read(at instant: Int64) -> TimedOutcome {
    let until = leaves
    switch function {
    case .count:
      var outcome = TimedOutcome(count, until: until)
      outcome.onlyFalls = within > 0
      return outcome
    case .distinct:
      var outcome = TimedOutcome(Int64(distinct.count), until: until)
      outcome.onlyFalls = within > 0
      return outcome
    case .sum: return readSum(until: until)
    case .avg: return readAverage(until: until)
    case .min, .max:
      if count == 0 { return empty }
      guard let list else { return TimedOutcome(firstValue) }
      let best = candidates[candidateHead]
      return TimedOutcome(
        list.value(best), until: within > 0 ? list.occurred(best) + within : Microseconds.never)
    case .first: return count == 0 ? empty : TimedOutcome(firstValue, until: until)
    case .firstTime: return count == 0 ? empty : TimedOutcome(firstOccurred, until: until)
    case .last, .lastTime:
      if count == 0 { return empty }
      return TimedOutcome(
        function == .last ? lastValue : lastOccurred,
        until: within > 0 ? lastOccurred + within : Microseconds.never)
    case .active:
      if let spans { return readSpans(spans, at: instant) }
      return readActive(at: instant, from: head, to: end)
    }
  }

  private func readSum(until: Int64) -> TimedOutcome {
    if kind == .double {
      let value = doubles.rounded()
      if !value.isFinite { return TimedOutcome(failed: .unset, until: until) }
      var outcome = TimedOutcome(TimedOutcome.double(value), until: until)
      outcome.onlyFalls = within > 0 && negatives == 0
      return outcome
    }
    var outcome = integerSum(sum)
    outcome.until = until
    guard outcome.status == .ok else { return outcome }
    outcome.onlyFalls = within > 0 && negatives == 0
    return outcome
  }

  private func readAverage(until: Int64) -> TimedOutcome {
    if count == 0 { return empty }
    if kind == .double {
      let value = doubles.rounded()
      if !value.isFinite { return TimedOutcome(failed: .unset, until: until) }
      return TimedOutcome(TimedOutcome.double(value / Double(count)), until: until)
    }
    var outcome = integerAverage(sum, count)
    outcome.until = until
    return outcome
  }

  /// Unset where the sum is beyond 64 bits.
  private func integerSum(_ total: Int128) -> TimedOutcome {
    Int64(exactly: total).map { TimedOutcome($0) }
      ?? TimedOutcome(failed: .unset, until: Microseconds.never)
  }

  private func integerAverage(_ total: Int128, _ count: Int64) -> TimedOutcome {
    if count == 0 { return empty }
    if isMoney { return TimedOutcome(Int64(truncatingIfNeeded: total / Int128(count))) }
    return TimedOutcome(TimedOutcome.double(Double(total) / Double(count)))
  }

  private func readSpans(_ spans: ActiveSpans, at instant: Int64) -> TimedOutcome {
    if head == end { return TimedOutcome(0) }
    let value = spans.spans(at: instant)
    let turn = spans.instant(outside: value, value, after: instant) ?? Microseconds.never
    var outcome = TimedOutcome(value, until: min(leaves, turn))
    outcome.turns = true
    return outcome
  }

  /// Of `active`: the first later instant at which it may be below `low` or above `high`.
  func instant(outside low: Int64, _ high: Int64, after instant: Int64) -> Int64 {
    guard let spans, head < end else { return leaves }
    return min(leaves, spans.instant(outside: low, high, after: instant) ?? Microseconds.never)
  }

  /// How many spans of `every`, counted back from `instant`, hold a member; until one moves to the next span.
  private func readActive(at instant: Int64, from: Int, to: Int) -> TimedOutcome {
    guard let list else { return empty }
    var spans: Int64 = 0
    var last: Int64 = -1
    var until = Microseconds.never
    var index = to - 1
    while index >= from {
      let span = (instant - list.occurred(index)) / every
      until = min(until, list.occurred(index) + (span + 1) * every)
      if span != last {
        spans += 1
        last = span
      }
      index -= 1
    }
    return TimedOutcome(spans, until: until)
  }

  /// With at least `bound` members now: the first instant at which there are fewer.
  func instantBelow(_ bound: Int64) -> Int64 {
    guard bound > 0, count >= bound, within > 0, let list else { return Microseconds.never }
    return list.occurred(head + Int(count - bound)) + within
  }

  // MARK: At any instant

  /// The members in the window at `instant`, of those applied so far.
  func members(at instant: Int64) -> Range<Int> {
    guard within > 0, let list else { return 0..<end }
    return list.first(in: 0..<end, within: within, at: instant)..<end
  }

  /// The value at an instant that need not be the last one, computed anew from the members.
  func read(anewAt instant: Int64, interner: @autoclosure () -> Interner) -> TimedOutcome {
    guard let list else { return read(at: instant) }
    let range = members(at: instant)
    let isWindow = within > 0
    switch function {
    case .active: return readActive(at: instant, from: range.lowerBound, to: range.upperBound)
    case .count: return TimedOutcome(Int64(range.count))
    case .first, .firstTime, .last, .lastTime:
      guard let first = range.first, let last = range.last else { return empty }
      switch function {
      case .first: return TimedOutcome(list.value(first))
      case .firstTime: return TimedOutcome(list.occurred(first))
      case .last: return TimedOutcome(list.value(last))
      default: return TimedOutcome(list.occurred(last))
      }
    case .sum, .avg, .min, .max, .distinct:
      // Nothing has left since the last step: the state has the answer already.
      if !isWindow || range.lowerBound == head { return read(at: instant) }
    }
    if kind == .integer && (function == .sum || function == .avg) {
      var total: Int128 = 0
      for index in range { total += Int128(list.value(index)) }
      return function == .sum ? integerSum(total) : integerAverage(total, Int64(range.count))
    }
    let own = MemberList(longest: within, keepsAll: true)
    var fresh = cleared(own)
    for index in range {
      let (instant, value, event) = (list.occurred(index), list.value(index), list.event(index))
      own.append(occurred: instant, value: value, event: event)
      _ = fresh.add(occurred: instant, value: value, event: event) {
        ordersStrings ? interner().isLess($0, $1) : false
      }
    }
    return fresh.read(at: instant)
  }

  /// The same fact without an event.
  private func cleared(_ list: MemberList) -> FactState {
    FactState(
      function: function, kind: kind, isMoney: isMoney, within: within, every: every,
      defaultBits: defaultBits, keepsAll: keepsAll, list: list)
  }

  private init(
    function: Rules.AggregateFunction, kind: ValueKind, isMoney: Bool, within: Int64,
    every: Int64, defaultBits: Int64?, keepsAll: Bool, list: MemberList
  ) {
    self.function = function
    self.kind = kind
    self.isMoney = isMoney
    self.within = within
    self.every = every
    self.defaultBits = defaultBits
    self.keepsAll = keepsAll
    self.list = list
  }

  /// The events that give a timestamp: that of a first or last time, or those that hold the value.
  func events(giving value: Int64, at instant: Int64) -> [Int32] {
    guard let list else {
      switch function {
      case .first, .firstTime: return count == 0 ? [] : [firstEvent]
      case .last, .lastTime: return count == 0 ? [] : [lastEvent]
      case .min, .max: return count == 0 ? [] : [bestEvent]
      default: return []
      }
    }
    let range = members(at: instant)
    guard !range.isEmpty else { return [] }
    switch function {
    case .first, .firstTime: return [list.event(range.lowerBound)]
    case .last, .lastTime: return [list.event(range.upperBound - 1)]
    case .min, .max:
      return range.filter { list.value($0) == value }.map { list.event($0) }
    default: return []
    }
  }

  /// The last of the events that leave the window at exactly `instant`, or move to another span of `active`; -1 for none.
  mutating func lastEvent(movingAt instant: Int64) -> Int32 {
    guard within > 0, let list else { return -1 }
    var last: Int32 = -1
    for index in members(at: instant - 1) {
      let age = instant - list.occurred(index)
      // Members stand by time: behind those that leave, none does.
      if function != .active && age < within { break }
      if age == within || (function == .active && age > 0 && age % every == 0) {
        last = list.event(index)
      }
    }
    return last
  }
}
