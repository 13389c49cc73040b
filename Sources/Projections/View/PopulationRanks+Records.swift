import CEL
import EventStore

extension PopulationRanks {
  /// The ranks over all records of a view.
  ///
  /// - Parameter records: of a chunk, and how many they are.
  static func scan(
    _ compiled: CompiledRules, chunks: Int, threads: Int,
    _ records: @escaping @Sendable (Int) throws -> (ByteDecoder, Int)
  ) throws -> PopulationRanks {
    let facts = Set(compiled.rules.population.map(\.fact)).sorted()
    if facts.isEmpty { return PopulationRanks([], keys: [:]) }
    let types = compiled.facts.map(\.type)
    let forms = types.map { RecordCoding.ValueForm($0) }
    let ticket = Ticket()
    let parts = try Parallel.run(threads) { _ in
      var found: [(chunk: Int, keys: [[Int64?]])] = []
      while true {
        let chunk = ticket.take()
        if chunk >= chunks { return found }
        var (decoder, count) = try records(chunk)
        var keys: [[Int64?]] = facts.map { _ in [] }
        for record in 0..<count {
          for place in facts.indices { keys[place].append(nil) }
          _ = try RecordCoding.scan(&decoder, facts: forms.count) {
            (index: Int, decoder: inout ByteDecoder) throws(ByteDecoder.Damaged) in
            guard let bits = try RecordCoding.scalar(forms[index], &decoder) else { return }
            guard let place = facts.firstIndex(of: index) else { return }
            keys[place][record] = PopulationRanks.key(bits, types[index])
          }
        }
        found.append((chunk, keys))
      }
    }
    var all: [Int: [Int64?]] = [:]
    for part in parts.flatMap({ $0 }).sorted(by: { $0.chunk < $1.chunk }) {
      for (fact, keys) in zip(facts, part.keys) { all[fact, default: []] += keys }
    }
    return PopulationRanks(compiled.rules.population, keys: all)
  }
}
