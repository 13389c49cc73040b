import ArgumentParser
import EventStore
import Synchronization

/// Shows how far a command is, four times a second: a line on a terminal, or NDJSON on standard error for machines; else
/// nothing.
///
/// ```
/// {"progress":"import","seconds":2.01,"events":1048576,"events_per_second":521679,"percent":41.2,"eta_seconds":2.87,"note":null,"done":false}
/// ```
/// It ends with `end()`, with a last line whose `done` is true, or with `stop()`, without one.
final class ProgressReport {
  enum Form: String, ExpressibleByArgument, CaseIterable {
    case json
  }

  private let watch: Watch?

  init(_ label: String, _ form: Form?, quiet: Bool, meter: WorkMeter) {
    let isShown =
      !quiet && (form == .json || StandardError.isTerminal && !ProcessEnvironment.isDumb)
    watch = isShown ? Watch(label, isJSON: form == .json, meter) : nil
    watch?.start()
  }

  deinit { stop() }

  /// What is done beside the work that is measured.
  func note(_ text: String) { watch?.note(text) }

  func end() { watch?.end(isDone: true) }

  /// The command failed, and says so next.
  func stop() { watch?.end(isDone: false) }
}

/// Looks at a meter on a thread of its own.
private final class Watch: Sendable {
  private struct State {
    var isEnded = false
    var note: String?
  }

  private let label: String
  private let isJSON: Bool
  private let meter: WorkMeter
  private let state = Mutex(State())

  init(_ label: String, isJSON: Bool, _ meter: WorkMeter) {
    self.label = label
    self.isJSON = isJSON
    self.meter = meter
  }

  /// Without a thread that the system could give, only the end is shown.
  func start() {
    _ = Parallel.detach { [self] in
      while true {
        Files.sleep(milliseconds: 250)
        let isEnded = state.withLock { state in
          if !state.isEnded { show(state.note, isDone: false) }
          return state.isEnded
        }
        if isEnded { return }
      }
    }
  }

  func note(_ text: String) { state.withLock { $0.note = text } }

  func end(isDone: Bool) {
    state.withLock { state in
      if state.isEnded { return }
      state.isEnded = true
      if !isJSON {
        StandardError.write("\r\u{1b}[K")
      } else if isDone {
        show(nil, isDone: true)
      }
    }
  }

  private func show(_ note: String?, isDone: Bool) {
    let reading = meter.reading()
    StandardError.write(
      isJSON ? json(reading, note, isDone).text + "\n" : "\r\u{1b}[K" + line(reading, note))
  }

  private func line(_ reading: WorkMeter.Reading, _ note: String?) -> String {
    if let note { return "\(label) \(note)" }
    let speed = "\(reading.events) events, \(Int(reading.eventsPerSecond)) a second"
    guard let share = reading.share else { return "\(label) \(speed)" }
    let width = 20
    let filled = Int(share * Double(width))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    let left = reading.secondsLeft.map { ", \(Int($0.rounded(.up))) s left" } ?? ""
    return "\(label) [\(bar)] \(Int(share * 100)) %, \(speed)\(left)"
  }

  private func json(
    _ reading: WorkMeter.Reading, _ note: String?, _ isDone: Bool
  ) -> JSONValue {
    func number(_ value: Double?) -> JSONValue {
      value.map { .number(Numbers.seconds($0)) } ?? .null
    }
    return .object([
      ("progress", .string(label)), ("seconds", number(reading.seconds)),
      ("events", .count(reading.events)),
      ("events_per_second", .count(Int(reading.eventsPerSecond))),
      ("percent", isDone ? .int(100) : number(reading.share.map { $0 * 100 })),
      ("eta_seconds", isDone ? .int(0) : number(reading.secondsLeft)),
      ("note", .optional(note)), ("done", .bool(isDone)),
    ])
  }
}
