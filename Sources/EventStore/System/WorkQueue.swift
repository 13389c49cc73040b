/// Work handed to one thread of its own, which takes all that has come at once.
///
/// A write transaction of LMDB belongs to the thread that began it, so that tasks, which move between threads, must hand
/// their writes over.
final class WorkQueue<Item: Sendable>: @unchecked Sendable {
  // Safe to share: `items` and `isClosed` are touched under the monitor only.
  private let monitor = Monitor()
  private var items: [Item] = []
  private var isClosed = false

  /// False where the queue is closed, and the item was not taken.
  func add(_ item: Item) -> Bool {
    monitor.locked {
      if isClosed { return false }
      items.append(item)
      monitor.wakeAll()
      return true
    }
  }

  /// All that waits, as soon as something does; nil where the queue is closed and empty.
  func takeAll() -> [Item]? {
    monitor.locked {
      while items.isEmpty && !isClosed { monitor.wait() }
      if items.isEmpty { return nil }
      defer { items = [] }
      return items
    }
  }

  func close() {
    monitor.locked {
      isClosed = true
      monitor.wakeAll()
    }
  }
}
