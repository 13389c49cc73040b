import EventStore

/// Writes what is known of customers only once all are known: scores, values, and the segments that read them and ranks.
struct PopulationWriter {
  private let compiled: CompiledRules
  private let draft: GenerationDraft
  private let asOf: Int64
  private let threads: Int

  init(_ compiled: CompiledRules, _ draft: GenerationDraft, asOf: Int64, threads: Int) {
    self.compiled = compiled
    self.draft = draft
    self.asOf = asOf
    self.threads = threads
  }

  /// What one thread found.
  private struct Part: Sendable {
    var values: [(chunk: Int, bytes: [UInt8])] = []
    /// Customers in each segment, and how many have an error there.
    var holding: [Int64]
    var failed: [Int64]
  }

  /// Goes by chunk in the order of the records.
  ///
  /// - Parameters:
  ///   - scores: by record; nil for who is not scored.
  ///   - values: by record; empty without a fitted model.
  ///   - summary: gets the counts of the segments.
  func write(
    scores: [RFM.Scores?], values: [ValueFit.Customer?], into summary: inout ReplaySummary
  ) throws {
    let (compiled, asOf, chunks, levels) = (compiled, asOf, draft.chunks, draft.levels)
    let firsts = chunks.firstRecords
    let population = PopulationSegments.Population(
      scores: scores, values: values,
      ranks: try PopulationRanks.scan(compiled, chunks: chunks.count, threads: threads) {
        (try levels.records(chunks.numbers[$0]), chunks.records[$0])
      })
    let hasParked = !summary.parked.isEmpty
    let ticket = Ticket()
    let parts = try Parallel.run(threads) { _ in
      var segments = PopulationSegments(compiled)
      let none = Array(repeating: Int64(0), count: compiled.segments.count)
      var part = Part(holding: none, failed: none)
      while true {
        let chunk = ticket.take()
        if chunk >= chunks.count { return part }
        let needsRecords =
          !segments.numbers.isEmpty && (segments.readsRecords || hasParked)
        var decoder = needsRecords ? try levels.records(chunks.numbers[chunk]) : nil
        let bytes = try Self.encode(
          firsts[chunk]..<firsts[chunk] + chunks.records[chunk], of: population, &decoder,
          &segments, &part, asOf)
        part.values.append((chunk, bytes))
      }
    }
    var found = parts.flatMap { $0.values }
    found.sort { $0.chunk < $1.chunk }
    let table = draft.environment.table(ViewFiles.population)
    let values = found.map(\.bytes)
    try draft.environment.write { transaction in
      for first in stride(from: 0, to: values.count, by: PopulationGroup.chunks) {
        let group = values[first..<min(first + PopulationGroup.chunks, values.count)]
        try transaction.put(
          table, UInt32(first / PopulationGroup.chunks), PopulationGroup.encoded(group),
          appending: true)
      }
    }
    for part in parts { summary.addSegments(part.holding, failed: part.failed) }
  }

  private static func encode(
    _ records: Range<Int>, of population: PopulationSegments.Population,
    _ decoder: inout ByteDecoder?, _ segments: inout PopulationSegments,
    _ part: inout Part, _ asOf: Int64
  ) throws -> [UInt8] {
    var encoder = ByteEncoder()
    for record in records {
      encoder.number(population.scores[record].map { $0.code + 1 } ?? 0)
      encode(population.value(record), into: &encoder)
      if segments.numbers.isEmpty {
        encoder.number(0)
        continue
      }
      let answer: PopulationSegments.Answer
      if var left = decoder {
        decoder = nil
        answer = try segments.next(&left, record: record, population, asOf: asOf)
        decoder = left
      } else {
        answer = segments.next(record: record, population, asOf: asOf)
      }
      encoder.number(answer.holding.count)
      for number in answer.holding {
        encoder.number(number)
        part.holding[number] += 1
      }
      for number in answer.failed { part.failed[number] += 1 }
    }
    return encoder.bytes
  }

  /// 0 without, 1 without a value in money, 2 with one.
  private static func encode(_ value: ValueFit.Customer?, into encoder: inout ByteEncoder) {
    guard let value else {
      encoder.number(0)
      return
    }
    encoder.number(value.value == nil ? 1 : 2)
    encoder.fixed(value.probabilityAlive.bitPattern)
    encoder.fixed(value.purchases.bitPattern)
    if let money = value.value { encoder.signed(money) }
  }
}

/// What is known of the population in neighbouring chunks, which stand in one value: small ones would stand in the pages that
/// are walked whenever a view is opened.
///
/// ```
/// count · count × length · count × bytes
/// ```
enum PopulationGroup {
  /// How many chunks a value has.
  static let chunks = 16

  static func encoded(_ chunks: ArraySlice<[UInt8]>) -> [UInt8] {
    var encoder = ByteEncoder()
    encoder.number(chunks.count)
    for chunk in chunks { encoder.number(chunk.count) }
    for chunk in chunks { encoder.bytes += chunk }
    return encoder.bytes
  }

  /// What stands there of a chunk.
  ///
  /// - Parameter place: of the chunk in its group.
  static func chunk(
    _ place: Int, of bytes: [UInt8]
  ) throws(ByteDecoder.Damaged) -> ByteDecoder {
    var decoder = ByteDecoder(bytes)
    var lengths: [Int] = []
    for _ in 0..<(try decoder.count()) { lengths.append(try decoder.count()) }
    guard place < lengths.count else { throw ByteDecoder.Damaged() }
    for length in lengths[..<place] { try decoder.skip(length) }
    guard lengths[place] <= bytes.count - decoder.offset else { throw ByteDecoder.Damaged() }
    return ByteDecoder(bytes, range: decoder.offset..<decoder.offset + lengths[place])
  }
}

extension Rules {
  /// A view keeps something for each customer that is known only once all are known.
  var readsPopulation: Bool { clv != nil || segments.contains(where: \.readsPopulation) }
}
