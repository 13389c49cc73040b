/// Colours of stages, the same on every page of one rules file.
enum StageStyles {
  /// Classes of the page's style: those that count as churned have colours of their own.
  static func of(_ isChurned: [Bool]) -> [String] {
    var (up, down) = (0, 0)
    return isChurned.map { isChurned in
      if isChurned {
        down += 1
        return down % 2 == 1 ? "lost" : "lost2"
      }
      up += 1
      return "c\((up - 1) % 7 + 1)"
    }
  }
}
