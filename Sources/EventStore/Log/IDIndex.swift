/// From the keyed hash of (source, id) to positions: an open table in memory, built from the hash columns.
///
/// Equal hashes may repeat; what is found has to be confirmed on the stored event.
struct IDIndex {
  private var hashes: [UInt64]
  /// Position + 1; 0 for free.
  private var positions: [UInt64]
  private var count = 0

  init(capacity: Int) {
    var size = 1024
    while size < capacity * 2 { size *= 2 }
    hashes = Array(repeating: 0, count: size)
    positions = Array(repeating: 0, count: size)
  }

  struct Cursor {
    fileprivate var slot: Int
    fileprivate let hash: UInt64
  }

  func cursor(_ hash: UInt64) -> Cursor {
    Cursor(slot: Int(truncatingIfNeeded: hash) & (hashes.count - 1), hash: hash)
  }

  /// The next position under the hash; nil when there are no more.
  func next(_ cursor: inout Cursor) -> UInt64? {
    let mask = hashes.count - 1
    while positions[cursor.slot] != 0 {
      let slot = cursor.slot
      cursor.slot = (slot + 1) & mask
      if hashes[slot] == cursor.hash { return positions[slot] - 1 }
    }
    return nil
  }

  mutating func insert(_ hash: UInt64, position: UInt64) {
    if count * 2 >= hashes.count { grow() }
    place(hash, position + 1)
    count += 1
  }

  private mutating func place(_ hash: UInt64, _ position: UInt64) {
    let mask = hashes.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while positions[slot] != 0 { slot = (slot + 1) & mask }
    hashes[slot] = hash
    positions[slot] = position
  }

  private mutating func grow() {
    let oldHashes = hashes
    let oldPositions = positions
    hashes = Array(repeating: 0, count: oldHashes.count * 2)
    positions = Array(repeating: 0, count: oldHashes.count * 2)
    for slot in oldHashes.indices where oldPositions[slot] != 0 {
      place(oldHashes[slot], oldPositions[slot])
    }
  }
}

/// Dense numbers of subjects by name, and where each one's chain ends.
struct SubjectIndex {
  private var names = TextDictionary()
  private var last: [UInt64] = []
  private var sequences: [UInt32] = []

  var count: Int { last.count }

  /// The number of a name, given now if it is new.
  mutating func insert(_ name: Span<UInt8>) -> (number: UInt32, isNew: Bool) {
    let (number, isNew) = names.insert(name)
    if isNew {
      last.append(UInt64.max)
      sequences.append(0)
    }
    return (UInt32(number), isNew)
  }

  /// How many events a subject has.
  func count(of name: Span<UInt8>) -> UInt32 { names.find(name).map { sequences[$0] } ?? 0 }

  /// Moves the end of a subject's chain; its number in the chain, and where it ended before.
  @discardableResult
  mutating func advance(_ subject: UInt32, to position: UInt64) -> (UInt32, UInt64?) {
    let number = Int(subject)
    guard number < last.count else { return (0, nil) }
    let previous = last[number]
    let sequence = sequences[number]
    last[number] = position
    sequences[number] = sequence + 1
    return (sequence, previous == UInt64.max ? nil : previous)
  }
}
