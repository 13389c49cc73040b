/// Finds the known name that a misspelt one probably meant.
public enum Suggestion {
  /// The candidate of the same letters and digits in whatever case, else the nearest one within two edits (insert,
  /// delete, replace, swap neighbours), one for names of two or three letters; of equally near ones the first in the
  /// order given.
  public static func nearest(to name: String, among candidates: [String]) -> String? {
    let plain = letters(name)
    if !plain.isEmpty, let same = candidates.first(where: { $0 != name && letters($0) == plain }) {
      return same
    }
    let wanted = Array(name.unicodeScalars)
    let allowed = wanted.count > 3 ? 2 : wanted.count > 1 ? 1 : 0
    var best: (name: String, distance: Int)?
    for candidate in candidates where candidate != name {
      let distance = distance(wanted, Array(candidate.unicodeScalars))
      if distance <= allowed && distance < best?.distance ?? Int.max {
        best = (candidate, distance)
      }
    }
    return best?.name
  }

  /// What to do about a name that is not there: the one that was probably meant, then all that are.
  ///
  /// - Parameters:
  ///   - name: as it was written.
  ///   - kind: what they are, in the plural, as "stages".
  ///   - candidates: the names that there are.
  public static func help(_ name: String, _ kind: String, among candidates: [String]) -> String {
    let meant = nearest(to: name, among: candidates).map { "did you mean `\($0)`? " } ?? ""
    return "\(meant)\(kind) are \(candidates.isEmpty ? "none" : candidates.joined(separator: ", "))"
  }

  private static func letters(_ name: String) -> String {
    String(name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "." })
  }

  /// The Damerau–Levenshtein distance in which no part is edited twice (optimal string alignment).
  static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if abs(a.count - b.count) > 2 { return 3 }
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      row.reserveCapacity(b.count + 1)
      for j in 0..<b.count {
        let replaced = previous[j] + (a[i] == b[j] ? 0 : 1)
        var least = min(replaced, previous[j + 1] + 1, row[j] + 1)
        if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
          least = min(least, beforePrevious[j - 1] + 1)
        }
        row.append(least)
      }
      beforePrevious = previous
      previous = row
    }
    return previous[b.count]
  }
}
