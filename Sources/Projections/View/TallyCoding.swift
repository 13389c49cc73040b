import EventStore

/// The bytes of what a replay added up over all customers, to which an update adds the difference (docs/format.md, "Views").
///
/// ```
/// tally   = events · ignored · customers · rows · stages[] · segments[] · faults · parked[]
/// faults  = feeds[] · given[] · aliases[] · typed[] · matched[] · conditions[] · segments[] · negative purchases
/// reasons = count · { reason · count · first position }
/// ```
/// Segments that read the population are left out, and what they fail at.
enum TallyCoding {
  static func encoded(_ summary: ReplaySummary) -> [UInt8] {
    var encoder = ByteEncoder()
    let counts = summary.counts
    for number in [counts.events, counts.ignored, counts.customers, counts.rows] {
      encoder.signed(number)
    }
    encode(counts.stages, into: &encoder)
    encode(counts.segments, into: &encoder)
    let faults = summary.faults
    encode(faults.feeds, into: &encoder)
    encode(faults.given, into: &encoder)
    encode(faults.aliases, into: &encoder)
    encode(faults.typed, into: &encoder)
    encode(faults.matched, into: &encoder)
    encode(faults.conditions, into: &encoder)
    encode(faults.segments, into: &encoder)
    encode(faults.negativePurchases, into: &encoder)
    encoder.number(summary.parked.count)
    for (customer, parking) in summary.parked {
      encoder.text(customer)
      encoder.signed(parking.at)
      encoder.text(parking.reason)
      encoder.number(parking.transitions.count)
      for transition in parking.transitions { encoder.text(transition) }
    }
    return encoder.bytes
  }

  private static func encode(_ numbers: [Int64], into encoder: inout ByteEncoder) {
    encoder.number(numbers.count)
    for number in numbers { encoder.signed(number) }
  }

  static func encode(_ reasons: [FaultCounts.Reasons], into encoder: inout ByteEncoder) {
    encoder.number(reasons.count)
    for each in reasons {
      encoder.number(each.found.count)
      for (reason, entry) in each.found {
        encoder.number(UInt64(reason.rawValue))
        encode(entry, into: &encoder)
      }
    }
  }

  private static func encode(_ entry: FaultCounts.Entry, into encoder: inout ByteEncoder) {
    encoder.signed(entry.count)
    encoder.number(entry.firstPosition)
  }

  // MARK: Reading

  static func decoded(
    _ bytes: [UInt8], _ compiled: CompiledRules, asOf: Int64
  ) throws(ByteDecoder.Damaged) -> ReplaySummary {
    var summary = ReplaySummary(compiled, asOf: asOf)
    var decoder = ByteDecoder(bytes)
    summary.counts.events = try decoder.signed()
    summary.counts.ignored = try decoder.signed()
    summary.counts.customers = try decoder.signed()
    summary.counts.rows = try decoder.signed()
    try decode(&summary.counts.stages, &decoder)
    try decode(&summary.counts.segments, &decoder)
    try decode(&summary.faults.feeds, &decoder)
    try decode(&summary.faults.given, &decoder)
    try decode(&summary.faults.aliases, &decoder)
    try decode(&summary.faults.typed, &decoder)
    try decode(&summary.faults.matched, &decoder)
    try decode(&summary.faults.conditions, &decoder)
    try decode(&summary.faults.segments, &decoder)
    summary.faults.negativePurchases = try entry(&decoder)
    for _ in 0..<(try decoder.count()) {
      let customer = try decoder.string()
      var parking = Parking(
        at: try decoder.signed(), reason: try decoder.string(), transitions: [])
      for _ in 0..<(try decoder.count()) { parking.transitions.append(try decoder.string()) }
      summary.parked.append((customer, parking))
    }
    return summary
  }

  private static func decode(
    _ numbers: inout [Int64], _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) {
    guard try decoder.count() == numbers.count else { throw ByteDecoder.Damaged() }
    for index in numbers.indices { numbers[index] = try decoder.signed() }
  }

  static func decode(
    _ reasons: inout [FaultCounts.Reasons], _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) {
    guard try decoder.count() == reasons.count else { throw ByteDecoder.Damaged() }
    for index in reasons.indices {
      for _ in 0..<(try decoder.count()) {
        guard let number = UInt8(exactly: try decoder.number()),
          let reason = FaultReason(rawValue: number)
        else { throw ByteDecoder.Damaged() }
        let entry = try entry(&decoder)
        reasons[index].add(reason, entry.firstPosition, count: entry.count)
      }
    }
  }

  private static func entry(
    _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> FaultCounts.Entry {
    FaultCounts.Entry(count: try decoder.signed(), firstPosition: try decoder.number())
  }
}
