import EventStore

/// One row of a customer where it stands in a view; stages and transitions are numbers of the rules.
package struct ScannedTransition: Sendable {
  /// Microseconds since 1970-01-01T00:00:00Z.
  package var at: Int64
  /// Nil for the entry row.
  package var from: Int?
  package var to: Int
  /// In rules without transitions the number of a stage.
  package var transition: Int?
  package var isTimer: Bool
  /// Where the id of the anchor stands; nil without an anchor.
  package var eventID: Range<Int>?
  /// Position of the anchor; 0 without one.
  package var position: UInt64
}

/// Goes over records and makes nothing of them but their rows.
struct TransitionScan {
  private let forms: [RecordCoding.ValueForm]
  private let stages: Int
  private let transitions: Int

  init(_ rules: Rules) {
    forms = rules.valueForms
    stages = rules.stages.count
    transitions =
      if case .transitions(let transitions) = rules.form { transitions.count } else { stages }
  }

  /// Reads one record: where the customer's name stands, and its rows.
  func read(
    _ decoder: inout ByteDecoder, into rows: inout [ScannedTransition]
  ) throws(ByteDecoder.Damaged) -> Range<Int> {
    rows.removeAll(keepingCapacity: true)
    return try append(&decoder, to: &rows).name
  }

  /// Reads one record and adds its rows: where the customer's name stands, and since when it is parked.
  func append(
    _ decoder: inout ByteDecoder, to rows: inout [ScannedTransition]
  ) throws(ByteDecoder.Damaged) -> (name: Range<Int>, parkedAt: Int64?) {
    let first = rows.count
    let name = try decoder.textRange()
    let head = try RecordCoding.scanHead(&decoder, facts: forms.count) {
      (index, decoder) throws(ByteDecoder.Damaged) in
      _ = try RecordCoding.scalar(forms[index], &decoder)
    }
    for _ in 0..<(try decoder.count()) {
      let at = try decoder.signed()
      let from = try decoder.index()
      let to = try decoder.index()
      let transition = try decoder.index()
      let flags = try decoder.number()
      guard from <= stages, to < stages, transition <= transitions else {
        throw ByteDecoder.Damaged()
      }
      rows.append(
        ScannedTransition(
          at: at, from: from == 0 ? nil : from - 1, to: to,
          transition: transition == 0 ? nil : transition - 1, isTimer: flags & 1 != 0,
          eventID: flags & 2 != 0 ? try decoder.textRange() : nil, position: 0))
    }
    for index in first..<rows.count where rows[index].eventID != nil {
      rows[index].position = try decoder.number()
    }
    _ = try RecordCoding.scanTail(&decoder)
    return (name, head.isParked ? head.parkedAt : nil)
  }
}

/// The customers of one chunk of a view with their rows.
package struct ScannedHistories: Sendable {
  /// One customer.
  package struct Customer: Sendable {
    /// Where the name stands in the bytes.
    package var name: Range<Int>
    /// Where the rows stand among those of all.
    package var rows: Range<Int>
    /// Since when it has no stage, in microseconds since 1970-01-01T00:00:00Z; nil unless it is parked.
    package var parkedAt: Int64?
  }

  /// Where names and ids stand, in UTF-8.
  package let bytes: [UInt8]
  /// By the bytes of their names.
  package fileprivate(set) var customers: [Customer] = []
  /// Of all customers, one after the other.
  package fileprivate(set) var rows: [ScannedTransition] = []
}

extension ViewReader {
  /// The customers of a chunk with their rows, also those who have none; several threads may read chunks at once.
  package func histories(inChunk chunk: Int) throws(ViewError) -> ScannedHistories {
    let scan = TransitionScan(rules)
    return try guarded {
      var (decoder, count) = try records(chunk)
      var found = ScannedHistories(bytes: decoder.bytes)
      for _ in 0..<count {
        let first = found.rows.count
        let (name, parkedAt) = try scan.append(&decoder, to: &found.rows)
        found.customers.append(
          .init(name: name, rows: first..<found.rows.count, parkedAt: parkedAt))
      }
      return found
    }
  }
}

extension ViewReader {
  /// Gives the rows of each customer of a chunk to `body`, with the bytes in which name and ids stand; several threads may
  /// read chunks at once.
  package func forEachTransition(
    inChunk chunk: Int, _ body: (Span<UInt8>, Range<Int>, [ScannedTransition]) -> Void
  ) throws(ViewError) {
    let scan = TransitionScan(rules)
    try guarded {
      var (decoder, count) = try records(chunk)
      let bytes = decoder.bytes
      var rows: [ScannedTransition] = []
      for _ in 0..<count {
        let name = try scan.read(&decoder, into: &rows)
        if !rows.isEmpty { body(bytes.span, name, rows) }
      }
    }
  }
}

extension ViewReader {
  /// The ids of the events behind the rows of some customers, by their positions.
  ///
  /// - Parameter names: ascending; some may have no record.
  func anchors(of names: [[UInt8]]) throws -> [UInt64: [UInt8]] {
    let scan = TransitionScan(rules)
    var ids: [UInt64: [UInt8]] = [:]
    var rows: [ScannedTransition] = []
    var next = 0
    while next < names.count {
      guard let chunk = chunks.chunk(of: names[next]) else {
        next += 1
        continue
      }
      var (decoder, count) = try records(chunk)
      let bytes = decoder.bytes
      for _ in 0..<count {
        let name = bytes[try scan.read(&decoder, into: &rows)]
        while next < names.count, names[next].lexicographicallyPrecedes(name) { next += 1 }
        guard next < names.count, names[next].elementsEqual(name) else { continue }
        for row in rows {
          if let id = row.eventID { ids[row.position] = Array(bytes[id]) }
        }
      }
      while next < names.count, chunks.chunk(of: names[next]) == chunk { next += 1 }
    }
    return ids
  }
}
