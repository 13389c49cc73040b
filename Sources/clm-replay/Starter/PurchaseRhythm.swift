import EventStore

/// How often subjects do something, and how long they wait until they do it again: what thresholds of stages are taken from.
struct PurchaseRhythm {
  /// Subjects that did it at all.
  private(set) var subjects = 0
  /// So many did it more than once.
  private(set) var repeaters = 0
  /// Whole days between one and the next, of all of them, by length; same days are 0.
  private(set) var gaps: [Int: Int] = [:]
  /// How many subjects did it so often.
  private(set) var times: [Int: Int] = [:]

  /// - Parameter types: numbers of types in the log.
  init(_ snapshot: LogSnapshot, types: Set<Int>) throws {
    var last = Array(repeating: Int64.min, count: snapshot.subjectCount)
    var counts = Array(repeating: 0, count: snapshot.subjectCount)
    for number in snapshot.blocks {
      let block = try snapshot.block(number)
      for row in 0..<block.count
      where !block.isErased(row) && types.contains(Int(block.types[row])) {
        let (subject, occurred) = (Int(block.subjects[row]), block.occurred[row])
        // Late ones, which are behind later ones of the log, are counted, and their distance is not.
        if counts[subject] > 0 && occurred >= last[subject] {
          gaps[Int((occurred - last[subject]) / 86_400_000_000), default: 0] += 1
        }
        last[subject] = max(last[subject], occurred)
        counts[subject] += 1
      }
    }
    for count in counts where count > 0 {
      subjects += 1
      if count > 1 { repeaters += 1 }
      times[count, default: 0] += 1
    }
  }

  /// The smallest value that so many of a hundred do not exceed; nil without any.
  static func percentile(_ share: Int, of values: [Int: Int]) -> Int? {
    let all = values.values.reduce(0, +)
    var left = (all * share + 99) / 100
    for (value, count) in values.sorted(by: { $0.key < $1.key }) {
      left -= count
      if left <= 0 { return value }
    }
    return nil
  }

  /// Days without one after which somebody is said to have lapsed: nine of ten came back sooner, rounded up to a length that people
  /// use.
  var lapseDays: Int {
    let usual = [7, 14, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730]
    guard repeaters >= 10, let most = Self.percentile(90, of: gaps) else { return 180 }
    return usual.first { $0 > most } ?? usual[usual.count - 1]
  }

  /// How often the best fifth of those who did it more than once did it; 3 at least.
  var loyalTimes: Int {
    max(3, Self.percentile(80, of: times.filter { $0.key > 1 }) ?? 3)
  }
}
