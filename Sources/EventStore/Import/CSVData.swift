extension CSVMapping {
  /// Adds the member `data` of a row, its members in the order of the mapping; dotted names make objects. Values are strings,
  /// and an empty cell leaves its member out; nothing is added where nothing is left.
  func appendData(_ cells: CSVCells, to line: inout [UInt8]) throws(Rejection) {
    if members.allSatisfy({ $0.plainName != nil }) { return try appendFlat(cells, to: &line) }
    var root = Member(name: "", value: nil, members: [])
    for member in members {
      guard let value = try value(entries[member.entry], cells) else { continue }
      root.insert(member.path[...], Array(value))
    }
    if root.members.isEmpty { return }
    line += Self.dataName
    root.append(to: &line)
  }

  private static let dataName = Array(",\"data\":".utf8)

  private func appendFlat(_ cells: CSVCells, to line: inout [UInt8]) throws(Rejection) {
    var isFirst = true
    for member in members {
      guard let value = try value(entries[member.entry], cells), let name = member.plainName else {
        continue
      }
      if isFirst { line += Self.dataName }
      line.append(isFirst ? UInt8(ascii: "{") : UInt8(ascii: ","))
      isFirst = false
      line += name
      JSONWriting.append(value.span, to: &line)
    }
    if !isFirst { line.append(UInt8(ascii: "}")) }
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
