import EventStore
import Projections

/// What `status` knows, in the text form of Prometheus (version 0.0.4), for a textfile collector.
///
/// ```
/// # HELP clm_replay_log_events Events in the log.
/// # TYPE clm_replay_log_events gauge
/// clm_replay_log_events{store="shop"} 1000
/// ```
/// Times and ages are seconds with six decimals; an age is by the clock of the machine, and negative for events ahead of it.
struct StatusMetrics {
  private let opened: OpenedStore
  private let now: Int64
  private(set) var text = ""

  init(
    _ opened: OpenedStore, _ snapshot: LogSnapshot, _ views: [(ViewReader, ViewManifest)],
    _ inventory: TypeInventory?, now: Int64
  ) {
    self.opened = opened
    self.now = now
    addLog(snapshot)
    if let inventory {
      add("type_events", "Events of a type.", inventory.events.map { (["type": $0], "\($1)") })
    }
    addViews(views, snapshot)
  }

  private mutating func addLog(_ snapshot: LogSnapshot) {
    let numbers: [(name: String, help: String, value: String)] = [
      ("log_events", "Events in the log.", "\(snapshot.size)"),
      ("log_subjects", "Subjects in the log.", "\(snapshot.namedSubjectCount)"),
      ("log_erased_events", "Events that were erased.", "\(snapshot.erasedCount)"),
      ("log_bytes", "Bytes of the log on disk.", "\(opened.store.bytes)"),
      ("register_records", "Control records of the store.", "\(snapshot.registerSize)"),
      (
        "rejects_bytes", "Bytes of the rejects file in the store.",
        "\(Files.size(opened.store.rejectsPath))"
      ),
    ]
    for (name, help, value) in numbers { add(name, help, [([:], value)]) }
    let instants: [(name: String, what: String, instant: Int64?)] = [
      ("log_earliest_occurred", "the earliest event occurred", snapshot.earliestOccurred),
      ("log_latest_occurred", "the latest event occurred", snapshot.latestOccurred),
      ("log_latest_recorded", "the latest event was recorded", snapshot.latestRecorded),
    ]
    for (name, what, instant) in instants {
      addInstant(name, what, instant.map { [([:], $0)] } ?? [])
    }
  }

  private mutating func addViews(
    _ views: [(reader: ViewReader, manifest: ViewManifest)], _ snapshot: LogSnapshot
  ) {
    func samples(_ value: (ViewReader) -> some BinaryInteger) -> [([String: String], String)] {
      views.map { (["view": $0.manifest.name], "\(value($0.reader))") }
    }
    add("view_events", "Size of the log that a view was made from.", samples(\.manifest.size))
    add(
      "view_behind_events", "Events in the log that a view was not made from.",
      samples { snapshot.size - min($0.manifest.size, snapshot.size) })
    add("view_customers", "Customers of a view.", samples(\.manifest.customers))
    add("view_parked_customers", "Parked customers of a view.", samples(\.manifest.parked))
    add("view_bytes", "Bytes of a view on disk.", samples(\.bytes))
    let named = views.map { (["view": $0.manifest.name], $0.manifest) }
    addInstant("view_as_of", "a view was folded to", named.map { ($0, $1.asOf) })
    addInstant("view_switched", "a view was switched to", named.map { ($0, $1.switchedAt) })
  }

  /// An instant, and how long ago it is.
  private mutating func addInstant(
    _ name: String, _ what: String, _ samples: [(labels: [String: String], instant: Int64)]
  ) {
    add(
      "\(name)_timestamp_seconds", "When \(what), in seconds since 1970.",
      samples.map { ($0.labels, Self.seconds($0.instant)) })
    add(
      "\(name)_age_seconds", "Seconds since \(what).",
      samples.map { ($0.labels, Self.seconds(now - $0.instant)) })
  }

  private mutating func add(
    _ name: String, _ help: String, _ samples: [(labels: [String: String], value: String)]
  ) {
    if samples.isEmpty { return }
    let full = "clm_replay_\(name)"
    text += "# HELP \(full) \(help)\n# TYPE \(full) gauge\n"
    for (labels, value) in samples {
      let pairs = [("store", opened.path)] + labels.sorted { $0.key < $1.key }
      let list = pairs.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
      text += "\(full){\(list)} \(value)\n"
    }
  }

  private static func escaped(_ label: String) -> String {
    label.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  /// Microseconds as seconds with six decimals.
  private static func seconds(_ microseconds: Int64) -> String {
    let size = microseconds.magnitude
    let fraction = String(size % 1_000_000)
    let zeros = String(repeating: "0", count: 6 - fraction.count)
    return "\(microseconds < 0 ? "-" : "")\(size / 1_000_000).\(zeros)\(fraction)"
  }
}
