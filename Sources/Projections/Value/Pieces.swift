import EventStore

/// Work cut into pieces that do not depend on the number of threads, results in order.
enum Pieces {
  /// The results of `body` for 0 ..< count, on all threads.
  static func map<Output: Sendable>(
    _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Output
  ) throws -> [Output] {
    if count <= 1 || threads <= 1 { return (0..<count).map(body) }
    let ticket = Ticket()
    let found = try Parallel.run(min(threads, count)) { _ in
      var parts: [(piece: Int, output: Output)] = []
      while true {
        let piece = ticket.take()
        if piece >= count { return parts }
        parts.append((piece, body(piece)))
      }
    }
    return found.flatMap { $0 }.sorted { $0.piece < $1.piece }.map(\.output)
  }

  /// The results of `body` for pieces of 0 ..< count of one length, in order.
  static func map<Output: Sendable>(
    _ count: Int, length: Int, threads: Int, _ body: @escaping @Sendable (Range<Int>) -> Output
  ) throws -> [Output] {
    try map((count + length - 1) / length, threads: threads) {
      body($0 * length..<min(count, ($0 + 1) * length))
    }
  }

  /// The results of `body` for 0 ..< count, where each is quickly made.
  static func mapEach<Output: Sendable>(
    _ count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Output
  ) throws -> [Output] {
    if count < 4096 || threads <= 1 { return (0..<count).map(body) }
    var parts = try Parallel.run(threads) { thread in
      (count * thread / threads..<count * (thread + 1) / threads).map(body)
    }
    // Each part is given up as it is taken over: together they are as large as the whole.
    parts.reverse()
    var all: [Output] = []
    all.reserveCapacity(count)
    while let part = parts.popLast() { all += part }
    return all
  }
}
