import EventStore

/// A generation that a rebuild was making when it was ended, as far as it noted.
///
/// It is read like any generation: tree pages, checksums, records. What holds is copied into a new draft, so that nothing has to
/// be believed of a file that was being written.
struct UnfinishedBuild {
  let directory: String
  let mark: BuildMark
  private let level: ViewLevels.Level
  /// Chunks that are copied at a time.
  private static let chunksAtATime = 1024

  /// Why it is of no use, in words.
  struct Unusable: Error {
    var reason: String
    static var damaged: Unusable { Unusable(reason: "it is damaged") }
  }

  /// - Parameter directory: of the generation.
  /// - Returns: nil where nothing was noted, as by an update.
  /// - Throws: ``Unusable``
  init?(_ directory: String, view: String) throws(Unusable) {
    if Files.size("\(directory)/data.mdb") == 0 { return nil }
    do {
      let environment = try ViewLevels.openEnvironment(directory, view, tables: ViewFiles.tables)
      level = ViewLevels.Level(
        generation: "", firstChunk: 0, directory: directory, environment: environment)
      guard let bytes = try level.value(ViewFiles.meta, ViewFiles.markKey) else { return nil }
      guard let mark = try BuildMark.decoded(bytes) else {
        throw Unusable(reason: "its form is another one")
      }
      self.mark = mark
      self.directory = directory
    } catch let unusable as Unusable {
      throw unusable
    } catch {
      throw Unusable.damaged
    }
  }

  /// What it gives to the rebuild that goes on.
  struct Taken {
    var point: ReplayPoint
    /// Of the records, ascending.
    var ranks: [UInt32] = []
    var buyers = Buyers()
    var root = OutputRoot()
  }

  /// Copies its chunks to a draft, in order.
  ///
  /// - Parameters:
  ///   - draft: without chunks.
  ///   - replayer: the rebuild that goes on.
  /// - Throws: ``Unusable``, and what writing throws.
  func copy(
    to draft: GenerationDraft, _ replayer: Replayer, _ directory: CustomerDirectory
  ) throws -> Taken {
    var taken = Taken(point: try point(replayer, directory))
    let (level, forms) = (level, replayer.compiled.rules.valueForms)
    for first in stride(from: 0, to: mark.chunks, by: Self.chunksAtATime) {
      let numbers = first..<min(first + Self.chunksAtATime, mark.chunks)
      let ticket = Ticket()
      let found: [[Scanned]]
      do {
        found = try Parallel.run(replayer.threads) { _ in
          var scanned: [Scanned] = []
          while true {
            let number = numbers.lowerBound + ticket.take()
            if number >= numbers.upperBound { return scanned }
            scanned.append(try Self.scan(UInt32(number), level, forms, directory))
          }
        }
      } catch {
        throw Unusable.damaged
      }
      for chunk in found.flatMap({ $0 }).sorted(by: { $0.number < $1.number }) {
        if let last = taken.ranks.last, let next = chunk.ranks.first, next <= last {
          throw Unusable.damaged
        }
        taken.ranks += chunk.ranks
        taken.buyers.add(chunk.buyers)
        for leaf in chunk.leaves { taken.root.add(leaf) }
        draft.queue([chunk.packed])
      }
      try draft.flush()
    }
    guard Int64(taken.ranks.count) == taken.point.summary.customers,
      taken.ranks.last.map({ Int($0) < mark.folded }) ?? true
    else { throw Unusable.damaged }
    return taken
  }

  /// Where the rebuild goes on: at the end of one of its runs or passes.
  private func point(
    _ replayer: Replayer, _ directory: CustomerDirectory
  ) throws -> ReplayPoint {
    let isEnd = replayer.passes(directory).contains {
      mark.folded == $0.upperBound
        || $0.contains(mark.folded)
          && (mark.folded - $0.lowerBound) % EventSlice.runLength == 0
    }
    guard mark.customers == directory.count, isEnd else { throw Unusable.damaged }
    do {
      return ReplayPoint(
        customers: mark.folded,
        summary: try TallyCoding.decoded(
          mark.tally, replayer.compiled, asOf: replayer.view.asOf))
    } catch {
      throw Unusable.damaged
    }
  }

  /// One chunk.
  private struct Scanned: Sendable {
    var number: UInt32
    var packed = PackedChunk()
    var leaves: [OutputRoot.Leaf] = []
    var ranks: [UInt32] = []
    var buyers = Buyers()
  }

  private static func scan(
    _ number: UInt32, _ level: ViewLevels.Level, _ forms: [RecordCoding.ValueForm],
    _ directory: CustomerDirectory
  ) throws -> Scanned {
    let content = try ViewLevels([level]).content(ofChunk: number)
    let bytes = content.value
    var (decoder, found) = (content.records, Scanned(number: number))
    found.packed.bytes = Array(bytes[decoder.offset..<decoder.end])
    found.packed.buyers = Array(bytes[content.buyers.offset..<content.buyers.end])
    while !decoder.isAtEnd {
      let layout = try RecordLayout(&decoder, forms)
      let subject = Int(layout.upkeep.subject)
      guard subject < directory.ranks.count else { throw ByteDecoder.Damaged() }
      let rank = directory.ranks[subject]
      guard rank != CustomerDirectory.absent, directory.subjects[Int(rank)] == UInt32(subject),
        directory.name(of: rank).elementsEqual(bytes[layout.name]),
        found.ranks.last.map({ $0 < rank }) ?? true
      else { throw ByteDecoder.Damaged() }
      found.ranks.append(rank)
      found.packed.staleAt = min(found.packed.staleAt, layout.upkeep.staleAt)
      if found.packed.records == 0 { found.packed.firstName = Array(bytes[layout.name]) }
      found.packed.records += 1
      found.leaves.append(
        OutputRoot.leaf(
          name: bytes.span.extracting(layout.name),
          covered: bytes.span.extracting(layout.covered)))
    }
    guard found.packed.records > 0 else { throw ByteDecoder.Damaged() }
    let ranks = found.ranks
    var buyers = Buyers()
    try BuyerCoding.forEach(content.buyers, from: 0, records: found.packed.records) {
      buyers.add($0.ranked(ranks[Int($0.rank)]), $1?.ranked(ranks[Int($0.rank)]))
    }
    found.buyers = buyers
    return found
  }
}

extension Buyer {
  fileprivate func ranked(_ rank: UInt32) -> Buyer {
    var buyer = self
    buyer.rank = rank
    return buyer
  }
}

extension RFM.Measures {
  fileprivate func ranked(_ rank: UInt32) -> RFM.Measures {
    var measures = self
    measures.rank = rank
    return measures
  }
}
