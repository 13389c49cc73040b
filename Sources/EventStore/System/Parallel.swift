import Glibc
import Synchronization

/// Runs work on threads with a stack deep enough for nested conditions.
package enum Parallel {
  /// Stack of each thread in bytes; only what is used takes memory.
  private static let stackBytes = 64 << 20

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on `threads` threads at once, with numbers from 0, and gives their results by number.
  /// - Throws: the error of the thread with the lowest number that failed.
  package static func run<Output: Sendable>(
    _ threads: Int, _ body: @escaping @Sendable (Int) throws -> Output
  ) throws -> [Output] {
    let results = Mutex<[Result<Output, any Error>?]>(Array(repeating: nil, count: threads))
    let shared = Shared(results)
    var handles: [pthread_t] = []
    for number in 0..<threads {
      let work = Work { shared.set(number, Result { try body(number) }) }
      if let handle = start(work) {
        handles.append(handle)
      } else {
        work.body()
      }
    }
    for handle in handles { pthread_join(handle, nil) }
    return try shared.take().map { try $0.get() }
  }

  /// Runs two pieces of work at once.
  package static func both(
    _ left: @escaping @Sendable () throws -> Void, _ right: @escaping @Sendable () throws -> Void
  ) throws {
    _ = try run(2) { try $0 == 0 ? left() : right() }
  }

  /// Makes numbered pieces one after the other on a thread of their own, and gives each to `take`, on the calling thread,
  /// while the next one is made.
  package static func ahead<Output: Sendable>(
    _ count: Int, make: @escaping @Sendable (Int) throws -> Output,
    take: (Output) throws -> Void
  ) throws {
    func begin(_ number: Int) -> (shared: Shared<Output>, handle: pthread_t?)? {
      if number >= count { return nil }
      let shared = Shared(Mutex<[Result<Output, any Error>?]>([nil]))
      let work = Work { shared.set(0, Result { try make(number) }) }
      let handle = start(work)
      if handle == nil { work.body() }
      return (shared, handle)
    }
    var next = begin(0)
    // A thread that was started is waited for, whatever happens.
    defer { if let handle = next?.handle { pthread_join(handle, nil) } }
    for number in 0..<count {
      guard let current = next else { return }
      if let handle = current.handle { pthread_join(handle, nil) }
      next = nil
      for result in current.shared.take() {
        let output = try result.get()
        next = begin(number + 1)
        try take(output)
      }
    }
  }

  private final class Shared<Output: Sendable>: Sendable {
    private let results: Mutex<[Result<Output, any Error>?]>
    init(_ results: consuming sending Mutex<[Result<Output, any Error>?]>) {
      self.results = results
    }
    func set(_ number: Int, _ result: Result<Output, any Error>) {
      results.withLock { $0[number] = result }
    }
    func take() -> [Result<Output, any Error>] { results.withLock { $0.compactMap { $0 } } }
  }

  /// Runs `body` on a thread that nobody waits for; false if the system has none left.
  package static func detach(_ body: @escaping @Sendable () -> Void) -> Bool {
    guard let handle = start(Work(body)) else { return false }
    pthread_detach(handle)
    return true
  }

  /// Starts a thread; nil if the system has none left.
  private static func start(_ work: Work) -> pthread_t? {
    var attributes = pthread_attr_t()
    // Safe because the attributes live until they are destroyed below.
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    var handle = pthread_t()
    // Safe because the thread takes over the reference that is passed here.
    let context = unsafe Unmanaged.passRetained(work)
    let status = unsafe pthread_create(
      &handle, &attributes,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, context.toOpaque())
    if status != 0 {
      unsafe context.release()
      return nil
    }
    return handle
  }
}

/// Hands out numbers to threads.
package final class Ticket: Sendable {
  private let next = Atomic<Int>(0)

  package init() {}

  package func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}
