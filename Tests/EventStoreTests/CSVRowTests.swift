import Testing

@testable import EventStore

@Suite struct CSVRowTests {
  /// Rows as `cell¦cell`, faults as their kind and line, the bytes coming in pieces of one length.
  private func rows(_ text: String, delimiter: String = ",", piece: Int = 1 << 20) throws
    -> [String]
  {
    let all = Array(text.utf8)
    var scanner = CSVRowScanner(try #require(CSVRowScanner.Delimiter(delimiter)))
    var (start, known, found) = (0, min(piece, all.count), [String]())
    while start < all.count {
      scanner.begin()
      while !scanner.scan(Array(all[..<known]), from: start, isAtEnd: known == all.count) {
        known = min(all.count, known + piece)
      }
      let row = Array(all[start..<start + scanner.end])
      if let fault = scanner.fault {
        found.append(
          "\(fault.kind) \(fault.cell) \(fault.line): " + String(decoding: row, as: UTF8.self))
      } else {
        found.append(
          scanner.cells.map {
            String(decoding: CSVRowScanner.content($0, of: row.span), as: UTF8.self)
          }.joined(separator: "¦"))
      }
      start += scanner.next
    }
    return found
  }

  /// A quote that opened a cell swallowed 32,449 of 100,001 rows.
  @Test(arguments: [1, 2, 3, 7, 1 << 20])
  func `a quoted cell that does not end costs the line in which it begins`(piece: Int) throws {
    let text =
      "a,\"b\"\"c\"\r\nK1,5\" pipe\nK2,\"open\nK3,\"two\r\nlines\"\nK4,\"x\"y\nK5,\"\"\nK6,\"z\"\r\nK7,\"never\nK8,1\r\n"

    #expect(
      try rows(text, piece: piece) == [
        "a¦b\"c", "K1¦5\" pipe", "textBehindQuote 2 1: K2,\"open", "K3¦two\r\nlines",
        "textBehindQuote 2 1: K4,\"x\"y", "K5¦", "K6¦z", "openQuote 2 1: K7,\"never", "K8¦1",
      ])
  }

  @Test func `what stands before a bad cell of a row of several lines goes with it`() throws {
    #expect(
      try rows("\"a\nb\",\"c\nd,e\n") == ["openQuote 2 2: \"a\nb\",\"c", "d¦e"])
  }

  @Test func `every delimiter parts cells, and blanks know no quotes`() throws {
    #expect(try rows("a\t\"b\tc\"\td\"e\n", delimiter: "tab") == ["a¦b\tc¦d\"e"])
    #expect(try rows("a|\"b|c\"|\n", delimiter: "|") == ["a¦b|c¦"])
    #expect(try rows("a;b,c\"", delimiter: ";") == ["a¦b,c\""])
    #expect(try rows("  a \t \"b c\" \n\"d", delimiter: "whitespace") == ["a¦\"b¦c\"", "\"d"])
  }

  @Test func `a quoted cell ends within a mebibyte of its row, or never`() throws {
    let fits = String(repeating: "x", count: EventParser.lineBytes - 4)
    #expect(try rows("a,\"\(fits)\"\nb,c\n").last == "b¦c")
    #expect(try rows("a,\"\(fits)\"\n").first?.hasPrefix("a¦xxx") == true)
    let lines = "y\n" + String(repeating: "x", count: EventParser.lineBytes - 5)
    #expect(try rows("a,\"\(lines)\"\nb,c\n").first == "openQuote 2 1: a,\"y")
  }
}

@Suite struct TimeZoneTests {
  private func local(_ text: String) throws -> Int64 {
    try #require(TimeFormat("%Y-%m-%d %H:%M:%S")?.time(Array(text.utf8))).local
  }

  /// Instants from the C library's `date`, long after the last transition of the table too.
  @Test(arguments: [
    ("Europe/Berlin", "2024-01-15 14:30:00", 1_705_325_400),
    ("Europe/Berlin", "2024-07-15 14:30:00", 1_721_046_600),
    ("America/New_York", "2070-07-04 12:00:00", 3_171_715_200),
    ("Australia/Sydney", "2070-01-04 12:00:00", 3_156_022_800),
    ("Asia/Kolkata", "1999-12-31 23:59:59", 946_664_999),
    ("UTC", "1970-01-01 00:00:00", 0),
  ])
  func `a local time is one instant`(zone: String, text: String, instant: Int64) throws {
    #expect(try TimeZoneData(named: zone).instants(local: try local(text)) == .one(instant))
  }

  @Test(arguments: [
    ("Europe/Berlin", "2024-03-31 02:30:00"), ("Europe/Berlin", "2060-03-28 02:30:00"),
    ("Pacific/Apia", "2011-12-30 12:00:00"), ("America/Sao_Paulo", "2017-10-15 00:00:00"),
    ("Australia/Lord_Howe", "2024-10-06 02:15:00"),
  ])
  func `a time that does not exist lies in a gap`(zone: String, text: String) throws {
    let data = try TimeZoneData(named: zone)
    let local = try local(text)

    guard case .gap(let earlier, let later) = data.instants(local: local) else {
      Issue.record("no gap")
      return
    }

    #expect(earlier < later)
    #expect(earlier + data.offset(at: earlier) < local)
    #expect(later + data.offset(at: later) > local)
  }

