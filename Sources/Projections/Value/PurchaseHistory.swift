/// What the purchase models know of a customer, in one time unit.
package struct PurchaseHistory: Sendable, Hashable {
  /// Days with a purchase, less the first one.
  package var frequency: Double
  /// From the first purchase to the last one.
  package var recency: Double
  /// From the first purchase to as-of.
  package var age: Double

  package init(frequency: Double, recency: Double, age: Double) {
    self.frequency = frequency
    self.recency = recency
    self.age = age
  }
}

/// Histories, equal ones together and in the order of their values, so that no sum over them depends on the order of customers.
///
/// The models need the most work for pairs of a frequency and a time, and a log of days has far fewer of those than customers:
/// each pair is a *cell*, computed once.
struct GroupedHistories: Sendable {
  struct Group: Sendable {
    /// Cell of (frequency, age).
    var age: Int32
    /// Cell of (frequency, recency).
    var recency: Int32
    /// How many customers have this history.
    var weight: Double
  }

  /// Different frequencies, rising: how many customers have each, its cells and its groups.
  struct Frequency: Sendable {
    var value: Double
    var weight: Double
    var cells: Range<Int>
    var groups: Range<Int>
  }

  private(set) var frequencies: [Frequency] = []
  /// Times of the cells, rising within a frequency.
  private(set) var times: [Double] = []
  private(set) var groups: [Group] = []
  /// Place of each customer's history in ``groups``, in the order given.
  private(set) var ofCustomer: [Int32] = []

  init(_ all: [PurchaseHistory]) {
    let firsts = numberHistories(all)
    var weights = Array(repeating: 0.0, count: firsts.count)
    for number in ofCustomer { weights[Int(number)] += 1 }
    let order = group(firsts.map { all[Int($0)] }, weights)
    var places = Array(repeating: Int32(0), count: order.count)
    for (place, number) in order.enumerated() { places[number] = Int32(place) }
    for customer in ofCustomer.indices { ofCustomer[customer] = places[Int(ofCustomer[customer])] }
  }

  /// Histories that differ, each with a weight; ``ofCustomer`` stays empty.
  init(weighted: [(history: PurchaseHistory, weight: Double)]) {
    _ = group(weighted.map(\.history), weighted.map(\.weight))
  }

  /// - Returns: the numbers of the histories in the order of ``groups``.
  private mutating func group(_ histories: [PurchaseHistory], _ weights: [Double]) -> [Int] {
    let order = histories.indices.sorted { left, right in
      let (one, two) = (histories[left], histories[right])
      if one.frequency != two.frequency { return one.frequency < two.frequency }
      if one.age != two.age { return one.age < two.age }
      return one.recency < two.recency
    }
    groups.reserveCapacity(order.count)
    var next = 0
    while next < order.count {
      let frequency = histories[order[next]].frequency
      var end = next
      while end < order.count && histories[order[end]].frequency == frequency { end += 1 }
      addFrequency(frequency, order[next..<end], histories, weights)
      next = end
    }
    return order
  }

  private mutating func addFrequency(
    _ frequency: Double, _ order: ArraySlice<Int>, _ histories: [PurchaseHistory],
    _ weights: [Double]
  ) {
    var own: [Double] = []
    own.reserveCapacity(2 * order.count)
    for number in order {
      own.append(histories[number].recency)
      if own.count < 2 || own[own.count - 2] != histories[number].age {
        own.append(histories[number].age)
      }
    }
    own.sort()
    let first = times.count
    for time in own where times.count == first || times[times.count - 1] != time {
      times.append(time)
    }
    let cells = first..<times.count
    func cell(_ time: Double) -> Int32 {
      var (low, high) = (cells.lowerBound, cells.upperBound)
      while low < high {
        let middle = (low + high) / 2
        if times[middle] < time { low = middle + 1 } else { high = middle }
      }
      return Int32(low)
    }
    let firstGroup = groups.count
    var weight = 0.0
    var (age, ageCell) = (-1.0, Int32(0))
    for number in order {
      let history = histories[number]
      if history.age != age { (age, ageCell) = (history.age, cell(history.age)) }
      groups.append(
        Group(age: ageCell, recency: cell(history.recency), weight: weights[number]))
      weight += weights[number]
    }
    frequencies.append(
      Frequency(
        value: frequency, weight: weight, cells: cells, groups: firstGroup..<groups.count))
  }

  /// The same with all times multiplied.
  func scaled(_ factor: Double) -> GroupedHistories {
    var scaled = self
    for index in times.indices { scaled.times[index] = times[index] * factor }
    return scaled
  }

  /// Customers of all groups.
  var customers: Double { frequencies.reduce(0) { $0 + $1.weight } }

  /// Sum of frequencies, ages and recencies over customers.
  var sums: (frequency: Double, age: Double, recency: Double) {
    var sums = (frequency: 0.0, age: 0.0, recency: 0.0)
    for frequency in frequencies {
      sums.frequency += frequency.weight * frequency.value
      for group in groups[frequency.groups] {
        sums.age += group.weight * times[Int(group.age)]
        sums.recency += group.weight * times[Int(group.recency)]
      }
    }
    return sums
  }

  /// Fewer groups that stand for all: times to the next of `steps` parts of the largest age, frequencies above 8 to the next
  /// power of 1.3. Good enough to tell one hill of a likelihood from another, and the same for any order of customers.
  func coarse(steps: Double) -> GroupedHistories {
    var weights: [PurchaseHistory: Double] = [:]
    let longest = times.max() ?? 0
    let step = max(longest / steps, .leastNormalMagnitude)
    for frequency in frequencies {
      var value = frequency.value
      if value > 8 {
        var power = 8.0
        while power * 1.3 < value { power *= 1.3 }
        value = power.rounded()
      }
      for group in groups[frequency.groups] {
        let age = (times[Int(group.age)] / step).rounded() * step
        let recency = min(age, (times[Int(group.recency)] / step).rounded() * step)
        weights[
          PurchaseHistory(frequency: value, recency: value == 0 ? 0 : recency, age: age),
          default: 0] += group.weight
      }
    }
    return GroupedHistories(weighted: weights.map { ($0.key, $0.value) })
  }

  // MARK: Numbering

  /// Numbers different histories as they come; gives the first customer of each. A table of places, probed in order.
  private mutating func numberHistories(_ all: [PurchaseHistory]) -> [Int32] {
    var bits = 4
    while 1 << bits < 2 * all.count { bits += 1 }
    var table = Array(repeating: Int32(-1), count: 1 << bits)
    var firsts: [Int32] = []
    ofCustomer.reserveCapacity(all.count)
    for (customer, history) in all.enumerated() {
      var place = Int(Self.hash(history) >> UInt64(64 - bits))
      while true {
        let found = table[place]
        if found < 0 {
          table[place] = Int32(firsts.count)
          ofCustomer.append(Int32(firsts.count))
          firsts.append(Int32(customer))
          break
        }
        if all[Int(firsts[Int(found)])] == history {
          ofCustomer.append(found)
          break
        }
        place = (place + 1) & ((1 << bits) - 1)
      }
    }
    return firsts
  }

  private static func hash(_ history: PurchaseHistory) -> UInt64 {
    var mixed = history.frequency.bitPattern &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 29 ^ history.age.bitPattern) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 32 ^ history.recency.bitPattern) &* 0x94D0_49BB_1331_11EB
    return (mixed ^ mixed >> 31) &* 0x9E37_79B9_7F4A_7C15
  }
}
