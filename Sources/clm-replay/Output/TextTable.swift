/// Rows in aligned columns, numbers to the right. On a terminal the last columns give way where not all fit.
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
    let fitting = fitting(widths)
    let lines = ([columns, rule] + rows).map { line(of: Array($0.prefix(fitting)), widths) }
    if fitting == columns.count { return lines }
    let dropped = columns[fitting...].joined(separator: ", ")
    return lines + ["(too narrow for \(dropped): a wider terminal or a file has them)"]
  }

  /// How many columns fit the terminal, at least one.
  private func fitting(_ widths: [Int]) -> Int {
    guard let room = StandardOutput.terminalWidth else { return columns.count }
    var end = -2
    for (index, width) in widths.enumerated() {
      end += 2 + width
      if end > room { return max(1, index) }
    }
    return columns.count
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
