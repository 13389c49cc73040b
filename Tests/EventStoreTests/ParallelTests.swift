import Synchronization
import Testing

@testable import EventStore

@Suite struct ParallelTests {
  struct Stopped: Error, Equatable {
    var number: Int
  }

  @Test(arguments: [0, 1, 2, 20])
  func `pieces made ahead are taken in order`(count: Int) throws {
    var taken: [Int] = []
    try Parallel.ahead(count) {
      $0 * $0
    } take: {
      taken.append($0)
    }
    #expect(taken == (0..<count).map { $0 * $0 })
  }

  @Test func `an error in making or taking ends it, and nothing later is taken`() throws {
    var taken: [Int] = []
    #expect(throws: Stopped(number: 3)) {
      try Parallel.ahead(9) { number in
        if number == 3 { throw Stopped(number: number) }
        return number
      } take: {
        taken.append($0)
      }
    }
    #expect(taken == [0, 1, 2])
    let made = Mutex(0)
    let counter = Counter()
    #expect(throws: Stopped(number: 1)) {
      try Parallel.ahead(9) { number in
        counter.add()
        return number
      } take: { number in
        made.withLock { $0 = number }
        if number == 1 { throw Stopped(number: number) }
      }
    }
    #expect(made.withLock { $0 } == 1)
    // One is made while another is taken, and no more.
    #expect(counter.count <= 3)
  }

  final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
  }
}
