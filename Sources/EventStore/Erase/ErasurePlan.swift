/// What would go with some subjects: all events that they have in the log.
public struct ErasurePlan: Sendable {
  /// A subject, and how many events it has.
  public struct Subject: Sendable {
    /// As it was given.
    public var name: String
    /// How many would be erased.
    public var events: Int
  }

  /// In the order in which they were named, each once.
  public fileprivate(set) var subjects: [Subject]
  /// Where their events stand.
  public fileprivate(set) var positions = PositionRanges()
  /// Bytes of their lines.
  public fileprivate(set) var lineBytes = 0
  /// Number of events of the log that was looked at.
  public let size: UInt64
  /// Of their events, by block: rows, ascending.
  fileprivate(set) var rows: [BlockNumber: [Int]] = [:]
  /// Hashes of the ids of their events.
  fileprivate(set) var idHashes: Set<UInt64> = []
  /// By number: whether an event of the type stays.
  fileprivate(set) var isTypeLeft: [Bool]
  /// Earliest `occurred` of what stays.
  fileprivate(set) var earliest = Int64.max

  /// How many events would go.
  public var events: UInt64 { positions.count }

  /// Names of the subjects.
  var names: TextDictionary {
    var names = TextDictionary()
    for subject in subjects {
      let name = Array(subject.name.utf8)
      _ = names.insert(name.span)
    }
    return names
  }

  fileprivate init(_ names: [String], size: UInt64, types: Int) {
    subjects = names.map { Subject(name: $0, events: 0) }
    self.size = size
    isTypeLeft = Array(repeating: false, count: types)
  }
}

extension LogSnapshot {
  /// What would go with some subjects.
  ///
  /// - Parameters:
  ///   - names: of subjects; one that is named again counts once.
  ///   - threads: at least 1; the result does not depend on it.
  /// - Throws: `.noSubject` naming all those that the log does not have. Whether one of them was erased cannot be told: the
  ///   store keeps no names of the erased.
  public func erasurePlan(
    of names: [String], threads: Int
  ) throws(EventStoreError) -> ErasurePlan {
    // Texts may be equal whose bytes are not, and they are different subjects.
    var known: Set<[UInt8]> = []
    let names = names.filter { known.insert(Array($0.utf8)).inserted }
    let numbers = try subjects(named: names.map { Array($0.utf8) }, threads: threads)
    let unknown = zip(names, numbers).filter { $1 == nil }.map { "`\($0.0)`" }
    guard unknown.isEmpty else {
      throw EventStoreError(
        .noSubject, "the log has no subject \(unknown.joined(separator: ", "))",
        help:
          "nothing was erased; names are those of the events' `subject`, to the letter; whether one was erased before cannot be told, since the store keeps no names of the erased"
      )
    }
    var places: [UInt32: Int] = [:]
    for (place, number) in numbers.enumerated() { places[number ?? 0] = place }
    return try reader.guarded("read columns") { try scan(names, places, threads: threads) }
  }

  /// - Parameter places: of the subjects by their numbers, among their names.
  private func scan(
    _ names: [String], _ places: [UInt32: Int], threads: Int
  ) throws -> ErasurePlan {
    let ticket = Ticket()
    let empty = ErasurePlan(names, size: size, types: state.types.count)
    let isWanted = (0..<UInt32(subjectCount)).map { places[$0] != nil }
    let parts = try Parallel.run(min(threads, max(1, blocks.count))) { _ in
      var part = empty
      while true {
        let number = BlockNumber(ticket.take())
        if number >= blocks.upperBound { return part }
        try take(number, isWanted, places, into: &part)
      }
    }
    var plan = empty
    for part in parts {
      plan.rows.merge(part.rows) { first, _ in first }
      plan.idHashes.formUnion(part.idHashes)
      plan.lineBytes += part.lineBytes
      plan.earliest = min(plan.earliest, part.earliest)
      for type in plan.isTypeLeft.indices where part.isTypeLeft[type] {
        plan.isTypeLeft[type] = true
      }
      for place in plan.subjects.indices {
        plan.subjects[place].events += part.subjects[place].events
      }
    }
    for block in plan.rows.keys.sorted() {
      for row in plan.rows[block] ?? [] {
        let position = block.first + UInt64(row)
        plan.positions.append(position..<position + 1)
      }
    }
    return plan
  }

  private func take(
    _ number: BlockNumber, _ isWanted: [Bool], _ places: [UInt32: Int], into part: inout ErasurePlan
  ) throws {
    let block = try reader.block(number, size: size, withIDs: true)
    let count = number.rows(of: size)
    guard block.count >= count, block.names(below: state.subjects, rows: count) else {
      throw ChunkFault(block.firstPosition, "the column of subjects names one that is not there")
    }
    var rows: [Int] = []
    for row in 0..<count where !block.isErased(row) {
      if isWanted[Int(block.subjects[row])] {
        rows.append(row)
        part.idHashes.insert(block.idHashes[row])
        if let place = places[block.subjects[row]] { part.subjects[place].events += 1 }
        continue
      }
      let type = Int(block.types[row])
      guard type < part.isTypeLeft.count else {
        throw ChunkFault(block.firstPosition, "the column of types names one that is not there")
      }
      part.isTypeLeft[type] = true
      part.earliest = min(part.earliest, block.occurred[row])
    }
    if rows.isEmpty { return }
    part.rows[number] = rows
    part.lineBytes += try lineBytes(of: rows, from: block.firstPosition)
  }

  private func lineBytes(of rows: [Int], from first: UInt64) throws -> Int {
    var bytes = 0
    var next = 0
    try reader.forEachChunk(from: first, releasing: true) { chunk in
      while next < rows.count {
        let index = Int(first) + rows[next] - Int(chunk.first)
        guard index >= 0 else { return false }
        guard index < chunk.count else { return true }
        bytes += chunk.lineRange(index).count
        next += 1
      }
      return false
    }
    guard next == rows.count else {
      throw ChunkFault(first + UInt64(rows[next]), "a chunk is missing")
    }
    return bytes
  }
}
