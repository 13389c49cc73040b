import EventStore

/// Where the parts of a record stand among the bytes of a chunk.
struct RecordLayout {
  var name: Range<Int>
  /// The other subjects of the customer.
  var joined: [Range<Int>]
  /// What the output root covers.
  var covered: Range<Int>
  /// All of it.
  var whole: Range<Int>
  var upkeep: RecordCoding.Upkeep

  /// Goes over one record.
  ///
  /// - Parameter forms: of the facts, in file order.
  init(
    _ decoder: inout ByteDecoder, _ forms: [RecordCoding.ValueForm]
  ) throws(ByteDecoder.Damaged) {
    let start = decoder.offset
    name = try decoder.textRange()
    var names = decoder
    joined = []
    for _ in 0..<(try names.count()) { joined.append(try names.textRange()) }
    _ = try RecordCoding.scanHead(&decoder, facts: forms.count) {
      (index, decoder) throws(ByteDecoder.Damaged) in
      _ = try RecordCoding.scalar(forms[index], &decoder)
    }
    let rows = try RecordCoding.skipRows(&decoder)
    covered = start..<decoder.offset
    try RecordCoding.skipPositions(rows.anchors, &decoder)
    upkeep = try RecordCoding.scanTail(&decoder)
    whole = start..<decoder.offset
  }
}
