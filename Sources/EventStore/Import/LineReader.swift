import Glibc

/// Reads a file line by line, in large blocks. `-` is standard input.
final class LineReader {
  let name: String
  private let file: CInt
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  private(set) var lineNumber = 0
  private static let blockBytes = 1 << 20
  /// A longer line is cut in what is kept of it; the rest is read over.
  static let keptBytes = 64 << 20

  init(_ name: String) throws(LMDBError) {
    self.name = name
    if name == "-" {
      file = dup(0)
    } else {
      if Files.isDirectory(name) { throw LMDBError(EISDIR, "open \(name)") }
      file = try Files.open(name, O_RDONLY)
    }
    guard file >= 0 else { throw LMDBError(errno, "open \(name)") }
  }

  deinit { close(file) }

  /// Gives lines to `body`, without their ends, until it says false; false at the end of the file.
  ///
  /// - Parameter hasOddQuotes: says whether a line opens or closes a quoted cell of CSV, which may go on in the next one.
  func read(
    hasOddQuotes: (Span<UInt8>) -> Bool, _ body: (Int, Span<UInt8>) -> Bool
  ) throws(LMDBError) -> Bool {
    while true {
      guard let end = try nextLine(hasOddQuotes) else { return false }
      let number = lineNumber
      var last = end.text
      if last > start, buffer[last - 1] == 0x0d { last -= 1 }
      let goesOn = body(number, buffer.span.extracting(start..<last))
      start = end.next
      lineNumber += end.lines - 1
      if !goesOn { return true }
    }
  }

  /// Where the next line's text ends, and where the line after it starts; nil at the end.
  private func nextLine(
    _ hasOddQuotes: (Span<UInt8>) -> Bool
  ) throws(LMDBError) -> (text: Int, next: Int, lines: Int)? {
    var scanned = start
    var segment = start
    var lines = 1
    var isOpen = false
    while true {
      if let feed = buffer.span.firstIndex(of: 0x0a, from: scanned) {
        if hasOddQuotes(buffer.span.extracting(segment..<feed)) { isOpen.toggle() }
        if isOpen && feed - start < EventParser.lineBytes {
          scanned = feed + 1
          segment = scanned
          lines += 1
          continue
        }
        lineNumber += 1
        return (feed, feed + 1, lines)
      }
      if isAtEnd {
        if start >= buffer.count { return nil }
        lineNumber += 1
        return (buffer.count, buffer.count, lines)
      }
      scanned = buffer.count - start
      segment -= start
      if start > 0 {
        buffer.removeFirst(start)
        start = 0
      }
      try fill()
    }
  }

  private func fill() throws(LMDBError) {
    let before = buffer.count
    if before > Self.keptBytes {
      try skipRest()
      return
    }
    if try Files.read(file, behind: &buffer, atMost: Self.blockBytes) == 0 { isAtEnd = true }
    if before == 0 && lineNumber == 0 && buffer.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
  }

  /// Reads over the rest of a line that is too long to keep.
  private func skipRest() throws(LMDBError) {
    var block: [UInt8] = []
    while true {
      block.removeAll(keepingCapacity: true)
      if try Files.read(file, behind: &block, atMost: Self.blockBytes) == 0 {
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
