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

  @Option(help: "Customers.") var customers: Int?
  @Option(help: "Events, exactly.") var events: Int?
  @Option(help: "Everything follows from it.") var seed: UInt64 = 1
  @Option(help: "The first day.") var start = "2023-01-01"
  @Option(help: "Days.") var days = 730
  @Option(name: .shortAndLong, help: "The file to write; standard output unless given.")
  var output = "-"
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if let customers, customers < 1 { throw ValidationError("--customers is at least 1") }
    if let events, events < 0 { throw ValidationError("--events is at least 0") }
    guard (1...36_500).contains(days) else { throw ValidationError("--days is from 1 to 36500") }
    if let customers, customers > 50_000_000 {
      throw ValidationError("--customers is at most 50000000")
    }
  }

  func run() throws {
    let first = try Times.instant(start, option: "--start")
    var made: [Shop.Event] = []
    var number = 0
    let wanted = events
    while true {
      if let customers, number >= customers { break }
      if customers == nil, let wanted, made.count >= wanted { break }
      if customers == nil && wanted == nil && number >= 500 { break }
      // A customer's events depend on the seed and the customer alone.
      var shop = Shop(
        seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(number), start: first, days: days)
      made += shop.events(ofCustomer: number)
      number += 1
      if let wanted, customers == nil, number > wanted * 4 + 100 { break }
    }
    // By the time of export; customers break ties, so that the order is one.
    let order = made.indices.sorted {
      (made[$0].exported, $0) < (made[$1].exported, $1)
    }
    let count = min(wanted ?? order.count, order.count)
    if let wanted, count < wanted {
      throw CommandError(
        exit: .couldNotRun, code: "too-few",
        message:
          "\(customers ?? number) customers give \(order.count) events in \(days) days, fewer than \(wanted)",
        help: "raise --customers or --days, or leave --customers out")
    }
    let file = try OutputFile.open(output)
    var buffer: [UInt8] = []
    for (line, index) in order.prefix(count).enumerated() {
      let event = made[index]
      buffer +=
        #"{"specversion":"1.0","id":"e-\#(line)","source":"https://shop.example","type":""#.utf8
      buffer += event.type.utf8
      buffer += #"","subject":""#.utf8
      buffer += event.subject.utf8
      buffer += #"","time":""#.utf8
      RFC3339.append(event.occurred / 1_000_000 * 1_000_000, to: &buffer)
      buffer += #"","data":"#.utf8
      buffer += event.data.utf8
      buffer += "}\n".utf8
      if buffer.count > 1 << 16 {
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
      }
    }
    try file.write(buffer)
    try file.close()
    Notice.write("\(count) events of \(number) customers, seed \(seed)", quiet: global.quiet)
  }
}
