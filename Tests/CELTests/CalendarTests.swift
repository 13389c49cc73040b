import CEL
import Foundation
import Testing

struct CalendarTests {
  @Test func `instants survive the way through text`() {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let environment = Environment(variables: ["n": .int])
    let expression =
      "timestamp(string(timestamp(n))) == timestamp(n) && int(timestamp(string(timestamp(n)))) == n"

    for _ in 0..<2_000 {
      let seconds = Int64.random(in: -62_135_596_800...253_402_300_799, using: &generator)
      #expect(
        evaluated(expression, ["n": .int(seconds)], environment) == "true",
        "seed \(seed): \(seconds)")
    }
  }

  @Test func `the parts of instants are those of another calendar`() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    var calendar = Foundation.Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
    let environment = Environment(variables: ["n": .int])
    let expression =
      "[timestamp(n)].map(t, [t.getFullYear(), t.getMonth() + 1, t.getDate(), t.getHours(), "
      + "t.getMinutes(), t.getSeconds(), t.getDayOfWeek() + 1, t.getDayOfYear() + 1])[0]"

    for _ in 0..<1_000 {
      // From 1600 on: the other calendar is Julian before.
      let seconds = Int64.random(in: -11_676_096_000...253_402_300_799, using: &generator)
      let date = Date(timeIntervalSince1970: Double(seconds))
      let parts = calendar.dateComponents(
        [.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
      let dayOfYear = try #require(calendar.ordinality(of: .day, in: .year, for: date))
      let expected = [
        parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second, parts.weekday,
        dayOfYear,
      ].map { "int(\($0 ?? -1))" }.joined(separator: ", ")

      #expect(
        evaluated(expression, ["n": .int(seconds)], environment) == "[\(expected)]",
        "seed \(seed): \(seconds)")
    }
  }

  @Test(arguments: [
    "2024-04-28T16:45:00Z", "2024-04-28t16:45:00z", "2024-04-28T16:45:00.123456+02:00",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-00:00", "2000-02-29T00:00:00Z",
  ])
  func `timestamps in RFC 3339 are taken`(_ text: String) {
    #expect(compileError("now > timestamp('\(text)')") == nil)
  }

  @Test(arguments: [
    "", "2024-04-28", "2024-04-28 16:45:00Z", "2024-04-28T16:45:00", "2024-04-28T16:45Z",
    "2024-04-28T24:00:00Z", "2024-04-28T16:60:00Z", "2016-12-31T23:59:60Z", "1900-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z", "0000-12-31T00:00:00Z",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2024-04-28T16:45:00+0200",
    "2024-04-28T16:45:00.Z", "2024-04-28T16:45:00Zx", "+024-04-28T16:45:00Z",
    "20240-04-28T16:45:00Z",
    "2024-04-28T16:45:00+24:00",
  ])
  func `other timestamps are refused`(_ text: String) {
    #expect(compileError("now > timestamp('\(text)')")?.code == .literal)
  }

  @Test(arguments: [
    "", "s", "1", "1x", "1.5", "1h30", "h", "1d", "1 h", "--1s", "1s-", "1_000s", ".s",
    "9223372036855ms", "2562048h", "99999999999999999999h",
  ])
  func `malformed durations are refused`(_ text: String) {
    #expect(compileError("since(now) > duration('\(text)')")?.code == .literal)
  }
}
