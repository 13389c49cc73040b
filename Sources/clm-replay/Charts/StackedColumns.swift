/// Columns side by side, of parts that stand on each other; parts below zero hang from the axis.
struct StackedColumns {
  struct Series {
    var name: String
    /// A class of the page's style.
    var style: String
    /// One a column, not below 0.
    var values: [Double]
    var isBelow = false
  }

  let labels: [String]
  let series: [Series]
  /// Of a value, for who points at it.
  let text: (Double) -> String
  /// Of a value at the axis.
  /// Values are whole, and so are ticks.
  var isCount = true
  var axisText: (Double) -> String = { SVGText.grouped($0) }
  var plotHeight = 200.0

  private static let top = 10.0

  private func highest(below: Bool) -> Double {
    labels.indices.map { column in
      series.filter { $0.isBelow == below }.reduce(0) { $0 + $1.values[column] }
    }.max() ?? 0
  }

  var picture: Picture {
    let (above, below) = (highest(below: false), highest(below: true))
    let ticks = Ticks.values(upTo: max(above, below), count: 4)
    let step = max(ticks.count > 1 ? ticks[1] : 1, isCount ? 1 : 0)
    // The axis ends with a tick on either side.
    let up = max(step, (above / step).rounded(.up) * step)
    let down = (below / step).rounded(.up) * step
    var picture = Picture(height: Self.top + plotHeight + PeriodAxis.height, margin: .narrow)
    func y(_ value: Double) -> Double { Self.top + (up - value) / (up + down) * plotHeight }
    var tick = -down
    while tick <= up + step / 2 {
      let isZero = tick.magnitude < step / 2
      if !isZero { picture.line(x1: 0, y1: y(tick), x2: 100, y2: y(tick), "grid") }
      picture.text(
        isZero ? "0" : axisText(tick.magnitude), x: 0, y: y(tick) + 4, shift: -8, .end, "tick")
      tick += step
    }
    // A column of one period is no wall.
    let width = 100 / Double(max(6, labels.count))
    for column in labels.indices {
      var (high, low) = (0.0, 0.0)
      for entry in series {
        let value = entry.values[column]
        if value <= 0 { continue }
        let from = entry.isBelow ? -low : high + value
        picture.mark(
          x: (Double(column) + 0.12) * width, y: y(from), width: width * 0.76,
          height: value / (up + down) * plotHeight, entry.style,
          title: "\(PeriodAxis.name(labels[column])), \(entry.name): \(text(value))")
        if entry.isBelow { low += value } else { high += value }
      }
    }
    picture.line(x1: 0, y1: y(0), x2: 100, y2: y(0), "axis")
    PeriodAxis(labels: labels).draw(on: &picture, y: Self.top + plotHeight) {
      (Double($0) + 0.5) * width
    }
    return picture
  }
}
