/// How far a replay is, so that another one of the same can go on from there.
///
/// Reads of a pass are counted behind its last run: who goes on within a pass reads it once more.
struct ReplayPoint: Sendable {
  /// Customers with a lower rank are folded; the end of a run, or of a pass.
  var customers: Int
  /// What they came to.
  var summary: ReplaySummary
}
