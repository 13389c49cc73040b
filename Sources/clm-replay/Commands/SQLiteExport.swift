import CEL
import EventStore
import Projections

/// Writes tables of a view into a database of their own.
struct SQLiteExport {
  typealias Table = ExportCommand.Table

  let opened: OpenedStore
  let reader: ViewReader
  let threads: Int
  /// Of `stage_days`.
  var days: ExportCommand.Days = (nil, nil)
  var quiet = false

  private var rules: Rules { reader.rules }
  private var schema: SQLiteSchema { SQLiteSchema(rules: rules) }

  /// Writes the tables that are asked for, with `receipt` and `columns`.
  ///
  /// - Parameter table: all, where none is named.
  /// - Returns: the number of rows of each, and the events that facts left out.
  func write(
    _ table: Table?, to path: String
  ) throws -> (counts: [(table: String, rows: Int)], leftOut: LeftOutEvents) {
    let file = try OutputFile.open(path)
    guard let place = file.pathUntilClosed else {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "a database is no stream, and `\(path)` is no plain file",
        help: "name a file, as in `-o view.sqlite`")
    }
    do {
      let writing = Writing(try SQLiteDatabase(place), rules)
      var leftOut = LeftOutEvents(rules)
      try opened.run {
        let isAll = table == nil
        if isAll || table == .customers { try writeCustomers(writing, &leftOut) }
        if isAll || table == .transitions { try writeTransitions(writing, isAll) }
        if isAll || table == .segments { try writeSegments(writing, isAll) }
        if isAll || table == .stageDays { try writeStageDays(writing, isAll) }
        if table == .rfm || isAll && rules.clv != nil { try writeRFM(writing, isAll) }
        if isAll || table == .metrics { try writeMetrics(writing) }
        try writeReceipt(writing)
      }
      try writing.end()
      // Left by somebody who died in the database that is replaced: SQLite would take them for this one's.
      for suffix in ["-journal", "-wal", "-shm"] { Files.remove(file.path + suffix) }
      try file.close()
      return (writing.counts, leftOut)
    } catch let fault as MetricsPlan.Fault {
      throw CommandError(
        exit: .couldNotRun, code: "metrics", message: fault.message, help: fault.help)
    } catch let failure as SQLiteDatabase.Failure {
      throw CommandError(
        exit: .couldNotRun, code: failure.isFull ? "disk-full" : "cannot-write",
        message: "`\(path)` cannot be written: \(failure.message)")
    }
  }

  // MARK: Tables

  private func writeCustomers(_ writing: Writing, _ leftOut: inout LeftOutEvents) throws {
    let rows = ViewRows(rules)
    let kinds = schema.customers.columns.map(\.kind)
    try writing.fill(schema.customers) { insert in
      var row = SQLiteRow()
      try reader.forEachCustomer { customer in
        let record = customer.record
        let current = record.current
        leftOut.add(record)
        row.clear()
        row.add(record.name)
        row.add(current?.stage)
        row.add(instant: current?.since)
        row.add(instant: record.firstSeen)
        row.add(instant: current?.lastSeen)
        row.add(instant: current?.next?.at)
        row.add(current?.next?.to)
        row.add(instant: record.parked?.at)
        for index in rules.facts.indices {
          Self.add(current?.facts[index], kinds[row.values.count], to: &row)
        }
        row.add(rows.historicalValue(current))
        row.add(customer.value?.expected)
        row.add(real: customer.value?.probabilityAlive)
        row.add(real: customer.value?.purchases)
        row.add(customer.scores?.r)
        row.add(customer.scores?.f)
        row.add(customer.scores?.m)
        row.add(customer.scores?.name)
        row.add(JSONValue.array(customer.segments.map { .string($0) }).text)
        try insert(row)
      }
    }
  }

  private static func add(_ value: Value?, _ kind: SQLiteTable.Kind, to row: inout SQLiteRow) {
    switch value {
    case .int(let number)?: row.add(number)
    case .money(let minor)?: row.add(minor)
    case .bool(let flag)?: row.add(flag ? 1 : 0)
    case .double(let number)?: row.add(real: number)
    case .timestamp(let at)?: row.add(instant: at.microseconds)
    case .duration(let length)?: row.add(length.nanoseconds / 1000)
    case .string(let text)?: row.add(text)
    // Beyond SQLite's integers.
    case .uint(let number)?: row.add(String(number))
    default: row.add(nil as String?)
    }
  }

  private func writeTransitions(_ writing: Writing, _ isAll: Bool) throws {
    let stages = rules.stages.map(\.name)
    let ids =
      if case .transitions(let transitions) = rules.form { transitions.map(\.id) } else { stages }
    try writing.fill(schema.transitions, ofCustomers: isAll) { insert in
      var row = SQLiteRow()
      for chunk in 0..<reader.chunkCount {
        let found = try reader.histories(inChunk: chunk)
        let bytes = found.bytes.span
        for customer in found.customers {
          for (step, scanned) in found.rows[customer.rows].enumerated() {
            row.clear()
            row.add(bytes.extracting(customer.name))
            row.add(step + 1)
            row.add(instant: scanned.at)
            row.add(scanned.from.map { stages[$0] })
            row.add(stages[scanned.to])
            row.add(scanned.transition.map { ids[$0] })
            row.add(scanned.isTimer ? "timer" : "event")
            if let id = scanned.eventID {
              row.add(bytes.extracting(id))
              row.add(Int64(scanned.position))
            } else {
              row.add(nil as String?)
              row.add(nil as Int64?)
            }
            try insert(row)
          }
        }
      }
    }
  }

  private func writeSegments(_ writing: Writing, _ isAll: Bool) throws {
    let view = try opened.logView(size: reader.manifest.size, asOf: reader.manifest.asOf)
    let spells = SegmentSpells(
      try LoadedRules.load(reader).compiled, view: view, threads: threads)
    try writing.fill(schema.segments, ofCustomers: isAll) { insert in
      var row = SQLiteRow()
      var (customer, step) = ("", 0)
      try spells.forEach(reader) { spell in
        step = spell.customer.utf8.elementsEqual(customer.utf8) ? step + 1 : 1
        customer = spell.customer
        row.clear()
        row.add(customer)
        row.add(step)
        row.add(spell.segment)
        row.add(instant: spell.from)
        row.add(instant: spell.to)
        row.add(spell.isTimer.map { $0 ? "timer" : "event" })
        row.add(spell.anchor?.eventID)
        row.add(spell.anchor.map { Int64($0.position) })
        try insert(row)
      }
    }
  }

  private func writeStageDays(_ writing: Writing, _ isAll: Bool) throws {
    let days = try TableExport.stageDays(reader, days)
    var dates = days.dates()
    let stages = rules.stages.map(\.name)
    var (first, last) = (Int64.max, Int64.min)
    try writing.fill(schema.stageSpans, ofCustomers: isAll) { insert in
      var row = SQLiteRow()
      for chunk in 0..<reader.chunkCount {
        try days.forEach(inChunk: chunk) { name, stays in
          for stay in stays {
            // A day that the zone left out is no first or last one.
            guard let begin = stay.days.first(where: { dates.text($0) != nil }),
              let end = stay.days.last(where: { dates.text($0) != nil }),
              let firstDate = dates.text(begin), let lastDate = dates.text(end)
            else { continue }
            (first, last) = (min(first, begin), max(last, end))
            row.clear()
            row.add(name)
            row.add(stages[stay.stage])
            row.add(firstDate.span)
            row.add(lastDate.span)
            try insert(row)
          }
        }
      }
    }
    try writing.fill(SQLiteSchema.days) { insert in
      var row = SQLiteRow()
      for day in first <= last ? Array(first...last) : [] {
        guard let date = dates.text(day) else { continue }
        row.clear()
        row.add(date.span)
        try insert(row)
      }
    }
    try writing.database.execute(SQLiteSchema.stageDays)
  }

  private func writeRFM(_ writing: Writing, _ isAll: Bool) throws {
    let (population, _) = try TableExport.rfm(opened, reader, threads: threads, quiet: quiet)
    try writing.fill(SQLiteSchema.rfm, ofCustomers: isAll) { insert in
      var row = SQLiteRow()
      for (name, entry) in zip(population.names, population.entries) {
        let isScored = entry.standing.isSegment
        row.clear()
        row.add(name.span)
        row.add(entry.standing.name)
        row.add(entry.scores.map { Int($0.r) })
        row.add(entry.scores.map { Int($0.f) })
        row.add(entry.scores.map { Int($0.m) })
        row.add(instant: isScored ? entry.recency : nil)
        row.add(isScored ? Int64(entry.frequency) : nil)
        row.add(isScored ? entry.monetary : nil)
        try insert(row)
      }
    }
  }

  private func writeMetrics(_ writing: Writing) throws {
    let view = try opened.logView(size: reader.manifest.size, asOf: reader.manifest.asOf)
    let metrics = try Metrics(
      try MetricsPlan(rules, MetricsPlan.Settings()), view: view, threads: threads)
    MetricsCommand.tellLeftOut(metrics, quiet: quiet)
    // A funnel has steps that somebody names.
    for name in Metrics.Name.allCases where name != .funnel {
      let table = try metrics.table(name)
      let made = SQLiteSchema.metrics(name, table)
      try writing.fill(made) { insert in
        var row = SQLiteRow()
        for (number, cells) in table.rows.enumerated() {
          row.clear()
          row.add(number + 1)
          for (cell, column) in zip(cells, made.columns) { Self.add(cell, column.kind, to: &row) }
          try insert(row)
        }
      }
    }
  }

  private static func add(
    _ cell: Metrics.Cell, _ kind: SQLiteTable.Kind, to row: inout SQLiteRow
  ) {
    switch cell {
    case .unset: row.add(nil as String?)
    case .text(let text): row.add(text)
    case .count(let count): kind == .real ? row.add(real: Double(count)) : row.add(count)
    case .number(let number): row.add(real: number)
    case .money(let minor): row.add(minor)
    case .instant(let instant): row.add(instant: instant)
    }
  }

  private func writeReceipt(_ writing: Writing) throws {
    let manifest = reader.manifest
    try writing.fill(SQLiteSchema.receipt) { insert in
      var row = SQLiteRow()
      row.add(manifest.name)
      row.add(manifest.model)
      row.add(manifest.version)
      row.add(instant: manifest.asOf)
      row.add(Int64(manifest.size))
      row.add(manifest.root)
      row.add(manifest.rulesHash)
      row.add(manifest.engine)
      row.add(manifest.outputRoot)
      row.add(rules.currency.code)
      row.add(rules.currency.digits)
      row.add(rules.timezone ?? "UTC")
      row.add(rules.source.span)
      try insert(row)
    }
  }

  /// A database as its tables come into it.
  private final class Writing {
    let database: SQLiteDatabase
    private let rules: Rules
    private var tables: [SQLiteTable] = []
    private(set) var counts: [(table: String, rows: Int)] = []

    init(_ database: SQLiteDatabase, _ rules: Rules) {
      self.database = database
      self.rules = rules
    }

    /// Makes a table with its rows, in the order of its key.
    func fill(
      _ table: SQLiteTable, ofCustomers: Bool = false,
      _ body: ((SQLiteRow) throws -> Void) throws -> Void
    ) throws {
      var table = table
      table.isOfCustomers = ofCustomers
      try database.execute(table.creation)
      let insertion = try database.insertion(
        into: table.name, columns: table.columns.count + (table.key.isEmpty ? 1 : 0))
      var count = 0
      try body { row in
        try insertion.insert(row)
        count += 1
      }
      for index in table.indexCreations { try database.execute(index) }
      tables.append(table)
      counts.append((table.name, count))
    }

    /// Adds the description of all columns, and commits.
    func end() throws {
      let described = tables
      try fill(SQLiteSchema.columns) { insert in
        var row = SQLiteRow()
        for table in described.sorted(by: { $0.name < $1.name }) {
          for (place, column) in table.columns.enumerated() {
            row.clear()
            row.add(table.name)
            row.add(place + 1)
            row.add(column.name)
            row.add(column.kind.rawValue)
            row.add(column.kind.unit(rules))
            row.add(column.about)
            try insert(row)
          }
        }
      }
      try database.close()
    }
  }
}
