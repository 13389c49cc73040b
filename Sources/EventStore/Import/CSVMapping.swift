/// Which column or constant gives each part of an event, as the text of `--csv` says (contract §3, docs/import.md).
public struct CSVMapping: Sendable {
  /// Where a value comes from.
  enum Source: Sendable, Equatable {
    case constant([UInt8])
    /// From 0.
    case column(Int)
    case header(String)
  }

  struct Entry: Sendable {
    var target: String
    var source: Source
  }

  private(set) var entries: [Entry] = []
  /// Index in ``entries`` by ``Attribute``; -1 for what is not mapped.
  private var attributeEntries = Array(repeating: -1, count: Attribute.allCases.count)
  /// What makes up `data`, in the order of the mapping.
  private(set) var members: [DataMember] = []
  /// The header's cells, once there is one.
  private(set) var header: [[UInt8]] = []

  /// A mapping that cannot be used, or that does not fit a file.
  public struct Fault: Error, Sendable {
    /// Lower case, no full stop.
    public var message: String
    /// What to do about it.
    public var help: String?
    /// The mapping itself has to change, whatever the file.
    var isUsage = false
  }

  enum Attribute: Int, CaseIterable { case id, source, type, subject, time }

  /// A value of `data`.
  struct DataMember: Sendable {
    /// Names of members that lead to it.
    var path: [String]
    /// Index in ``entries``.
    var entry: Int
  }

  private static let attributes = Attribute.allCases.map { "\($0)" }

  /// `subject=customer_id,time=date,type:=purchase,data.amount="Price, net"`: `=` names a column, `:=` is a constant; a column or
  /// a constant with a comma or with quotes at its ends stands in quotes, doubled within.
  public init(_ text: String) throws(Fault) {
    for part in try CSVMappingText.parts(text) { try add(part) }
    for needed in ["subject", "time", "type"]
    where !entries.contains(where: { $0.target == needed }) {
      throw Fault(message: "`\(needed)` has to be mapped")
    }
    let data = entries.map(\.target).filter { $0.hasPrefix("data.") }
    for target in data where data.contains(where: { $0.hasPrefix(target + ".") }) {
      throw Fault(message: "`\(target)` cannot be a value and an object")
    }
    for attribute in Attribute.allCases {
      attributeEntries[attribute.rawValue] =
        entries.firstIndex { $0.target == "\(attribute)" } ?? -1
    }
    for (index, entry) in entries.enumerated() where entry.target.hasPrefix("data.") {
      let path = entry.target.split(separator: ".").dropFirst().map(String.init)
      members.append(DataMember(path: path, entry: index))
    }
  }

  private mutating func add(_ part: CSVMappingText.Part) throws(Fault) {
    let (target, value) = (part.target, part.value)
    guard Self.attributes.contains(target) || Self.isData(target) else {
      throw Fault(
        message: "`\(target)` is no target: id, source, type, subject, time and data.NAME are")
    }
    // The event's object and `data` are two levels of JSON already.
    if target.utf8.count(where: { $0 == UInt8(ascii: ".") }) > 63 {
      throw Fault(message: "`\(target)` makes objects that are nested deeper than 64")
    }
    if entries.contains(where: { $0.target == target }) {
      throw Fault(message: "`\(target)` is mapped twice")
    }
    if part.isConstant {
      if value.isEmpty && Self.attributes.contains(target) {
        throw Fault(message: "`\(target):=` is empty, and no event may have an empty \(target)")
      }
      entries.append(Entry(target: target, source: .constant(Array(value.utf8))))
    } else if let number = Int(value), number >= 1, !part.isQuoted {
      entries.append(Entry(target: target, source: .column(number - 1)))
    } else if value.isEmpty {
      throw Fault(message: "`\(target)=` names no column")
    } else {
      entries.append(Entry(target: target, source: .header(value)))
    }
  }

  private static func isData(_ target: String) -> Bool {
    target.hasPrefix("data.")
      && target.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
  }

  /// Columns by header; a number stays what it is.
  ///
  /// - Throws: where a column is not there, or a mapped header stands twice.
  mutating func resolve(header: [[UInt8]]) throws(Fault) {
    self.header = header
    for index in entries.indices {
      switch entries[index].source {
      case .constant: continue
      case .column(let number):
        if number >= header.count {
          throw Fault(
            message:
              "there is no column \(number + 1) for `\(entries[index].target)`; the header has \(header.count)"
          )
        }
      case .header(let name):
        entries[index].source = .column(try column(name))
      }
    }
  }

