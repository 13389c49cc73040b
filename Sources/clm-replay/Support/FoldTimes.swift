import ArgumentParser
import EventStore
import Projections

/// Other times than those of a view, for commands that fold everybody (docs/times.md).
struct FoldTimes: ParsableArguments {
  @Option(
    help:
      "The instant to fold to, in place of the view's or the latest: RFC 3339, a date, or `now`.")
  var asOf: String?
  @Option(help: "Only events recorded by then.") var knownAt: String?

  /// The view itself answers.
  var isNow: Bool { asOf == nil && knownAt == nil }
}

extension OpenedStore {
  /// What a command about a view folds: what the view was made from, or the log as it is in other times.
  func logView(
    of manifest: ViewManifest, asOf: String?, knownAt: String?
  ) throws -> LogView {
    if asOf == nil && knownAt == nil {
      return try logView(size: manifest.size, asOf: manifest.asOf)
    }
    return try logView(asOf: asOf, knownAt: knownAt, viewAsOf: manifest.asOf)
  }

  func logView(of manifest: ViewManifest, _ times: FoldTimes) throws -> LogView {
    try logView(of: manifest, asOf: times.asOf, knownAt: times.knownAt)
  }
}
