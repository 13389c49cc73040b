import ArgumentParser
import Projections

/// What `metrics` and `report` count as activity, as stuck and as churned.
struct MetricsOptions: ParsableArguments {
  @Option(
    help: "The alias whose events count as activity, or `any`; purchases of `clv` unless given.")
  var activity: String?
  @Option(help: "How long in a stage counts as stuck, such as 90d.") var stuckAfter = "90d"
  @Option(
    name: .customLong("churned"),
    help:
      "A stage that counts as churned (may be repeated); those named lapsed, churned, dormant, inactive, lost or sleeping unless given."
  )
  var churned: [String] = []

  func settings(_ period: Periods.Length) throws -> MetricsPlan.Settings {
    var settings = MetricsPlan.Settings()
    settings.period = period
    settings.activity = activity
    settings.churned = churned.isEmpty ? nil : churned
    settings.stuckAfter = try Times.length(stuckAfter, option: "--stuck-after")
    return settings
  }
}
