/// What all events of one class give to the feeds, but for the values that they bring: an event is then its class and
/// those values, and whatever depends on no value is known once a class.
struct EventClass: Sendable, Hashable {
  /// What the event does, in the order of the feeds.
  var parts: [Part] = []
  /// The fields whose values its events bring, in the order in which they stand behind them.
  var fields: [Int] = []
  /// Aliases whose raw types the event has, and those of them that it is.
  var typed: [Int] = []
  var matched: [Int] = []

  /// One operation; `place` says which of the event's values it gives, -1 is `constant`.
  struct Part: Sendable, Hashable, BitwiseCopyable {
    var code: UInt16
    var place: Int32
    var constant: Int64

    /// What it does; the value is the event's own, if `place` says so.
    var operation: CustomerEvents.Operation { .init(value: constant, code: code) }
  }

  /// Adds an operation whose value is the same for all events of the class.
  mutating func add(_ operation: CustomerEvents.Operation) {
    parts.append(Part(code: operation.code, place: -1, constant: operation.value))
  }

  /// Adds an operation that gives a feed the event's value of a field.
  mutating func add(feed: Int, field: Int) {
    let place = fields.firstIndex(of: field) ?? fields.count
    if place == fields.count { fields.append(field) }
    parts.append(
      Part(
        code: CustomerEvents.Operation.feed(feed, value: 0).code, place: Int32(place), constant: 0))
  }
}

/// The classes of the events of a pass, numbered. Number 0 is no class: the operations of such an event stand behind it.
final class EventClassTable: Sendable {
  let classes: [EventClass]
  /// By class: how many values its events bring.
  let valueCounts: [Int32]
  /// Values that are numbers of strings, by class.
  let stringPlaces: [[Int]]
  /// Parts of class n: `partStarts[n] ..< partStarts[n + 1]`.
  let parts: [EventClass.Part]
  let partStarts: [Int32]

  static let empty = EventClassTable([EventClass()], isStringField: [])
  /// The number of events that have no class.
  static let own = 0

  /// - Parameter isStringField: by number of the field.
  init(_ classes: [EventClass], isStringField: [Bool]) {
    self.classes = classes
    valueCounts = classes.map { Int32($0.fields.count) }
    stringPlaces = classes.map { each in
      each.fields.indices.filter { isStringField[each.fields[$0]] }
    }
    parts = classes.flatMap(\.parts)
    var starts: [Int32] = [0]
    for each in classes { starts.append(starts[starts.count - 1] + Int32(each.parts.count)) }
    partStarts = starts
  }

  /// Makes one table of those that readers found.
  ///
  /// - Returns: and the number in it of each reader's classes.
  static func joined(
    _ readers: [[EventClass]], isStringField: [Bool]
  ) -> (table: EventClassTable, numbers: [[Int32]]) {
    var known: [EventClass: Int32] = [:]
    var all = [EventClass()]
    let numbers = readers.map { classes in
      [Int32(own)]
        + classes.dropFirst().map { each -> Int32 in
          if let number = known[each] { return number }
          known[each] = Int32(all.count)
          all.append(each)
          return Int32(all.count - 1)
        }
    }
    return (EventClassTable(all, isStringField: isStringField), numbers)
  }
}

/// Finds the class of an event from the answers to what its type is asked: a tree with a branch for each answer, that grows
/// with what it meets. One reader's.
struct EventClassTree {
  /// Answers to one question are below this.
  private static let fanOut = 32
  /// Events of further classes have none, so that no log makes it grow for ever.
  static let limit = 1 << 14
  private let limit: Int

  private(set) var classes = [EventClass()]
  /// Events of each class.
  private(set) var counts: [Int64] = [0]
  private(set) var fields: [Int32] = []
  private var fieldStarts: [Int32] = [0, 0]
  /// By type: where its questions begin, or the class of a type without any; -1 while nothing is known.
  private var roots: [Int32]
  private var branches: [Int32] = []

  init(types: Int, limit: Int) {
    self.limit = limit
    roots = Array(repeating: -1, count: types)
  }

  /// -1 where nothing is known.
  @inline(__always)
  func root(_ type: Int) -> Int32 { roots[type] }

  @inline(__always)
  func next(_ node: Int32, _ answer: UInt8) -> Int32 {
    branches[Int(node) &* Self.fanOut &+ Int(answer)]
  }

  /// The class at the end of some answers; nil where it is not known.
  mutating func find(_ type: Int, _ answers: [UInt8]) -> Int32? {
    var node = roots[type]
    for answer in answers {
      if node < 0 { return nil }
      node = next(node, answer)
    }
    return node < 0 ? nil : node
  }

  /// Notes the class at the end of some answers; nil where there is no room for another.
  mutating func insert(_ type: Int, _ answers: [UInt8], _ found: EventClass) -> Int32? {
    if classes.count >= limit || branches.count > limit * Self.fanOut * 4 { return nil }
    let number = Int32(classes.count)
    classes.append(found)
    counts.append(0)
    fields += found.fields.map { Int32($0) }
    fieldStarts.append(Int32(fields.count))
    if answers.isEmpty {
      roots[type] = number
      return number
    }
    if roots[type] < 0 { roots[type] = grow() }
    var node = roots[type]
    for answer in answers.dropLast() {
      let place = Int(node) * Self.fanOut + Int(answer)
      if branches[place] < 0 {
        let fresh = grow()
        branches[place] = fresh
      }
      node = branches[place]
    }
    branches[Int(node) * Self.fanOut + Int(answers[answers.count - 1])] = number
    return number
  }

  private mutating func grow() -> Int32 {
    branches += Array(repeating: -1, count: Self.fanOut)
    return Int32(branches.count / Self.fanOut - 1)
  }

  @inline(__always)
  mutating func count(_ number: Int32) { counts[Int(number)] += 1 }

  /// The places in ``fields`` of what events of a class bring.
  @inline(__always)
  func fieldRange(_ number: Int32) -> Range<Int> {
    Int(fieldStarts[Int(number)])..<Int(fieldStarts[Int(number) + 1])
  }
}
