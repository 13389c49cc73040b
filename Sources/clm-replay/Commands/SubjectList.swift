import EventStore

/// Names of subjects from standard input.
///
/// One a line; or the first column of CSV whose header begins with `customer,` or `subject,`; or the member `customer`, else
/// `subject`, of objects in NDJSON: what `export --table customers` writes. Blank lines are skipped.
struct SubjectList {
  private(set) var names: [String] = []

  init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
    if ["customer,", "subject,"].contains(where: { rest.starts(with: $0.utf8) }) {
      _ = Self.takeRow(&rest)
      while !rest.isEmpty { add(Self.takeRow(&rest)) }
      return
    }
    for line in rest.split(separator: 0x0a) {
      let line = line.last == 0x0d ? line.dropLast() : line
      add(Self.named(line) ?? Array(line))
    }
  }

  private mutating func add(_ name: [UInt8]) {
    if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
  }

  /// Whom an object names; nil where the line is none.
  private static func named(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    guard line.first == UInt8(ascii: "{") else { return nil }
    let text = Array(line)
    do throws(JSONFault) {
      let tree = try JSONTree(checking: text.span)
      return (tree.member("customer") ?? tree.member("subject"))?.text.map { Array($0.utf8) }
    } catch {
      return nil
    }
  }

  /// Takes a row of CSV (RFC 4180); its first cell.
  private static func takeRow(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
    var cell: [UInt8] = []
    var isFirst = true
    var isQuoted = false
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") {
        // A quote within quotes is doubled.
        guard isQuoted && rest.first == byte else {
          isQuoted.toggle()
          continue
        }
        rest.removeFirst()
      } else if !isQuoted && byte == 0x0a {
        break
      } else if !isQuoted && byte == UInt8(ascii: ",") {
        isFirst = false
      }
      if isFirst { cell.append(byte) }
    }
    if isFirst && cell.last == 0x0d { cell.removeLast() }
    return cell
  }
}
