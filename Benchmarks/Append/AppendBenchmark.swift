import EventStore

/// Durable single-event appends: one task, then 64 at the same time, on a store in the directory given. Prints both rates and
/// their ratio.
@main
struct AppendBenchmark {
  static func main() async throws {
    guard CommandLine.arguments.count == 2 else {
      print("usage: append-benchmark DIRECTORY")
      return
    }
    let log = try EventLog.open(at: CommandLine.arguments[1], creating: true)
    _ = try await rate(log, tasks: 1, seconds: 0.5, name: "warm")
    let one = try await rate(log, tasks: 1, seconds: 3, name: "one")
    let many = try await rate(log, tasks: 64, seconds: 3, name: "many")
    print("durable appends of one event: 1 task \(Int(one))/s, 64 tasks \(Int(many))/s")
    print("ratio \((many / one * 10).rounded() / 10)")
  }

  private static func rate(
    _ log: EventLog, tasks: Int, seconds: Double, name: String
  ) async throws -> Double {
    let started = Files.monotonicSeconds()
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<tasks {
        group.addTask {
          var count = 0
          while Files.monotonicSeconds() - started < seconds {
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
    return Double(count) / (Files.monotonicSeconds() - started)
  }
}
