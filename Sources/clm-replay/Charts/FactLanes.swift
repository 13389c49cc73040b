/// Values over time, each in a lane of its own from 0 to its highest, with the instants at which something happened.
struct FactLanes {
  struct Lane {
    var name: String
    /// Beside the name: what the lane reaches from and to.
    var range: String
    /// Rising places across, 0 to 1, and the value from there on; nil where there is none.
    var steps: [(across: Double, value: Double?)]
    var title: String
  }

  let lanes: [Lane]
  /// Places of what is pointed out by a line through all lanes.
  let moves: [Double]
  /// Dates along the axis.
  let ticks: [(across: Double, label: String)]

  private static let laneHeight = 40.0
  private static let gap = 14.0

  var picture: Picture {
    let bottom = Double(lanes.count) * (Self.laneHeight + Self.gap)
    var picture = Picture(height: bottom + PeriodAxis.height, margin: .wide)
    for place in moves {
      picture.line(x1: place * 100, y1: 0, x2: place * 100, y2: bottom - Self.gap, "cut")
    }
    for (number, lane) in lanes.enumerated() {
      let top = Double(number) * (Self.laneHeight + Self.gap)
      picture.rowName(lane.name, y: top + 16)
      picture.rowName(lane.range, y: top + 31)
      picture.line(x1: 0, y1: top + Self.laneHeight, x2: 100, y2: top + Self.laneHeight, "axis")
      picture.beginStretched(y: top, height: Self.laneHeight)
      let path = Self.path(lane.steps)
      if !path.isEmpty { picture.path(path, "line c2", title: lane.title) }
      picture.endStretched()
    }
    PeriodAxis(labels: ticks.map(\.label)).draw(on: &picture, y: bottom - Self.gap) {
      ticks[$0].across * 100
    }
    return picture
  }

  /// A staircase; where there is no value it breaks off.
  private static func path(_ steps: [(across: Double, value: Double?)]) -> String {
    let most = max(1e-9, steps.compactMap(\.value).max() ?? 0)
    var path = ""
    var isDrawing = false
    for step in steps {
      let x = SVGText.number(step.across * 1000)
      guard let value = step.value else {
        if isDrawing { path += "H\(x)" }
        isDrawing = false
        continue
      }
      let y = SVGText.number((1 - max(0, value) / most) * (laneHeight - 3) + 2)
      path += isDrawing ? "H\(x)V\(y)" : "M\(x) \(y)"
      isDrawing = true
    }
    return path
  }
}
