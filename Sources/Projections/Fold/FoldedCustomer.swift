/// A customer that has been folded, as those see it who take it further. Lent to them, never copied: there is one for each
/// thread, and a customer at a time in it.
struct FoldedCustomer: ~Copyable {
  let compiled: CompiledRules
  var events = CustomerEvents()
  var result = FoldResult()
  /// The strings behind numbers in `events` and `result`.
  var interner: Interner

  init(_ compiled: CompiledRules) {
    self.compiled = compiled
    interner = Interner()
  }
}
