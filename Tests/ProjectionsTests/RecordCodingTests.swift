import CEL
import EventStore
import Testing

@testable import Projections

/// Records of views: what was written is read again, and damage ends in an error.
@Suite struct RecordCodingTests {
  typealias Numbers = ValidityTests.Numbers

  struct Written {
    var record: CustomerRecord
    var bytes: [UInt8]
    var compiled: CompiledRules
    /// Values of the facts in bits, unless they are texts; empty where parked.
    var scalars: [Int64?]
    var result: FoldResult
  }

  /// A customer of random events under random rules, as a view writes it.
  private func written(
    _ writer: inout EngineTests.Writer, _ compiled: CompiledRules
  ) throws -> Written {
    let lines = writer.events(1 + writer.numbers.next(14), allowsNegative: true)
    var fold = CustomerFold(compiled)
    let taken = fold.load(lines)
    fold.fold(asOf: try #require(lines.map(\.occurred).max()))
    let name = "c\(writer.numbers.next(1000))é" + String(repeating: "n", count: 150)
    let joined = (0..<writer.numbers.next(3)).map { "joined \($0)" }
    var pending = PendingRecords(compiled.rules)
    var customer = FoldedCustomer(compiled)
    customer.events = fold.events
    customer.result = fold.result
    customer.interner = fold.evaluator.interner
    pending.add(
      customer,
      rank: 0, compiled.facts.map { RecordCoding.ValueForm($0.type) }, subject: 7,
      name: Array(name.utf8).span,
      joined: joined.map { Array($0.utf8) })
    var encoder = ByteEncoder()
    let ids = pending.anchors.map { position in
      Array((lines.first { $0.position == position }?.id ?? "").utf8)
    }
    let covered = pending.encode(0, ids: EventIDs(ids).list(0), into: &encoder)
    #expect(covered.upperBound < encoder.bytes.count)
    var record = fold.record(customer: name, lines: taken)
    record.subjects = joined
    let scalars = zip(compiled.facts, fold.result.facts).map { fact, outcome in
      outcome.status == .ok && fact.type != .string ? outcome.bits : nil
    }
    return Written(
      record: record, bytes: encoder.bytes, compiled: compiled, scalars: scalars,
      result: fold.result)
  }

  /// Where reading ended; nil where it ended in an error.
  private func decode(_ bytes: [UInt8], _ rules: Rules) -> (record: CustomerRecord, end: Int)? {
    var decoder = ByteDecoder(bytes)
    guard let record = try? RecordCoding.decode(&decoder, rules: rules) else { return nil }
    return (record, decoder.offset)
  }

  private func scan(
    _ bytes: [UInt8], _ compiled: CompiledRules
  ) -> (scanned: RecordCoding.Scanned, scalars: [Int64?], end: Int)? {
    var decoder = ByteDecoder(bytes)
    var scalars: [Int64?] = []
    let scanned = try? RecordCoding.scan(&decoder, facts: compiled.facts.count) {
      (index, decoder) throws(ByteDecoder.Damaged) in
      scalars.append(
        try RecordCoding.scalar(RecordCoding.ValueForm(compiled.facts[index].type), &decoder))
    }
    return scanned.map { ($0, scalars, decoder.offset) }
  }

  private func holds(_ written: Written) {
    let rules = written.compiled.rules
    guard let read = decode(written.bytes, rules), let found = scan(written.bytes, written.compiled)
    else {
      Issue.record("unreadable: \(written.record)")
      return
    }
    #expect("\(read.record)" == "\(written.record)")
    #expect(read.end == written.bytes.count && found.end == written.bytes.count)
    #expect(found.scalars == written.scalars)
    #expect(found.scanned.isParked == (written.result.parked != nil))
    #expect(found.scanned.from == Int(written.result.rows.last?.from ?? -1) + 1)
    if written.result.parked == nil {
      #expect(found.scanned.stage == Int(written.result.stage))
      #expect(found.scanned.since == written.result.since)
    }
  }

  /// Some bytes of it changed, taken out or put in.
  private func damaged(_ bytes: [UInt8], _ numbers: inout Numbers) -> [UInt8] {
    var bytes = bytes
    for _ in 0...numbers.next(3) where !bytes.isEmpty {
      let place = numbers.next(bytes.count)
      switch numbers.next(5) {
      case 0: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][numbers.next(5)]
      case 1: bytes[place] ^= 1 << UInt8(numbers.next(8))
      case 2: bytes.remove(at: place)
      case 3:
        // The longest numbers there are, and longer ones.
        bytes.replaceSubrange(
          place..<place + 1, with: Array(repeating: 0xff, count: 8 + numbers.next(4)) + [1])
      default: bytes.insert(UInt8(numbers.next(256)), at: place)
      }
    }
    return bytes
  }

  @Test func `records are read as they were written, and damaged ones end in an error`() throws {
    let seed: UInt64 = 811
    print("seed \(seed)")
    var writer = EngineTests.Writer(numbers: Numbers(state: seed))
    var parked = 0
    var unreadable = 0
    for _ in 0..<12 {
      let loaded = RulesLoader.load(bytes: Array(writer.rules().utf8), file: "records.yaml")
      let compiled = try CompiledRules(try #require(loaded.rules, "\(loaded.diagnostics)"))
      for _ in 0..<8 {
        let written = try written(&writer, compiled)
        holds(written)
        if written.result.parked != nil { parked += 1 }
        for _ in 0..<12 {
          let length = writer.numbers.next(written.bytes.count)
          let cut = Array(written.bytes.prefix(length))
          if decode(cut, compiled.rules) != nil || scan(cut, compiled) != nil {
            Issue.record("read although cut to \(length) bytes: \(written.record)")
          }
        }
        for _ in 0..<60 {
          let bytes = damaged(written.bytes, &writer.numbers)
          // What can be read can be scanned, and ends where that does.
          guard let read = decode(bytes, compiled.rules) else {
            unreadable += 1
            _ = scan(bytes, compiled)
            continue
          }
          if scan(bytes, compiled)?.end != read.end { Issue.record("scanned otherwise: \(bytes)") }
        }
      }
    }
    #expect(parked > 5 && unreadable > 1000, "\(parked) parked, \(unreadable) unreadable")
  }
}
