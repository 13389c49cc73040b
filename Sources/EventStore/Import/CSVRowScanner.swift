/// Finds the rows of CSV and their cells, in bytes that come piece by piece.
///
/// A cell that begins with a quote ends with the next quote that is not doubled, which a delimiter, a line end or the end of the
/// input has to follow. Where it does not end so, within ``EventParser/lineBytes`` of the row, the line in which the cell begins is
/// the end of the row, which has a ``fault`` then, and the next line begins another one: so a stray quote costs no other line.
/// In any other cell a quote is a character like any other.
///
/// - Complexity: linear in the bytes of the input, whatever quotes it holds: a search for a closing quote ends at the next run of
///   an odd number of quotes, and only such a run can begin a search that goes beyond it.
struct CSVRowScanner: Sendable {
  enum Delimiter: Sendable, Equatable {
    case byte(UInt8)
    /// Runs of blanks; leading ones are skipped. Quotes are characters like any other.
    case whitespace

    /// `,`, `;`, `|`, `tab` or `whitespace`.
    init?(_ text: String) {
      switch text {
      case ",": self = .byte(UInt8(ascii: ","))
      case ";": self = .byte(UInt8(ascii: ";"))
      case "|": self = .byte(UInt8(ascii: "|"))
      case "tab": self = .byte(0x09)
      case "whitespace": self = .whitespace
      default: return nil
      }
    }
  }

  /// Where a cell stands in its row, without its quotes.
  struct Cell: Sendable, Equatable {
    var range: Range<Int>
    var hasDoubledQuotes = false
  }

  /// Why a row is none, and at which byte of which line of it.
  struct Fault: Sendable, Equatable {
    enum Kind: Sendable { case openQuote, textBehindQuote }
    var kind: Kind
    /// The number of the cell, from 1.
    var cell: Int
    /// The line within the row in which the cell begins, from 1.
    var line: Int
  }

  private enum State {
    case cellStart
    case unquoted(from: Int)
    /// Behind the quote at `from`; the line in which that stands.
    case quoted(from: Int, line: Int, hasDoubled: Bool)
    /// On the way to the end of the line in which the faulty cell begins.
    case faulty
  }

  let delimiter: Delimiter
  private(set) var cells: [Cell] = []
  private(set) var fault: Fault?
  /// Where the row's text ends, without its line end.
  private(set) var end = 0
  /// Where the next row begins.
  private(set) var next = 0
  /// Physical lines of the row.
  private(set) var lines = 1

  private var index = 0
  private var state = State.cellStart
  private static let quote = UInt8(ascii: "\"")
  private static let feed: UInt8 = 0x0a
  private static let carriage: UInt8 = 0x0d

  init(_ delimiter: Delimiter) { self.delimiter = delimiter }

  /// Begins a row.
  mutating func begin() {
    cells.removeAll(keepingCapacity: true)
    fault = nil
    index = 0
    lines = 1
    state = .cellStart
  }

  /// Looks for the row's end; false where that takes more bytes.
  ///
  /// - Parameters:
  ///   - buffer: what was read; each time the bytes of the last time, and more.
  ///   - start: where the row begins in it.
  mutating func scan(_ buffer: [UInt8], from start: Int, isAtEnd: Bool) -> Bool {
    let bytes = buffer.span.extracting(start..<buffer.count)
    guard case .byte(let separator) = delimiter else { return scanWords(bytes, isAtEnd) }
    while true {
      switch state {
      case .cellStart:
        if index == bytes.count && !isAtEnd { return false }
        if index < bytes.count && bytes[index] == Self.quote {
          state = .quoted(from: index + 1, line: lines, hasDoubled: false)
          index += 1
        } else {
          state = .unquoted(from: index)
        }
      case .unquoted(let from):
        while index < bytes.count && bytes[index] != separator && bytes[index] != Self.feed {
          index += 1
        }
        if index == bytes.count && !isAtEnd { return false }
        if index < bytes.count && bytes[index] == separator {
          cells.append(Cell(range: from..<index))
          index += 1
          state = .cellStart
        } else {
          endLine(bytes, at: index, notBefore: from)
          cells.append(Cell(range: from..<end))
          return true
        }
      case .quoted(let from, let line, let hasDoubled):
        switch closing(bytes, isAtEnd) {
        case .more: return false
        case .doubled:
          state = .quoted(from: from, line: line, hasDoubled: true)
        case .delimiter(let place):
          cells.append(Cell(range: from..<place, hasDoubledQuotes: hasDoubled))
          state = .cellStart
        case .lineEnd(let place, let next):
          cells.append(Cell(range: from..<place, hasDoubledQuotes: hasDoubled))
          end = place + 1
          self.next = next
          return true
        case .fault(let kind):
          fault = Fault(kind: kind, cell: cells.count + 1, line: line)
          lines = line
          index = from
          state = .faulty
        }
      case .faulty: return endLine(bytes, isAtEnd)
      }
    }
  }

