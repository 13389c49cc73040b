import ArgumentParser
import EventStore
import Projections

/// What differs of a table between a view and the generation before: `replay --changes [TABLE=]FILE` (docs/changes.md).
struct ChangeFeed {
  let table: ExportCommand.Table
  let path: String
  private let format: OutputFormat

  /// Where both tables are written to be compared; beside the file, which has room for about as much.
  private var place: String { Files.temporary(for: "\(path).changes") }

  /// - Parameter text: as given on the command line.
  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1)
    let named = parts.count == 2 ? ExportCommand.Table(rawValue: String(parts[0])) : nil
    table = named ?? .transitions
    path = named == nil ? text : String(parts[1])
    if table == .events || path == "-" || path.isEmpty {
      throw CommandError(
        exit: .usage, code: "usage", message: "--changes \(text) names no file of changes",
        help: "[transitions=|customers=|segments=]FILE")
    }
    format = try Forms.rows(beside: path)
  }

  /// Writes the feed; the file appears whole.
  ///
  /// - Parameters:
  ///   - before: the view that is in force; nil where there is none: then all rows are new.
  ///   - after: the view that shall come into force.
  /// - Returns: how many rows come and go.
  func write(
    from before: ViewReader?, to after: ViewReader, _ opened: OpenedStore, threads: Int
  ) throws -> (added: Int, removed: Int) {
    Files.removeStale(besides: "\(path).changes")
    defer { Files.remove(place) }
    let file = try OutputFile.open(path)
    do throws(SystemError) {
      try Files.makeDirectory(place)
    } catch {
      throw CommandError(
        exit: .couldNotRun, code: "cannot-write",
        message: "`\(place)` cannot be made: \(error.text)")
    }
    func export(_ reader: ViewReader, _ name: String) throws -> String {
      let target = try OutputFile.open("\(place)/\(name)")
      _ = try TableExport(opened: opened, reader: reader, format: format, threads: threads)
        .write(table, to: target)
      try target.close()
      return "\(place)/\(name)"
    }
    let new = try export(after, "after")
    let old = try before.map { try export($0, "before") }
    var writer = Writer(file: file, isCSV: format == .csv)
    do {
      try merge(old, new, &writer)
    } catch let error as SystemError {
      throw CommandError(
        exit: .couldNotRun, code: "io", message: "\(error.operation): \(error.text)")
    }
    try writer.end()
    try file.close()
    return (writer.added, writer.removed)
  }

  /// A feed in which nothing changes.
  func writeNothing(_ reader: ViewReader, _ opened: OpenedStore) throws {
    let file = try OutputFile.open(path)
    var writer = Writer(file: file, isCSV: format == .csv)
    if format == .csv {
      let columns = TableExport(opened: opened, reader: reader, format: format, threads: 1)
        .columns(table)
      writer.header(Array((columns.joined(separator: ",") + "\n").utf8))
    }
    try writer.end()
    try file.close()
  }

  /// Says before a view is built that its feed could not be written.
  func check(from before: ViewReader?, _ rules: Rules) throws {
    guard let before, table == .customers, format == .csv else { return }
    let (old, new) = (ViewRows(before.rules).customerColumns, ViewRows(rules).customerColumns)
    if old == new { return }
    throw CommandError(
      exit: .couldNotRun, code: "other-columns",
      message:
        "the rows of `customers` have other columns than before, which one CSV file cannot hold",
      help: "name a file .ndjson, or export the table as a whole after this replay")
  }

  private func merge(_ before: String?, _ after: String, _ writer: inout Writer) throws {
    let isCSV = format == .csv
    var new = try RowFile(after, csv: isCSV)
    if isCSV { writer.header(try new.header()) }
    var next = try new.customer()
    if let before {
      var old = try RowFile(before, csv: isCSV)
      if isCSV { _ = try old.header() }
      while let gone = try old.customer() {
        // Customers that are new come before those behind them.
        while let coming = next, Self.isOrdered(coming.cell, before: gone.cell, csv: isCSV) {
          try writer.add(coming.rows[...])
          next = try new.customer()
        }
        guard let coming = next, coming.cell == gone.cell else {
          try writer.remove(gone.rows[...])
          continue
        }
        let kept = zip(gone.rows, coming.rows).prefix { $0 == $1 }.count
        try writer.remove(gone.rows[kept...])
        try writer.add(coming.rows[kept...])
        next = try new.customer()
      }
    }
    while let coming = next {
      try writer.add(coming.rows[...])
      next = try new.customer()
    }
  }

  private static func isOrdered(_ left: [UInt8], before right: [UInt8], csv isCSV: Bool) -> Bool {
    if left == right { return false }
    return RowFile.name(left, csv: isCSV).lexicographicallyPrecedes(
      RowFile.name(right, csv: isCSV))
  }

  /// Writes rows with what becomes of them.
  private struct Writer {
    let file: OutputFile
    let isCSV: Bool
    private(set) var added = 0
    private(set) var removed = 0
    private var buffer: [UInt8] = []

    init(file: OutputFile, isCSV: Bool) {
      self.file = file
      self.isCSV = isCSV
    }

    mutating func header(_ columns: [UInt8]) {
      buffer += "op,".utf8
      buffer += columns
    }

    mutating func add(_ rows: ArraySlice<[UInt8]>) throws {
      added += rows.count
      for row in rows { try write("+", row) }
    }

    mutating func remove(_ rows: ArraySlice<[UInt8]>) throws {
      removed += rows.count
      for row in rows { try write("-", row) }
    }

    private mutating func write(_ operation: String, _ row: [UInt8]) throws {
      buffer += (isCSV ? "\(operation)," : "{\"op\":\"\(operation)\",").utf8
      buffer += isCSV ? row[...] : row.dropFirst()
      if buffer.count > 1 << 16 { try end() }
    }

    mutating func end() throws {
      try file.write(buffer)
      buffer.removeAll(keepingCapacity: true)
    }
  }
}
