/// How many spans of `active` hold a member, at any instant, without a look at each member.
///
/// Spans are counted back from `now`, so that all their ends lie at one phase of `every`: that of `now`. Two members that
/// follow each other are in two spans where they are at least `every` apart, or where that phase lies from the first
/// one's on and before the second one's. The spans that hold one are one more than such pairs, so it is enough to keep
/// for each phase how many pairs it parts: a tree over the phases of all events, with sums over ranges.
///
/// A class, so that states kept aside for explanations cost nothing; those are read from their members.
final class ActiveSpans {
  private let every: Int64
  /// The phases of the customer's events, ascending. Place n stands for all phases from this one on and before the next.
  private let phases: [Int64]
  private let size: Int
  /// Below each node: what was added to all of it, and the least and greatest count in it with that added.
  private var added: [Int32]
  private var least: [Int32]
  private var greatest: [Int32]
  /// Pairs that are parted at every phase.
  private var always: Int64 = 0

  /// - Parameter occurred: of all events that may become members.
  init(every: Int64, occurred: [Int64]) {
    self.every = every
    let sorted = occurred.map { ScalarValue.floorDivide($0, every).1 }.sorted()
    var phases: [Int64] = []
    for phase in sorted where phases.last != phase { phases.append(phase) }
    self.phases = phases
    var size = 1
    while size < phases.count { size *= 2 }
    self.size = size
    added = Array(repeating: 0, count: 2 * size)
    least = added
    greatest = added
  }

  private func phase(_ instant: Int64) -> Int64 { ScalarValue.floorDivide(instant, every).1 }

  /// The place whose phases hold this one; before the first it is the last one's, from the round before.
  private func place(_ phase: Int64) -> Int {
    var low = 0
    var high = phases.count
    while low < high {
      let middle = (low + high) / 2
      if phases[middle] <= phase { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? phases.count - 1 : low - 1
  }

  // MARK: Members

  /// A pair of members next to each other begins (`sign` 1) or ends (-1) to be one.
  func count(_ first: Int64, _ second: Int64, sign: Int32) {
    let gap = second - first
    if gap == 0 { return }
    if gap >= every {
      always += Int64(sign)
      return
    }
    let from = place(phase(first))
    let to = place(phase(second))
    if from < to {
      add(sign, from, to)
    } else {
      add(sign, from, phases.count)
      add(sign, 0, to)
    }
  }

  private func add(_ amount: Int32, _ from: Int, _ to: Int) {
    if from < to { add(amount, from, to, 1, 0, size) }
  }

  private func add(
    _ amount: Int32, _ from: Int, _ to: Int, _ node: Int, _ low: Int, _ high: Int
  ) {
    if from <= low && high <= to {
      added[node] += amount
      least[node] += amount
      greatest[node] += amount
      return
    }
    let middle = (low + high) / 2
    if from < middle { add(amount, from, to, 2 * node, low, middle) }
    if to > middle { add(amount, from, to, 2 * node + 1, middle, high) }
    least[node] = added[node] + min(least[2 * node], least[2 * node + 1])
    greatest[node] = added[node] + max(greatest[2 * node], greatest[2 * node + 1])
  }

  // MARK: Reading

  /// Spans that hold one of at least one member.
  func spans(at instant: Int64) -> Int64 {
    var node = size + place(phase(instant))
    var parted = Int64(added[node])
    while node > 1 {
      node /= 2
      parted += Int64(added[node])
    }
    return 1 + always + parted
  }

  /// The first later instant at which fewer than `low` or more than `high` spans hold one, members being the same;
  /// nil where there is none.
  func instant(outside low: Int64, _ high: Int64, after instant: Int64) -> Int64? {
    let most: Int64 = 1 << 32
    let low = Int32(clamping: max(low, -most) - 1 - always)
    let high = min(Int32(clamping: min(high, most) - 1 - always), Int32.max / 8)
    let here = phase(instant)
    let place = place(here)
    let found =
      search(low, high, place + 1, phases.count, 1, 0, size, 0)
      ?? search(low, high, 0, place, 1, 0, size, 0)
    guard let found else { return nil }
    let ahead = ScalarValue.floorDivide(phases[found] - here, every).1
    return instant + ahead
  }

  private func search(
    _ least: Int32, _ most: Int32, _ from: Int, _ to: Int, _ node: Int, _ low: Int, _ high: Int,
    _ above: Int32
  ) -> Int? {
    if to <= low || high <= from { return nil }
    if self.least[node] + above >= least && greatest[node] + above <= most { return nil }
    if high - low == 1 { return low }
    let middle = (low + high) / 2
    let inherited = above + added[node]
    return search(least, most, from, to, 2 * node, low, middle, inherited)
      ?? search(least, most, from, to, 2 * node + 1, middle, high, inherited)
  }
}
