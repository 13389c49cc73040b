import Glibc

/// The likelihood of many histories under one kind of model.
struct HistoriesLikelihood: Sendable {
  let grouped: GroupedHistories
  let threads: Int

  /// Its logarithm with derivatives in the logarithms of the parameters: the same for any number of threads.
  func derivatives(_ model: some PurchaseModel) throws -> LogDerivatives {
    let grouped = grouped
    let cells = try cells(model)
    var sum = LogDerivatives()
    for (frequency, head) in zip(grouped.frequencies, model.heads(grouped.frequencies.map(\.value)))
    {
      sum.add(head, weight: frequency.weight)
    }
    let length = 8192
    let pieces = (grouped.groups.count + length - 1) / length
    let parts = try Pieces.map(pieces, threads: threads) { piece in
      let range = piece * length..<min(grouped.groups.count, (piece + 1) * length)
      return Self.sum(grouped.groups[range], cells)
    }
    for part in parts { sum.add(part, weight: 1) }
    return sum
  }

  /// All cells, in the order of ``GroupedHistories/times``.
  func cells(_ model: some PurchaseModel) throws -> [HistoryCell] {
    let grouped = grouped
    let parts = try Pieces.map(
      grouped.frequencies.count, threads: grouped.times.count < 64 ? 1 : threads
    ) {
      let frequency = grouped.frequencies[$0]
      return model.cells(frequency.value, grouped.times[frequency.cells])
    }
    if parts.count == 1 { return parts[0] }
    var all: [HistoryCell] = []
    all.reserveCapacity(grouped.times.count)
    for part in parts { all += part }
    return all
  }

  private static func sum(
    _ groups: ArraySlice<GroupedHistories.Group>, _ cells: [HistoryCell]
  ) -> LogDerivatives {
    var value = 0.0
    var gradient = SIMD4<Double>.zero
    var hessian = SymmetricMatrix.zero
    for group in groups {
      let term = cells[Int(group.age)].ageTerm.adding(cells[Int(group.recency)].recencyTerm)
      let inverse = 1 / term.value
      let first = term.gradient * inverse
      value += group.weight * (term.scale + log(term.value))
      gradient += group.weight * first
      hessian =
        hessian + term.hessian * (group.weight * inverse)
        - .square(first, times: group.weight)
    }
    return LogDerivatives(value: value, gradient: gradient, hessian: hessian)
  }

  /// P(alive) of each group, given the cells.
  func probabilitiesAlive(_ cells: [HistoryCell]) throws -> [Double] {
    let groups = grouped.groups
    return try Pieces.mapEach(groups.count, threads: threads) {
      Self.probabilityAlive(groups[$0], cells)
    }
  }

  private static func probabilityAlive(
    _ group: GroupedHistories.Group, _ cells: [HistoryCell]
  ) -> Double {
    let age = cells[Int(group.age)]
    let sum = age.ageTerm.adding(cells[Int(group.recency)].recencyTerm)
    return min(1, exp(age.logAlive - sum.scale) / sum.value)
  }

  /// The same on one thread.
  static func probabilitiesAlive(
    _ model: some PurchaseModel, _ grouped: GroupedHistories
  ) -> [Double] {
    let cells = grouped.frequencies.flatMap { model.cells($0.value, grouped.times[$0.cells]) }
    return grouped.groups.map { probabilityAlive($0, cells) }
  }
}
