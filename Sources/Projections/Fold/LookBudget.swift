/// How often time alone may be looked at for one customer although no row comes of it.
///
/// Counted in instants, not in time, so that the same log and rules always come to the same end.
struct LookBudget: Sendable {
  var base: Int
  /// Added for each event of the customer.
  var perEvent: Int

  static let standard = LookBudget(base: 1_000_000, perEvent: 1000)
}
