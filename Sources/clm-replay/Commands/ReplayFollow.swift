import EventStore
import Projections

/// `replay --follow`: keeps a view current while other processes import.
extension ReplayCommand {
  /// Brings the view up to date whenever there is something new, until SIGINT or SIGTERM asks to end.
  func follow(_ format: OutputFormat) throws {
    try refuseBeside(
      "--follow",
      [
        ("--known-at", knownAt != nil), ("--changes", !changes.isEmpty),
        ("--receipt", receipt != nil), ("--rebuild", rebuild),
      ])
    let pause = Double(try Times.length(poll, option: "--poll")) / 1e6
    guard pause > 0 else {
      throw CommandError(
        exit: .usage, code: "usage", message: "--poll \(poll) is no time to wait")
    }
    // Before other threads are started.
    let stop = StopRequest()
    let signals = StopSignals(stop)
    var request = try Request(self)
    request.rules = try rules.map { try LoadedRules.load($0) }
    try stop.heeded {
      var last: Followed?
      while !stop.isAsked {
        if try isDue(last) {
          let said = try once(request)
          if said.hasChanged || last == nil { try tell(said, format) }
          last = try Followed(store, said.manifest)
          request.isRepeated = true
          request.name = said.manifest.name
        }
        stop.wait(seconds: pause)
      }
    }
    Notice.write("ended by \(signals.name ?? "a signal")", quiet: global.quiet)
  }

  /// What the view was brought to.
  private struct Followed {
    var manifest: ViewManifest
    /// When the first customer has to be folded again for no other reason than time.
    var staleAt: Int64

    init(_ store: String, _ manifest: ViewManifest) throws {
      self.manifest = manifest
      do throws(ViewError) {
        staleAt = try ViewReader.open(store, named: manifest.name).staleAt
      } catch {
        throw CommandError(error)
      }
    }
  }

  /// Whether a replay would find something new. Time alone brings something only with `--as-of now`.
  private func isDue(_ last: Followed?) throws -> Bool {
    guard let last else { return true }
    let snapshot = try OpenedStore(store).snapshot
    return snapshot.size != last.manifest.size
      || snapshot.generation != last.manifest.logGeneration
      || asOf == "now" && last.staleAt <= Clock.nowMicroseconds()
  }

  private func tell(_ said: Said, _ format: OutputFormat) throws {
    let manifest = said.manifest
    Notice.write(
      "\(RFC3339.text(Clock.nowMicroseconds())) view \(manifest.name): as of \(RFC3339.text(manifest.asOf)), log size \(manifest.size), \(manifest.customers) customers, \(said.work), in \(Numbers.seconds(said.seconds)) s"
        + (manifest.parked > 0 ? ", \(manifest.parked) parked" : ""), quiet: global.quiet)
    if format == .json || format == .ndjson { try say(said, format) }
  }
}
