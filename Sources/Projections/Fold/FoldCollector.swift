/// Gathers something of the customers that one thread folds; what several have is put together in no order.
protocol FoldCollector: Sendable {
  /// The fold numbers its strings anew.
  mutating func forgetStrings()
  /// Adds a customer that has been folded, maybe to be parked.
  mutating func add(_ fold: CustomerFold, rank: UInt32)
  mutating func add(_ other: Self)
}
