import EventStore
import Projections

/// Writes a table of a view on several threads, chunk by chunk in order. At any time a thread holds the lines of one chunk.
struct ChunkedExport {
  let reader: ViewReader
  let isCSV: Bool
  let threads: Int

  /// The table `transitions`; the number of rows.
  func writeTransitions(to file: OutputFile) throws -> Int {
    let lines = TransitionLines(reader.rules, csv: isCSV)
    let reader = reader
    return try write(to: file, [UInt8]()) { chunk, start, buffer, _ in
      var count = 0
      try reader.forEachTransition(inChunk: chunk) { bytes, name, rows in
        count += rows.count
        lines.add(rows, of: name, in: bytes, start: &start, to: &buffer)
      }
      return count
    }.count
  }

  /// The table `customers`; the number of rows, and the events that facts left out.
  func writeCustomers(to file: OutputFile) throws -> (count: Int, leftOut: LeftOutEvents) {
    let lines = CustomerLines(reader.rules, csv: isCSV)
    let reader = reader
    let none = LeftOutEvents(reader.rules)
    let written = try write(to: file, none) { chunk, leftOut, buffer, _ in
      var count = 0
      try reader.forEachCustomer(inChunk: chunk) { customer in
        count += 1
        leftOut.add(customer.record)
        lines.add(customer, to: &buffer)
      }
      return count
    }
    return (
      written.count, written.states.reduce(into: none) { all, own in all.add(own) }
    )
  }

  /// The table `stage_days`; the number of rows.
  func writeStageDays(_ days: StageDays, to file: OutputFile) throws -> Int {
    let lines = StageDayLines(reader.rules, days, csv: isCSV)
    return try write(to: file, lines) { chunk, lines, buffer, spill in
      var count = 0
      try days.forEach(inChunk: chunk) { name, stays in
        count += try lines.add(name, stays, to: &buffer, spill: spill)
      }
      return count
    }.count
  }

  /// Bytes of lines that a thread holds while it waits for its turn, if a chunk has more.
  private static let spillBytes = 4 << 20

  /// What comes before failed, so that nothing is written any more.
  private struct Ended: Error {}

  /// - Parameters:
  ///   - state: what each thread begins with.
  ///   - make: adds the lines of a chunk to a buffer, and gives their number; may have a long buffer written on the way.
  private func write<State: Sendable>(
    to file: OutputFile, _ state: State,
    _ make:
      @escaping @Sendable (Int, inout State, inout [UInt8], (inout [UInt8]) throws -> Void)
      throws -> Int
  ) throws -> (count: Int, states: [State]) {
    let ticket = Ticket()
    let turns = Turns()
    let chunkCount = reader.chunkCount
    let parts = try Parallel.run(threads) { _ in
      var (count, own) = (0, state)
      var buffer: [UInt8] = []
      while true {
        let chunk = ticket.take()
        if chunk >= chunkCount { return (count, own) }
        buffer.removeAll(keepingCapacity: true)
        do {
          count += try make(chunk, &own, &buffer) { buffer in
            if buffer.count < Self.spillBytes { return }
            guard turns.wait(for: chunk) else { throw Ended() }
            try file.write(buffer)
            buffer.removeAll(keepingCapacity: true)
          }
          guard turns.wait(for: chunk) else { return (count, own) }
          try file.write(buffer)
          turns.pass(chunk)
        } catch is Ended {
          return (count, own)
        } catch {
          // What comes before has its turn first, so that as much is written as by one thread.
          _ = turns.wait(for: chunk)
          turns.fail()
          throw error
        }
      }
    }
    return (parts.reduce(0) { $0 + $1.0 }, parts.map { $0.1 })
  }
}
