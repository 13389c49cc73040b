/// Turns rows of CSV into CloudEvents lines, as the text of `--csv` says (contract §3, docs/import.md).
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

  private(set) var entries: [Entry]

  /// A mapping that cannot be used.
  public struct Fault: Error, Sendable {
    public var message: String
  }

  private static let attributes = ["id", "source", "type", "subject", "time"]

  /// `subject=customer_id,time=date,type:=purchase,data.amount=price`: `=` names a column, `:=` is a constant.
  public init(_ text: String) throws(Fault) {
    entries = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let equals = part.firstIndex(of: "=") else {
        throw Fault(message: "`\(part)` has no `=`: write target=column or target:=constant")
      }
      var target = String(part[..<equals])
      let value = String(part[part.index(after: equals)...])
      let isConstant = target.hasSuffix(":")
      if isConstant { target.removeLast() }
      guard Self.attributes.contains(target) || Self.isData(target) else {
        throw Fault(
          message:
            "`\(target)` is no target: id, source, type, subject, time and data.NAME are")
      }
      if entries.contains(where: { $0.target == target }) {
        throw Fault(message: "`\(target)` is mapped twice")
      }
      if isConstant {
        entries.append(Entry(target: target, source: .constant(Array(value.utf8))))
      } else if let number = Int(value), number >= 1 {
        entries.append(Entry(target: target, source: .column(number - 1)))
      } else if value.isEmpty {
        throw Fault(message: "`\(target)=` names no column")
      } else {
        entries.append(Entry(target: target, source: .header(value)))
      }
    }
    for needed in ["subject", "time", "type"]
    where !entries.contains(where: { $0.target == needed }) {
      throw Fault(message: "`\(needed)` has to be mapped")
    }
    let data = entries.map(\.target).filter { $0.hasPrefix("data.") }
    for target in data where data.contains(where: { $0.hasPrefix(target + ".") }) {
      throw Fault(message: "`\(target)` cannot be a value and an object")
    }
  }

  private static func isData(_ target: String) -> Bool {
    target.hasPrefix("data.")
      && target.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
  }

  /// Columns by header; a number stays what it is.
  mutating func resolve(header: [[UInt8]]) throws(Fault) {
    for index in entries.indices {
      guard case .header(let name) = entries[index].source else { continue }
      guard let column = header.firstIndex(of: Array(name.utf8)) else {
        let names = header.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        throw Fault(message: "there is no column `\(name)`; the header has \(names)")
      }
      entries[index].source = .column(column)
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

  /// The value of a target in a row; nil where the cell is empty or missing, or nothing is mapped.
  func value(_ target: String, _ cells: [[UInt8]]) -> [UInt8]? {
    guard let entry = entries.first(where: { $0.target == target }) else { return nil }
    return value(entry, cells)
  }

  private func value(_ entry: Entry, _ cells: [[UInt8]]) -> [UInt8]? {
    switch entry.source {
    case .constant(let bytes): return bytes
    case .column(let number):
      return number < cells.count && !cells[number].isEmpty ? cells[number] : nil
    case .header: return nil
    }
  }

  var hasID: Bool { entries.contains { $0.target == "id" } }

  /// The `data` object of a row, members in the order of the mapping; dotted names make objects.
  func data(_ cells: [[UInt8]]) -> [UInt8] {
    var root = Member(name: "", value: nil, members: [])
    for entry in entries where entry.target.hasPrefix("data.") {
      guard let value = value(entry, cells) else { continue }
      let path = entry.target.split(separator: ".").dropFirst().map(String.init)
      root.insert(path[...], value)
    }
    var bytes: [UInt8] = []
    root.append(to: &bytes)
    return bytes
  }

  private struct Member {
    var name: String
    var value: [UInt8]?
    var members: [Member]

    mutating func insert(_ path: ArraySlice<String>, _ value: [UInt8]) {
      guard let first = path.first else { return }
      let index: Int
      if let known = members.firstIndex(where: { $0.name == first }) {
        index = known
      } else {
        members.append(Member(name: first, value: nil, members: []))
        index = members.count - 1
      }
      if path.count == 1 {
        members[index].value = value
      } else {
        members[index].insert(path.dropFirst(), value)
      }
    }

    func append(to bytes: inout [UInt8]) {
      if let value {
        JSONWriting.append(value, to: &bytes)
        return
      }
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSONWriting.append(Array(member.name.utf8), to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

/// Strings as JSON text: quotes, backslashes and control characters are escaped, everything else stays.
enum JSONWriting {
  static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    bytes.append(UInt8(ascii: "\""))
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0a: bytes += "\\n".utf8
      case 0x0d: bytes += "\\r".utf8
      case 0x09: bytes += "\\t".utf8
      case 0..<0x20:
        bytes += "\\u00".utf8
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
