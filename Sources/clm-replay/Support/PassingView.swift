import EventStore
import Projections

/// A view that is built for one question, outside the store, and gone when it is answered: everybody is folded, so that what
/// needs everybody is known.
enum PassingView {
  /// - Parameter name: of the view in words.
  static func build(
    _ name: String, _ compiled: CompiledRules, _ view: LogView, quiet: Bool
  ) throws -> (reader: ViewReader, outputRoot: String) {
    let base = Files.environment("TMPDIR") ?? "/tmp"
    let place = Files.temporary(for: "\(base)/clm-replay-population")
    Files.removeStale(besides: "\(base)/clm-replay-population")
    defer { Files.remove(place) }
    return try CommandError.translating {
      try Files.makeDirectory(place)
      let builder = ViewBuilder(
        storePath: place, name: name, compiled, view: view, engine: Version.engine,
        threads: Threads.count(nil))
      Notice.write(
        "folding everybody as of \(RFC3339.text(view.asOf)), the first \(view.size) events",
        quiet: quiet)
      let progress = ProgressLine("population", quiet: quiet)
      let built = try builder.build { progress.update($0) }
      progress.end()
      let manifest = try builder.publish(
        built, switchedAt: Clock.nowMicroseconds(), summary: { _ in [] }
      ) { _ in }
      // What was opened stays readable when its directory is gone.
      return (try ViewReader.open(place, named: name), manifest.outputRoot)
    }
  }
}
