import EventStore

/// Going on with a rebuild that was ended.
extension ViewBuilder {
  /// What a rebuild is for.
  func purpose() throws -> BuildMark.Purpose {
    BuildMark.Purpose(
      rulesHash: compiled.rules.sha256, engine: engine, logGeneration: view.snapshot.generation,
      root: Hex.text(try view.snapshot.root(ofFirst: view.size)), size: view.size, asOf: view.asOf)
  }

  /// The rebuild of the same that came furthest; all others that are not whole are removed.
  func unfinished(_ progress: (Progress) -> Void) throws -> UnfinishedBuild? {
    let purpose = try purpose()
    var best: UnfinishedBuild?
    for name in Files.list(home) where name.hasPrefix("g") && name.hasSuffix(".tmp") {
      let directory = "\(home)/\(name)"
      do throws(UnfinishedBuild.Unusable) {
        guard let found = try UnfinishedBuild(directory, view: self.name) else {
          Files.remove(directory)
          continue
        }
        if let reason = found.mark.purpose.difference(from: purpose) {
          throw UnfinishedBuild.Unusable(reason: reason)
        }
        if let other = best, other.mark.folded >= found.mark.folded {
          Files.remove(directory)
          continue
        }
        if let other = best { Files.remove(other.directory) }
        best = found
      } catch {
        progress(.unusable(error.reason))
        Files.remove(directory)
      }
    }
    return best
  }

  /// Notes from time to time how far a rebuild is; seldom enough to cost little.
  struct Marker {
    let draft: GenerationDraft
    let purpose: BuildMark.Purpose
    /// In all.
    let customers: Int
    /// Noting takes at most one part in so many.
    let share: Double
    private var next = 0.0
    private var flushed = Files.monotonicSeconds()
    /// What is written is flushed with a note that comes so long after the last flush.
    private static let secondsToFlush = 5.0

    init(
      _ draft: GenerationDraft, _ purpose: BuildMark.Purpose, customers: Int, share: Double
    ) {
      self.draft = draft
      self.purpose = purpose
      self.customers = customers
      self.share = share
    }

    /// - Returns: whether it was noted.
    mutating func note(_ point: ReplayPoint) throws -> Bool {
      let now = Files.monotonicSeconds()
      if now < next { return false }
      try draft.note(
        BuildMark(
          purpose: purpose, customers: customers, folded: point.customers,
          chunks: draft.chunks.count, tally: TallyCoding.encoded(point.summary)))
      if now - flushed >= Self.secondsToFlush {
        try draft.environment.sync()
        flushed = Files.monotonicSeconds()
      }
      next = now + (Files.monotonicSeconds() - now) * share
      return true
    }
  }
}
