/// Events, customers and amounts by channel and alias.
struct ChannelCounts: Sendable {
  struct Count: Sendable, Equatable {
    var events: Int64 = 0
    var customers: Int64 = 0
    var amount: Int128 = 0
    /// Number of the customer that was counted last.
    fileprivate var last: Int64 = 0
  }

  /// Names by number; number 0 is of events that name none.
  private(set) var names: [ByteString?] = [nil]
  private var numbers: [ByteString: Int] = [:]
  /// By alias, then by number of the channel, as far as there were events.
  private var counts: [[Count]]
  private var customer: Int64 = 0

  init(aliases: Int) { counts = Array(repeating: [], count: aliases) }

  mutating func number(of name: ByteString) -> Int {
    if let number = numbers[name] { return number }
    numbers[name] = names.count
    names.append(name)
    return names.count - 1
  }

  mutating func beginCustomer() { customer += 1 }

  mutating func add(_ alias: Int, channel: Int, amount: Int64?) {
    grow(alias, to: channel)
    counts[alias][channel].events += 1
    if counts[alias][channel].last != customer {
      counts[alias][channel].last = customer
      counts[alias][channel].customers += 1
    }
    if let amount { counts[alias][channel].amount += Int128(amount) }
  }

  private mutating func grow(_ alias: Int, to channel: Int) {
    let missing = channel + 1 - counts[alias].count
    if missing > 0 { counts[alias] += Array(repeating: Count(), count: missing) }
  }

  /// Adds what was counted of other customers.
  mutating func add(_ other: ChannelCounts) {
    for entry in other.found {
      let channel = entry.name.map { number(of: $0) } ?? 0
      grow(entry.alias, to: channel)
      counts[entry.alias][channel].events += entry.count.events
      counts[entry.alias][channel].customers += entry.count.customers
      counts[entry.alias][channel].amount += entry.count.amount
    }
  }

  /// What was counted, in no order.
  var found: [(name: ByteString?, alias: Int, count: Count)] {
    counts.indices.flatMap { alias in
      counts[alias].indices.filter { counts[alias][$0].events > 0 }.map {
        (names[$0], alias, counts[alias][$0])
      }
    }
  }
}
