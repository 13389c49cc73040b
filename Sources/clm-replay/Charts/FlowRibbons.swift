/// Moves from what stands at the left to what stands at the right, as ribbons whose width is their number.
struct FlowRibbons {
  struct Flow {
    var from: Int
    var to: Int
    var count: Double
    /// A class of the page's style.
    var style: String
    var title: String
  }

  let left: [String]
  let right: [String]
  let flows: [Flow]

  private static let gap = 10.0
  private static let nameWidth = 23.0
  private static let rooms = (narrow: 76.0, wide: 112.0)
  /// Percent of the width that a bar at either end takes.
  private static let bar = 1.2

  var picture: Picture {
    let sums = (
      left.indices.map { place in flows.filter { $0.from == place }.reduce(0) { $0 + $1.count } },
      right.indices.map { place in flows.filter { $0.to == place }.reduce(0) { $0 + $1.count } }
    )
    let total = flows.reduce(0) { $0 + $1.count }
    let ends = max(left.count, right.count)
    let height = max(220.0, Double(ends) * 40)
    var picture = Picture(height: height + 8)
    if total <= 0 { return picture }
    // Names need room also where a bar is thin.
    let scale = (height - Self.gap * Double(ends) - 16 * Double(ends)) / total
    let tops = (Self.tops(sums.0, scale, height), Self.tops(sums.1, scale, height))
    draw(&picture, height, scale, tops)
    for (place, name) in left.enumerated() {
      let (top, thick) = (tops.0[place], sums.0[place] * scale)
      picture.name(
        name, x: Self.nameWidth, y: top + thick / 2 + 4, shift: -8, .end, "halo", Self.rooms)
      picture.ground(x: Self.nameWidth, y: top, width: Self.bar, height: thick, "end")
    }
    for (place, name) in right.enumerated() {
      let (top, thick) = (tops.1[place], sums.1[place] * scale)
      let x = 100 - Self.nameWidth
      picture.name(name, x: x, y: top + thick / 2 + 4, shift: 8, .start, "halo", Self.rooms)
      picture.ground(x: x - Self.bar, y: top, width: Self.bar, height: thick, "end")
    }
    return picture
  }

  /// Where each end begins: spread evenly over the height.
  private static func tops(_ sums: [Double], _ scale: Double, _ height: Double) -> [Double] {
    let used = sums.reduce(0) { $0 + $1 * scale }
    let space = (height - used) / Double(max(1, sums.count))
    var tops: [Double] = []
    var y = space / 2
    for sum in sums {
      tops.append(y)
      y += sum * scale + space
    }
    return tops
  }

  private func draw(
    _ picture: inout Picture, _ height: Double, _ scale: Double, _ tops: ([Double], [Double])
  ) {
    var (leaving, arriving) = tops
    let x1 = (Self.nameWidth + Self.bar) * 10
    let x2 = 1000 - x1
    let middle = (x1 + x2) / 2
    picture.beginStretched(y: 0, height: height)
    for flow in flows.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
      let thick = flow.count * scale
      let (a, b) = (leaving[flow.from], arriving[flow.to])
      leaving[flow.from] += thick
      arriving[flow.to] += thick
      func point(_ x: Double, _ y: Double) -> String {
        "\(SVGText.number(x)) \(SVGText.number(y))"
      }
      picture.path(
        "M\(point(x1, a))C\(point(middle, a)) \(point(middle, b)) \(point(x2, b))L\(point(x2, b + thick))C\(point(middle, b + thick)) \(point(middle, a + thick)) \(point(x1, a + thick))Z",
        "ribbon \(flow.style)", title: flow.title)
    }
    picture.endStretched()
  }
}
