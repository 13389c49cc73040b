import EventStore

/// The part of a log that a replay sees: events recorded among the first `size`, occurred up to `asOf`.
public struct LogView: Sendable {
  public let snapshot: LogSnapshot
  public let size: UInt64
  public let asOf: Int64

  public init(snapshot: LogSnapshot, size: UInt64, asOf: Int64) {
    self.snapshot = snapshot
    self.size = size
    self.asOf = asOf
  }

  /// How many rows of a block are among the first `size`.
  func rows(of block: BlockColumns) -> Int {
    if block.firstPosition >= size { return 0 }
    return min(block.count, Int(size - block.firstPosition))
  }

  /// Blocks that hold any of the first `size` events.
  var blockCount: Int {
    min(snapshot.blockCount, Int((size + 16_383) / 16_384))
  }

  /// Events in view by subject.
  func eventCounts() throws -> [UInt32] {
    var counts = Array(repeating: UInt32(0), count: snapshot.subjectCount)
    for number in 0..<blockCount {
      let block = try snapshot.block(number)
      for row in 0..<rows(of: block) where block.occurred[row] <= asOf {
        counts[Int(block.subjects[row])] += 1
      }
    }
    return counts
  }

  /// The links of the rules' identity among the events in view.
  func links(_ compiled: CompiledRules, ignored: [Bool]) throws -> [Identity.Link] {
    guard let field = compiled.identityField else { return [] }
    let alias = compiled.rules.aliases[compiled.fields[field].alias]
    let types = snapshot.typeNames
    let linking = types.map { type in
      alias.types.contains { Array($0.utf8) == type }
    }
    guard linking.contains(true) else { return [] }
    let reader = EventReader(compiled, types: types, skipsIgnore: !ignored.isEmpty)
    var links: [Identity.Link] = []
    for number in 0..<blockCount {
      let block = try snapshot.block(number)
      let rows = rows(of: block)
      let wanted = (0..<rows).filter {
        linking[Int(block.types[$0])] && block.occurred[$0] <= asOf
          && (ignored.isEmpty || !ignored[Int(block.subjects[$0])])
      }
      guard let first = wanted.first, let last = wanted.last else { continue }
      var next = 0
      try snapshot.forEachLine(
        in: block.firstPosition + UInt64(first)..<block.firstPosition + UInt64(last) + 1
      ) { position, line in
        let row = Int(position - block.firstPosition)
        while next < wanted.count && wanted[next] < row { next += 1 }
        guard next < wanted.count, wanted[next] == row else { return }
        if let named = reader.link(line: line, type: Int(block.types[row]), identity: field) {
          links.append(
            Identity.Link(
              occurred: block.occurred[row], position: position, subject: block.subjects[row],
              named: named))
        }
      }
    }
    return links
  }

  /// Who the customers are.
  func directory(_ compiled: CompiledRules, names: NameTable) throws -> CustomerDirectory {
    let counts = try eventCounts()
    let ignored = ignoredSubjects(compiled, names)
    guard compiled.rules.identity != nil else {
      var directory = CustomerDirectory(counts: counts, identity: nil, names: names)
      directory.ignored = ignored
      return directory
    }
    let links = try links(compiled, ignored: ignored)
    let wanted = Set(links.map(\.named))
    var numbers: [[UInt8]: UInt32] = [:]
    for subject in 0..<UInt32(counts.count) {
      let name = Array(names.bytes(of: subject))
      if wanted.contains(name) { numbers[name] = subject }
    }
    let identity = Identity(links: links, subjectCount: counts.count) { numbers[Array($0)] }
    var directory = CustomerDirectory(counts: counts, identity: identity, names: names)
    directory.ignored = ignored
    return directory
  }

  private func ignoredSubjects(_ compiled: CompiledRules, _ names: NameTable) -> [Bool] {
    guard compiled.ignoresBySubject, compiled.ignoreRoot >= 0 else { return [] }
    let reader = EventReader(compiled, types: [], skipsIgnore: true)
    return (0..<UInt32(names.count)).map {
      reader.isIgnored(subject: Array(names.bytes(of: $0)).span)
    }
  }
}
