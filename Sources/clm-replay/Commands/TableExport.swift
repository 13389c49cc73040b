import EventStore
import Projections

/// Writes a table of a view, row by row, as CSV or NDJSON.
struct TableExport {
  let opened: OpenedStore
  let reader: ViewReader
  let format: OutputFormat
  let threads: Int
  /// Of `stage_days`.
  var days: ExportCommand.Days = (nil, nil)
  var quiet = false

  func columns(_ table: ExportCommand.Table) -> [String] {
    switch table {
    case .customers: ViewRows(reader.rules).customerColumns
    case .transitions: ViewRows.transitionColumns
    case .segments: ViewRows.spellColumns
    case .stageDays: StageDayLines.columns
    case .rfm: RFMWords.customerColumns
    case .metrics, .events: []
    }
  }

  /// - Returns: the number of rows, and for `customers` the events that facts left out.
  func write(
    _ table: ExportCommand.Table, to file: OutputFile
  ) throws -> (count: Int, leftOut: LeftOutEvents) {
    var writer = RowWriter(format: format, columns: columns(table), file: file)
    try writer.begin()
    var leftOut = LeftOutEvents(reader.rules)
    var count = 0
    let chunked = ChunkedExport(reader: reader, isCSV: format == .csv, threads: threads)
    try opened.run {
      switch table {
      case .customers:
        try writer.end()
        (count, leftOut) = try chunked.writeCustomers(to: file)
      case .transitions:
        try writer.end()
        count = try chunked.writeTransitions(to: file)
      case .segments:
        let (manifest, rows) = (reader.manifest, ViewRows(reader.rules))
        let spells = SegmentSpells(
          try LoadedRules.load(reader).compiled,
          view: try opened.logView(size: manifest.size, asOf: manifest.asOf), threads: threads)
        try spells.forEach(reader) { try writer.add(rows.spell($0)) }
      case .stageDays:
        try writer.end()
        count = try chunked.writeStageDays(try Self.stageDays(reader, days), to: file)
      case .rfm:
        let (population, words) = try Self.rfm(opened, reader, threads: threads, quiet: quiet)
        for row in words.customerRows(population) { try writer.add(row) }
      case .metrics, .events: break
      }
    }
    try writer.end()
    return (count + writer.count, leftOut)
  }

  static func stageDays(_ reader: ViewReader, _ days: ExportCommand.Days) throws -> StageDays {
    do {
      return try StageDays(reader, from: days.from, to: days.to)
    } catch let fault as MetricsPlan.Fault {
      throw CommandError(
        exit: .couldNotRun, code: "timezone", message: fault.message, help: fault.help)
    }
  }

  /// Everybody's scores: folded again, as the measures of buyers stand in no view.
  static func rfm(
    _ opened: OpenedStore, _ reader: ViewReader, threads: Int, quiet: Bool
  ) throws -> (RFMPopulation, RFMWords) {
    let compiled = try LoadedRules.load(reader).compiled
    try RFMCommand.checkScored(reader)
    let manifest = reader.manifest
    let view = try opened.logView(size: manifest.size, asOf: manifest.asOf)
    let population = try RFMCommand.fold(compiled, view, threads: threads, quiet: quiet)
    RFMCommand.tellParked(population, quiet: quiet)
    return (population, RFMWords(view: manifest.name, size: view.size, rules: reader.rules))
  }
}
