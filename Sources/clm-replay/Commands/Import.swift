import ArgumentParser
import EventStore
import Projections

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Append events to a store; the store is made if there is none.",
    discussion: """
      EXAMPLES
        clm-replay import store events.ndjson
        clm-replay import store orders.csv --csv 'subject=customer_id,time=date,type:=purchase,data.amount=price'

      Files are NDJSON of CloudEvents, or CSV with a mapping; `-` is standard input. An event counts as appended once it is
      safe on the medium. Lines that cannot be taken go to the rejects file, everything else is imported.
      Exit status 1 if more lines were rejected than --max-rejects allows.
      """)

  enum Input: String, ExpressibleByArgument, CaseIterable { case cloudevents, segment }

  @Argument(help: "The store.") var store: String
  @Argument(help: "Files; `-` is standard input.") var files: [String]
  @Option(help: "cloudevents.") var input: Input?
  @Option(help: "Read CSV: target=column and target:=constant, joined by commas.")
  var csv: String?
  @Option(help: "Delimiter of CSV: `,`, `;`, `|`, tab or whitespace.") var delimiter = ","
  @Flag(help: "CSV without a header line: columns have numbers from 1.") var noHeader = false
  @Option(help: "Form of the times in CSV, such as '%d.%m.%Y %H:%M'.") var timeFormat: String?
  @Option(help: "Where rejected lines go; rejects.ndjson in the store unless given.")
  var rejects: String?
  @Option(help: "How many rejected lines are all right: a number, or a percentage such as 1%.")
  var maxRejects = "0"
  @Option(help: "skip: count conflicts as duplicates.") var onConflict: String?
  @Option(help: "How far ahead of the clock an event may be, such as 24h.") var maxSkew = "24h"
  @Option(help: "How long to wait for another writer, such as 10s.") var wait = "10s"
  @Flag(help: "Print {\"size\":N} after each durable commit.") var acks = false
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("no files given") }
    if let onConflict, onConflict != "skip" {
      throw ValidationError("--on-conflict takes skip, not `\(onConflict)`")
    }
    if files.filter({ $0 == "-" }).count > 1 {
      throw ValidationError("standard input can be read once")
    }
    if csv == nil && (noHeader || timeFormat != nil) {
      throw ValidationError("--no-header and --time-format go with --csv")
    }
  }

  func run() throws {
    if input == .segment {
      throw CommandError(
        exit: .usage, code: "unsupported", message: "--input segment is not available yet")
    }
    try checkRejects()
    let limit = try RejectLimit(maxRejects)
    let options = try importOptions()
    let started = Clock.monotonicSeconds()
    let progress = ProgressLine("import", quiet: global.quiet)
    let importer = Importer(store: store, options: options)
    let summary: ImportSummary
    do {
      summary = try CommandError.translating {
        try importer.run(
          files, now: Clock.nowMicroseconds(),
          acknowledge: { size in
            if acks { try StandardOutput.write("{\"size\":\(size)}\n") }
          }, progress: { progress.show("\($0) lines") })
      }
    } catch let fault as Importer.InputFault {
      progress.end()
      throw CommandError(exit: .couldNotRun, code: "cannot-read", message: fault.message)
    }
    progress.end()
    try report(summary, Clock.monotonicSeconds() - started)
    if limit.isExceeded(rejected: summary.rejected, lines: summary.lines) {
      throw CommandError(
        exit: .problems, code: "rejected",
        message: "\(summary.rejected) of \(summary.lines) lines were rejected",
        help: summary.rejectsPath.map { "they are in \($0), each with its reason" })
    }
  }

  private func checkRejects() throws {
    guard let rejects else { return }
    if Files.size(rejects) > 0,
      let same = files.first(where: { Files.isSame($0, rejects) })
    {
      throw CommandError(
        exit: .usage, code: "usage", message: "--rejects `\(rejects)` is the input `\(same)`")
    }
    if !Files.isDirectory(Files.parent(of: rejects)) {
      throw CommandError(
        exit: .couldNotRun, code: "cannot-write",
        message: "the rejects file `\(rejects)` cannot be written: there is no such directory")
    }
  }

  private func importOptions() throws -> ImportOptions {
    var options = ImportOptions()
    options.rejects = rejects
    options.conflictsAreDuplicates = onConflict == "skip"
    options.maximumSkew = try Times.length(maxSkew, option: "--max-skew")
    options.waitSeconds = Double(try Times.length(wait, option: "--wait")) / 1e6
    options.command = "clm-replay import"
    guard let csv else { return options }
    var format: TimeFormat?
    if let timeFormat {
      format = TimeFormat(timeFormat)
      if format == nil {
        throw CommandError(
          exit: .usage, code: "usage",
          message: "--time-format `\(timeFormat)` is not understood",
          help: "%Y %m %d, and %H %M %S %f %z, and literal text")
      }
    }
    do throws(CSVMapping.Fault) {
      options.csv = try CSVOptions(
        mapping: try CSVMapping(csv), delimiter: delimiter, hasHeader: !noHeader,
        timeFormat: format)
    } catch {
      throw CommandError(exit: .usage, code: "usage", message: "--csv: \(error.message)")
    }
    return options
  }

  private func report(_ summary: ImportSummary, _ seconds: Double) throws {
    for example in summary.examples {
      StandardError.write(
        "rejected[\(example.rejection.code)]: \(example.file):\(example.line): \(example.rejection.message)\n"
      )
    }
    if summary.rejected > summary.examples.count {
      StandardError.write("and \(summary.rejected - summary.examples.count) more\n")
    }
    if global.format == .json || global.format == .ndjson {
      let object = JSONValue.object([
        ("appended", .count(summary.appended)), ("duplicates", .count(summary.duplicates)),
        ("rejected", .count(summary.rejected)), ("conflicts", .count(summary.conflicts)),
        ("size", .count(summary.size)), ("root", .string(Hex.text(summary.root))),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    var parts = ["appended \(summary.appended) events"]
    if summary.duplicates > 0 { parts.append("\(summary.duplicates) duplicates") }
    if summary.rejected > 0 {
      parts.append(
        "\(summary.rejected) rejected"
          + (summary.conflicts > 0 ? " (\(summary.conflicts) conflicts)" : ""))
    }
    Notice.write(
      "\(parts.joined(separator: ", ")) in \(Numbers.seconds(seconds)) s; size \(summary.size), root \(Hex.text(summary.root))",
      quiet: global.quiet)
  }
}

/// `--max-rejects`: a number, or a percentage of the lines.
struct RejectLimit {
  private var count: Int?
  private var percent: Double?

  init(_ text: String) throws {
    if text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...100).contains(percent) {
      self.percent = percent
    } else if let count = Int(text), count >= 0 {
      self.count = count
    } else {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "--max-rejects takes a number or a percentage such as 1%, not `\(text)`")
    }
  }

  func isExceeded(rejected: Int, lines: Int) -> Bool {
    if let percent { return Double(rejected) * 100 > percent * Double(lines) }
    return rejected > (count ?? 0)
  }
}
