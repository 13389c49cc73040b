import Synchronization

/// How much of a long piece of work is done; told by those who work, on any thread, and looked at by one who shows it.
public final class WorkMeter: Sendable {
  private struct State {
    var done = 0
    var total: Int?
    /// Events that were counted one by one; else they follow from the share.
    var counted: Int?
    var events = 0
    var began: (seconds: Double, done: Int)?
  }

  private let state = Mutex(State())

  /// Nothing is done yet.
  public init() {}

  /// What a look shows.
  public struct Reading: Sendable {
    /// Since the work began.
    public var seconds: Double
    /// Read so far.
    public var events: Int
    /// Over all the time since the work began.
    public var eventsPerSecond: Double
    /// 0 to 1; nil where nobody knows how much there is.
    public var share: Double?
    /// Seconds that are left at the speed so far; nil where it cannot be told.
    public var secondsLeft: Double?
  }

  /// The work begins; what was done before is done, and says nothing of its speed.
  ///
  /// - Parameters:
  ///   - total: units of work, such as bytes to be read; nil if nobody knows.
  ///   - events: how many the total stands for, if they are not counted.
  public func begin(total: Int?, events: Int = 0) {
    state.withLock {
      $0.total = total
      $0.events = events
      $0.began = (Files.monotonicSeconds(), $0.done)
    }
  }

  /// Units of work are done.
  public func add(_ units: Int) { state.withLock { $0.done += units } }

  /// So many units are done by now.
  public func reach(_ units: Int) { state.withLock { $0.done = units } }

  /// So many events were read so far.
  public func count(_ events: Int) { state.withLock { $0.counted = events } }

  /// How far the work is now.
  public func reading() -> Reading { reading(at: Files.monotonicSeconds()) }

  /// - Parameter now: seconds of the clock that only goes forward.
  package func reading(at now: Double) -> Reading {
    let state = state.withLock { $0 }
    let seconds = state.began.map { max(0, now - $0.seconds) } ?? 0
    var share: Double?
    var left: Double?
    if let total = state.total, total > 0 {
      let part = min(1, Double(state.done) / Double(total))
      share = part
      let since = state.done - (state.began?.done ?? 0)
      if since > 0 { left = seconds * Double(max(0, total - state.done)) / Double(since) }
    }
    let events = state.counted ?? Int(Double(state.events) * (share ?? 0))
    return Reading(
      seconds: seconds, events: events,
      eventsPerSecond: seconds > 0 ? Double(events) / seconds : 0, share: share,
      secondsLeft: left)
  }
}
