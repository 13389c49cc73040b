import Testing

@testable import EventStore

/// Payload columns that say something else than the lines they stand for; `verify` holds them against each other cell by cell.
@Suite struct PayloadCheckTests {
  private static let payloads = [
    #"{"a":1,"b":"x","c":{"d":true}}"#, #"{"a":2.50,"b":"y"}"#, #"{"b":"x","e":[1]}"#, #"{}"#,
    #"{"a":"7","b":"tab\there","c":{"d":null}}"#,
    #"{"a":1e300,"b":"\#(String(repeating: "n", count: 80))"}"#,
    #"{"b":"\#(String(repeating: "ü", count: 200))","c":{}}"#,
  ]

  private func line(_ row: Int, _ payload: String) -> [UInt8] {
    Array(
      #"{"id":"e\#(row)","source":"s","type":"t","subject":"c","time":"2024-01-01T00:00:00Z","data":\#(payload)}"#
        .utf8)
  }

  /// A block of these payloads, over and over, and its columns.
  private struct Block {
    var lines: [[UInt8]] = []
    var paths: [[UInt8]] = []
    var columns: [[UInt8]] = []
    var isComplete = false
  }

  private func block(rows: Int = 700) throws -> Block {
    var block = Block()
    var builder = PayloadColumnsBuilder()
    var shredder = PayloadShredder()
    for row in 0..<rows {
      let line = line(row, Self.payloads[row * row % Self.payloads.count])
      try builder.add(line.span, row: row, &shredder)
      block.lines.append(line)
    }
    let made = builder.encoded(count: rows)
    (block.paths, block.columns, block.isComplete) = (made.paths, made.columns, made.isComplete)
    return block
  }

  /// What differs; nil where a column is malformed.
  private func differences(_ block: Block) throws -> [PayloadCheck.Difference]? {
    struct Malformed: Error {}
    let directory = BlockDirectory(
      columns: BlockColumns(BlockNumber(of: 0)), tiles: [], paths: block.paths,
      isComplete: block.isComplete, hasIDs: nil)
    do {
      var check = try #require(
        try PayloadCheck(directory, rows: block.lines.count) { number in
          guard let column = PayloadColumn(block.columns[number]),
            column.encoded() == block.columns[number]
          else { throw Malformed() }
          return column
        })
      var shredder = PayloadShredder()
      for (row, line) in block.lines.enumerated() {
        var cells: [PayloadShredder.Cell] = []
        _ = try shredder.read(line.span, into: &cells)
        check.check(cells.span, known: shredder.paths, row: row, line.span)
      }
      check.finish()
      return check.differences
    } catch is Malformed {
      return nil
    }
  }

  @Test func `columns made of lines say what they say`() throws {
    #expect(try differences(block()) == [])
  }

  @Test func `each changed byte of a column is noticed`() throws {
    let block = try block(rows: 150)
    for number in block.columns.indices {
      for place in block.columns[number].indices {
        for bit in [UInt8(1), 0x10, 0x80] {
          var changed = block
          changed.columns[number][place] ^= bit

          let found = try differences(changed)

          #expect(found != [], "column \(number), byte \(place), bit \(bit)")
        }
      }
    }
  }

  @Test func `a line that was changed, lost its payload or gained a path is named with its row`()
    throws
  {
    for payload in [
      #"{"a":1,"b":"z","c":{"d":true}}"#, #"{}"#, #"{"a":1,"b":"x","c":{"d":true},"new":0}"#,
    ] {
      var changed = try block()
      changed.lines[400] = line(400, payload)

      let found = try #require(try differences(changed))

      #expect(!found.isEmpty, "\(payload)")
      if payload != "{}" { #expect(found.contains { $0.row == 400 }, "\(payload): \(found)") }
    }
  }

  @Test func `a path without a column is noticed where the columns are said to be complete`() throws
  {
    var block = try block()
    block.paths.removeLast()
    block.columns.removeLast()
    #expect(try differences(block)?.map(\.column) == [nil])

    block.isComplete = false
    #expect(try differences(block) == [])
  }
}
