/// The objects that dotted names make, where the members of each stand behind each other in the mapping, as they nearly always do:
/// then `data` is written from left to right, whichever cells are empty.
struct CSVNesting: Sendable {
  /// Numbers of the objects that each member stands in, the outermost first, one member after the other; and where each
  /// member's begin.
  private var objects: [Int] = []
  private var starts = [0]
  /// Where the texts stand that lead from an object to a member: names with what opens them, and the quote of the value.
  private var openings: [Range<Int>] = []

  /// - Parameters:
  ///   - paths: of the members.
  ///   - texts: gets what stands before values.
  /// - Returns: nil where the members of an object do not stand behind each other.
  init?(_ paths: [[String]], in texts: inout [UInt8]) {
    var numbers: [[String]: Int] = [:]
    var closed: Set<Int> = []
    var before: [Int] = []
    for path in paths {
      var own: [Int] = []
      for depth in 1..<max(1, path.count) {
        let object = Array(path[..<depth])
        let number = numbers[object] ?? numbers.count
        numbers[object] = number
        own.append(number)
      }
      closed.formUnion(Set(before).subtracting(own))
      if !closed.isDisjoint(with: own) { return nil }
      before = own
      objects += own
      starts.append(objects.count)
      // From each object that may be open already, the whole way down.
      for open in 0...own.count {
        let start = texts.count
        for (depth, name) in path.enumerated().dropFirst(open) {
          JSONWriting.append(Array(name.utf8), to: &texts)
          texts += (depth + 1 < path.count ? ":{" : ":\"").utf8
        }
        openings.append(start..<texts.count)
      }
    }
  }

  /// How many objects a member stands in.
  func depth(_ member: Int) -> Int { starts[member + 1] - starts[member] }

  /// How many objects two members are in together.
  func shared(_ left: Int, _ right: Int) -> Int {
    let most = min(depth(left), depth(right))
    var count = 0
    while count < most, objects[starts[left] + count] == objects[starts[right] + count] {
      count += 1
    }
    return count
  }

  /// What leads to a member from the innermost of its first `open` objects.
  func opening(_ member: Int, from open: Int) -> Range<Int> {
    // Each member before has one more than objects.
    openings[starts[member] + member + open]
  }
}
