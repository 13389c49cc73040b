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
    let visible = lines.filter { $0.occurred <= asOf }
    var fold = CustomerFold(compiled)
    var customers: [Customer] = []
    for group in groups(of: visible, compiled) {
      let taken = fold.load(group.lines)
      if taken.isEmpty { continue }
      fold.fold(asOf: asOf)
      var customer = Customer(name: group.name, rows: [])
      for row in fold.result.rows.dropFirst() {
        customer.rows.append(NamedRow(customer: group.name, row: fold.named(row, taken)))
      }
      customer.parked = fold.result.parked.map { Parking($0, compiled) }
      customers.append(customer)
    }
    return customers
  }

  /// The events by customer, in the order of the bytes of their names.
  private static func groups(
    of lines: [EventLine], _ compiled: CompiledRules
  ) -> [(name: String, lines: [EventLine])] {
    var numbers: [[UInt8]: UInt32] = [:]
    var names: [String] = []
    var subjects: [UInt32] = []
    for line in lines {
      let key = Array(line.subject.utf8)
      if numbers[key] == nil {
        numbers[key] = UInt32(names.count)
        names.append(line.subject)
      }
      subjects.append(numbers[key] ?? 0)
    }
    var roots = Array(0..<UInt32(names.count))
    if let field = compiled.identityField {
      var links: [Identity.Link] = []
      for (line, subject) in zip(lines, subjects) {
        var reader = EventReader(compiled, types: [Array(line.type.utf8)])
        if case .named(let named) = reader.link(line: line.line.span, type: 0, identity: field) {
          links.append(
            Identity.Link(
              occurred: line.occurred, position: line.position, subject: subject, named: named))
        }
      }
      roots =
        Identity(links: links, subjectCount: names.count) { numbers[$0] }.roots()
    }
    let order = names.indices.sorted { ByteString(names[$0]) < ByteString(names[$1]) }
    return order.compactMap { number in
      let own = lines.indices.filter { roots[Int(subjects[$0])] == UInt32(number) }
      return own.isEmpty ? nil : (names[number], own.map { lines[$0] })
    }
  }
}
