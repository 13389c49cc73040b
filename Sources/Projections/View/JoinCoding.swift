import EventStore

/// The bytes of what links came to, with which an update goes on (docs/format.md, "Views").
///
/// ```
/// links = subjects · 0, or 1 · occurred and position of the last link · faults (reasons) · count × { subject less the one before · whom it follows }
///         · count × { name that no event carries · whom it follows }
/// ```
enum JoinCoding {
  /// - Parameter faults: of links, with those of events without a name.
  static func encoded(_ joins: Identity.Joins, faults: FaultCounts.Reasons) -> [UInt8] {
    var encoder = ByteEncoder()
    encoder.number(joins.subjects)
    encoder.number(joins.last == nil ? 0 : 1)
    if let last = joins.last {
      encoder.signed(last.occurred)
      encoder.number(last.position)
    }
    TallyCoding.encode([faults], into: &encoder)
    encoder.number(joins.followers.count)
    var before: UInt32 = 0
    for pair in joins.followers {
      encoder.number(UInt64(pair.subject - before))
      encoder.number(UInt64(pair.follows))
      before = pair.subject
    }
    encoder.number(joins.strangers.count)
    for stranger in joins.strangers {
      encoder.text(stranger.name)
      encoder.number(UInt64(stranger.follows))
    }
    return encoder.bytes
  }

  static func decoded(_ bytes: [UInt8]) throws(ByteDecoder.Damaged) -> Identity.Joins {
    var decoder = ByteDecoder(bytes)
    var joins = Identity.Joins(subjects: try decoder.index())
    if try decoder.number() > 0 {
      joins.last = (try decoder.signed(), try decoder.number())
    }
    var faults = [FaultCounts.Reasons()]
    try TallyCoding.decode(&faults, &decoder)
    joins.faults = faults[0]
    var subject = 0
    for _ in 0..<(try decoder.count()) {
      subject += try decoder.index()
      guard let number = UInt32(exactly: subject) else { throw ByteDecoder.Damaged() }
      joins.followers.append((number, UInt32(try decoder.index())))
    }
    for _ in 0..<(try decoder.count()) {
      joins.strangers.append((try decoder.text(), UInt32(try decoder.index())))
    }
    return joins
  }
}

extension CustomerDirectory {
  /// What a view keeps of links; nil where the rules join nobody.
  var encodedJoins: [UInt8]? {
    joins.map { JoinCoding.encoded($0, faults: identityFaults) }
  }
}
