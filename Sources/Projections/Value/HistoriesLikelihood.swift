import Glibc

/// The likelihood of many histories under one kind of model.
struct HistoriesLikelihood: Sendable {
  let grouped: GroupedHistories
  let threads: Int

  /// What `body` makes of each frequency and its cells, rising. Cells are not kept beyond that: there may be nearly as many
  /// as customers.
  func byFrequency<Output: Sendable>(
    _ model: some PurchaseModel,
    _ body: @escaping @Sendable (GroupedHistories.Frequency, [HistoryCell]) -> Output
  ) throws -> [Output] {
    let grouped = grouped
    return try Pieces.map(
      grouped.frequencies.count, threads: grouped.groups.count < 64 ? 1 : threads
    ) {
      let frequency = grouped.frequencies[$0]
      return body(frequency, model.cells(frequency.value, grouped.times[frequency.cells]))
    }
  }

  /// Its logarithm with derivatives in the logarithms of the parameters: the same for any number of threads.
  func derivatives(_ model: some PurchaseModel) throws -> LogDerivatives {
    let grouped = grouped
    let tails = try byFrequency(model) { frequency, cells in
      Self.sum(grouped.groups[frequency.groups], cells, first: frequency.cells.lowerBound)
    }
    let heads = model.heads(grouped.frequencies.map(\.value))
    var sum = LogDerivatives()
    for (place, frequency) in grouped.frequencies.enumerated() {
      sum.add(heads[place], weight: frequency.weight)
      sum.add(tails[place], weight: 1)
    }
    return sum
  }

  private static func sum(
    _ groups: ArraySlice<GroupedHistories.Group>, _ cells: [HistoryCell], first: Int
  ) -> LogDerivatives {
    var sum = LogDerivatives()
    for group in groups {
      let term = cells[Int(group.age) - first].ageTerm
        .adding(cells[Int(group.recency) - first].recencyTerm)
      let inverse = 1 / term.value
      let slope = term.gradient * inverse
      sum.value += group.weight * (term.scale + log(term.value))
      sum.gradient += group.weight * slope
      sum.hessian =
        sum.hessian + term.hessian * (group.weight * inverse) - .square(slope, times: group.weight)
    }
    return sum
  }

  /// P(alive) of a group, given the cells of its frequency.
  static func probabilityAlive(
    _ group: GroupedHistories.Group, _ cells: [HistoryCell], first: Int
  ) -> Double {
    let age = cells[Int(group.age) - first]
    let sum = age.ageTerm.adding(cells[Int(group.recency) - first].recencyTerm)
    return min(1, exp(age.logAlive - sum.scale) / sum.value)
  }

  /// P(alive) of each group of all frequencies, on one thread.
  static func probabilitiesAlive(
    _ model: some PurchaseModel, _ grouped: GroupedHistories
  ) -> [Double] {
    grouped.frequencies.flatMap { frequency in
      let cells = model.cells(frequency.value, grouped.times[frequency.cells])
      return grouped.groups[frequency.groups].map {
        probabilityAlive($0, cells, first: frequency.cells.lowerBound)
      }
    }
  }
}
