/// The contents of a row's cells, in buffers that are used again.
struct CSVCells: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  var count: Int { ends.count }

  /// Takes the place of what was there.
  mutating func take(_ row: Span<UInt8>, _ scanner: CSVRowScanner) {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    for cell in scanner.cells {
      if cell.hasDoubledQuotes {
        bytes += CSVRowScanner.content(cell, of: row)
      } else {
        bytes.append(row.extracting(cell.range))
      }
      ends.append(bytes.count)
    }
  }

  subscript(_ number: Int) -> ArraySlice<UInt8> {
    bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
  }

  /// Keeps the first ones.
  mutating func cut(to count: Int) { ends.removeLast(ends.count - count) }

  var all: [[UInt8]] { ends.indices.map { Array(self[$0]) } }
}
