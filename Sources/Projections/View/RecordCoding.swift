import CEL
import EventStore

/// The bytes of one customer's record (docs/format.md, "Views").
///
/// ```
/// record = head rows positions left-out upkeep   head and rows are covered by the output root, the rest is not
/// head   = name  joined[]  firstSeen  state
/// state  = 1 at reason transitions[]                                              parked
///        | 0 stage since lastSeen next facts[] segments[] value                    else
/// rows   = count { at from+1 to transition+1 flags [event id] }
/// left-out = count { fact events }        facts that left out events of the customer
/// upkeep = subject staleAt                dense number of the subject that names the customer; when to fold it again
/// ```
enum RecordCoding {
  /// How the value of a fact is written.
  enum ValueForm: Sendable {
    case signed, fixed, text

    init(_ type: Type) {
      switch type {
      case .double, .uint: self = .fixed
      case .string: self = .text
      default: self = .signed
      }
    }
  }

  /// - Parameter forms: of the facts, in file order.
  static func encodeHead(
    _ result: FoldResult, forms: [ValueForm], interner: Interner, name: Span<UInt8>,
    joined: [[UInt8]], into encoder: inout ByteEncoder
  ) {
    encoder.number(name.count)
    encoder.bytes.append(addingCapacity: name.count) { span in
      for index in name.indices { span.append(name[index]) }
    }
    encoder.number(joined.count)
    for subject in joined { encoder.text(subject) }
    encoder.signed(result.firstSeen)
    if let parked = result.parked {
      encoder.number(1)
      encoder.signed(parked.at)
      encoder.number(Int(parked.reason.rawValue))
      encoder.number(parked.transitions.count)
      for transition in parked.transitions { encoder.number(Int(transition)) }
      return
    }
    let facts = result.facts
    let (stage, since, lastSeen) = (result.stage, result.since, result.lastSeen)
    let next = result.next
    encoder.bytes.append(addingCapacity: 8 * ByteEncoder.longest) { span in
      span.append(0)
      ByteEncoder.append(UInt64(stage), to: &span)
      ByteEncoder.append(signed: since, to: &span)
      ByteEncoder.append(signed: lastSeen, to: &span)
      if let next {
        span.append(1)
        ByteEncoder.append(signed: next.at, to: &span)
        ByteEncoder.append(UInt64(next.to + 1), to: &span)
      } else {
        span.append(0)
      }
      ByteEncoder.append(UInt64(facts.count), to: &span)
    }
    if forms.contains(.text) {
      for index in facts.indices {
        if forms[index] == .text, facts[index].status == .ok {
          encoder.number(1)
          encoder.text(interner.string(facts[index].bits))
        } else {
          encoder.bytes.append(addingCapacity: valueBytes) {
            append(facts[index], forms[index], to: &$0)
          }
        }
      }
    } else {
      encoder.bytes.append(addingCapacity: valueBytes * facts.count) { span in
        for index in facts.indices { append(facts[index], forms[index], to: &span) }
      }
    }
    encodeEnd(result.segments, result.purchases.all, into: &encoder)
  }

  /// Segments and value.
  private static func encodeEnd(
    _ segments: [Bool], _ value: CustomerValue.Sums, into encoder: inout ByteEncoder
  ) {
    encoder.bytes.append(addingCapacity: (segments.count + 6) * ByteEncoder.longest) { span in
      ByteEncoder.append(UInt64(segments.count { $0 }), to: &span)
      for segment in segments.indices where segments[segment] {
        ByteEncoder.append(UInt64(segment), to: &span)
      }
      ByteEncoder.append(UInt64(value.count), to: &span)
      ByteEncoder.append(UInt64(value.days), to: &span)
      ByteEncoder.append(signed: value.lastPurchase, to: &span)
      if let net = Int64(exactly: value.net) {
        span.append(1)
        ByteEncoder.append(signed: net, to: &span)
      } else {
        span.append(0)
      }
    }
  }

  /// Bytes of the longest value that is no text.
  private static let valueBytes = 1 + ByteEncoder.longest

