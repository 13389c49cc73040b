/// Who went from which segment of RFM to which between two instants.
package struct RFMMigration: Sendable {
  package typealias Standing = RFMPopulation.Standing

  package let from: RFMPopulation
  package let to: RFMPopulation
  /// Customers who are known at either instant, as ``forEach(_:)`` visits them.
  package private(set) var customers = 0
  /// Those whose standing is another one.
  package private(set) var moved = 0
  /// Those of them who are in a segment at both instants.
  package private(set) var movedBetweenSegments = 0
  private var counts: [Int]

  /// One customer at both instants; who is not known yet at one of them has bought nothing then.
  package struct Move: Sendable {
    package internal(set) var name: [UInt8]
    package internal(set) var from: RFMPopulation.Entry
    package internal(set) var to: RFMPopulation.Entry
  }

  /// - Parameter to: not before `from`, of the same log and rules.
  package init(from: RFMPopulation, to: RFMPopulation) {
    self.from = from
    self.to = to
    counts = Array(repeating: 0, count: Standing.all.count * Standing.all.count)
    var counts = counts
    var (customers, moved, between) = (0, 0, 0)
    forEach { move in
      let (a, b) = (move.from.standing, move.to.standing)
      customers += 1
      counts[a.number * Standing.all.count + b.number] += 1
      if a == b { return }
      moved += 1
      if a.isSegment && b.isSegment { between += 1 }
    }
    self.counts = counts
    self.customers = customers
    self.moved = moved
    movedBetweenSegments = between
  }

  /// Visits all customers in the order of the bytes of their names; of those who have become a part of another customer
  /// only who had bought something.
  package func forEach(_ body: (Move) throws -> Void) rethrows {
    var left = 0
    var right = 0
    while left < from.names.count || right < to.names.count {
      var move = Move(
        name: [], from: .init(standing: .noPurchase), to: .init(standing: .noPurchase))
      let order = NameOrder.compare(from.names, left, to.names, right)
      if order <= 0 {
        move.name = from.names[left]
        move.from = from.entries[left]
        left += 1
      }
      if order >= 0 {
        move.name = to.names[right]
        move.to = to.entries[right]
        right += 1
      } else if to.joined.contains(move.name) {
        if move.from.standing == .noPurchase { continue }
        move.to.standing = .joined
      }
      try body(move)
    }
  }

  /// Pairs of standings that somebody has, by the first, then by the second.
  package var matrix: [(from: Standing, to: Standing, customers: Int)] {
    let width = Standing.all.count
    return counts.indices.filter { counts[$0] > 0 }.map { place in
      (Standing.all[place / width], Standing.all[place % width], counts[place])
    }
  }
}