  @Test(arguments: [
    ("Europe/Berlin", "2024-10-27 02:30:00", 3600), ("Europe/Berlin", "2060-10-31 02:00:00", 3600),
    ("Australia/Lord_Howe", "2024-04-07 01:45:00", 1800),
    ("Europe/Dublin", "2050-10-30 01:59:59", 3600),
  ])
  func `an hour that comes twice has two instants`(zone: String, text: String, apart: Int64) throws
  {
    let data = try TimeZoneData(named: zone)
    let local = try local(text)

    guard case .two(let earlier, let later) = data.instants(local: local) else {
      Issue.record("not twice")
      return
    }

    #expect(later - earlier == apart)
    #expect(earlier + data.offset(at: earlier) == local)
    #expect(later + data.offset(at: later) == local)
  }

  @Test(arguments: ["Europe/Nowhere", "../etc/passwd", "", "/etc/passwd", "Europe", "zone.tab"])
  func `what is no zone is refused by name`(name: String) {
    #expect(throws: TimeZoneData.Fault.self) { try TimeZoneData(named: name) }
  }

  @Test func `a damaged zone file is none, and traps nowhere`() throws {
    let file = try Files.read("/usr/share/zoneinfo/Europe/Berlin")
    var random = SeededRandom(seed: 20_261_128)
    for _ in 0..<3000 {
      var bytes = file
      for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
      bytes.removeLast(random(2) == 0 ? 0 : random(bytes.count))
      guard let data = TimeZoneData(name: "x", file: bytes) else { continue }
      for local: Int64 in [-62_135_596_800, 0, 1_711_852_200, 4_000_000_000, 253_402_300_799] {
        _ = data.instants(local: local)
      }
    }
  }

  @Test func `digits finer than a microsecond are cut, whatever their number`() throws {
    let format = try #require(TimeFormat("%d.%m.%Y %H:%M:%S.%f"))
    for (digits, microseconds) in [
      ("5", 500_000), ("123456789", 123_456), ("0000019999999999999999", 1),
    ] {
      #expect(
        format.time(Array("01.02.2024 03:04:05.\(digits)".utf8))?.microseconds
          == Int64(microseconds))
    }
    #expect(format.time(Array("01.02.2024 03:04:05.".utf8)) == nil)
  }

  /// Objects are written from left to right where their members stand behind each other, and put together where they do not.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `dotted names make the objects that they say, whichever cells are empty`(seed: UInt64) throws
  {
    var random = SeededRandom(seed: seed)
    var isLeftToRight = 0
    for _ in 0..<60 {
      var names: [String] = []
      for _ in 0..<1 + random(9) {
        let path = (0..<1 + random(3)).map { _ in ["a", "b", "c\\d"][random(3)] }
          .joined(separator: ".")
        let isFree = !names.contains {
          $0 == path || $0.hasPrefix(path + ".") || path.hasPrefix($0 + ".")
        }
        if isFree { names.append(path) }
      }
      var texts: [UInt8] = []
      if CSVNesting(names.map { $0.split(separator: ".").map(String.init) }, in: &texts) != nil {
        isLeftToRight += 1
      }
      let columns = names.enumerated().map { "data.\($1)=\($0 + 4)" }
      var mapping = try CSVMapping("subject=1,time=2,type=3," + columns.joined(separator: ","))
      try mapping.resolve(header: (0..<names.count + 3).map { Array("h\($0)".utf8) })
      var lines = CSVLines(mapping, CSVTimes())
      for _ in 0..<20 {
        let values = names.map { _ in random(3) == 0 ? "v\(random(10))\"" : "" }
        var expected = CSVMember(name: "", value: nil, members: [])
        for (name, value) in zip(names, values) where !value.isEmpty {
          expected.insert(name.split(separator: ".").map(String.init)[...], Array(value.utf8))
        }
        var wanted: [UInt8] = []
        if !expected.members.isEmpty {
          wanted = Array(",\"data\":".utf8)
          expected.append(to: &wanted)
        }
        let row = Array((["s", "2024-01-01", "t"] + values).joined(separator: ";").utf8)
        var scanner = CSVRowScanner(try #require(CSVRowScanner.Delimiter(";")))
        scanner.begin()
        _ = scanner.scan(row, from: 0, isAtEnd: true)
        let cells = scanner.cells
        try lines.append(row.span, cells.span)
        lines.finish()
        let line = String(decoding: lines.takeLines(), as: UTF8.self)
        #expect(
          line.hasSuffix("00Z\"" + String(decoding: wanted, as: UTF8.self) + "}\n"),
          "\(names) \(values)\n\(line)")
      }
    }
    #expect(isLeftToRight > 20 && isLeftToRight < 60)
  }
}
