import EventStore

/// The values of fields for the rows of a block.
struct FieldCells {
  let fields: Int
  private let pool = SlabPool()
  private let values: Slab<Int64>
  /// 0 for a value, 1 + reason without, ``needed`` where only the line knows.
  private let statuses: Slab<UInt8>
  /// Only the line knows the value of some row.
  var needsLines = false
  private static let needed: UInt8 = 255

  init(fields: Int) {
    self.fields = fields
    values = pool.slab(fields * BlockColumns.length, of: 0)
    statuses = pool.slab(fields * BlockColumns.length, of: 0)
  }

  @inline(__always)
  private func place(_ field: Int, _ row: Int) -> Int { field &* BlockColumns.length &+ row }

  @inline(__always)
  func set(_ field: Int, _ row: Int, _ outcome: TimedOutcome) {
    values[place(field, row)] = outcome.bits
    statuses[place(field, row)] = outcome.status == .ok ? 0 : 1 + outcome.reason.rawValue
  }

  mutating func setNeedsLine(_ field: Int, _ row: Int) {
    statuses[place(field, row)] = Self.needed
    needsLines = true
  }

  func needsLine(_ field: Int, _ row: Int) -> Bool {
    statuses[place(field, row)] == Self.needed
  }

  /// As an answer of an ``EventClassTree``: 0 where the field has a value.
  @inline(__always)
  func status(_ field: Int, _ row: Int) -> UInt8 { statuses[place(field, row)] }

  @inline(__always)
  func bits(_ field: Int, _ row: Int) -> Int64 { values[place(field, row)] }

  func outcome(_ field: Int, _ row: Int) -> TimedOutcome {
    let status = status(field, row)
    if status == 0 { return TimedOutcome(bits(field, row)) }
    return TimedOutcome(failed: FaultReason(rawValue: status - 1) ?? .error)
  }
}
