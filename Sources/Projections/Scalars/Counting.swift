extension Array where Element: FixedWidthInteger {
  /// Turns how many there are of each into where each begins, of things that stand one kind after the other.
  mutating func turnIntoStarts() {
    var sum: Element = 0
    for index in indices {
      let own = self[index]
      self[index] = sum
      sum += own
    }
  }
}
