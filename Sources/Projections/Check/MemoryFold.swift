/// Folds a handful of events without a store: the tests of rules files.
enum MemoryFold {
  struct NamedRow {
    var customer: String
    var row: CustomerRecord.Row
  }

  /// What became of one customer.
  struct Customer {
    var name: String
    /// After the entry row.
    var rows: [NamedRow]
    /// Set where the rules do not determine a stage.
    var parked: Parking?
  }

  /// Customers in the order of the bytes of their names; those of whom nothing counts are left out.
  static func customers(
    of lines: [EventLine], asOf: Int64, _ compiled: CompiledRules
  ) -> [Customer] {
    var customers: [Customer] = []
    forEach(of: lines, asOf: asOf, compiled) { name, taken, fold in
      var customer = Customer(name: name, rows: [])
      for row in fold.result.rows.dropFirst() {
        customer.rows.append(NamedRow(customer: name, row: fold.named(row, taken)))
      }
      customer.parked = fold.result.parked.map { Parking($0, compiled) }
      customers.append(customer)
    }
    return customers
  }

  /// Gives each customer's name, the lines of it that count, and what folded them, in the same order.
  static func forEach(
    of lines: [EventLine], asOf: Int64, _ compiled: CompiledRules, followsSegments: Bool = false,
    _ body: (String, [EventLine], borrowing CustomerFold) -> Void
  ) {
    var fold = CustomerFold(compiled, followsSegments: followsSegments)
    for group in CustomerGroups.of(lines.filter { $0.occurred <= asOf }, compiled) {
      let taken = fold.load(group.lines)
      if taken.isEmpty { continue }
      fold.fold(asOf: asOf)
      body(group.name, taken, fold)
    }
  }
}
