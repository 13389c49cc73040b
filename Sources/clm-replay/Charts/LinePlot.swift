/// Lines over periods or days, each with its own dashes, so that nobody has to tell them by colour alone.
struct LinePlot {
  struct Point {
    /// From 0 at the left to 1 at the right.
    var across: Double
    /// Those below 0 need a `range`.
    var value: Double
    /// Rests on little, and is drawn so.
    var isWeak = false
  }

  struct Series {
    var name: String
    /// A class of the page's style.
    var style: String
    var points: [Point]
    /// Points are marked, as where there are few.
    var hasDots = false
  }

  let series: [Series]
  /// Names of places along the axis.
  let labels: [String]
  /// Where each of them stands, 0 to 1.
  let places: [Double]
  let text: (Double) -> String
  var axisText: (Double) -> String = { SVGText.grouped($0) }
  /// Fixed ends of the axis; nil: from 0 to what the values need.
  var range: ClosedRange<Double>?
  var plotHeight = 200.0
  /// A place that is pointed out, and what it is called.
  var cut: (across: Double, label: String)?

  private static let top = 12.0

  private var ticks: [Double] {
    guard let range else {
      let most = series.flatMap(\.points).map(\.value).max() ?? 0
      return Ticks.values(upTo: most, count: 4)
    }
    let step = (range.upperBound - range.lowerBound) / 4
    return (0...4).map { range.lowerBound + Double($0) * step }
  }

  var picture: Picture {
    let ticks = ticks
    let (low, high) = (ticks.first ?? 0, ticks.last ?? 1)
    var picture = Picture(height: Self.top + plotHeight + PeriodAxis.height, margin: .narrow)
    let plotHeight = plotHeight
    func y(_ value: Double) -> Double {
      let share = (value - low) / (high - low)
      return (1 - min(1, max(0, share))) * plotHeight
    }
    for tick in ticks {
      picture.line(
        x1: 0, y1: Self.top + y(tick), x2: 100, y2: Self.top + y(tick), tick == 0 ? "axis" : "grid")
      picture.text(axisText(tick), x: 0, y: Self.top + y(tick) + 4, shift: -8, .end, "tick")
    }
    if let cut {
      let isRight = cut.across > 0.5
      picture.line(
        x1: cut.across * 100, y1: Self.top, x2: cut.across * 100, y2: Self.top + plotHeight, "cut")
      picture.text(
        cut.label, x: cut.across * 100, y: Self.top + 10, shift: isRight ? -6 : 6,
        isRight ? .end : .start, "tick halo")
    }
    picture.beginStretched(y: Self.top, height: plotHeight)
    for entry in series where entry.points.count > 1 {
      let points = entry.points.map {
        "\(SVGText.number($0.across * 1000)) \(SVGText.number(y($0.value)))"
      }
      picture.path("M\(points.joined(separator: "L"))", "line \(entry.style)", title: entry.name)
    }
    picture.endStretched()
    for entry in series where entry.hasDots || entry.points.count == 1 {
      for point in entry.points {
        picture.dot(
          x: point.across * 100, y: Self.top + y(point.value), radius: 3.5,
          point.isWeak ? "calm" : entry.style,
          title: "\(entry.name): \(text(point.value))")
      }
    }
    let places = places
    PeriodAxis(labels: labels).draw(on: &picture, y: Self.top + plotHeight) { places[$0] * 100 }
    return picture
  }
}
