/// Lets threads do the last part of numbered pieces of work in the order of their numbers, one at a time.
///
/// ```
/// if turns.wait(for: number) { write(text); turns.pass(number) }
/// ```
/// Whoever takes a number has to come for its turn, or fail: those with later numbers wait for it.
package final class Turns: @unchecked Sendable {
  // Safe to share: `next` and `hasFailed` are touched under the monitor only.
  private let monitor = Monitor()
  private var next = 0
  private var hasFailed = false

  package init() {}

  /// Waits until all numbers below have had their turn; false where one of them failed, and nothing is to be done any more.
  package func wait(for number: Int) -> Bool {
    monitor.locked {
      while next != number && !hasFailed { monitor.wait() }
      return !hasFailed
    }
  }

  /// Ends the turn of a number.
  package func pass(_ number: Int) { change { next = number + 1 } }

  /// Ends the waiting of all.
  package func fail() { change { hasFailed = true } }

  private func change(_ body: () -> Void) {
    monitor.locked {
      body()
      monitor.wakeAll()
    }
  }
}
