/// From the keyed hash of (source, id) to positions: an open table in memory, built from the hash columns.
///
/// Equal hashes may repeat, and one hash in 2^56 is taken for another: what is found has to be confirmed on the stored event.
/// Where a hash stands depends on chance of this process, so that nobody can choose ids that crowd one place, not even with the
/// store's key.
struct IDTable: ~Copyable {
  /// The high 56 bits of the mixed hash, and 40 bits of position + 1, 0 for free: more events than a map of 1 TiB holds.
  struct Slot: BitwiseCopyable {
    private var hashLow: UInt32
    private var hashHighPositionHigh: UInt32
    private var positionLow: UInt32

    init(_ hash: UInt64, _ position: UInt64) {
      let number = position + 1
      precondition(number >> 40 == 0, "a log has fewer than 2^40 events")
      hashLow = UInt32(truncatingIfNeeded: hash)
      hashHighPositionHigh =
        UInt32(truncatingIfNeeded: hash >> 32) << 8 | UInt32(truncatingIfNeeded: number >> 32)
      positionLow = UInt32(truncatingIfNeeded: number)
    }

    var isFree: Bool { positionLow == 0 && hashHighPositionHigh & 0xff == 0 }
    var hash: UInt64 { UInt64(hashHighPositionHigh >> 8) << 32 | UInt64(hashLow) }
    var position: UInt64 { UInt64(hashHighPositionHigh & 0xff) << 32 + UInt64(positionLow) - 1 }
  }

  private static let hashBits = 56
  private static let leastBits = 10

  private var slots: PlainRow<Slot>
  private var bits: Int
  private var count = 0
  private let seed = KeyedHash.ofProcess

  /// - Parameter capacity: for how many ids it need not grow.
  init(capacity: Int) {
    bits = Self.leastBits
    while Self.limit(bits) < capacity { bits += 1 }
    slots = PlainRow(count: 1 << bits)
  }

  /// Three quarters of the slots: beyond, runs of taken ones become long.
  private static func limit(_ bits: Int) -> Int { 3 << (bits - 2) }

  struct Cursor {
    fileprivate var slot: Int
    fileprivate let hash: UInt64
  }

  func cursor(_ hash: UInt64) -> Cursor {
    let mixed = mixed(hash)
    return Cursor(slot: home(mixed), hash: mixed)
  }

  /// The next position under the hash; nil when there are no more.
  func next(_ cursor: inout Cursor) -> UInt64? {
    let mask = slots.count - 1
    while true {
      let slot = slots[cursor.slot]
      if slot.isFree { return nil }
      cursor.slot = (cursor.slot + 1) & mask
      if slot.hash == cursor.hash { return slot.position }
    }
  }

  mutating func insert(_ hash: UInt64, position: UInt64) {
    if count >= Self.limit(bits) { grow() }
    place(Slot(mixed(hash), position))
    count += 1
  }

  /// Takes up hashes of neighbouring positions.
  mutating func insert(_ hashes: Span<UInt64>, from first: UInt64) {
    while count + hashes.count > Self.limit(bits) { grow() }
    let ahead = 16
    for index in 0..<hashes.count {
      if index + ahead < hashes.count { prefetch(hashes[index + ahead]) }
      place(Slot(mixed(hashes[index]), first + UInt64(index)))
    }
    count += hashes.count
  }

  /// Asks for the memory of a hash that will be looked for soon.
  @inline(__always)
  func prefetch(_ hash: UInt64) { slots.prefetch(home(mixed(hash))) }

  @inline(__always)
  private func mixed(_ hash: UInt64) -> UInt64 { seed.mixed(hash) >> UInt64(64 - Self.hashBits) }

  @inline(__always)
  private func home(_ mixed: UInt64) -> Int { Int(mixed >> UInt64(Self.hashBits - bits)) }

  @inline(__always)
  private mutating func place(_ value: Slot) {
    let mask = slots.count - 1
    var slot = home(value.hash)
    while !slots[slot].isFree { slot = (slot + 1) & mask }
    slots[slot] = value
  }

  private mutating func grow() {
    var larger = IDTable(capacity: Self.limit(bits) + 1)
    for index in 0..<slots.count where !slots[index].isFree { larger.place(slots[index]) }
    larger.count = count
    larger.checkInvariants()
    self = larger
  }

  /// In debug builds: as many ids as are counted, and no free slot between an id and where it is looked for first.
  func checkInvariants() {
    #if DEBUG
      let mask = slots.count - 1
      var taken = 0
      for index in 0..<slots.count where !slots[index].isFree {
        taken += 1
        var slot = home(slots[index].hash)
        while slot != index {
          assert(!slots[slot].isFree, "an id cannot be found")
          slot = (slot + 1) & mask
        }
      }
      assert(taken == count && count <= Self.limit(bits), "the table counts its ids")
    #endif
  }
}