  private enum Closing {
    case more
    case doubled
    case delimiter(Int)
    case lineEnd(Int, next: Int)
    case fault(Fault.Kind)
  }

  /// Looks from `index` on for the quote that ends a cell, and at what follows it.
  private mutating func closing(_ bytes: Span<UInt8>, _ isAtEnd: Bool) -> Closing {
    let limit = min(bytes.count, EventParser.lineBytes)
    while index < limit && bytes[index] != Self.quote {
      if bytes[index] == Self.feed { lines += 1 }
      index += 1
    }
    if index >= limit {
      return isAtEnd || limit == EventParser.lineBytes ? .fault(.openQuote) : .more
    }
    let place = index
    if place + 1 == bytes.count { return isAtEnd ? .lineEnd(place, next: place + 1) : .more }
    switch bytes[place + 1] {
    case Self.quote:
      index = place + 2
      return .doubled
    case Self.feed: return .lineEnd(place, next: place + 2)
    case Self.carriage:
      if place + 2 == bytes.count { return isAtEnd ? .lineEnd(place, next: place + 2) : .more }
      if bytes[place + 2] == Self.feed { return .lineEnd(place, next: place + 3) }
      return .fault(.textBehindQuote)
    default:
      guard delimiter == .byte(bytes[place + 1]) else { return .fault(.textBehindQuote) }
      index = place + 2
      return .delimiter(place)
    }
  }

  /// The end of the line that `index` stands in; false where that takes more bytes.
  private mutating func endLine(_ bytes: Span<UInt8>, _ isAtEnd: Bool) -> Bool {
    let feed = bytes.firstIndex(of: Self.feed, from: index)
    guard feed != nil || isAtEnd else {
      index = bytes.count
      return false
    }
    endLine(bytes, at: feed ?? bytes.count, notBefore: 0)
    return true
  }

  /// The row ends with a line end, or the end of the input, at a place.
  private mutating func endLine(_ bytes: Span<UInt8>, at place: Int, notBefore from: Int) {
    next = min(place + 1, bytes.count)
    end = place > from && bytes[place - 1] == Self.carriage ? place - 1 : place
  }

  private mutating func scanWords(_ bytes: Span<UInt8>, _ isAtEnd: Bool) -> Bool {
    guard endLine(bytes, isAtEnd) else { return false }
    var from: Int?
    for place in 0...end {
      let isBlank = place == end || bytes[place] == 0x20 || bytes[place] == 0x09
      if let begin = from, isBlank {
        cells.append(Cell(range: begin..<place))
        from = nil
      } else if from == nil && !isBlank {
        from = place
      }
    }
    return true
  }

  /// The bytes of a cell, in which doubled quotes are single ones.
  static func content(_ cell: Cell, of row: Span<UInt8>) -> [UInt8] {
    let bytes = [UInt8](copying: row.extracting(cell.range))
    if !cell.hasDoubledQuotes { return bytes }
    var content: [UInt8] = []
    content.reserveCapacity(bytes.count)
    var isFirst = false
    for byte in bytes {
      isFirst = byte == quote && !isFirst
      if byte == quote && !isFirst { continue }
      content.append(byte)
    }
    return content
  }
}
