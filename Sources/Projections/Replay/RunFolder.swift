import EventStore

/// Folds runs of customers out of what a pass has read, one customer after the other. One thread.
struct RunFolder: ~Copyable {
  var fold: TruthFold
  private let read: ReadEvents
  private let ranks: Range<Int>
  private let asOf: Int64
  private var loader = RunLoader()
  private let base: Interner
  private var strings: StringTranslation
  /// Strings of past customers are forgotten once they are so many.
  private static let stringLimit = 100_000

  init(_ pass: ReplayPass, _ read: ReadEvents) {
    fold = TruthFold(
      pass.compiled, plan: pass.plan, engine: pass.engine, followsSegments: pass.followsSegments)
    base = fold.evaluator.interner
    strings = StringTranslation(readers: read.readers)
    self.read = read
    ranks = pass.ranks
    asOf = pass.view.asOf
  }

  /// Gathers the events of a run; true where strings are numbered anew from here on.
  mutating func begin(_ run: Int) -> Bool {
    let forgets = fold.evaluator.interner.count > base.count + Self.stringLimit
    if forgets {
      fold.evaluator.interner = base
      strings = StringTranslation(readers: read.readers)
    }
    loader.gather(run, read, strings: &strings, interner: &fold.evaluator.interner)
    loader.begin(&fold.customer.events)
    return forgets
  }

  /// How many customers a run has.
  static func customers(of run: Int, in ranks: Range<Int>) -> Int {
    min(EventSlice.runLength, ranks.count - run * EventSlice.runLength)
  }

  /// Folds a customer of the run that was begun; false where it has no event that counts.
  ///
  /// - Parameter rank: in the directory.
  mutating func fold(customer: Int, rank: Int) -> Bool {
    guard loader.load(customer, into: &fold.customer.events) else { return false }
    fold.fold(asOf: asOf, rank: rank)
    return true
  }
}
