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
        clm-replay import store 1735603200000.gz --input segment

      Files are NDJSON of CloudEvents, of Segment's calls (docs/sources.md), or CSV with a mapping, also compressed with gzip; `-` is standard input. A column whose
      name has a comma stands in quotes: 'subject="Customer, no."'. An event counts as appended once it is safe on the medium. Lines that cannot be taken go to the rejects file, everything else is imported.
      Of a stream, events are committed at the latest --commit-every after they came. SIGINT and SIGTERM end an import with what it has taken: exit status as at the end of the input, or 2 where a file was not read to its end.
      Exit status 1 if more lines were rejected than --max-rejects allows.
      """)

  enum Input: String, ExpressibleByArgument {
    case cloudevents, segment
  }

  @Argument(help: "The store.") var store: String
  @Argument(help: "Files; `-` is standard input.") var files: [String]
  @Option(help: "What the lines are: cloudevents (unless given), or segment.") var input: Input?
  @Option(help: "Read CSV: target=column and target:=constant, joined by commas.")
  var csv: String?
  @Option(help: "Delimiter of CSV: `,`, `;`, `|`, tab or whitespace.") var delimiter = ","
  @Flag(help: "CSV without a header line: columns have numbers from 1.") var noHeader = false
  @Option(help: "Form of the times in CSV, such as '%d.%m.%Y %H:%M'; %f is a fraction, %z a zone.")
  var timeFormat: String?
  @Option(
    help: "IANA zone of times in CSV that have none, such as Europe/Berlin; UTC unless given.")
  var timezone: String?
  @Option(help: "Which instant is meant where an hour of the zone comes twice or not at all.")
  var ambiguous: CSVTimes.Choice?
  @Option(
    help:
      "Where rejected lines go (- is standard output); rejects.ndjson in the store unless given.")
  var rejects: String?
  @Option(help: "How many rejected lines are all right: a number, or a percentage such as 1%.")
  var maxRejects = "0"
  @Option(help: "skip: count conflicts as duplicates.") var onConflict: String?
  @Option(help: "How far ahead of the clock an event may be, such as 24h.") var maxSkew = "24h"
  @Option(help: "How long to wait for another writer, such as 10s.") var wait = "10s"
  @Option(help: "How long an event of a stream may wait for its commit, such as 5s.")
  var commitEvery = "1s"
  @Flag(help: "Print {\"size\":N} after each durable commit.") var acks = false
  @Option(help: "json: progress for machines, NDJSON on standard error.")
  var progress: ProgressReport.Form?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("no files given") }
    if let onConflict, onConflict != "skip" {
      throw ValidationError("--on-conflict takes skip, not `\(onConflict)`")
    }
    if files.count(where: { $0 == "-" }) > 1 {
      throw ValidationError("standard input can be read once")
    }
    if csv == nil && (noHeader || timeFormat != nil || timezone != nil || ambiguous != nil) {
      throw ValidationError("--no-header, --time-format, --timezone and --ambiguous go with --csv")
    }
    if csv != nil, let input {
      throw ValidationError("--csv says what the lines are, and so does --input \(input.rawValue)")
    }
    if ambiguous != nil && timezone == nil {
      throw ValidationError("--ambiguous goes with --timezone: in UTC each hour comes once")
    }
  }

  func run() throws {
    let files = LongArguments.names(files)
    try checkRejects(files)
    let limit = try Allowance(maxRejects, option: "--max-rejects")
    var options = try importOptions()
    let stop = StopRequest()
    options.stop = stop
    let signals = StopSignals(stop)
    let started = Clock.monotonicSeconds()
    let importer = Importer(store: store, options: options)
    let report = ProgressReport("import", progress, quiet: global.quiet, meter: importer.meter)
    let summary: ImportSummary
    do {
      summary = try CommandError.translating {
        try importer.run(
          files, now: Clock.nowMicroseconds(),
          acknowledge: { size in
            if acks { try StandardOutput.write("{\"size\":\(size)}\n") }
          })
      }
    } catch let fault as InputFault {
      report.stop()
      if let summary = fault.summary { try tell(summary, Clock.monotonicSeconds() - started) }
      throw CommandError(fault)
    }
    if summary.isStopped {
      report.stop()
    } else {
      report.end()
    }
    try tell(summary, Clock.monotonicSeconds() - started, stoppedBy: signals.name)
    if let unread = summary.unread.first {
      throw CommandError(
        exit: .couldNotRun, code: "stopped",
        message:
          "stopped by \(signals.name ?? "a request") before the end of `\(unread)`"
          + (summary.unread.count > 1 ? " and of \(summary.unread.count - 1) more" : ""),
        help: "import again: what is there already are duplicates")
    }
    if !limit.allows(
      summary.rejected, share: (summary.rejectedLines, summary.lines))
    {
      throw CommandError(
        exit: .problems, code: "rejected",
        message:
          "\(summary.rejected) rejected, \(summary.rejectedLines) of \(summary.lines) lines; --max-rejects is \(maxRejects)",
        help: rejects == "-"
          ? nil : summary.rejectsPath.map { "they are in \($0), each with its reason" })
    }
  }

  private func checkRejects(_ files: [String]) throws {
    guard let rejects, rejects != "-" else { return }
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
    options.commitSeconds =
      Double(try Times.length(commitEvery, option: "--commit-every")) / 1e6
    options.command = "clm-replay import"
    options.isSegment = input == .segment
    guard let csv else { return options }
    let times = try times()
    do throws(CSVMapping.Fault) {
      options.csv = try CSVOptions(
        mapping: try CSVMapping(csv), delimiter: delimiter, hasHeader: !noHeader,
        times: times)
    } catch {
      throw CommandError(
        exit: .usage, code: "usage", message: "--csv: \(error.message)", help: error.help)
    }
    return options
  }

  private func times() throws -> CSVTimes {
    var times = CSVTimes(choice: ambiguous)
    if let timeFormat {
      times.format = TimeFormat(timeFormat)
      if times.format == nil {
        throw CommandError(
          exit: .usage, code: "usage",
          message: "--time-format `\(timeFormat)` is not understood",
          help: "%Y %m %d, and %H %M %S %f %z, each once, and literal text")
      }
    }
    if let timezone {
      do throws(TimeZoneData.Fault) {
        times.zone = try TimeZoneData(named: timezone)
      } catch {
        throw CommandError(
          exit: .usage, code: "usage", message: "--timezone: \(error.message)", help: error.help)
      }
    }
    return times
  }

  private func tell(
    _ summary: ImportSummary, _ seconds: Double, stoppedBy signal: String? = nil
  ) throws {
    for notice in summary.notices { Notice.write("note: \(notice)", quiet: global.quiet) }
    for example in summary.examples {
      let text =
        "rejected[\(example.rejection.code)]: \(example.file):\(example.line): \(example.rejection.message)"
      StandardError.write(text.printable + "\n")
    }
    if summary.rejected > summary.examples.count {
      StandardError.write("and \(summary.rejected - summary.examples.count) more\n")
    }
    if global.format == .json || global.format == .ndjson {
      let object = JSONValue.object([
        ("appended", .count(summary.appended)), ("duplicates", .count(summary.duplicates)),
        ("rejected", .count(summary.rejected)), ("conflicts", .count(summary.conflicts)),
        ("lines", .count(summary.lines)), ("size", .count(summary.size)),
        ("root", .string(Hex.text(summary.root))),
        ("rejects", .optional(summary.rejectsPath)), ("changed", .bool(summary.appended > 0)),
        ("stopped", .optional(summary.isStopped ? signal : nil)),
        ("seconds", .number(Numbers.seconds(seconds))),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    if summary.isStopped {
      Notice.write(
        "stopped by \(signal ?? "a request"): \(summary.lines) lines taken", quiet: global.quiet)
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

extension CSVTimes.Choice: ExpressibleByArgument {}
