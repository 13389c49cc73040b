import Glibc

/// Work handed to one thread of its own, which takes all that has come at once.
///
/// A write transaction of LMDB belongs to the thread that began it, so that tasks, which move between threads, must hand
/// their writes over.
@safe final class WorkQueue<Item: Sendable>: @unchecked Sendable {
  // Safe to share: `items` and `isClosed` are touched under the mutex only, and mutex and condition stay where they are
  // until `deinit`, which runs after the thread has let go of the queue.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var items: [Item] = []
  private var isClosed = false

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

  /// False where the queue is closed, and the item was not taken.
  func add(_ item: Item) -> Bool {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    if isClosed { return false }
    items.append(item)
    unsafe pthread_cond_signal(condition)
    return true
  }

  /// All that waits, as soon as something does; nil where the queue is closed and empty.
  func takeAll() -> [Item]? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while items.isEmpty && !isClosed { unsafe pthread_cond_wait(condition, mutex) }
    if items.isEmpty { return nil }
    defer { items = [] }
    return items
  }

  func close() {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    isClosed = true
    unsafe pthread_cond_broadcast(condition)
  }
}
