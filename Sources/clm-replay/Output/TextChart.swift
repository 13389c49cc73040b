/// A chart made of characters: `#` is what happened, digits are models.
enum TextChart {
  private static let width = 72
  private static let height = 16

  /// The first panel.
  static func lines(_ chart: Chart) -> [String] {
    guard let days = chart.days, let panel = chart.panels.first else { return [chart.emptyText] }
    return lines(panel, chart, days)
  }

  private static func symbol(_ role: Chart.Series.Role) -> Character {
    switch role {
    case .actual: "#"
    case .expected(let number): Character(String((number + 1) % 10))
    // a, b, c … beside 1, 2, 3 …
    case .forecast(let number):
      Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(number % 26)))
    }
  }

  private static func lines(
    _ panel: Chart.Panel, _ chart: Chart, _ days: ClosedRange<Double>
  ) -> [String] {
    let ticks = Ticks.values(upTo: panel.highest, count: 4)
    let top = max(panel.highest, ticks.last ?? 1)
    var grid = Array(repeating: Array(repeating: Character(" "), count: width), count: height)
    func column(_ day: Double) -> Int {
      let share = (day - days.lowerBound) / (days.upperBound - days.lowerBound)
      return min(width - 1, max(0, Int((share * Double(width - 1)).rounded())))
    }
    func row(_ value: Double) -> Int? {
      guard value.isFinite else { return nil }
      let share = min(1, max(0, value / top))
      return height - 1 - Int((share * Double(height - 1)).rounded())
    }
    for mark in chart.marks {
      for line in 0..<height { grid[line][column(mark.day)] = ":" }
    }
    // What happened lies above what was expected.
    for series in panel.series.filter({ $0.role != .actual })
      + panel.series.filter({
        $0.role == .actual
      })
    {
      for (place, point) in series.points.enumerated() {
        guard let line = row(point.value) else { continue }
        grid[line][column(point.day)] = symbol(series.role)
        if place == 0 { continue }
        // Columns between two points that are far apart.
        let before = series.points[place - 1]
        let (from, to) = (column(before.day), column(point.day))
        if to - from < 2 { continue }
        for between in from + 1..<to {
          let share = Double(between - from) / Double(to - from)
          if let line = row(before.value + share * (point.value - before.value)) {
            grid[line][between] = symbol(series.role)
          }
        }
      }
    }
    let names = ticks.map { Numbers.short($0) }
    let margin = names.map(\.count).max() ?? 0
    var lines = [panel.title]
    for line in 0..<height {
      let place = ticks.firstIndex { row($0) == line }
      let name = place.map { names[$0] } ?? ""
      var text =
        String(repeating: " ", count: margin - name.count) + name + (place == nil ? " |" : " +")
        + String(grid[line])
      while text.hasSuffix(" ") { text.removeLast() }
      lines.append(text)
    }
    let indent = String(repeating: " ", count: margin + 1)
    var axis = Array(repeating: Character("-"), count: width)
    for day in chart.events { axis[column(day)] = "^" }
    lines.append(indent + "+" + String(axis))
    lines.append(indent + " " + labels(chart, days, column))
    var legend = ""
    for series in panel.series {
      let entry = "\(symbol(series.role)) \(series.name)"
      if !legend.isEmpty && legend.count + 3 + entry.count > width {
        lines.append("\(indent) \(legend)")
        legend = ""
      }
      legend += legend.isEmpty ? entry : "   \(entry)"
    }
    return lines + ["\(indent) \(legend)"]
  }

  /// First day, marks, last day, as far as there is room for them.
  private static func labels(
    _ chart: Chart, _ days: ClosedRange<Double>, _ column: (Double) -> Int
  ) -> String {
    var line = Array(repeating: Character(" "), count: width)
    func place(_ text: String, at column: Int) {
      let start = min(width - text.count, max(0, column))
      if start < 0 { return }
      let room = max(0, start - 1)..<min(width, start + text.count + 1)
      if line[room].contains(where: { $0 != " " }) { return }
      for (offset, character) in text.enumerated() { line[start + offset] = character }
    }
    place(Ticks.date(Int64(days.lowerBound)), at: 0)
    place(Ticks.date(Int64(days.upperBound)), at: width)
    for mark in chart.marks {
      let text = "\(mark.label) \(Ticks.date(Int64(mark.day)))"
      place(text, at: column(mark.day) - text.count / 2)
    }
    var text = String(line)
    while text.hasSuffix(" ") { text.removeLast() }
    return text
  }
}
