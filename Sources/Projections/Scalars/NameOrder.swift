/// Two lists of names side by side, each in the order of their bytes.
enum NameOrder {
  /// Negative where the left name comes first; an end comes last.
  static func compare(_ left: [[UInt8]], _ i: Int, _ right: [[UInt8]], _ j: Int) -> Int {
    if i >= left.count { return 1 }
    if j >= right.count { return -1 }
    if left[i] == right[j] { return 0 }
    return left[i].lexicographicallyPrecedes(right[j]) ? -1 : 1
  }
}
