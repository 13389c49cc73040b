/// How many of something may be bad: `N`, or `P%` of all (`--max-parked`).
struct Allowance {
  private enum Limit {
    case count(Int64)
    /// In millionths of a percent, so that nothing is rounded.
    case share(Int64)
  }

  private let limit: Limit
  let text: String

  init(_ text: String, option: String) throws {
    self.text = text
    if text.hasSuffix("%") {
      let number = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
      if let whole = number.first.flatMap({ Self.digits($0, atMost: 3) }), whole <= 100,
        number.count <= 2,
        let part = number.count == 2 ? Self.fraction(number[1]) : 0, whole < 100 || part == 0
      {
        limit = .share(whole * 1_000_000 + part)
        return
      }
    } else if let count = Self.digits(text[...], atMost: 18) {
      limit = .count(count)
      return
    }
    throw CommandError(
      exit: .usage, code: "usage",
      message: "\(option) `\(text)` is neither a number nor a percentage from 0% to 100%")
  }

  private static func digits(_ text: Substring, atMost count: Int) -> Int64? {
    guard !text.isEmpty, text.count <= count, text.utf8.allSatisfy({ (48...57).contains($0) })
    else {
      return nil
    }
    return Int64(text)
  }

  private static func fraction(_ text: Substring) -> Int64? {
    digits(Substring(text + String(repeating: "0", count: max(0, 6 - text.count))), atMost: 6)
  }

  func allows(_ bad: Int64, of all: Int64) -> Bool {
    switch limit {
    case .count(let most): bad <= most
    case .share(let share): Int128(bad) * 100_000_000 <= Int128(share) * Int128(all)
    }
  }
}
