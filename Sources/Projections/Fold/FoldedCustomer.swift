/// A customer that has been folded, as those see it who take it further.
struct FoldedCustomer {
  let compiled: CompiledRules
  let events: CustomerEvents
  let result: FoldResult
  /// The strings behind numbers in `events` and `result`.
  let interner: Interner
}