  /// A value that is no text, or none.
  @inline(__always)
  private static func append(
    _ outcome: TimedOutcome, _ form: ValueForm, to span: inout OutputSpan<UInt8>
  ) {
    guard outcome.status == .ok else { return span.append(0) }
    span.append(1)
    if form == .fixed {
      ByteEncoder.append(fixed: UInt64(bitPattern: outcome.bits), to: &span)
    } else {
      ByteEncoder.append(signed: outcome.bits, to: &span)
    }
  }

  static func encodeRows(
    _ rows: ArraySlice<FoldRow>, anchors: ArraySlice<UInt64>, ids: EventIDs.List,
    into encoder: inout ByteEncoder
  ) {
    encoder.number(rows.count)
    for index in rows.indices {
      let row = rows[index]
      encoder.bytes.append(addingCapacity: 4 * ByteEncoder.longest) { span in
        ByteEncoder.append(signed: row.at, to: &span)
        ByteEncoder.append(UInt64(row.from + 1), to: &span)
        ByteEncoder.append(UInt64(row.to), to: &span)
        ByteEncoder.append(UInt64(row.transition + 1), to: &span)
      }
      let hasAnchor = anchors[index] != EventIDs.none
      encoder.number((row.isTimer ? 1 : 0) | (hasAnchor ? 2 : 0))
      if hasAnchor { ids.encode(index, into: &encoder) }
    }
  }

  static func encodeLeftOut(
    _ leftOut: ArraySlice<FoldResult.LeftOut>, into encoder: inout ByteEncoder
  ) {
    encoder.number(leftOut.count)
    for entry in leftOut {
      encoder.number(Int(entry.fact))
      encoder.number(Int(entry.events))
    }
  }

  static func encodeUpkeep(_ upkeep: Upkeep, into encoder: inout ByteEncoder) {
    encoder.number(UInt64(upkeep.subject))
    encoder.signed(upkeep.staleAt)
  }

  /// What an update has to know of a customer.
  struct Upkeep: Sendable, Equatable {
    /// Dense number of the subject that names the customer.
    var subject: UInt32
    /// ``FoldResult/staleAt``.
    var staleAt: Int64
  }

  // MARK: Reading

  /// What a scan finds besides the facts.
  struct Scanned {
    var isParked = false
    /// Meaningless unless it is parked.
    var parkedAt: Int64 = 0
    var stage = 0
    var since: Int64 = 0
    /// From + 1 of the last row; 0 where that is the entry.
    var from = 0
  }

  /// Goes over one record without making text of it; each fact is left to `fact`, which has to read it.
  static func scan(
    _ decoder: inout ByteDecoder, facts: Int,
    _ fact: (Int, inout ByteDecoder) throws(ByteDecoder.Damaged) -> Void
  ) throws(ByteDecoder.Damaged) -> Scanned {
    try decoder.skipText()
    var scanned = try scanHead(&decoder, facts: facts, fact)
    let rows = try skipRows(&decoder)
    scanned.from = rows.from
    try skipPositions(rows.anchors, &decoder)
    _ = try scanTail(&decoder)
    return scanned
  }

  /// Goes over what stands between the name and the rows.
  static func scanHead(
    _ decoder: inout ByteDecoder, facts: Int,
    _ fact: (Int, inout ByteDecoder) throws(ByteDecoder.Damaged) -> Void
  ) throws(ByteDecoder.Damaged) -> Scanned {
    var scanned = Scanned()
    for _ in 0..<(try decoder.count()) { try decoder.skipText() }
    _ = try decoder.signed()
    scanned.isParked = try decoder.number() == 1
    if scanned.isParked {
      scanned.parkedAt = try skipParked(&decoder)
    } else {
      scanned.stage = try decoder.index()
      scanned.since = try decoder.signed()
      _ = try decoder.signed()
      if try decoder.number() == 1 {
        _ = try decoder.signed()
        _ = try decoder.index()
      }
      guard try decoder.count() == facts else { throw ByteDecoder.Damaged() }
      for index in 0..<facts { try fact(index, &decoder) }
      for _ in 0..<(try decoder.count()) { _ = try decoder.index() }
      _ = try decoder.number()
      _ = try decoder.number()
      _ = try decoder.signed()
      if try decoder.number() == 1 { _ = try decoder.signed() }
    }
    return scanned
  }

