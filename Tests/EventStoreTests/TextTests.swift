import Testing

@testable import EventStore

@Suite struct TextTests {
  private func microseconds(_ text: String) -> Int64? {
    RFC3339.microseconds(Array(text.utf8).span)
  }

  @Test func `instants are read in every spelling of the contract`() {
    #expect(microseconds("1970-01-01T00:00:00Z") == 0)
    #expect(microseconds("1970-01-01t00:00:01z") == 1_000_000)
    #expect(microseconds("1970-01-01 01:00:00.1234567+01:00") == 123_456)
    #expect(microseconds("1969-12-31T23:59:59.9Z") == -100_000)
    #expect(microseconds("0001-01-01T00:00:00Z") == -62_135_596_800_000_000)
    #expect(microseconds("9999-12-31T23:59:59.999999Z") == 253_402_300_799_999_999)
    #expect(microseconds("2000-02-29T00:00:00Z") != nil)
  }

  @Test(arguments: [
    "1970-01-01T00:00:00", "1970-01-01", "1970-13-01T00:00:00Z", "1900-02-29T00:00:00Z",
    "1970-01-01T24:00:00Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:00.Z",
    "1970-01-01T00:00:00+1:00",
    "1970-01-01T00:00:00+24:00", "0000-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00",
    "1970-1-1T00:00:00Z",
    "1970-01-01T00:00:00ZZ", " 1970-01-01T00:00:00Z", "",
  ])
  func `what is no instant is none`(text: String) {
    #expect(microseconds(text) == nil)
  }

  @Test func `an instant comes back from its text, over the whole range`() {
    var random = SeededRandom(seed: 20_261_125)
    for _ in 0..<20_000 {
      let instant = -62_135_596_800_000_000 + Int64(random.next() >> 1) % 315_537_897_600_000_000
      #expect(microseconds(RFC3339.text(instant)) == instant)
    }
  }

  @Test func `numbers are cast exactly`() {
    func int(_ text: String) -> Int64? { Decimal.int64(Array(text.utf8).span) }
    func cents(_ text: String) -> Int64? { Decimal.minorUnits(Array(text.utf8).span, digits: 2) }
    #expect(int("5") == 5)
    #expect(int("5.0") == 5)
    #expect(int("50e-1") == 5)
    #expect(int("5e0") == 5)
    #expect(int("9223372036854775807") == Int64.max)
    #expect(int("-9223372036854775808") == Int64.min)
    #expect(int("9223372036854775808") == nil)
    #expect(int("5.5") == nil)
    #expect(int("1e999999999999") == nil)
    #expect(int("0e999999999999") == 0)
    #expect(cents("160.00") == 16000)
    #expect(cents("160.000") == 16000)
    #expect(cents("1.6e2") == 16000)
    #expect(cents("-0.01") == -1)
    #expect(cents("0.001") == nil)
    for wrong in ["", "+1", " 1", "1 ", "01", "1.", ".5", "1,000", "0x10", "1e", "--1", "NaN"] {
      #expect(int(wrong) == nil)
      #expect(cents(wrong) == nil)
      #expect(Decimal.double(Array(wrong.utf8).span) == nil)
    }
    #expect(Decimal.double(Array("0.1".utf8).span) == 0.1)
    #expect(Decimal.double(Array("1e400".utf8).span) == nil)
  }

  @Test func `JSON values are equal whatever their spelling`() {
    func same(_ left: String, _ right: String) -> Bool {
      JSONEquality.sameValue(Array(left.utf8).span, Array(right.utf8).span)
    }
    #expect(same(#"{"a":1,"b":[true,null]}"#, #"{ "b" : [ true , null ] , "a" : 1.0 }"#))
    #expect(same(#"{"a":"\u00e9"}"#, #"{"a":"é"}"#))
    #expect(same("[100]", "[1e2]"))
    #expect(same("[0.1]", "[1E-1]"))
    #expect(same("[-0]", "[0]"))
    #expect(!same("[1]", "[1.0000000000000000001]"))
    #expect(!same(#"{"a":"1"}"#, #"{"a":1}"#))
    #expect(!same("[1,2]", "[2,1]"))
    #expect(!same(#"{"a":null}"#, "{}"))
    #expect(!same(#"{"a":"e\u0301"}"#, #"{"a":"é"}"#))
  }

  @Test func `payload values are found by dotted path and by pointer`() {
    let line = Array(
      #"{"id":"1","data":{"a":{"b":1},"a.b":2,"items":[{"p":3},{"p":4}],"x/y":5,"n":null},"subject":"s\n"}"#
        .utf8)
    let paths = PayloadPaths([
      .init(steps: ["a", "b"], isPointer: false), .init(steps: ["a.b"], isPointer: true),
      .init(steps: ["items", "1", "p"], isPointer: true), .init(steps: ["x/y"], isPointer: true),
      .init(steps: ["n"], isPointer: false), .init(steps: ["a", "b", "c"], isPointer: false),
      .init(steps: ["items", "1", "p"], isPointer: false),
    ])
    var values = paths.makeValues()
    paths.extract(line.span, into: &values)

    func int(_ index: Int) -> Int64? { values[index].withNumber(line.span) { Decimal.int64($0) } }
    #expect(int(0) == 1)
    #expect(int(1) == 2)
    #expect(int(2) == 4)
    #expect(int(3) == 5)
    #expect(values[4].kind == .null)
    #expect(values[5].kind == .missing)
    #expect(values[6].kind == .missing)
    #expect(paths.subject(values).withText(line.span) { $0.count } == 2)
  }
}

