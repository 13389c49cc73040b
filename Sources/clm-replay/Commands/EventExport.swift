import CEL
import EventStore
import Projections

/// `export --table events`: lines of the log as they came, for another store or another program.
struct EventExport {
  let opened: OpenedStore
  /// Customers whose events are wanted; all where none is named.
  var customers: [String]
  /// The view that says which subjects a customer has; the only one unless given.
  var view: String?
  /// Raw types; all where none is named.
  var types: [String]
  /// As given: instants or dates, both inclusive.
  var from: String?
  var to: String?
  var threads: Int

  /// Writes the lines, and says what was left out.
  /// - Returns: the number of lines.
  /// - Throws: `unknown-customer`, wrong usage, and what reading or writing throws.
  func write(to output: String) throws -> Int {
    let selection = try selection()
    let file = try OutputFile.open(output)
    let read = try opened.run {
      try opened.snapshot.forEachPart(of: selection) { try file.write($0) }
    }
    try file.close()
    if read.erased > 0 {
      let fit = selection.isEverything ? "" : "; whether they would have been wanted is not known"
      ErrorReport(
        isWarning: true, code: "erased",
        message: "\(read.erased) events were erased and are left out\(fit)"
      ).write()
    }
    return read.events
  }

  private func selection() throws -> EventSelection {
    var selection = EventSelection()
    let first = try from.map { try Times.start($0, option: "--from") } ?? Int64.min
    let last = try to.map { try Times.instant($0, option: "--to") } ?? Int64.max
    guard first <= last else {
      throw CommandError(
        exit: .usage, code: "usage", message: "--from \(from ?? "") is later than --to \(to ?? "")")
    }
    selection.occurred = first...last
    if !types.isEmpty { selection.types = numbers(ofTypes: types) }
    if !customers.isEmpty { selection.subjects = try numbers(ofCustomers: customers) }
    return selection
  }

  private func numbers(ofTypes types: [String]) -> Set<UInt16> {
    let known = opened.snapshot.typeNames
    return Set(
      types.compactMap { type in
        if let number = known.firstIndex(of: Array(type.utf8)) { return UInt16(number) }
        let names = known.map { String(decoding: $0, as: UTF8.self) }
        ErrorReport(
          isWarning: true, code: "unknown-type", message: "the log has no event of type `\(type)`",
          help: Suggestion.nearest(to: type, among: names).map { "did you mean `\($0)`?" }
        ).write()
        return nil
      })
  }

  /// The subjects of customers by the view; of a name that no view has, the subject of that name.
  private func numbers(ofCustomers customers: [String]) throws -> Set<UInt32> {
    let hasViews = try opened.run { try !ViewReader.names(opened.path).isEmpty }
    let reader = view != nil || hasViews ? try opened.view(named: view) : nil
    var wanted: [(customer: Int, subject: [UInt8])] = []
    for (index, customer) in customers.enumerated() {
      let found = try opened.run { try reader?.customer(named: customer) }
      let subjects = found.map { [$0.record.name] + $0.record.subjects } ?? [customer]
      wanted += subjects.map { (index, Array($0.utf8)) }
    }
    let numbers = try opened.run {
      try opened.snapshot.subjects(named: wanted.map(\.subject), threads: threads)
    }
    let found = Set(zip(wanted, numbers).compactMap { $1 == nil ? nil : $0.customer })
    if let missing = customers.indices.first(where: { !found.contains($0) }) {
      throw CommandError(
        exit: .couldNotRun, code: "unknown-customer",
        message: "the log has no event of a customer `\(customers[missing])`")
    }
    return Set(numbers.compactMap { $0 })
  }
}
