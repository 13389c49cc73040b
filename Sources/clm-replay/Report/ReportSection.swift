import Projections

/// A part of a report: figures, or one sentence that says why there are none.
///
/// Its members are what the page's template names.
struct ReportSection: Sendable {
  /// Of the element, for links.
  var id: String
  var title: String
  /// How to read it, in one or two sentences.
  var lead: String
  var figures: [ReportFigure] = []
  /// Tables that are shown as they are.
  var lists: [ReportTable] = []
  /// What else is to be said, a sentence each.
  var remarks: [Remark] = []
  /// Why there is nothing; none or one.
  var absent: [Remark] = []

  struct Remark: Sendable {
    var text: String
  }

  init(id: String, title: String, lead: String) {
    (self.id, self.title, self.lead) = (id, title, lead.printable)
  }

  /// A section that is left out.
  init(id: String, title: String, absent: String) {
    self.init(id: id, title: title, lead: "")
    self.absent = [Remark(text: absent.printable)]
  }

  /// Leaves out pictures in which nothing is drawn, for want of data.
  var drawn: ReportSection {
    var section = self
    section.figures = figures.filter { $0.marks > 0 }
    if section.figures.isEmpty && lists.isEmpty && absent.isEmpty {
      section.absent = [Remark(text: "There is nothing to draw yet.")]
      (section.lead, section.remarks) = ("", [])
    }
    return section
  }

  mutating func remark(_ text: String) { remarks.append(Remark(text: text.printable)) }
}

/// A picture with its title, its legend, and its table.
struct ReportFigure: Sendable {
  var id: String
  var title: String
  /// `wide` over the whole width, `half` beside another one.
  var size: String
  /// SVG.
  var drawing: String
  /// Shapes in it that stand for data.
  var marks: Int
  var legend: [Entry]
  var table: [ReportTable]

  struct Entry: Sendable {
    /// A class of the page's style.
    var style: String
    var name: String
  }

  /// - Parameters:
  ///   - id: of the page, once.
  ///   - summary: one sentence for who cannot see it.
  init(
    id: String, title: String, summary: String, _ picture: Picture, isWide: Bool = false,
    legend: [(style: String, name: String)] = [], table: ReportTable
  ) {
    self.id = id
    self.title = title.printable
    size = isWide ? "wide" : "half"
    marks = picture.marks
    drawing = picture.svg(id: id, title: title, summary: summary)
    self.legend = legend.map { Entry(style: $0.style, name: $0.name.printable) }
    self.table = [table]
  }
}

/// A table of a page, whose cells are text already.
struct ReportTable: Sendable {
  var caption: String
  var columns: [Cell]
  var rows: [Row]
  /// What was left out; none or one.
  var more: [ReportSection.Remark] = []

  struct Cell: Sendable {
    var text: String
    /// `number` or nothing.
    var kind: String
  }

  struct Row: Sendable {
    var cells: [Cell]
  }

  /// Rows of one table; a file has the rest.
  static let longest = 200

  /// - Parameters:
  ///   - numbers: columns of figures, which stand to the right.
  ///   - command: prints all rows.
  init(
    _ caption: String, columns: [String], numbers: Set<Int>, rows: [[String]],
    all command: String = ""
  ) {
    func cells(_ texts: [String]) -> [Cell] {
      texts.enumerated().map {
        Cell(text: $1.printable, kind: numbers.contains($0) ? "number" : "")
      }
    }
    self.caption = caption.printable
    self.columns = cells(columns)
    self.rows = rows.prefix(Self.longest).map { Row(cells: cells($0)) }
    if rows.count > Self.longest {
      let rest = command.isEmpty ? "" : "; `\(command)` has all"
      more = [.init(text: "The first \(Self.longest) of \(rows.count) rows\(rest).".printable)]
    }
  }
}
