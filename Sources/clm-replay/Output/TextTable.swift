/// Rows in aligned columns, numbers to the right.
struct TextTable {
  private let columns: [String]
  private let numeric: Set<Int>
  private var rows: [[String]] = []

  init(columns: [String], numeric: Set<Int>) {
    self.columns = columns
    self.numeric = numeric
  }

  mutating func add(_ row: [String]) { rows.append(row.map(\.printable)) }

  var lines: [String] {
    var widths = columns.map(\.count)
    for row in rows {
      for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
    }
    let rule = widths.map { String(repeating: "-", count: $0) }
    return ([columns, rule] + rows).map { line(of: $0, widths) }
  }

  private func line(of row: [String], _ widths: [Int]) -> String {
    var text = ""
    for (index, cell) in row.enumerated() {
      if index > 0 { text += "  " }
      let blanks = String(repeating: " ", count: widths[index] - cell.count)
      text += numeric.contains(index) ? blanks + cell : cell + blanks
    }
    while text.hasSuffix(" ") { text.removeLast() }
    return text
  }
}
