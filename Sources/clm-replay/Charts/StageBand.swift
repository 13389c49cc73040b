/// One customer's time: a band of stages, and below it a lane for each kind of event.
struct StageBand {
  struct Stay {
    /// 0 to 1 across.
    var from: Double
    var to: Double
    var name: String
    /// A class of the page's style.
    var style: String
    var title: String
  }

  struct Lane {
    var name: String
    var style: String
    /// Places across of its events, rising, and what each says.
    var events: [(across: Double, title: String)]
  }

  let stays: [Stay]
  let lanes: [Lane]
  /// Dates along the axis.
  let ticks: [(across: Double, label: String)]

  private static let bandHeight = 34.0
  private static let laneHeight = 26.0
  /// Dots in a lane, at most: nearer ones become one.
  private static let places = 240.0

  var picture: Picture {
    let lanesTop = Self.bandHeight + 12
    let bottom = lanesTop + Double(lanes.count) * Self.laneHeight
    var picture = Picture(height: bottom + PeriodAxis.height, margin: .wide)
    picture.text("stage", x: 0, y: Self.bandHeight / 2 + 4, shift: -8, .end, "tick")
    for tick in ticks {
      picture.line(
        x1: tick.across * 100, y1: Self.bandHeight, x2: tick.across * 100, y2: bottom, "grid")
    }
    for stay in stays {
      picture.mark(
        x: stay.from * 100, y: 0, width: max(0.15, (stay.to - stay.from) * 100),
        height: Self.bandHeight, stay.style, title: stay.title)
      // A name that has room where the page is wide; where it is narrow, none is shown.
      if (stay.to - stay.from) * 480 > Picture.width(stay.name) + 12 {
        picture.text(
          stay.name, x: stay.from * 100, y: Self.bandHeight / 2 + 4, shift: 7, .start,
          "over \(stay.style)-over minor")
      }
    }
    for (place, lane) in lanes.enumerated() {
      let y = lanesTop + (Double(place) + 0.5) * Self.laneHeight
      picture.rowName(lane.name, y: y + 4)
      picture.line(x1: 0, y1: y, x2: 100, y2: y, "grid")
      for (across, titles) in Self.grouped(lane.events) {
        picture.dot(
          x: across * 100, y: y, radius: titles.count == 1 ? 4.5 : 5.5, lane.style,
          title: titles.count == 1
            ? titles[0] : "\(titles.count) events, first: \(titles[0])")
      }
    }
    PeriodAxis(labels: ticks.map(\.label)).draw(on: &picture, y: bottom) { ticks[$0].across * 100 }
    return picture
  }

  private static func grouped(
    _ events: [(across: Double, title: String)]
  ) -> [(across: Double, titles: [String])] {
    var found: [(across: Double, titles: [String])] = []
    for event in events {
      if let last = found.indices.last, (event.across - found[last].across) * places < 1 {
        found[last].titles.append(event.title)
      } else {
        found.append((event.across, [event.title]))
      }
    }
    return found
  }
}
