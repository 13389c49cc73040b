import EventStore

extension ViewBuilder {
  /// What came of bringing a view up to date.
  public enum Updated {
    /// A generation that is complete and not yet in force.
    case built(Built)
    /// Everybody has to be folded; why, in words.
    case mustRebuild(String)
  }

  /// Makes the generation that a rebuild would make, from one in force and what is new.
  ///
  /// - Parameters:
  ///   - reader: the view that is in force.
  ///   - progress: told how far it is.
  public func update(
    _ reader: ViewReader, progress: (Progress) -> Void
  ) throws -> Updated {
    do {
      if let reason = try reasonToRebuild(reader) { return .mustRebuild(reason) }
      return .built(try updated(reader, progress))
    } catch let refusal as ViewUpdate.Refusal {
      return .mustRebuild(refusal.reason)
    } catch is ByteDecoder.Damaged {
      return .mustRebuild("the view in force is damaged")
    } catch is TableFault {
      return .mustRebuild("the view in force is damaged")
    }
  }

  /// Why nothing of a view can be used; nil where it can.
  private func reasonToRebuild(_ reader: ViewReader) throws -> String? {
    let manifest = reader.manifest
    if manifest.rulesHash != compiled.rules.sha256 { return "the rules are others" }
    if manifest.engine != engine { return "it was made by \(manifest.engine)" }
    if view.asOf < manifest.asOf { return "as-of is earlier" }
    if view.size < manifest.size { return "the log is known to fewer events" }
    if try !reader.isOfLog(view.snapshot) { return "the log is not as it was" }
    return nil
  }

  private func updated(_ reader: ViewReader, _ progress: (Progress) -> Void) throws -> Built {
    let update = ViewUpdate(
      compiled, reader, view: view, threads: threads, engine: foldEngine, mostShare: mostShare)
    let prepared = try update.prepare()
    progress(.folded(1))
    let kept = update.kept(prepared)
    func write(_ kept: Int) throws -> Built {
      let shared = Array(reader.levels.levels[..<kept])
      return try writeAside(shared, from: kept == 0 ? 0 : reader.nextChunk) { draft in
        let leaves = try update.write(prepared, to: draft, kept: kept)
        let buyers = try update.buyers(draft)
        var historical = HistoricalValue(compiled.rules)
        for buyer in buyers.all { historical.add(buyer) }
        let customers = draft.chunks.records.reduce(0, +)
        guard Int64(customers) == prepared.summary.customers else { throw ByteDecoder.Damaged() }
        return try finish(
          draft,
          Folded(
            summary: prepared.summary, historical: historical, buyers: buyers,
            ranks: Array(0..<UInt32(customers)), rankCount: customers, links: prepared.links),
          leaves,
          folded: prepared.folded, isUpdate: true, progress)
      }
    }
    do {
      return try write(kept)
    } catch is GenerationDraft.CannotShare {
      // Not every file system has hard links.
      return try write(0)
    }
  }
}
