/// Bars that lie below each other, each under its name: amounts, or the parts of a whole.
struct RowBars {
  struct Part {
    var share: Double
    /// A class of the page's style.
    var style: String
    var title: String
  }

  struct Row {
    var name: String
    /// At the right end.
    var value: String
    /// From left to right; their sum is 1 at most.
    var parts: [Part]
    /// A second bar right below the first.
    var second: [Part] = []
    /// Below the bar; empty for none.
    var note = ""
    var isMarked = false
  }

  let rows: [Row]

  /// Amounts against the largest of them.
  static func amounts(
    _ rows: [(name: String, amount: Double, value: String, style: String)]
  ) -> RowBars {
    let most = rows.map(\.amount).max() ?? 0
    return RowBars(
      rows: rows.map { row in
        Row(
          name: row.name, value: row.value,
          parts: most <= 0
            ? []
            : [
              Part(
                share: max(0, row.amount) / most, style: row.style,
                title: "\(row.name): \(row.value)")
            ])
      })
  }

  private static let narrowest = 345.0
  private static let nameHeight = 17.0
  private static let barHeight = 10.0
  private static let noteHeight = 18.0
  private static let gap = 13.0

  private func height(_ row: Row) -> Double {
    Self.nameHeight + Self.barHeight * (row.second.isEmpty ? 1 : 2)
      + (row.note.isEmpty ? 0 : Self.noteHeight) + Self.gap
  }

  var picture: Picture {
    var picture = Picture(height: rows.reduce(0) { $0 + height($1) })
    var y = 0.0
    for row in rows {
      // Both fit side by side on the narrowest page.
      let room = max(90, Self.narrowest - Picture.width(row.value) - 12)
      picture.text(
        Picture.cut(row.name, room), x: 0, y: y + 12, .start,
        row.isMarked ? "strong" : "")
      picture.text(row.value, x: 100, y: y + 12, .end, row.isMarked ? "value strong" : "value")
      var top = y + Self.nameHeight
      draw(row.parts, top, on: &picture)
      if !row.second.isEmpty {
        top += Self.barHeight
        draw(row.second, top, on: &picture)
      }
      if !row.note.isEmpty {
        picture.text(row.note, x: 0, y: top + Self.barHeight + 15, .start, "soft small")
      }
      y += height(row)
    }
    return picture
  }

  private func draw(_ parts: [Part], _ top: Double, on picture: inout Picture) {
    picture.ground(x: 0, y: top, width: 100, height: Self.barHeight, "track")
    var x = 0.0
    for part in parts where part.share > 0 {
      picture.mark(
        x: x, y: top, width: part.share * 100, height: Self.barHeight, part.style,
        title: part.title)
      x += part.share * 100
    }
  }
}
