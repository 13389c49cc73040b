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
    let seed: UInt64 = 20_261_125
    print("seed \(seed)")
    var state = seed
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let instant = -62_135_596_800_000_000 + Int64(state >> 1) % 315_537_897_600_000_000
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
