/// Reads an input line by line, or row by row of CSV, in large blocks.
final class LineReader {
  private let bytes: InputBytes
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  /// Physical lines read so far, blank ones included.
  private(set) var lineNumber = 0
  private static let blockBytes = 1 << 20
  /// A longer line is cut in what is kept of it; the rest is read over.
  static let keptBytes = 64 << 20

  var name: String { bytes.name }

  /// Reading was stopped; a line that is not whole is dropped.
  var isStopped: Bool { bytes.isStopped }

  init(_ bytes: InputBytes) { self.bytes = bytes }

  /// Whole lines with their ends, about a block of them or what a stream gives at once; nil at the end of the input. Only the last
  /// line of an input may lack its end.
  func readLines() throws(InputFault) -> [UInt8]? {
    while true {
      if isAtEnd && buffer.isEmpty { return nil }
      let known = buffer.count
      try fill()
      if isStopped { buffer = [] }
      if isAtEnd {
        defer { buffer = [] }
        return buffer.isEmpty ? nil : buffer
      }
      guard let feed = buffer.span.lastIndex(of: 0x0a, from: known) else { continue }
      var piece: [UInt8] = []
      swap(&piece, &buffer)
      buffer.reserveCapacity(2 * Self.blockBytes)
      buffer += piece[(feed + 1)...]
      piece.removeLast(piece.count - feed - 1)
      return piece
    }
  }

  /// Gives rows of CSV to `body`, until it says false, or a stream has to be waited for and gave some; false at the end of the input.
  /// Blank lines are passed over.
  ///
  /// - Parameters:
  ///   - scanner: finds the rows; it holds the cells of the one that `body` is given.
  ///   - body: gets the number of the line in which the row begins, and the row's text without its line end.
  func readRows(
    _ scanner: inout CSVRowScanner, _ body: (Int, Span<UInt8>, CSVRowScanner) -> Bool
  ) throws(InputFault) -> Bool {
    var hasGiven = false
    while true {
      if isStopped { return false }
      if start >= buffer.count {
        if isAtEnd { return false }
        if hasGiven { return true }
        try fill()
        continue
      }
      scanner.begin()
      // What is behind `start` may move; places in the row count from there.
      while !scan(&scanner) {
        if hasGiven { return true }
        try fill()
        if isStopped { return false }
      }
      let text = start..<start + scanner.end
      let number = lineNumber + 1
      lineNumber += scanner.lines
      var goesOn = true
      if !buffer.span.extracting(text).isBlank {
        goesOn = body(number, buffer.span.extracting(text), scanner)
        hasGiven = true
      }
      start += scanner.next
      if !goesOn { return true }
    }
  }

  private func scan(_ scanner: inout CSVRowScanner) -> Bool {
    scanner.scan(buffer, from: start, isAtEnd: isAtEnd)
  }

  /// Reads on, or notes the end; what was given away goes.
  private func fill() throws(InputFault) {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    if buffer.count > Self.keptBytes { return try skipRest() }
    if try bytes.read(behind: &buffer, atMost: Self.blockBytes) == 0 { isAtEnd = true }
  }

  /// Reads over the rest of a line that is too long to keep.
  private func skipRest() throws(InputFault) {
    var block: [UInt8] = []
    while true {
      block.removeAll(keepingCapacity: true)
      if try bytes.read(behind: &block, atMost: Self.blockBytes) == 0 {
        isAtEnd = true
        return
      }
      if let feed = block.span.firstIndex(of: 0x0a, from: 0) {
        buffer += block[feed...]
        return
      }
    }
  }
}
