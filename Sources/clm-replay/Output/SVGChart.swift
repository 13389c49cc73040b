import EventStore

/// A chart as one self-contained SVG picture on a light ground.
struct SVGChart {
  private static let width = 800.0
  private static let panelHeight = 300.0
  private static let plot = (left: 72.0, right: 24.0, top: 40.0, bottom: 44.0)
  /// Okabe and Ito's colours, which people with colour blindness tell apart.
  private static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]

  private var lines: [String] = []

  static func text(_ chart: Chart) -> String {
    var drawing = SVGChart()
    drawing.draw(chart)
    return drawing.lines.joined(separator: "\n") + "\n"
  }

  private mutating func draw(_ chart: Chart) {
    let legendRows = chart.panels.map { Self.legendRows($0.series) }
    var height = 56.0
    for rows in legendRows { height += Self.panelHeight + Double(rows) * 20 }
    lines.append(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(SVGText.number(Self.width)) \(SVGText.number(height))\" width=\"\(SVGText.number(Self.width))\" height=\"\(SVGText.number(height))\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif\" font-size=\"13\">"
    )
    lines.append("<title id=\"title\">\(SVGText.escaped(chart.title))</title>")
    lines.append("<desc id=\"desc\">\(SVGText.escaped(chart.summary))</desc>")
    lines.append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")
    lines.append(
      "<text x=\"24\" y=\"32\" font-size=\"18\" font-weight=\"600\" fill=\"#222222\">\(SVGText.escaped(chart.title))</text>"
    )
    guard let days = chart.days else {
      lines.append(
        "<text x=\"24\" y=\"80\" fill=\"#555555\">\(SVGText.escaped(chart.emptyText))</text>")
      lines.append("</svg>")
      return
    }
    var top = 44.0
    for (panel, rows) in zip(chart.panels, legendRows) {
      draw(panel, chart, days, top: top)
      top += Self.panelHeight + Double(rows) * 20
    }
    lines.append("</svg>")
  }

  private mutating func draw(
    _ panel: Chart.Panel, _ chart: Chart, _ days: ClosedRange<Double>, top: Double
  ) {
    let (left, right) = (Self.plot.left, Self.width - Self.plot.right)
    let (high, low) = (top + Self.plot.top, top + Self.panelHeight - Self.plot.bottom)
    let ticks = Ticks.values(upTo: panel.highest, count: 5)
    let most = max(panel.highest, ticks.last ?? 1)
    func x(_ day: Double) -> Double {
      left + (day - days.lowerBound) / (days.upperBound - days.lowerBound) * (right - left)
    }
    func y(_ value: Double) -> Double { low - min(1, max(0, value / most)) * (low - high) }
    lines.append(
      "<text x=\"\(SVGText.number(left))\" y=\"\(SVGText.number(high - 14))\" font-weight=\"600\" fill=\"#222222\">\(SVGText.escaped(panel.title))</text>"
    )
    for tick in ticks {
      lines.append(
        "<line x1=\"\(SVGText.number(left))\" x2=\"\(SVGText.number(right))\" y1=\"\(SVGText.number(y(tick)))\" y2=\"\(SVGText.number(y(tick)))\" stroke=\"\(tick == 0 ? "#666666" : "#e3e3e3")\"/>"
      )
      lines.append(
        "<text x=\"\(SVGText.number(left - 8))\" y=\"\(SVGText.number(y(tick) + 4))\" text-anchor=\"end\" fill=\"#555555\">\(SVGText.grouped(tick))</text>"
      )
    }
    for tick in Ticks.days(days, count: 8) {
      lines.append(
        "<line x1=\"\(SVGText.number(x(tick.day)))\" x2=\"\(SVGText.number(x(tick.day)))\" y1=\"\(SVGText.number(low))\" y2=\"\(SVGText.number(low + 5))\" stroke=\"#666666\"/>"
      )
      lines.append(
        "<text x=\"\(SVGText.number(x(tick.day)))\" y=\"\(SVGText.number(low + 20))\" text-anchor=\"middle\" fill=\"#555555\">\(tick.label)</text>"
      )
    }
    for mark in chart.marks {
      lines.append(
        "<line x1=\"\(SVGText.number(x(mark.day)))\" x2=\"\(SVGText.number(x(mark.day)))\" y1=\"\(SVGText.number(high))\" y2=\"\(SVGText.number(low))\" stroke=\"#888888\" stroke-dasharray=\"2 3\"/>"
      )
      let isRight = x(mark.day) > (left + right) / 2
      lines.append(
        "<text x=\"\(SVGText.number(x(mark.day) + (isRight ? -6 : 6)))\" y=\"\(SVGText.number(high + 12))\" text-anchor=\"\(isRight ? "end" : "start")\" fill=\"#555555\">\(SVGText.escaped(mark.label)) \(Ticks.date(Int64(mark.day)))</text>"
      )
    }
    for day in chart.events {
      lines.append(
        "<line x1=\"\(SVGText.number(x(day)))\" x2=\"\(SVGText.number(x(day)))\" y1=\"\(SVGText.number(low))\" y2=\"\(SVGText.number(low - 9))\" stroke=\"#222222\" stroke-width=\"2\"/>"
      )
    }
    for series in panel.series {
      let points = series.points.filter(\.value.isFinite).map {
        "\(SVGText.number(x($0.day))),\(SVGText.number(y($0.value)))"
      }
      lines.append(
        "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" \(style(series.role))><title>\(SVGText.escaped(series.name))</title></polyline>"
      )
    }
    legend(panel.series, top: top + Self.panelHeight - 8)
  }

  // MARK: Legend

  private static func legendWidth(_ name: String) -> Double { 48 + 8 * Double(name.count) }

  private static func legendRows(_ series: [Chart.Series]) -> Int {
    var rows = 1
    var left = plot.left
    for entry in series {
      if left > plot.left && left + legendWidth(entry.name) > width - plot.right {
        rows += 1
        left = plot.left
      }
      left += legendWidth(entry.name)
    }
    return rows
  }

  private mutating func legend(_ series: [Chart.Series], top: Double) {
    var (left, line) = (Self.plot.left, top)
    for entry in series {
      let width = Self.legendWidth(entry.name)
      if left > Self.plot.left && left + width > Self.width - Self.plot.right {
        line += 20
        left = Self.plot.left
      }
      lines.append(
        "<line x1=\"\(SVGText.number(left))\" x2=\"\(SVGText.number(left + 22))\" y1=\"\(SVGText.number(line))\" y2=\"\(SVGText.number(line))\" \(style(entry.role))/>"
      )
      lines.append(
        "<text x=\"\(SVGText.number(left + 28))\" y=\"\(SVGText.number(line + 4))\" fill=\"#222222\">\(SVGText.escaped(entry.name))</text>"
      )
      left += width
    }
  }

  // MARK: Text

  private func style(_ role: Chart.Series.Role) -> String {
    switch role {
    case .actual: "stroke=\"#222222\" stroke-width=\"2\""
    case .expected(let model):
      "stroke=\"\(Self.colors[model % Self.colors.count])\" stroke-width=\"2\""
    case .forecast(let model):
      "stroke=\"\(Self.colors[model % Self.colors.count])\" stroke-width=\"2\" stroke-dasharray=\"7 4\""
    }
  }
}
