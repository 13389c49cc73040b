import EventStore
import Glibc
import Projections

/// What the environment says about output.
enum ProcessEnvironment {
  /// `NO_COLOR` is set (no-color.org: to whatever is not empty), or the terminal shows no more than text.
  static var hasNoColor: Bool {
    isDumb || Files.environment("NO_COLOR").map { !$0.isEmpty } == true
  }

  /// `TERM=dumb`: nothing but lines of text.
  static var isDumb: Bool { Files.environment("TERM") == "dumb" }
}

/// Standard error: progress, summaries, errors.
enum StandardError {
  static let isTerminal = isatty(2) == 1

  static func write(_ text: String) {
    do throws(SystemError) {
      try Files.write(Array(text.utf8).span, to: 2)
    } catch {
      // There is nowhere left to say so.
      return
    }
  }
}

/// Notes for people, silenced by `--quiet`.
enum Notice {
  static func write(_ text: String, quiet: Bool) {
    if !quiet { StandardError.write(text.printable + "\n") }
  }
}

/// A line that shows how far a command is; on a terminal only.
final class ProgressLine {
  private let label: String
  private let isShown: Bool
  private var last = -1.0

  init(_ label: String, quiet: Bool) {
    self.label = label
    isShown = !quiet && StandardError.isTerminal && !ProcessEnvironment.isDumb
  }

  func update(_ fraction: Double) {
    let now = Files.monotonicSeconds()
    guard isShown, now - last > 0.1 else { return }
    last = now
    let width = 30
    let filled = Int(fraction * Double(width))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    StandardError.write("\r\(label) [\(bar)] \(Int(fraction * 100)) %")
  }

  func update(_ progress: ViewBuilder.Progress) {
    switch progress {
    case .folded(let share): update(share)
    case .fitting(let steps): show("fitting values, step \(steps)")
    case .resumed, .unusable, .noted: break
    }
  }

  func show(_ text: String) {
    let now = Files.monotonicSeconds()
    guard isShown, now - last > 0.1 else { return }
    last = now
    StandardError.write("\r\u{1b}[K\(label) \(text)")
  }

  func end() {
    if isShown && last >= 0 { StandardError.write("\r\u{1b}[K") }
  }
}

enum Clock {
  static func nowMicroseconds() -> Int64 { Files.now() }
  static func monotonicSeconds() -> Double { Files.monotonicSeconds() }
}

enum Threads {
  static func count(_ asked: Int?) -> Int {
    if let asked { return max(1, min(asked, 256)) }
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }
}
