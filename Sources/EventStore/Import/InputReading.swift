/// Reads batches of events, file after file.
final class InputReading {
  private var inputs: [InputBytes] = []
  private var readers: [LineReader] = []
  private var csv: [CSVEvents] = []
  private var scanner: CSVRowScanner?
  private let options: CSVOptions?
  private let parser: EventParser
  private var current = 0
  /// Physical lines of the current input that are in batches.
  private var counted = 0
  private static let batchEvents = 6 * 16_384
  private static let batchBytes = 32 << 20

  /// Opens all inputs.
  init(_ names: [String], csv options: CSVOptions?, latest: Int64) throws(InputFault) {
    parser = EventParser(latest: latest)
    self.options = options
    scanner = options.map { CSVRowScanner($0.delimiter) }
    for name in names {
      do throws(LMDBError) {
        inputs.append(try InputBytes(name))
      } catch {
        throw InputFault("cannot-read", "`\(name)` cannot be opened: \(error.text)")
      }
      readers.append(LineReader(inputs[inputs.count - 1]))
      if let options { csv.append(CSVEvents(options)) }
    }
  }

  /// Looks at the first bytes of inputs and at the headers of CSV, so that what cannot be read is known before anything is written.
  func prepare(_ isMeant: (String) -> Bool) throws(InputFault) {
    for (number, input) in inputs.enumerated() where isMeant(input.name) {
      try input.begin(isCSV: options != nil)
      if options?.hasHeader == true { try readHeader(number) }
    }
  }

  private func readHeader(_ number: Int) throws(InputFault) {
    guard var scanner else { return }
    let name = readers[number].name
    var fault: InputFault?
    _ = try readers[number].readRows(&scanner) { _, row, scanner in
      do {
        try csv[number].takeHeader(row, scanner)
      } catch let error as CSVMapping.Fault {
        fault = InputFault(
          "csv-header", "`\(name)`: \(error.message)", help: error.help, isUsage: error.isUsage)
      } catch {
        let reason = (error as? Rejection)?.message ?? "\(error)"
        fault = InputFault("csv-header", "`\(name)`: its header: \(reason)")
      }
      return false
    }
    if let fault { throw fault }
  }

  /// The next events; a fault of an input is noted behind what stood before it.
  func next() -> ImportBatch {
    var batch = ImportBatch()
    while current < readers.count {
      let reader = readers[current]
      batch.begin(reader.name)
      var isFull = false
      do throws(InputFault) {
        isFull = try scanner == nil ? readLines(reader, &batch) : readRows(reader, &batch)
      } catch {
        batch.fault = error
      }
      batch.physicalLines += reader.lineNumber - counted
      counted = reader.lineNumber
      if isFull { return batch }
      if batch.fault != nil { break }
      current += 1
      counted = 0
    }
    batch.isEnd = true
    return batch
  }

  private func goesOn(_ batch: ImportBatch) -> Bool {
    batch.events.count < Self.batchEvents && batch.events.bytes.count < Self.batchBytes
      && batch.rejected.count < Self.batchEvents
  }

  private func readLines(
    _ reader: LineReader, _ batch: inout ImportBatch
  ) throws(InputFault) -> Bool {
    try reader.readLines { number, line in
      if LineReader.isBlank(line) { return true }
      do throws(Rejection) {
        try parser.parse(line, into: &batch.events)
        batch.noteEvent(line: number)
      } catch {
        batch.reject(ImportBatch.Place(file: reader.name, line: number), error, line)
      }
      return goesOn(batch)
    }
  }

  private func readRows(
    _ reader: LineReader, _ batch: inout ImportBatch
  ) throws(InputFault) -> Bool {
    guard var scanner else { return false }
    return try reader.readRows(&scanner) { number, row, scanner in
      do throws(Rejection) {
        let line = try csv[current].line(row, scanner)
        try parser.parse(line.span, into: &batch.events)
        batch.noteEvent(line: number, lines: scanner.lines, row: row)
      } catch {
        let place = ImportBatch.Place(file: reader.name, line: number, lines: scanner.lines)
        batch.reject(place, error, row)
      }
      return goesOn(batch)
    }
  }
}
