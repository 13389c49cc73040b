/// The order in which a shop's export has its events: by the instant at which it got them, and
/// customers break ties, so that the order is one.
enum ExportOrder {
  /// Indices of the events, in order.
  static func of(_ events: [ShopEvent]) -> [Int32] {
    // Days first, by counting; then each day by itself.
    let day: Int64 = 86_400
    var starts: [Int] = [0]
    for event in events {
      let bucket = Int(event.exported / day) + 1
      while starts.count <= bucket { starts.append(0) }
      starts[bucket] += 1
    }
    for bucket in starts.indices.dropFirst() { starts[bucket] += starts[bucket - 1] }
    var order = [Int32](repeating: 0, count: events.count)
    var next = starts
    for (index, event) in events.enumerated() {
      let bucket = Int(event.exported / day)
      order[next[bucket]] = Int32(truncatingIfNeeded: index)
      next[bucket] += 1
    }
    for bucket in starts.indices.dropLast() {
      order[starts[bucket]..<starts[bucket + 1]].sort {
        (events[Int($0)].exported, $0) < (events[Int($1)].exported, $1)
      }
    }
    return order
  }
}
