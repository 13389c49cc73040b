import EventStore

/// The right to build, drop or prune a view, which one process has at a time; it goes with the value, or with the process.
///
/// ```
/// STORE/views/NAME/building     flock; says who
/// ```
public final class ViewLock: Sendable {
  let home: String
  private let lock: Files.Lock

  private init(home: String, lock: Files.Lock) {
    self.home = home
    self.lock = lock
  }

  /// Waits for a view; its directory is made if it is not there.
  ///
  /// - Parameters:
  ///   - store: the directory of the store.
  ///   - name: of the view.
  ///   - waitSeconds: how long to wait for another process.
  ///   - command: what the holder is called for those who wait.
  /// - Throws: `.busy` naming the holder, ``ViewError`` where the directory cannot be written.
  public static func take(
    _ store: String, _ name: String, waitSeconds: Double, command: String
  ) throws -> ViewLock {
    let home = ViewFiles.directory(store, name)
    let path = "\(home)/building"
    let deadline = Files.monotonicSeconds() + waitSeconds
    while true {
      do throws(SystemError) {
        if let lock = try tryLock(store, home, path) {
          lock.describe(
            "pid \(Files.processID()) on \(Files.hostName()), since \(RFC3339.text(Files.now())): \(command)\n"
          )
          return ViewLock(home: home, lock: lock)
        }
      } catch {
        throw ViewError(error, "lock view `\(name)`", path: store)
      }
      if Files.monotonicSeconds() >= deadline {
        throw EventStoreError(
          .busy, "view `\(name)` is being changed by \(holder(path))",
          help: "try again, or wait longer with --wait")
      }
      Files.sleep(milliseconds: 50)
    }
  }

  /// Nil where another process holds it, or dropped the view with its lock file meanwhile.
  private static func tryLock(
    _ store: String, _ home: String, _ path: String
  ) throws(SystemError) -> Files.Lock? {
    try Files.makeDirectory("\(store)/views")
    try Files.makeDirectory(home)
    do throws(SystemError) {
      guard let lock = try Files.lock(path), lock.isOf(path) else { return nil }
      return lock
    } catch {
      if error.kind == .missing { return nil }
      throw error
    }
  }

  private static func holder(_ path: String) -> String {
    do throws(SystemError) {
      let text = String(decoding: try Files.read(path), as: UTF8.self)
      return text.split(separator: "\n").first.map(String.init) ?? "another process"
    } catch {
      return "another process"
    }
  }
}
