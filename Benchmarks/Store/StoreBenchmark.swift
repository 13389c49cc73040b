import EventStore

/// What the store is measured against.
///
/// `append DIRECTORY`: durable single-event appends of one task, then of 64 at the same time; both rates and their ratio.
@main
struct StoreBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.first == "append", let directory = arguments.dropFirst().first {
      try await append(directory)
    } else {
      print("usage: store-benchmark append DIRECTORY")
    }
  }

  private static func append(_ directory: String) async throws {
    let log = try EventLog.open(at: directory, creating: true)
    _ = try await rate(log, tasks: 1, seconds: 0.5, name: "warm")
    let one = try await rate(log, tasks: 1, seconds: 3, name: "one")
    let many = try await rate(log, tasks: 64, seconds: 3, name: "many")
    print("durable appends of one event: 1 task \(Int(one))/s, 64 tasks \(Int(many))/s")
    print("ratio \((many / one * 10).rounded() / 10)")
  }

  private static func rate(
    _ log: EventLog, tasks: Int, seconds: Double, name: String
  ) async throws -> Double {
    let clock = ContinuousClock()
    let started = clock.now
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<tasks {
        group.addTask {
          var count = 0
          while clock.now - started < .seconds(seconds) {
            let event = NewEvent(
              id: "\(name)-\(task)-\(count)", source: "benchmark", type: "purchase",
              subject: "\(name)-\(task)", time: 1_714_322_700_000_000,
              data: #"{"amount":"160.00","currency":"EUR","channel":"app"}"#)
            _ = try await log.append(
              event, if: .subjectHas(events: UInt32(count), "\(name)-\(task)"))
            count += 1
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    return Double(count) / ((clock.now - started) / .seconds(1))
  }
}
