/// Which paths below `data` no event has: what a mistyped path of a rules file comes to.
extension LogSnapshot {
  /// What a search for paths came to.
  package struct MissingPaths {
    /// Indices of those that no event has a value at.
    package var missing: [Int]
    /// Paths that events have, as `order.status`; of so many blocks as had to be looked at.
    package var known: Set<String>
  }

  /// Looks for a value at each of some paths, in any event.
  ///
  /// A path that may index a list counts as there, and so does each where a block has more paths than columns.
  /// - Complexity: directories of blocks until all are found; the lines of the last block if it is not full.
  package func missing(_ paths: [PayloadPaths.Path]) throws(EventStoreError) -> MissingPaths {
    var found = MissingPaths(
      missing: paths.indices.filter { paths[$0].members != nil }, known: [])
    for block in blocks where !found.missing.isEmpty {
      if let directory = try directory(ofBlock: block) {
        guard directory.isComplete else {
          found.missing = []
          return found
        }
        found.missing.removeAll { directory.column(of: paths[$0].members ?? []) != nil }
        found.known.formUnion(directory.names)
      } else {
        let first = block.first
        try forEachLine(in: first..<first + UInt64(BlockColumns.length)) { _, line in
          PayloadInventory.forEachScalar(line) { steps, _ in
            found.known.insert(steps.joined(separator: "."))
          }
        }
        found.missing.removeAll { found.known.contains(paths[$0].name) }
      }
    }
    return found
  }
}

extension PayloadPaths.Path {
  /// Its steps, joined by dots.
  package var name: String {
    steps.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
  }
}

extension BlockDirectory {
  /// The paths of its payload columns, steps joined by dots.
  var names: [String] {
    paths.map { path in
      var steps: [String] = []
      var place = 1
      while place < path.count {
        let end = min(place + 1 + Int(path[place]), path.count)
        steps.append(String(decoding: path[place + 1..<end], as: UTF8.self))
        place = end
      }
      return steps.joined(separator: ".")
    }
  }
}