  /// The bits of a fact that is no text; nil where it is unset.
  static func scalar(
    _ form: ValueForm, _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> Int64? {
    guard try decoder.number() == 1 else { return nil }
    switch form {
    case .fixed: return Int64(bitPattern: try decoder.fixed())
    case .signed: return try decoder.signed()
    case .text:
      try decoder.skipText()
      return nil
    }
  }

  /// Goes over the state of a parked customer; since when it is parked.
  private static func skipParked(
    _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> Int64 {
    let at = try decoder.signed()
    _ = try decoder.number()
    for _ in 0..<(try decoder.count()) { _ = try decoder.index() }
    return at
  }

  /// Goes over the rows: from + 1 of the last one, and how many have an anchor.
  static func skipRows(
    _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> (from: Int, anchors: Int) {
    var from = 0
    var anchors = 0
    for _ in 0..<(try decoder.count()) {
      _ = try decoder.signed()
      from = try decoder.index()
      _ = try decoder.index()
      _ = try decoder.index()
      if try decoder.number() & 2 != 0 {
        anchors += 1
        try decoder.skipText()
      }
    }
    return (from, anchors)
  }

  static func skipPositions(
    _ anchors: Int, _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) {
    for _ in 0..<anchors { _ = try decoder.number() }
  }

  /// Goes over what stands behind the positions.
  static func scanTail(_ decoder: inout ByteDecoder) throws(ByteDecoder.Damaged) -> Upkeep {
    for _ in 0..<(try decoder.count()) {
      _ = try decoder.index()
      _ = try decoder.index()
    }
    return try decodeUpkeep(&decoder)
  }

  private static func decodeUpkeep(
    _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> Upkeep {
    guard let subject = UInt32(exactly: try decoder.number()) else { throw ByteDecoder.Damaged() }
    return Upkeep(subject: subject, staleAt: try decoder.signed())
  }

  /// Reads one record; `rules` are those of the view.
  static func decode(
    _ decoder: inout ByteDecoder, rules: Rules, withRows: Bool = true
  ) throws(ByteDecoder.Damaged) -> CustomerRecord {
    var record = CustomerRecord(
      name: try decoder.string(), subjects: [], firstSeen: 0, parked: nil, current: nil, rows: [])
    for _ in 0..<(try decoder.count()) { record.subjects.append(try decoder.string()) }
    record.firstSeen = try decoder.signed()
    if try decoder.number() == 1 {
      record.parked = try decodeParked(&decoder, rules)
    } else {
      record.current = try decodeCurrent(&decoder, rules)
    }
    if withRows {
      record.rows = try decodeRows(&decoder, rules)
    } else {
      try skipPositions(try skipRows(&decoder).anchors, &decoder)
    }
    for _ in 0..<(try decoder.count()) {
      let fact = try decoder.index()
      guard rules.facts.indices.contains(fact) else { throw ByteDecoder.Damaged() }
      record.leftOut.append(.init(fact: fact, events: try decoder.index()))
    }
    _ = try decodeUpkeep(&decoder)
    return record
  }

  private static func stage(_ index: Int, _ rules: Rules) throws(ByteDecoder.Damaged) -> String {
    guard rules.stages.indices.contains(index) else { throw ByteDecoder.Damaged() }
    return rules.stages[index].name
  }

  private static func transition(
    _ index: Int, _ rules: Rules
  ) throws(ByteDecoder.Damaged) -> String {
    guard case .transitions(let transitions) = rules.form else { return try stage(index, rules) }
    guard transitions.indices.contains(index) else { throw ByteDecoder.Damaged() }
    return transitions[index].id
  }

  private static func decodeParked(
    _ decoder: inout ByteDecoder, _ rules: Rules
  ) throws(ByteDecoder.Damaged) -> Parking {
    let at = try decoder.signed()
    let number = try decoder.number()
    guard let reason = UInt8(exactly: number).flatMap(ParkReason.init(rawValue:)) else {
      throw ByteDecoder.Damaged()
    }
    var transitions: [String] = []
    for _ in 0..<(try decoder.count()) {
      transitions.append(try transition(try decoder.index(), rules))
    }
    return Parking(
      at: at, reason: reason.text, transitions: transitions)
  }

  private static func decodeCurrent(
    _ decoder: inout ByteDecoder, _ rules: Rules
  ) throws(ByteDecoder.Damaged) -> CustomerRecord.Current {
    let stageName = try stage(try decoder.index(), rules)
    let since = try decoder.signed()
    let lastSeen = try decoder.signed()
    var next: (at: Int64, to: String?)?
    if try decoder.number() == 1 {
      let at = try decoder.signed()
      let to = try decoder.index()
      next = (at, to == 0 ? nil : try stage(to - 1, rules))
    }
    let count = try decoder.count()
    guard count == rules.facts.count else { throw ByteDecoder.Damaged() }
    var facts: [Value?] = []
    facts.reserveCapacity(count)
    for fact in rules.facts.indices {
      facts.append(try decodeValue(&decoder, rules.facts[fact].type))
    }
    var segments: [String] = []
    for _ in 0..<(try decoder.count()) {
      let index = try decoder.index()
      guard rules.segments.indices.contains(index) else { throw ByteDecoder.Damaged() }
      segments.append(rules.segments[index].name)
    }
    let purchases = Int64(truncatingIfNeeded: try decoder.number())
    let days = Int64(truncatingIfNeeded: try decoder.number())
    let lastPurchase = try decoder.signed()
    let monetary: Int64? = try decoder.number() == 1 ? try decoder.signed() : nil
    return CustomerRecord.Current(
      stage: stageName, since: since, lastSeen: lastSeen, next: next, facts: facts,
      segments: segments, purchases: purchases, purchaseDays: days, lastPurchase: lastPurchase,
      monetary: monetary)
  }

  private static func decodeValue(
    _ decoder: inout ByteDecoder, _ type: Type
  ) throws(ByteDecoder.Damaged) -> Value? {
    guard try decoder.number() == 1 else { return nil }
    switch type {
    case .double: return .double(Double(bitPattern: try decoder.fixed()))
    case .uint: return .uint(try decoder.fixed())
    case .string: return .string(try decoder.string())
    case .bool: return .bool(try decoder.signed() != 0)
    case .money: return .money(try decoder.signed())
    case .timestamp: return .timestamp(ScalarValue.timestamp(try decoder.signed()))
    case .duration: return .duration(Duration(nanoseconds: try decoder.signed() &* 1000))
    default: return .int(try decoder.signed())
    }
  }

  private static func decodeRows(
    _ decoder: inout ByteDecoder, _ rules: Rules
  ) throws(ByteDecoder.Damaged) -> [CustomerRecord.Row] {
    var rows: [CustomerRecord.Row] = []
    var anchored: [Int] = []
    for _ in 0..<(try decoder.count()) {
      let at = try decoder.signed()
      let from = try decoder.index()
      let to = try stage(try decoder.index(), rules)
      let transition = try decoder.index()
      let flags = try decoder.number()
      var row = CustomerRecord.Row(
        at: at, from: from == 0 ? nil : try stage(from - 1, rules), to: to,
        transition: transition == 0 ? nil : try self.transition(transition - 1, rules),
        isTimer: flags & 1 != 0, anchor: nil)
      if flags & 2 != 0 {
        anchored.append(rows.count)
        row.anchor = CustomerRecord.Anchor(eventID: try decoder.string(), position: 0)
      }
      rows.append(row)
    }
    for index in anchored { rows[index].anchor?.position = try decoder.number() }
    return rows
  }
}

extension Rules {
  /// How values of the facts are stored, in file order.
  var valueForms: [RecordCoding.ValueForm] { facts.map { RecordCoding.ValueForm($0.type) } }
}
