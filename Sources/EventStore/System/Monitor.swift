import Glibc

/// A mutex and a condition: state that threads change one at a time, and wait for.
@safe final class Monitor: @unchecked Sendable {
  // Safe to share: mutex and condition stay where they are until `deinit`, which runs after all threads have let go of them.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Does something while no other thread does.
  func locked<Output>(_ body: () -> Output) -> Output {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Lets others go on until something may have changed; within ``locked(_:)`` only.
  func wait() { unsafe pthread_cond_wait(condition, mutex) }

  /// As ``wait()``, at most so long.
  func wait(milliseconds: Int) {
    var until = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &until)
    let nanoseconds = until.tv_nsec + milliseconds % 1000 * 1_000_000
    until.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
    until.tv_nsec = nanoseconds % 1_000_000_000
    _ = unsafe pthread_cond_timedwait(condition, mutex, &until)
  }

  /// Does something without the lock that is held.
  func unlocked<Output>(_ body: () -> Output) -> Output {
    unsafe pthread_mutex_unlock(mutex)
    defer { unsafe pthread_mutex_lock(mutex) }
    return body()
  }

  /// Wakes all who wait.
  func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