  private func column(_ name: String) throws(Fault) -> Int {
    let found = header.indices.filter { header[$0] == Array(name.utf8) }
    guard let column = found.first else {
      let names = header.prefix(50).map { "`\(String(decoding: $0, as: UTF8.self))`" }
      throw Fault(
        message: "there is no column `\(name)`; the header has "
          + names.joined(separator: ", ") + (header.count > 50 ? " …" : ""),
        help: delimiterHelp)
    }
    if found.count > 1 {
      let numbers = found.map { String($0 + 1) }.joined(separator: " and ")
      throw Fault(
        message: "the header `\(name)` stands twice, in columns \(numbers)",
        help: "name the column by its number, as in =\(column + 1)", isUsage: true)
    }
    return column
  }

  /// A header of one cell that another delimiter would part.
  private var delimiterHelp: String? {
    guard header.count == 1, let text = header.first else { return nil }
    let others: [(UInt8, String)] = [
      (0x3b, "';'"), (0x09, "tab"), (0x7c, "'|'"), (0x2c, "','"),
    ]
    return others.first { text.contains($0.0) }.map {
      "the header is one cell: did you mean --delimiter \($0.1)?"
    }
  }

  /// Without a header, columns have numbers only.
  func checkNumbersOnly() throws(Fault) {
    for entry in entries {
      if case .header(let name) = entry.source {
        throw Fault(message: "with --no-header columns have numbers, and `\(name)` is none")
      }
    }
  }

  /// How many columns a row needs so that each one that is mapped is there.
  var columnsNeeded: Int {
    entries.reduce(0) {
      if case .column(let number) = $1.source { return max($0, number + 1) }
      return $0
    }
  }

  /// Of an attribute in ``entries``; nil for one that is not mapped.
  @inline(__always)
  func index(_ attribute: Attribute) -> Int? {
    let index = attributeEntries[attribute.rawValue]
    return index < 0 ? nil : index
  }

  /// Where a part comes from, for messages.
  func place(of attribute: Attribute) -> String {
    guard let index = index(attribute), case .column(let number) = entries[index].source else {
      return ""
    }
    return " (\(describe(number)))"
  }

  func describe(_ column: Int) -> String {
    guard column < header.count, !header[column].isEmpty else { return "column \(column + 1)" }
    return "column \(column + 1) `\(String(decoding: header[column].prefix(80), as: UTF8.self))`"
  }
}

/// Takes the text of `--csv` apart.
enum CSVMappingText {
  struct Part: Equatable {
    var target: String
    var isConstant = false
    var value = ""
    var isQuoted = false
  }

  static func parts(_ text: String) throws(CSVMapping.Fault) -> [Part] {
    var rest = text[...]
    var parts: [Part] = []
    while true {
      let piece = rest.prefix { $0 != "," }
      guard let equals = piece.firstIndex(of: "=") else {
        throw CSVMapping.Fault(
          message: "`\(piece)` has no `=`: write target=column or target:=constant",
          help: "a column whose name has a comma stands in quotes: subject=\"Customer, no.\"")
      }
      var part = Part(target: String(piece[..<equals]))
      part.isConstant = part.target.hasSuffix(":")
      if part.isConstant { part.target.removeLast() }
      rest = rest[rest.index(after: equals)...]
      if rest.first == "\"" {
        part.isQuoted = true
        part.value = try quoted(&rest, part.target)
      } else {
        part.value = String(rest.prefix { $0 != "," })
        rest = rest.dropFirst(part.value.count)
      }
      parts.append(part)
      if rest.isEmpty { return parts }
      rest.removeFirst()
    }
  }

  /// A value in quotes, which are doubled within; what follows is a comma or nothing.
  private static func quoted(
    _ rest: inout Substring, _ target: String
  ) throws(CSVMapping.Fault) -> String {
    var value = ""
    rest.removeFirst()
    while let character = rest.popFirst() {
      if character != "\"" {
        value.append(character)
      } else if rest.first == "\"" {
        value.append(character)
        rest.removeFirst()
      } else if rest.isEmpty || rest.first == "," {
        return value
      } else {
        throw CSVMapping.Fault(
          message: "`\(target)`: there is text behind the closing quote",
          help: "a quote within quotes is doubled")
      }
    }
    throw CSVMapping.Fault(
      message: "`\(target)`: the quote is not closed", help: "a quote within quotes is doubled")
  }
}
