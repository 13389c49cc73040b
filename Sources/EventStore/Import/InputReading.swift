/// Reads pieces of inputs, file after file. One thread at a time.
final class InputReading {
  private var inputs: [InputBytes] = []
  private var readers: [LineReader] = []
  private var csv: [CSVEvents] = []
  private var scanner: CSVRowScanner?
  private let options: CSVOptions?
  private let isSegment: Bool
  let parser: EventParser
  private var current = 0
  /// Physical lines of the current input that are in pieces.
  private var counted = 0
  /// Rows of CSV that were read before a fault.
  private var partial: ImportPiece?
  /// Of inputs that were read to their end.
  private var bytesBefore = 0
  /// The input at which reading was stopped; nil where it was not.
  private(set) var stopped: Int?
  private static let pieceBytes = 1 << 20
  /// Inputs that may be open before their turn comes.
  private static let mostOpen = 64
  private static let mostRejected = 4096

  /// Opens all inputs.
  init(
    _ names: [String], csv options: CSVOptions?, isSegment: Bool = false, latest: Int64,
    stop: StopRequest? = nil
  ) throws(InputFault) {
    self.isSegment = isSegment
    parser = EventParser(latest: latest)
    self.options = options
    scanner = options.map { CSVRowScanner($0.delimiter) }
    for name in names {
      do throws(SystemError) {
        inputs.append(try InputBytes(name, stop: stop))
      } catch {
        throw InputFault("cannot-read", "`\(name)` cannot be opened: \(error.text)")
      }
      putAside(inputs.count - 1)
      readers.append(LineReader(inputs[inputs.count - 1]))
      if let options { csv.append(CSVEvents(options)) }
    }
  }

  /// Bytes of all inputs, as they are stored; nil where one has no size.
  var size: Int? {
    inputs.reduce(0) { total, input in total.flatMap { total in input.size.map { total + $0 } } }
  }

  private func putAside(_ number: Int) {
    if number >= Self.mostOpen { inputs[number].putAside() }
  }

  /// Files that were not read to their end because reading was stopped; streams have none.
  var unread: [String] {
    guard let stopped else { return [] }
    return inputs[stopped...].filter { $0.size != nil }.map(\.name)
  }

  /// Looks at the first bytes of inputs and at the headers of CSV, so that what cannot be read is known before anything is written.
  func prepare(_ isMeant: (String) -> Bool) throws(InputFault) {
    for (number, input) in inputs.enumerated() where isMeant(input.name) {
      try input.begin(isCSV: options != nil)
      if options?.hasHeader == true { try readHeader(number) }
      if input.isStopped { stopped = min(stopped ?? number, number) }
      putAside(number)
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

  /// The next piece of the inputs, to be parsed; a fault of an input is noted behind what stood before it.
  func next() -> ImportPiece {
    var piece = read()
    piece.bytesRead = bytesBefore
    if current < inputs.count {
      piece.bytesRead += inputs[current].bytesRead
      if inputs[current].isStopped { stopped = current }
    }
    if inputs.indices.contains(piece.input) && inputs[piece.input].size == nil {
      piece.came = Files.monotonicSeconds()
    }
    return piece
  }

  private func read() -> ImportPiece {
    while current < readers.count && stopped == nil {
      let reader = readers[current]
      do throws(InputFault) {
        if let piece = try scanner == nil ? lines(reader) : rows(reader) { return piece }
      } catch {
        var piece =
          partial ?? ImportPiece(input: current, file: reader.name)
        partial = nil
        piece.fault = error
        piece.isEnd = true
        return piece
      }
      if inputs[current].isStopped { break }
      bytesBefore += inputs[current].bytesRead
      inputs[current].putAside()
      current += 1
      counted = 0
    }
    var piece = ImportPiece(input: current, file: "")
    piece.isEnd = true
    return piece
  }

  private func lines(_ reader: LineReader) throws(InputFault) -> ImportPiece? {
    guard let bytes = try reader.readLines() else { return nil }
    return ImportPiece(
      input: current, file: reader.name, bytes: bytes, isSegment: isSegment)
  }

  /// Rows of CSV, made into lines.
  private func rows(_ reader: LineReader) throws(InputFault) -> ImportPiece? {
    guard var scanner else { return nil }
    let lines = csv[current].lines
    partial = ImportPiece(input: current, file: reader.name, rows: lines)
    let first = counted
    defer { counted = reader.lineNumber }
    let isFull = try readRows(reader, &scanner, first, lines.bytesBesideRow)
    var piece = partial
    partial = nil
    piece?.physicalLines = reader.lineNumber - first
    return isFull || reader.lineNumber > first ? piece : nil
  }

  /// False at the end of the input.
  private func readRows(
    _ reader: LineReader, _ scanner: inout CSVRowScanner, _ first: Int,
    _ bytesBesideRow: Int
  ) throws(InputFault) -> Bool {
    var bytes = 0
    var rejected = 0
    do throws(InputFault) {
      return try reader.readRows(&scanner) { number, row, scanner in
        do throws(Rejection) {
          let cells = try csv[current].take(row, scanner)
          partial?.addRow(row, scanner.cells, cells, line: number - 1 - first, lines: scanner.lines)
          bytes += row.count + bytesBesideRow
        } catch {
          partial?.reject(error, row, line: number - 1 - first, lines: scanner.lines)
          rejected += 1
        }
        return bytes < Self.pieceBytes && rejected < Self.mostRejected
      }
    } catch {
      partial?.physicalLines = reader.lineNumber - first
      throw error
    }
  }
}
