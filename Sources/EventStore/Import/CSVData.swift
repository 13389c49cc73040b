extension CSVMapping {
  /// The `data` object of a row, members in the order of the mapping; dotted names make objects. Values are strings, and an
  /// empty cell leaves its member out; nil where nothing is left.
  func data(_ cells: [[UInt8]]) throws(Rejection) -> [UInt8]? {
    var root = Member(name: "", value: nil, members: [])
    for entry in entries where entry.target.hasPrefix("data.") {
      guard let value = try value(entry, cells) else { continue }
      let path = entry.target.split(separator: ".").dropFirst().map(String.init)
      root.insert(path[...], value)
    }
    if root.members.isEmpty { return nil }
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
