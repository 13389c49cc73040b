import EventStore

/// Each type's count, and what its payload holds: paths with their kinds and shares.
struct TypeInventory {
  private struct PathCount {
    var kinds: [String: Int] = [:]
    var count = 0
  }
  private var names: [String]
  private var counts: [Int]
  private var paths: [[String: PathCount]]

  init(_ snapshot: LogSnapshot) throws {
    names = snapshot.typeNames.map { String(decoding: $0, as: UTF8.self) }
    counts = Array(repeating: 0, count: names.count)
    paths = Array(repeating: [:], count: names.count)
    for number in snapshot.blocks {
      let block = try snapshot.block(number)
      let end = min(block.firstPosition + UInt64(block.count), snapshot.size)
      try snapshot.forEachLine(in: block.firstPosition..<end) { position, line in
        let type = Int(block.types[Int(position - block.firstPosition)])
        counts[type] += 1
        PayloadInventory.forEachScalar(line) { steps, value in
          let path = steps.joined(separator: ".")
          paths[type][path, default: PathCount()].count += 1
          paths[type][path, default: PathCount()].kinds[value.kind, default: 0] += 1
        }
      }
    }
  }

  private var order: [Int] {
    // The name of a type goes with the last of its events.
    names.indices.filter { !names[$0].isEmpty }
      .sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
  }

  /// Each type with its number of events, in the order of the types' bytes.
  var events: [(type: String, count: Int)] { order.map { (names[$0], counts[$0]) } }

  private func sortedPaths(_ type: Int) -> [(String, PathCount)] {
    paths[type].sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0, $1) }
  }

  private func share(_ count: Int, _ type: Int) -> String {
    Numbers.double(Double(count) / Double(counts[type]))
  }

  var json: JSONValue {
    .object(
      order.map { type in
        let members = sortedPaths(type).map { path, found -> (String, JSONValue) in
          let kinds = found.kinds.sorted { $0.key < $1.key }
          return (
            path,
            .object([
              ("share", .number(share(found.count, type))),
              ("kinds", .object(kinds.map { ($0.key, .number(share($0.value, type))) })),
            ])
          )
        }
        return (
          names[type],
          .object([("count", .count(counts[type])), ("paths", .object(members))])
        )
      })
  }

  var lines: [String] {
    var table = TextTable(columns: ["type", "events", "payload"], numeric: [1])
    for type in order {
      let parts = sortedPaths(type).map { path, found in
        let kinds = found.kinds.sorted { $0.key < $1.key }.map(\.key).joined(separator: "/")
        let percent = Numbers.percent(Double(found.count) * 100 / Double(counts[type]))
        return "\(path) \(kinds)" + (found.count == counts[type] ? "" : " \(percent) %")
      }
      table.add([names[type], String(counts[type]), parts.joined(separator: ", ")])
    }
    return table.lines
  }
}
