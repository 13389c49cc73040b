/// Cells in rows and columns, the darker the more; each says its figure where there is room.
struct HeatGrid {
  struct Cell {
    /// 0 to 1.
    var heat: Double
    /// Short, within the cell; empty for none.
    var text: String
    /// As a table has it; empty where that is the text.
    var exact = ""
    var title: String
  }

  let rows: [(name: String, cells: [Cell?])]
  let columns: [String]
  /// Above the names of the columns.
  var columnsTitle = ""
  var cellHeight = 24.0
  /// Cells are so wide that their text fits a narrow page, too.
  var isWide = false

  /// Classes `heat0` to `heat6`.
  static let steps = 7

  var picture: Picture {
    let head = columnsTitle.isEmpty ? 20.0 : 36
    var picture = Picture(
      height: head + Double(rows.count) * cellHeight + 4, margin: isWide ? .narrow : .wide)
    if !columnsTitle.isEmpty { picture.text(columnsTitle, x: 0, y: 12, .start, "tick") }
    let width = 100 / Double(max(1, columns.count))
    // Few columns are all named.
    let every = columns.count <= 12 ? 1 : 3
    for (column, name) in columns.enumerated() where column % every == 0 {
      picture.text(
        Picture.cut(name, 60, size: 11), x: (Double(column) + 0.5) * width, y: head - 7, .middle,
        "tick")
    }
    for (row, entry) in rows.enumerated() {
      let y = head + Double(row) * cellHeight
      let middle = y + cellHeight / 2 + 4
      if isWide {
        picture.text(
          Picture.cut(entry.name, 34, size: 11), x: 0, y: middle, shift: -8, .end, "tick")
      } else {
        picture.rowName(entry.name, y: middle)
      }
      for (column, cell) in entry.cells.enumerated() {
        guard let cell else { continue }
        let step = min(Self.steps - 1, max(0, Int(cell.heat * Double(Self.steps))))
        picture.mark(
          x: Double(column) * width, y: y, width: width, height: cellHeight, "cell heat\(step)",
          title: cell.title)
        if cell.text.isEmpty { continue }
        picture.text(
          cell.text, x: (Double(column) + 0.5) * width, y: y + cellHeight / 2 + 4, .middle,
          "on\(step)\(isWide ? "" : " minor")")
      }
    }
    return picture
  }
}
