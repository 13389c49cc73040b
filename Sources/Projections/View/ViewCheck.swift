import EventStore

/// Holds a view against what a fold of everybody gives.
package struct ViewCheck {
  private let compiled: CompiledRules
  private let reader: ViewReader
  private let view: LogView
  private let threads: Int
  private let engine: FoldEngine
  /// How much of the folding is done.
  package let meter = WorkMeter()

  /// - Parameters:
  ///   - compiled: the view's own rules.
  ///   - view: what it was made from.
  package init(
    _ compiled: CompiledRules, _ reader: ViewReader, view: LogView, threads: Int,
    engine: FoldEngine
  ) {
    self.compiled = compiled
    self.reader = reader
    self.view = view
    self.threads = threads
    self.engine = engine
  }

  package struct Found: Sendable {
    /// In hexadecimal.
    package var rebuiltRoot: String
    /// In words; empty where the view is what it has to be.
    package var differences: [String] = []
  }

  /// - Throws: what the log throws, and `.damaged` where the view cannot be read.
  package func run() throws -> Found {
    var root = OutputRoot()
    let packer = try RecordPacker(
      Replayer(compiled, view: view, threads: threads, engine: engine, meter: meter))
    let summary = try packer.run { packed in
      for run in packed { for leaf in run.leaves { root.add(leaf) } }
    }
    let rebuilt = try root.sorted(threads: threads)
    meter.add(ReplayPass.finishingUnits * packer.directory.eventCount)
    let stored = try reader.guarded { try storedHashes() }
    var found = Found(rebuiltRoot: Hex.text(rebuilt.root))
    if try !reader.isOfLog(view.snapshot) {
      found.differences.append("the log is not the one that it was made from")
    }
    if found.rebuiltRoot != reader.manifest.outputRoot {
      found.differences.append(
        "its output root is \(reader.manifest.outputRoot), and \(found.rebuiltRoot) comes out")
    }
    let strangers = zip(stored.buckets, rebuilt.buckets).reduce(0) {
      $0 + Set($1.0.map(\.first)).symmetricDifference($1.1.map(\.first)).count
    }
    if strangers > 0 { found.differences.append("\(strangers) records are in one of both only") }
    let tally = try reader.guarded { try reader.value(ViewFiles.meta, ViewFiles.tallyKey) }
    if tally != TallyCoding.encoded(summary) { found.differences.append("its totals are others") }
    return found
  }

  /// The hashes of the records as they stand in the view.
  private func storedHashes() throws -> OutputRoot.Sorted {
    let forms = reader.rules.valueForms
    let reader = reader
    let ticket = Ticket()
    let parts = try Parallel.run(threads) { _ in
      var leaves: [OutputRoot.Leaf] = []
      while true {
        let chunk = ticket.take()
        if chunk >= reader.chunks.count { return leaves }
        var (decoder, count) = try reader.records(chunk)
        let bytes = decoder.bytes
        for _ in 0..<count {
          let layout = try RecordLayout(&decoder, forms)
          leaves.append(
            OutputRoot.leaf(
              name: bytes.span.extracting(layout.name),
              covered: bytes.span.extracting(layout.covered)))
        }
      }
    }
    var root = OutputRoot()
    for leaf in parts.joined() { root.add(leaf) }
    return try root.sorted(threads: threads)
  }
}
