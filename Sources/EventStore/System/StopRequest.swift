import Glibc
import Synchronization

/// Asks an import to end with what it has taken; from any thread, at any time.
///
/// ```
/// let stop = StopRequest()
/// options.stop = stop
/// _ = stop.ask()   // true: the import that runs ends soon, as if its inputs ended here
/// ```
public final class StopRequest: Sendable {
  private let asked = Atomic<Bool>(false)
  private let heeders = Atomic<Int>(0)
  /// A byte in it wakes who waits for input; -1 where the system had no pipe: then waiting ends with the input's next bytes.
  private let reading: CInt
  private let writing: CInt

  /// A request that nobody has made yet.
  public init() {
    var ends: (CInt, CInt) = (-1, -1)
    // Safe because the call writes two numbers, for which there is room.
    let status = unsafe withUnsafeMutablePointer(to: &ends) {
      unsafe $0.withMemoryRebound(to: CInt.self, capacity: 2) { unsafe pipe($0) }
    }
    (reading, writing) = status == 0 ? ends : (-1, -1)
  }

  deinit {
    if reading >= 0 { close(reading) }
    if writing >= 0 { close(writing) }
  }

  package var isAsked: Bool { asked.load(ordering: .acquiring) }

  /// False, and nothing was asked, where nobody heeds it now.
  public func ask() -> Bool {
    if heeders.load(ordering: .acquiring) == 0 { return false }
    asked.store(true, ordering: .releasing)
    if writing >= 0 {
      do throws(SystemError) {
        try Files.write([0].span, to: writing)
      } catch {
        // The flag is seen at the next look.
        return true
      }
    }
    return true
  }

  /// Does something that ends when it is asked to.
  package func heeded<Output>(_ body: () throws -> Output) rethrows -> Output {
    heeders.wrappingAdd(1, ordering: .acquiringAndReleasing)
    defer { heeders.wrappingSubtract(1, ordering: .acquiringAndReleasing) }
    return try body()
  }

  /// Waits for some time; less where it was asked to stop.
  package func wait(seconds: Double) {
    let end = Files.monotonicSeconds() + seconds
    while !isAsked {
      let left = end - Files.monotonicSeconds()
      if left <= 0 { return }
      var file = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
      // Safe because the call looks at one entry, which is there; a descriptor below 0 is passed over.
      _ = unsafe poll(&file, 1, CInt(min(left, 1) * 1000) + 1)
    }
  }

  /// Waits until a file has bytes, has ended or failed; false where it was asked to stop.
  func waitForInput(_ file: CInt) -> Bool {
    while !isAsked {
      var files = (
        pollfd(fd: file, events: Int16(POLLIN), revents: 0),
        pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
      )
      // Safe because the call looks at two entries, which are there.
      let count = unsafe withUnsafeMutablePointer(to: &files) {
        unsafe $0.withMemoryRebound(to: pollfd.self, capacity: 2) { unsafe poll($0, 2, -1) }
      }
      // What cannot be waited for says so when it is read.
      if count < 0 && errno != EINTR { return true }
      if count > 0 && files.0.revents != 0 { return !isAsked }
    }
    return false
  }
}

/// SIGINT and SIGTERM as a request to stop: where nobody heeds it, and at the second signal, they end the process as ever.
///
/// A signal that the process was told to ignore is ignored.
package final class StopSignals: Sendable {
  private let first = Mutex<CInt?>(nil)

  /// To be called before other threads are started: these signals are blocked in this thread and in those that it starts, and
  /// taken by one of their own. Without a thread that the system could give, nothing changes.
  package init(_ request: StopRequest) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] where !Self.isIgnored(number) {
      unsafe sigaddset(&signals, number)
    }
    var before = sigset_t()
    unsafe pthread_sigmask(SIG_BLOCK, &signals, &before)
    let waited = signals
    if !Parallel.detach({ self.wait(for: waited, request) }) {
      unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }
  }

  /// The name of the signal that asked to stop; nil where none did.
  package var name: String? { first.withLock { $0.map { $0 == SIGINT ? "SIGINT" : "SIGTERM" } } }

  private static func isIgnored(_ number: CInt) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // Safe because it is compared as an address only; SIG_IGN is the address 1.
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  private func wait(for signals: sigset_t, _ request: StopRequest) {
    var signals = signals
    var number: CInt = 0
    // Safe because both outlive the call.
    guard unsafe sigwait(&signals, &number) == 0 else { return }
    first.withLock { $0 = number }
    let isHeeded = request.ask()
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    if !isHeeded { raise(number) }
    // The next one finds this thread, which does not block it.
    while true { pause() }
  }
}
