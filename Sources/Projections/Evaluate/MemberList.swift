/// The events of one customer that facts over the same target keep, in order; shared by those facts, so that hundreds of
/// windows over one alias need one list.
///
/// A class, so that each fact may hold on to it; facts never change it. Members are counted from the customer's first
/// one, also where older ones have been let go.
final class MemberList {
  private var occurred: [Int64] = []
  private var values: [Int64] = []
  private var events: [Int32] = []
  /// How many members have been let go.
  private var base = 0
  /// The longest window of a fact that shares the list; no member is let go where one keeps all.
  private let longest: Int64
  private let keepsAll: Bool
  /// Some fact looks at members.
  private let isKept: Bool

  /// - Parameter longest: in microseconds, 0 without windows.
  init(longest: Int64, keepsAll: Bool) {
    self.longest = longest
    self.keepsAll = keepsAll
    isKept = keepsAll || longest > 0
  }

  var count: Int { base + occurred.count }

  @inline(__always) func occurred(_ index: Int) -> Int64 { occurred[index - base] }
  @inline(__always) func value(_ index: Int) -> Int64 { values[index - base] }
  /// Which event of the customer the member is.
  @inline(__always) func event(_ index: Int) -> Int32 { events[index - base] }

  /// The first of some members that is in a window of `within` at `instant`.
  func first(in range: Range<Int>, within: Int64, at instant: Int64) -> Int {
    var low = max(range.lowerBound, base)
    var high = max(range.upperBound, low)
    while low < high {
      let middle = (low + high) / 2
      if occurred(middle) + within <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }

  @inline(__always)
  func append(occurred instant: Int64, value: Int64, event: Int32) {
    if !isKept { return }
    occurred.append(instant)
    values.append(value)
    events.append(event)
  }

  func reset() {
    occurred.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
    base = 0
  }

  /// Lets go of members that had left every window before `instant`; all facts have been advanced to it.
  @inline(__always)
  func release(before instant: Int64) {
    if occurred.count < 2048 || keepsAll { return }
    dropHalf(instant)
  }

  private func dropHalf(_ instant: Int64) {
    let half = occurred.count / 2
    guard occurred[half] + longest < instant else { return }
    occurred.removeFirst(half)
    values.removeFirst(half)
    events.removeFirst(half)
    base += half
  }
}
