/// How many of something may be bad, inclusive: `N`, or `P%` of all (`--max-rejects`, `--max-parked`).
struct Allowance {
  private enum Limit {
    case count(Int)
    /// A decimal fraction of a percent, kept exact: `numerator` of `denominator` percent.
    case percent(numerator: Int, denominator: Int)
  }

  private let limit: Limit
  let text: String

  init(_ text: String, option: String) throws {
    self.text = text
    if text.hasSuffix("%"), let percent = Self.percent(text.dropLast()) {
      limit = percent
    } else if let count = Int(text), text.utf8.allSatisfy({ $0 &- 48 < 10 }) {
      limit = .count(count)
    } else {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "\(option) takes a number or a percentage such as 1% or 0.05%, not `\(text)`")
    }
  }

  /// 0 to 100, with at most six decimals.
  private static func percent(_ text: Substring) -> Limit? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let digits = parts.joined()
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 6 }),
      digits.utf8.allSatisfy({ $0 &- 48 < 10 }), let numerator = Int(digits)
    else { return nil }
    var denominator = 1
    if parts.count == 2 { for _ in parts[1].utf8 { denominator *= 10 } }
    return numerator <= 100 * denominator
      ? .percent(numerator: numerator, denominator: denominator) : nil
  }

  /// - Parameters:
  ///   - bad: what a number is held against.
  ///   - share: what of how many a percentage is held against.
  func allows(_ bad: Int, share: (bad: Int, all: Int)) -> Bool {
    switch limit {
    case .count(let count): return bad <= count
    case .percent(let numerator, let denominator):
      let part = share.bad.multipliedFullWidth(by: 100 * denominator)
      let allowed = share.all.multipliedFullWidth(by: numerator)
      return (part.high, part.low) <= (allowed.high, allowed.low)
    }
  }
}
