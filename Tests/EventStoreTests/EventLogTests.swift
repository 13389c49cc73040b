import EventStore
import Foundation
import Testing

@Suite struct EventLogTests {
  private final class Place: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private func event(_ id: String, _ subject: String = "C-1", value: Int = 0) -> NewEvent {
    NewEvent(
      id: id, source: "shop", type: "purchase", subject: subject, time: 1_714_322_700_000_000,
      data: #"{"value":\#(value)}"#)
  }

  // The README shows what stands between the two lines.
  // readme: begin
  func sell(in path: String, to customer: String) async throws -> UInt64? {
    let log = try EventLog.open(at: path, creating: true)
    defer { log.close() }
    let purchase = NewEvent(
      id: "o-1001", source: "https://shop.example", type: "purchase", subject: customer,
      time: 1_714_322_700_000_000, data: #"{"amount":"160.00","currency":"EUR"}"#)
    do {
      // Durable when it returns; only if nobody appended an event of this customer meanwhile.
      let outcome = try await log.append(purchase, if: .subjectHas(events: 0, customer))
      if case .appended(let position) = outcome { return position }
      return nil  // a duplicate: the log has this event already
    } catch AppendError.conflict(_, let actual) {
      print("\(customer) has \(actual) events by now")
      return nil
    }
  }
  // readme: end

  @Test func `the README's example is this one, and does what it says`() async throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let start = try #require(source.range(of: "  // readme: begin\n"))
    let end = try #require(source.range(of: "  // readme: end\n"))
    let example = source[start.upperBound..<end.lowerBound]
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("  ") ? String($0.dropFirst(2)) : String($0) }
      .joined(separator: "\n")
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(readme.contains(example), "the README shows another example")
    let place = Place()
    #expect(try await sell(in: place.path, to: "C-1042") == 0)
    #expect(try await sell(in: place.path, to: "C-1042") == nil)
  }

  @Test
  func `a condition that does not hold is a conflict with what there is, and appends nothing`()
    async throws
  {
    let place = Place()
    let log = try EventLog.open(at: place.path, creating: true)
    #expect(try await log.append(event("a"), if: .logHas(events: 0)) == .appended(position: 0))
    await #expect {
      try await log.append(event("b"), if: .logHas(events: 0))
    } throws: { error in
      guard case AppendError.conflict(.logHas(events: 0), actual: 1) = error else { return false }
      return true
    }
    await #expect {
      try await log.append(event("b"), if: .subjectHas(events: 0, "C-1"))
    } throws: { error in
      guard case AppendError.conflict(.subjectHas(events: 0, "C-1"), actual: 1) = error else {
        return false
      }
      return true
    }
    #expect(
      try await log.append(event("b"), if: .subjectHas(events: 1, "C-1")) == .appended(position: 1))
    #expect(
      try await log.append(event("c", "C-2"), if: .subjectHas(events: 0, "C-2"))
        == .appended(position: 2))
    // An append whose answer was lost is made again: the condition was true then.
    #expect(try await log.append(event("a"), if: .logHas(events: 0)) == .duplicate(of: 0))
    #expect(try Store.open(at: place.path).snapshot().size == 3)
  }

  @Test func `a group is appended as a whole or not at all`() async throws {
    let place = Place()
    let log = try EventLog.open(at: place.path, creating: true)
    #expect(
      try await log.append([event("a"), event("b"), event("a")])
        == [.appended(position: 0), .appended(position: 1), .duplicate(of: 0)])
    await #expect {
      try await log.append([event("c"), event("a", value: 1)])
    } throws: { error in
      guard case AppendError.otherEvent(at: 0) = error else { return false }
      return true
    }
    await #expect(throws: AppendError.self) {
      try await log.append([event("d"), event("d", value: 1)])
    }
    await #expect {
      try await log.append([event("e"), NewEvent(json: "{}")])
    } throws: { error in
      guard case AppendError.rejected(let rejection) = error else { return false }
      return rejection.code == "missing-id"
    }
    #expect(try await log.append(event("e")) == .appended(position: 2))
    log.close()
    await #expect(throws: AppendError.self) { try await log.append(event("f")) }
    let report = try Store.open(at: place.path).verify(threads: 2) { _ in }
    #expect(report.isOK && report.size == 3)
  }

  @Test func `64 tasks append side by side without a gap, each in its own order`() async throws {
    let place = Place()
    let log = try EventLog.open(at: place.path, creating: true)
    let positions = try await withThrowingTaskGroup(of: [UInt64].self) { group in
      for task in 0..<64 {
        group.addTask {
          var positions: [UInt64] = []
          for number in 0..<20 {
            let outcome = try await log.append(
              event("\(task)-\(number)", "C-\(task)"),
              if: .subjectHas(events: UInt32(number), "C-\(task)"))
            guard case .appended(let position) = outcome else { return [] }
            positions.append(position)
          }
          return positions
        }
      }
      return try await group.reduce(into: [[UInt64]]()) { $0.append($1) }
    }
    for own in positions { #expect(own.count == 20 && own == own.sorted()) }
    #expect(positions.flatMap { $0 }.sorted() == Array(0..<1280))
    // Of those that wait for one sequence number, one wins.
    let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<64 {
        group.addTask {
          do throws(AppendError) {
            _ = try await log.append(
              event("last-\(task)", "C-0"), if: .subjectHas(events: 20, "C-0"))
            return true
          } catch {
            guard case .conflict(_, actual: 21) = error else { throw error }
            return false
          }
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(wins == 1)
    let report = try Store.open(at: place.path).verify(threads: 2) { _ in }
    #expect(report.isOK && report.size == 1281)
  }
}