/// Lines are checked and taken apart in one pass; what it says must be what the checker of any JSON text says.
@Suite struct EventLineTests {
  private func fault(_ line: [UInt8]) -> JSONFault? {
    var scanner = JSONScanner(line.span)
    do throws(JSONFault) {
      try scanner.checkDocument()
      return nil
    } catch {
      return error
    }
  }

  private func expectSame(_ line: [UInt8], _ shredder: inout PayloadShredder) {
    var cells: [PayloadShredder.Cell] = []
    let expected = fault(line)
    do throws(JSONFault) {
      _ = try shredder.read(line.span, into: &cells)
      #expect(expected == nil, "\(String(decoding: line, as: UTF8.self))")
    } catch {
      #expect(error == expected, "\(String(decoding: line, as: UTF8.self))")
    }
  }

  private let lines = [
    #"{"specversion":"1.0","id":"e","source":"s","type":"t","subject":"c","time":"x","data":{"a":1,"b":{"c":"d","e":[1,{"f":2}]}}}"#,
    #"{"id":"e","x":1,"y":{"z":null},"data":{"a":{"b":{"c":{"d":true}}},"e":"\u00e9"}}"#,
    #" { "data" : { } , "id" : "" } "#, #"{"data":{"a":{},"b":{"a":0,"b":-0.5e+1}},"data2":[]}"#,
    "[1,2]", "{}", "null",
  ]

  @Test func `mutated lines have the same first fault in both`() {
    var random = SeededRandom(seed: 20_261_126)
    let parts = [
      "\"", "{", "}", "[", "]", ",", ":", "\\", "\\u0061", " ", "1", "null", #""a":1,"#,
      #""id":"e","#,
      #""data":{},"#, #","x":1"#, #"{"a":"#, "\u{e9}",
    ].map { Array($0.utf8) }
    var shredder = PayloadShredder()
    var faulty = 0
    for _ in 0..<30_000 {
      var line = Array(lines[random(lines.count)].utf8)
      for _ in 0...random(3) {
        let at = random(line.count + 1)
        switch random(3) {
        case 0: line.insert(contentsOf: parts[random(parts.count)], at: at)
        case 1: line.removeSubrange(at..<min(line.count, at + random(6)))
        default: if at < line.count { line[at] ^= 1 << UInt8(random(8)) }
        }
      }
      expectSame(line, &shredder)
      faulty += fault(line) == nil ? 0 : 1
    }
    #expect((10_000..<29_000).contains(faulty))
  }

  @Test func `a member comes twice whatever its spelling, its depth and the length of its name`() {
    let long = String(repeating: "k", count: 300)
    let escaped = String(repeating: "\\u006b", count: 60)
    let short = String(repeating: "k", count: 60)
    let nested = { (count: Int) in
      #"{"data":"# + String(repeating: #"{"a":"#, count: count) + "1"
        + String(repeating: "}", count: count + 1)
    }
    var shredder = PayloadShredder()
    for (line, kind) in [
      (#"{"data":{"a":1,"\u0061":2}}"#, JSONFault.Kind.duplicateMember),
      (#"{"id":"1","i\u0064":"2"}"#, .duplicateMember), (#"{"x":1,"\u0078":2}"#, .duplicateMember),
      (#"{"data":null,"data":{}}"#, .duplicateMember),
      (#"{"data":{"a":{"b":{"c":{"d":1,"d":2}}}}}"#, .duplicateMember),
      (#"{"data":{"a":[{"x":1,"x":2}]}}"#, .duplicateMember),
      (#"{"data":{"\#(long)":1,"\#(long)":2}}"#, .duplicateMember),
      (#"{"data":{"\#(escaped)":1,"\#(short)":2}}"#, .duplicateMember),
      (#"{"data":{"a":{"b":1},"c":{"b":1},"b":2}}"#, nil), (nested(63), nil), (nested(64), .depth),
    ] as [(String, JSONFault.Kind?)] {
      #expect(fault(Array(line.utf8))?.kind == kind, "\(line)")
      expectSame(Array(line.utf8), &shredder)
    }
    var full = PayloadShredder(maximumPaths: 1)
    expectSame(Array(#"{"data":{"a":1,"b":2,"b":3}}"#.utf8), &full)
  }
}

@Suite struct SpelledDecimalTests {
  private func spelled(_ text: String) -> SpelledDecimal? { SpelledDecimal(Array(text.utf8).span) }

  /// A 19th digit trapped: nine quintillions and more do not fit, and the import died of them.
  @Test func `digits beyond the range are none of ours, whatever they are`() {
    for text in [
      "9999999999999999999", "-9999999999999999999", "9999999999.999999999", "99999999999999999999",
    ] {
      #expect(spelled(text) == nil, "\(text)")
    }
  }

  @Test func `what is taken is spelled out again`() throws {
    for text in [
      "0", "-1", "0.10", "160.00", "-0.000000001", "999999999999999999", "9.999999999",
      "123456789.012345678",
    ] {
      let number = try #require(spelled(text), "\(text)")
      #expect(Decimal.spelled(number.mantissa, scale: Int(number.scale)) == Array(text.utf8))
    }
    for text in [
      "", "-", "01", "-0", "-0.00", "1.", ".5", "1e3", " 1", "1 ", "+1", "0.1234567890", "x",
    ] {
      #expect(spelled(text) == nil, "\(text)")
    }
  }

  @Test func `units of a currency come out whole or not at all`() {
    #expect(Decimal.rescale(16_000, scale: 2, digits: 2) == 16_000)
    #expect(Decimal.rescale(160, scale: 0, digits: 2) == 16_000)
    #expect(Decimal.rescale(160_000, scale: 3, digits: 2) == 16_000)
    #expect(Decimal.rescale(160_001, scale: 3, digits: 2) == nil)
    #expect(Decimal.rescale(Int64.max, scale: 0, digits: 2) == nil)
  }
}
