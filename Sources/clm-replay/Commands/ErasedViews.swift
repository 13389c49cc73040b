import EventStore
import Projections

/// The views of a store that an erasure removes: all of them, since each may hold what is erased.
final class ErasedViews {
  /// A view as it was.
  struct View {
    var name: String
    /// In force; nil where only parts of it were left.
    var generation: String?
    var bytes: Int
  }

  private let store: String
  /// Held until the erasure is done, so that no replay brings back what it had read before.
  private var locks: [(name: String, lock: ViewLock)] = []
  /// As they are noted in the register.
  private(set) var inForce: [ViewDropped] = []
  private(set) var removed: [View] = []

  /// Waits for replays of the views that there are.
  init(_ store: String, waitSeconds: Double) throws {
    self.store = store
    try CommandError.translating {
      for name in try ViewRemoval.places(store) {
        locks.append((name, try Self.lock(store, name, waitSeconds)))
        if let dropped = try ViewRemoval(store, view: name).inForce() { inForce.append(dropped) }
      }
    }
  }

  private static func lock(
    _ store: String, _ name: String, _ waitSeconds: Double
  ) throws -> ViewLock {
    try ViewLock.take(store, name, waitSeconds: waitSeconds, command: "clm-replay forget")
  }

  /// The views that there are; nothing is locked.
  static func look(_ store: String) throws -> [View] {
    try CommandError.translating { try ViewRemoval.places(store).map { try view(store, $0) } }
  }

  private static func view(_ store: String, _ name: String) throws -> View {
    let removal = ViewRemoval(store, view: name)
    return View(name: name, generation: try removal.inForce()?.generation, bytes: removal.bytes)
  }

  /// Removes those that were waited for.
  func remove() throws {
    for (name, lock) in locks {
      removed.append(try Self.view(store, name))
      try ViewRemoval(store, view: name).removeAll(lock)
    }
  }

  /// Removes what replays of other views have begun since: of those that began before the switch none comes into force.
  func removeLater(waitSeconds: Double) throws {
    // Who waited for one of these looks at the log again.
    let known = Set(locks.map(\.name))
    locks = []
    try CommandError.translating {
      for name in try ViewRemoval.places(store) where !known.contains(name) {
        do {
          let lock = try Self.lock(store, name, waitSeconds)
          let removal = ViewRemoval(store, view: name)
          // One that came into force behind the switch is without what was erased.
          if try removal.inForce() == nil { try removal.removeAll(lock) }
        } catch let error as EventStoreError where error.code == .busy {
          ErrorReport(
            isWarning: true, code: error.code.rawValue,
            message:
              "a replay of view `\(name)` goes on; if it began before, it does not come into force, and removes what it has written when it ends",
            help: error.message
          ).write()
        }
      }
    }
  }
}
