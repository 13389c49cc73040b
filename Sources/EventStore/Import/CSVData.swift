/// A member of `data` that dotted names make: a value or an object.
struct CSVMember {
  var name: String
  var value: [UInt8]?
  var members: [CSVMember]

  mutating func insert(_ path: ArraySlice<String>, _ value: [UInt8]) {
    guard let first = path.first else { return }
    let index: Int
    if let known = members.firstIndex(where: { $0.name == first }) {
      index = known
    } else {
      members.append(CSVMember(name: first, value: nil, members: []))
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
