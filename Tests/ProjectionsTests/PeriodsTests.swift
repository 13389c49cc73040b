import EventStore
import Testing

@testable import Projections

/// Calendar periods of time zones. In turn, since the zone is the process's own.
@Suite(.serialized) struct PeriodsTests {
  private func instant(_ text: String) throws -> Int64 {
    let bytes = Array(text.utf8)
    let instant = RFC3339.microseconds(bytes.span)
    return try #require(instant)
  }

  private func periods(
    _ length: Periods.Length, _ zone: String?, _ first: String, _ last: String
  ) throws -> Periods {
    try Periods(length, zone: zone, from: try instant(first), to: try instant(last))
  }

  @Test func `days are as long as their clocks say`() throws {
    let days = try periods(
      .day, "Europe/Berlin", "2024-03-30T12:00:00Z", "2024-04-01T12:00:00Z")
    #expect(days.labels == ["2024-03-30", "2024-03-31", "2024-04-01"])
    #expect(
      days.starts == [
        try instant("2024-03-29T23:00:00Z"), try instant("2024-03-30T23:00:00Z"),
        try instant("2024-03-31T22:00:00Z"), try instant("2024-04-01T22:00:00Z"),
      ])
  }

  @Test func `a day begins where midnight does not come, and where it comes twice, at the first`()
    throws
  {
    // In Sao Paulo the clock went from 23:59:59 to 01:00:00 on 2018-11-04, and back at midnight on 2018-02-18.
    let missing = try periods(
      .day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T12:00:00Z")
    #expect(missing.starts[0] == (try instant("2018-11-04T03:00:00Z")))
    let twice = try periods(
      .day, "America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-18T12:00:00Z")
    #expect(twice.starts[1] == (try instant("2018-02-18T03:00:00Z")))
    // In Havana midnight itself comes twice: 01:00 goes back to 00:00.
    let havana = try periods(
      .day, "America/Havana", "2023-11-05T12:00:00Z", "2023-11-05T12:00:00Z")
    #expect(havana.starts[0] == (try instant("2023-11-05T04:00:00Z")))
  }

  @Test func `weeks are those of ISO 8601`() throws {
    let weeks = try periods(.week, nil, "2020-12-28T00:00:00Z", "2021-01-11T00:00:00Z")
    #expect(weeks.labels == ["2020-W53", "2021-W01", "2021-W02"])
    #expect(weeks.index(of: try instant("2021-01-03T23:59:59Z")) == 0)
    #expect(weeks.index(of: try instant("2021-01-04T00:00:00Z")) == 1)
  }

  @Test func `months, quarters and years follow each other`() throws {
    let months = try periods(.month, nil, "2023-12-31T23:59:59Z", "2024-03-01T00:00:00Z")
    #expect(months.labels == ["2023-12", "2024-01", "2024-02", "2024-03"])
    let quarters = try periods(.quarter, nil, "2023-12-31T23:59:59Z", "2024-07-01T00:00:00Z")
    #expect(quarters.labels == ["2023-Q4", "2024-Q1", "2024-Q2", "2024-Q3"])
    let years = try periods(.year, nil, "2023-12-31T23:59:59Z", "2024-07-01T00:00:00Z")
    #expect(years.labels == ["2023", "2024"])
  }

  @Test func `a date a thousand years away is refused where it would make endless periods`() throws
  {
    let years = try periods(.year, "Europe/Berlin", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z")
    // Berlin's clock was 53 minutes and 28 seconds ahead before 1893.
    #expect(years.labels.first == "0001" && years.labels.last == "9999")
    #expect(throws: Periods.Failure.self) {
      try periods(.day, nil, "0001-01-01T00:00:00Z", "2024-01-01T00:00:00Z")
    }
  }

  @Test func `a zone that is not installed is not taken for UTC`() {
    #expect(LocalTime("Europe/Nowhere") == nil)
  }
}
