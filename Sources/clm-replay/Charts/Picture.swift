/// A picture of a page: lengths across are shares of its width, lengths down are pixels, so that it fits any width and its text
/// keeps its size.
///
/// Colours are classes, which the page's style gives for light and dark. Marks, the shapes that stand for data, are counted.
struct Picture: Sendable {
  /// Pixels.
  let height: Double
  /// Room to the left of the marks for what an axis says, in pixels: `narrow`, `wide` or none (a class of the page's style).
  let margin: Margin
  private var body = ""
  private(set) var marks = 0

  enum Margin: String, Sendable {
    case none, narrow, wide
  }

  /// Where text ends up beside its place.
  enum Anchor: String {
    case start, middle, end
  }

  init(height: Double, margin: Margin = .none) {
    self.height = height
    self.margin = margin
  }

  /// - Parameters:
  ///   - x, width: percent of the picture's width.
  ///   - title: what a reader is told who points at it.
  mutating func mark(
    x: Double, y: Double, width: Double, height: Double, _ style: String, title: String
  ) {
    marks += 1
    body +=
      "<rect class=\"mark \(style)\" x=\"\(Self.percent(x))\" y=\"\(SVGText.number(y))\" width=\"\(Self.percent(width))\" height=\"\(SVGText.number(height))\"><title>\(SVGText.escaped(title))</title></rect>\n"
  }

  /// What is drawn behind marks.
  mutating func ground(x: Double, y: Double, width: Double, height: Double, _ style: String) {
    body +=
      "<rect class=\"\(style)\" x=\"\(Self.percent(x))\" y=\"\(SVGText.number(y))\" width=\"\(Self.percent(width))\" height=\"\(SVGText.number(height))\"/>\n"
  }

  /// - Parameter radius: pixels.
  mutating func dot(x: Double, y: Double, radius: Double, _ style: String, title: String) {
    marks += 1
    body +=
      "<circle class=\"mark \(style)\" cx=\"\(Self.percent(x))\" cy=\"\(SVGText.number(y))\" r=\"\(SVGText.number(radius))\"><title>\(SVGText.escaped(title))</title></circle>\n"
  }

  mutating func line(x1: Double, y1: Double, x2: Double, y2: Double, _ style: String) {
    body +=
      "<line class=\"\(style)\" x1=\"\(Self.percent(x1))\" y1=\"\(SVGText.number(y1))\" x2=\"\(Self.percent(x2))\" y2=\"\(SVGText.number(y2))\"/>\n"
  }

  /// - Parameter shift: pixels to the right.
  mutating func text(
    _ text: String, x: Double, y: Double, shift: Double = 0, _ anchor: Anchor = .start,
    _ style: String = ""
  ) {
    let moved = shift == 0 ? "" : " dx=\"\(SVGText.number(shift))\""
    let classes = style.isEmpty ? "" : " class=\"\(style)\""
    let side = anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
    body +=
      "<text\(classes) x=\"\(Self.percent(x))\" y=\"\(SVGText.number(y))\"\(moved)\(side)>\(SVGText.escaped(text))</text>\n"
  }

  /// A name with so many pixels of room, fewer on a narrow page: it may be written twice, and one of both is shown.
  mutating func name(
    _ name: String, x: Double, y: Double, shift: Double, _ anchor: Anchor, _ style: String,
    _ rooms: (narrow: Double, wide: Double), size: Double = 12
  ) {
    let brief = Self.cut(name, rooms.narrow, size: size)
    let full = Self.cut(name, rooms.wide, size: size)
    text(full, x: x, y: y, shift: shift, anchor, brief == full ? style : "\(style) minor")
    if brief != full { text(brief, x: x, y: y, shift: shift, anchor, "\(style) brief") }
  }

  /// A name to the left of a lane or a row, where the margin is `wide`.
  mutating func rowName(_ name: String, y: Double) {
    self.name(
      name, x: 0, y: y, shift: -8, .end, "tick", (narrow: 92, wide: 122), size: 11)
  }

  /// Begins a part in which lengths across are thousandths of the picture's width, as paths need it.
  mutating func beginStretched(y: Double, height: Double) {
    body +=
      "<svg x=\"0\" y=\"\(SVGText.number(y))\" width=\"100%\" height=\"\(SVGText.number(height))\" viewBox=\"0 0 1000 \(SVGText.number(height))\" preserveAspectRatio=\"none\">\n"
  }

  mutating func endStretched() { body += "</svg>\n" }

  /// A path in a stretched part; its stroke keeps its width.
  mutating func path(_ commands: String, _ style: String, title: String) {
    marks += 1
    body +=
      "<path class=\"mark \(style)\" d=\"\(commands)\" vector-effect=\"non-scaling-stroke\"><title>\(SVGText.escaped(title))</title></path>\n"
  }

  /// The element, called by its title and described for who cannot see it.
  ///
  /// - Parameter id: of the page, once.
  func svg(id: String, title: String, summary: String) -> String {
    "<svg class=\"plot \(margin.rawValue)\" role=\"img\" aria-labelledby=\"\(id)-t \(id)-d\" height=\"\(SVGText.number(height))\" data-marks=\"\(marks)\">\n<title id=\"\(id)-t\">\(SVGText.escaped(title))</title><desc id=\"\(id)-d\">\(SVGText.escaped(summary))</desc>\n\(body)</svg>"
  }

  private static func percent(_ share: Double) -> String { "\(SVGText.number(share))%" }

  /// A text that has room for so many pixels; what is cut off ends in `…`.
  ///
  /// - Parameter size: of the letters, in pixels. Widths are those of wide fonts, so that there is room in any.
  static func cut(_ text: String, _ room: Double, size: Double = 12) -> String {
    let shown = text.printable
    if width(shown, size: size) <= room { return shown }
    var (kept, left) = ("", room - width("…", size: size))
    for character in shown {
      left -= width(character) * size
      if left < 0 { break }
      kept.append(character)
    }
    return kept + "…"
  }

  /// About how many pixels a text takes, rather too many.
  static func width(_ text: String, size: Double = 12) -> Double {
    text.reduce(0) { $0 + width($1) } * size
  }

  /// In em, as DejaVu Sans has it, which is wider than most.
  private static func width(_ character: Character) -> Double {
    guard let letter = character.asciiValue else { return 1 }
    switch character {
    case "m", "w", "M", "W", "@", "%": return 1
    case "i", "j", "l", "t", "f", "r", "I", ".", ",", ":", ";", "'", "|", "!", "(", ")", "[", "]",
      " ", "-":
      return 0.39
    default: return letter &- 65 < 26 ? 0.76 : 0.64
    }
  }
}
