import ArgumentParser
import EventStore

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Write the events of a made-up shop as NDJSON; the same for the same seed.",
    discussion: """
      EXAMPLE
        clm-replay generate --customers 500 --seed 1 -o shop.ndjson

      With --events the shop has as many customers as give that many events. The lines come as a shop's export would have
      them: by time, with late events behind.
      """)

  @Option(help: "Customers; 500 unless given.") var customers: Int?
  @Option(help: "Events, exactly.") var events: Int?
  @Option(help: "Everything follows from it.") var seed: UInt64 = 1
  @Option(help: "The first day.") var start = "2023-01-01"
  @Option(help: "Days.") var days = 730
  @Option(name: .shortAndLong, help: "The file to write; standard output unless given.")
  var output = "-"
  @OptionGroup var global: GlobalOptions

  private static let maximumEvents = 1_000_000_000

  func validate() throws {
    if let customers, !(1...50_000_000).contains(customers) {
      throw ValidationError("--customers is from 1 to 50000000")
    }
    if let events, !(0...Self.maximumEvents).contains(events) {
      throw ValidationError("--events is from 0 to \(Self.maximumEvents)")
    }
    guard (1...36_500).contains(days) else { throw ValidationError("--days is from 1 to 36500") }
  }

  func run() throws {
    let first = try firstDay()
    let (made, number) = makeEvents(first)
    let count = min(events ?? made.count, made.count)
    if let events, count < events {
      throw CommandError(
        exit: .couldNotRun, code: "too-few",
        message:
          "\(number) customers give \(made.count) events in \(days) days, fewer than \(events)",
        help: "raise --customers or --days, or leave --customers out")
    }
    let file = try OutputFile.open(output)
    var lines = ShopLine(start: first * 86_400)
    for (line, index) in ExportOrder.of(made).prefix(count).enumerated() {
      lines.append(made[Int(index)], number: line)
      if lines.bytes.count > 1 << 16 {
        try file.write(lines.bytes)
        lines.clear()
      }
    }
    try file.write(lines.bytes)
    try file.close()
    Notice.write("\(count) events of \(number) customers, seed \(seed)", quiet: global.quiet)
  }

  /// Days since 1970; all events lie in years that RFC 3339 can write.
  private func firstDay() throws -> Int64 {
    let instant = try Times.start(start, option: "--start")
    let day: Int64 = 86_400_000_000
    let first = (instant >= 0 ? instant : instant - day + 1) / day
    if first + Int64(days) <= CivilDate.days(year: 9999, month: 12, day: 31) { return first }
    throw CommandError(
      exit: .usage, code: "usage", message: "\(days) days after \(start) end beyond the year 9999")
  }

  /// The events of all customers, and how many customers they are.
  private func makeEvents(_ first: Int64) -> ([ShopEvent], Int) {
    var shop = Shop(seed: seed, firstDay: first, days: days)
    var made: [ShopEvent] = []
    var number = 0
    if let events, customers == nil {
      made.reserveCapacity(events + 1000)
      // Every customer gives at least one event.
      while made.count < events {
        shop.appendEvents(ofCustomer: number, to: &made)
        number += 1
      }
    } else {
      while number < customers ?? 500 {
        shop.appendEvents(ofCustomer: number, to: &made)
        number += 1
      }
    }
    return (made, number)
  }
}
