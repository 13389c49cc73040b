import Glibc

/// Lets threads do the last part of numbered pieces of work in the order of their numbers, one at a time.
///
/// ```
/// if turns.wait(for: number) { write(text); turns.pass(number) }
/// ```
/// Whoever takes a number has to come for its turn, or fail: those with later numbers wait for it.
@safe public final class Turns: @unchecked Sendable {
  // Safe to share: `next` and `hasFailed` are touched under the mutex only, and mutex and condition stay where they are
  // until `deinit`, which runs after all threads have let go of them.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var next = 0
  private var hasFailed = false

  public init() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Waits until all numbers below have had their turn; false where one of them failed, and nothing is to be done any more.
  public func wait(for number: Int) -> Bool {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while next != number && !hasFailed { unsafe pthread_cond_wait(condition, mutex) }
    return !hasFailed
  }

  /// Ends the turn of a number.
  public func pass(_ number: Int) { change { next = number + 1 } }

  /// Ends the waiting of all.
  public func fail() { change { hasFailed = true } }

  private func change(_ body: () -> Void) {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    body()
    unsafe pthread_cond_broadcast(condition)
  }
}
