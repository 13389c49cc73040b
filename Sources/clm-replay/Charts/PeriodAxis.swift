/// What stands below columns or lines of periods, or of other classes.
struct PeriodAxis {
  let labels: [String]

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Labels of months, as `2024-03`.
  private static func month(_ label: String) -> (year: String, month: Int)? {
    let parts = label.split(separator: "-")
    guard parts.count == 2, parts[0].count >= 4, parts[1].count == 2, let month = Int(parts[1]),
      (1...12).contains(month)
    else { return nil }
    return (String(parts[0]), month)
  }

  /// `November 2024` for `2024-11`; other labels as they are.
  static func name(_ label: String) -> String {
    let full = [
      "January", "February", "March", "April", "May", "June", "July", "August", "September",
      "October", "November", "December",
    ]
    if let (year, month) = month(label) { return "\(full[month - 1]) \(year)" }
    let parts = label.split(separator: "-")
    if parts.count == 2, parts[1].hasPrefix("Q") { return "\(parts[1]) \(parts[0])" }
    if parts.count == 2, parts[1].hasPrefix("W") {
      return "week \(parts[1].dropFirst()) of \(parts[0])"
    }
    return label
  }

  /// Pixels that they take.
  static let height = 36.0

  /// - Parameters:
  ///   - centre: of the n-th, in percent of the width.
  ///   - y: where the axis lies.
  func draw(on picture: inout Picture, y: Double, centre: (Int) -> Double) {
    let places = labels.indices.compactMap { place in tick(place).map { (place, $0) } }
    for (place, tick) in places {
      let style = tick.isMajor ? "tick" : "tick minor"
      picture.text(tick.text, x: centre(place), y: y + 16, .middle, style)
      if let year = tick.year { picture.text(year, x: centre(place), y: y + 31, .middle, style) }
    }
  }

  private struct Tick {
    var text: String
    var year: String?
    /// Shown on a narrow page, too.
    var isMajor: Bool
  }

  private func tick(_ place: Int) -> Tick? {
    if let (year, month) = Self.month(labels[place]) { return monthTick(place, year, month) }
    let length = labels.map(\.count).max() ?? 1
    // So many fit 320 pixels, and as many again a wide page.
    let few = max(1, min(6, 44 / max(1, length)))
    let step = max(1, (labels.count + 2 * few - 1) / (2 * few))
    guard place % step == 0 else { return nil }
    let isMajor = labels.count <= few || place / step % 2 == 0
    return Tick(text: labels[place], year: nil, isMajor: isMajor)
  }

  private func monthTick(_ place: Int, _ year: String, _ month: Int) -> Tick? {
    let step = labels.count <= 12 ? 1 : 3
    if step > 1 && (month - 1) % step != 0 { return nil }
    let isMajor = labels.count <= 6 || (month - 1) % (step == 1 ? 3 : 6) == 0
    let isFirst = place < step || month == 1
    return Tick(text: Self.months[month - 1], year: isFirst ? year : nil, isMajor: isMajor)
  }
}
