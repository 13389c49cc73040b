/// What a run finds.
enum RunKind: UInt8, CaseIterable {
  /// Positions by the keyed hash of (source, id).
  case ids = 0
  /// Numbers of subjects that first appear in the run, by the keyed hash of their names.
  case names = 1
  /// Position of a subject's last event in the run, by its number.
  case chains = 2
}

/// How large runs are, in events. Injected by tests.
struct RunLimits: Sendable {
  /// The smallest run; a multiple of a block.
  var least = 1 << 16
  /// Runs of one size that become one of the next.
  var fanOut = 4
  var most = 1 << 20

  /// Which runs cover the first `size` events, as far as there is a whole one: from each place on the largest that fits.
  func ranges(below size: UInt64) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    var first: UInt64 = 0
    while first + UInt64(least) <= size {
      var length = UInt64(least)
      while length * UInt64(fanOut) <= UInt64(most), first % (length * UInt64(fanOut)) == 0,
        first + length * UInt64(fanOut) <= size
      {
        length *= UInt64(fanOut)
      }
      ranges.append(first..<first + length)
      first += length
    }
    return ranges
  }
}

/// A sorted run over some events of the log, a function of their columns alone (docs/format.md, "Index").
struct Run: Equatable, Sendable {
  var events: Range<UInt64>
  /// How many subjects there were before it.
  var firstSubject: UInt32
  /// Of each kind, by its number.
  var entries: [UInt32]

  /// How many segments a kind has: about 4,096 entries each.
  func segments(_ kind: RunKind) -> Int { max(1, Int(entries[Int(kind.rawValue)]) >> 12) }

  func key(_ kind: RunKind, _ segment: Int) -> RunKey {
    RunKey(first: events.lowerBound, kind: kind.rawValue, segment: UInt32(segment))
  }

  /// Where a hash belongs.
  func segment(_ kind: RunKind, of hash: UInt64) -> Int {
    Int(
      truncatingIfNeeded: (hash & RunSegment.hashMask).multipliedFullWidth(
        by: UInt64(segments(kind))
      ).high)
  }
}

/// One value of a run: a Bloom filter in blocks of 64 bytes, and entries in ascending order.
///
/// ```
/// count u32 · blocks × 64 · count × { high 40 bits of a hash ‖ 24 bits }
/// ```
enum RunSegment {
  static let table = TableName<RunKey>("runs")
  static let indexBits = 24
  static let hashMask: UInt64 = ~(1 << 24 - 1)
  private static let headLength = 4
  private static let blockLength = 64
  /// Of the filter, for each entry: one in 400 hashes that are not there passes.
  private static let bitsPerEntry = 14

  static func blocks(_ count: Int) -> Int { max(1, count * bitsPerEntry / (8 * blockLength)) }

  /// The value of some entries, without its checksum.
  static func encoded(_ entries: ArraySlice<UInt64>) -> [UInt8] {
    let blocks = blocks(entries.count)
    let start = headLength + blocks * blockLength
    var bytes = [UInt8](repeating: 0, count: start + 8 * entries.count)
    var room = bytes.mutableSpan
    room.put(UInt32(entries.count), at: 0)
    var offset = start
    for entry in entries {
      forEachBit(entry, blocks) { byte, bit in room[headLength + byte] |= bit }
      room.put(entry, at: offset)
      offset += 8
    }
    return bytes
  }

  /// Gives what stands under a hash to `body` until it says false; nil where the value is malformed, else whether it went on.
  static func find(
    _ hash: UInt64, in value: Span<UInt8>, _ body: (UInt32) throws -> Bool
  ) rethrows -> Bool? {
    guard let count = count(value) else { return nil }
    let blocks = blocks(count)
    var isMissing = false
    forEachBit(hash, blocks) { byte, bit in
      if value[headLength + byte] & bit == 0 { isMissing = true }
    }
    if isMissing { return true }
    let entries = value.extracting(headLength + blocks * blockLength..<value.count)
    let wanted = hash & hashMask
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if entries.word(at: 8 * middle) < wanted { low = middle + 1 } else { high = middle }
    }
    while low < count, entries.word(at: 8 * low) & hashMask == wanted {
      if try !body(UInt32(truncatingIfNeeded: entries.word(at: 8 * low) & ~hashMask)) {
        return false
      }
      low += 1
    }
    return true
  }

  private static func count(_ value: Span<UInt8>) -> Int? {
    guard value.count >= headLength else { return nil }
    let count = Int(value.little(0, 4))
    guard value.count == headLength + blocks(count) * blockLength + 8 * count else { return nil }
    return count
  }

  /// Six bits of one block of the filter, each as its byte and its bit there.
  @inline(__always)
  private static func forEachBit(_ hash: UInt64, _ blocks: Int, _ body: (Int, UInt8) -> Void) {
    // The entries of a segment share their highest bits.
    var mixed = (hash & hashMask) &* 0x9E37_79B9_7F4A_7C15
    mixed ^= mixed >> 32
    mixed = mixed &* 0xD6E8_FEB8_6659_FD93
    let block = Int(truncatingIfNeeded: mixed.multipliedFullWidth(by: UInt64(blocks)).high)
    for _ in 0..<6 {
      body(block * blockLength + Int(mixed & 63), 1 << UInt8(truncatingIfNeeded: mixed >> 6 & 7))
      mixed >>= 9
    }
  }
}

/// Where a segment stands in the table: first event of its run, kind, number.
struct RunKey: TableKey {
  let first: UInt64
  let kind: UInt8
  let segment: UInt32

  var keyBytes: [UInt8] { first.keyBytes + [kind] + segment.keyBytes }

  init(first: UInt64, kind: UInt8, segment: UInt32) {
    self.first = first
    self.kind = kind
    self.segment = segment
  }

  init?(keyBytes: Span<UInt8>) {
    guard keyBytes.count == 13 else { return nil }
    first = keyBytes.extracting(0..<8).bigEndian
    kind = keyBytes[8]
    segment = UInt32(truncatingIfNeeded: keyBytes.extracting(9..<13).bigEndian)
  }
}

/// What stands in runs instead of names and numbers.
enum RunHash {
  /// Of a subject's name, under the store's key; no source is as long as the prefix says, so that no id has the same text.
  static func name(_ name: Span<UInt8>, _ sipHash: SipHash) -> UInt64 {
    var bytes: [UInt8] = [0xff, 0xff, 0xff, 0xff]
    bytes.append(name)
    return sipHash.hash(bytes.span)
  }

  /// Of a subject's number: no two numbers have the same, and neighbours lie apart.
  static func number(_ number: UInt32) -> UInt64 {
    var mixed = number
    mixed ^= mixed >> 16
    mixed = mixed &* 0x7FEB_352D
    mixed ^= mixed >> 15
    mixed = mixed &* 0x846C_A68B
    mixed ^= mixed >> 16
    return UInt64(mixed) << 32
  }
}
