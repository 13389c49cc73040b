/// Takes the customers that one thread folds: packing a view, comparing, metrics and the like.
///
/// A sink is made for each thread and each stretch of runs. What it makes of a run of customers is handed on in the order of the
/// customers; what it adds up stands in the sink itself, and those of several threads come in no order.
protocol FoldSink: Sendable {
  /// What is left of a run of customers; `Void` where only sums are wanted.
  associatedtype Run: Sendable

  /// How many runs are folded before they are handed on: what is left of them is held until then.
  static var runsAtATime: Int { get }

  /// - Parameter stringsAnew: the fold numbers its strings anew, so that numbers of earlier runs mean nothing.
  mutating func beginRun(stringsAnew: Bool)

  /// Takes a customer that has been folded, maybe to be parked; customers of a run come in order.
  ///
  /// - Parameter rank: of the customer in the ``CustomerDirectory``.
  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32)

  mutating func endRun() -> Run
}

extension FoldSink {
  static var runsAtATime: Int { 64 }
  mutating func beginRun(stringsAnew: Bool) {}
}

extension FoldSink where Run == Void {
  static var runsAtATime: Int { Int.max }
  mutating func endRun() {}
}
