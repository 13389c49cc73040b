/// Dense numbers of subjects by name, and where each one's chain ends, in flat memory.
///
/// Where a name stands depends on chance of this process, so that nobody can choose names that crowd one place.
struct SubjectTable: ~Copyable {
  /// One line of the processor's cache: most names stand in it whole.
  struct Entry: BitwiseCopyable {
    /// Position of the latest event; `UInt64.max` without.
    var last: UInt64
    /// Number of events.
    var sequence: UInt32
    var length: UInt32
    /// The name; of one that is too long its beginning, and in the last word where it stands among the long ones.
    var words: InlineArray<6, UInt64>

    static let wordCount = 6
    static let shortLength = 8 * wordCount
  }

  /// By number.
  private var entries = PlainRow<Entry>(count: 64)
  /// The low half of a name's hash << 32 | number + 1; 0 for free.
  private var slots = PlainRow<UInt64>(count: 256)
  private var bits = 8
  private var longNames: [UInt8] = []
  private let hash = KeyedHash.ofProcess
  private(set) var count = 0

  /// The number of a name, given now if it is new.
  mutating func insert(_ name: Span<UInt8>) -> (number: UInt32, isNew: Bool) {
    insert(name, hash: hash.hash(name))
  }

  /// - Parameter hash: of the name, by ``KeyedHash/ofProcess``.
  mutating func insert(_ name: Span<UInt8>, hash: UInt64) -> (number: UInt32, isNew: Bool) {
    let words = Self.words(name)
    let slot = slot(of: name, words, hash)
    if let number = number(in: slot) { return (number, false) }
    if count == entries.count { entries.grow(to: 2 * count) }
    var entry = Entry(
      last: UInt64.max, sequence: 0, length: UInt32(truncatingIfNeeded: name.count), words: words)
    if name.count > Entry.shortLength {
      entry.words[Entry.wordCount - 1] = UInt64(longNames.count)
      longNames.append(name)
    }
    entries[count] = entry
    count += 1
    slots[slot] = hash << 32 | UInt64(count)
    if 2 * count > slots.count { grow() }
    return (UInt32(count - 1), true)
  }

  /// Gives the next number to a name that is new, or to a subject that was erased: its name is empty, and nobody finds it.
  mutating func append(_ name: Span<UInt8>) {
    if !name.isEmpty {
      _ = insert(name)
      return
    }
    if count == entries.count { entries.grow(to: 2 * count) }
    entries[count] = Entry(
      last: UInt64.max, sequence: 0, length: 0, words: InlineArray(repeating: 0))
    count += 1
  }

  /// Asks for the memory of a name that will be looked for soon.
  @inline(__always)
  func prefetch(_ hash: UInt64) { slots.prefetch(home(hash << 32)) }

  /// The same, later: of what the table knows of it.
  @inline(__always)
  func prefetchEntry(_ hash: UInt64) {
    if let number = number(in: home(hash << 32)) { entries.prefetch(Int(number)) }
  }

  /// How many events a subject has.
  func count(of name: Span<UInt8>) -> UInt32 {
    let slot = slot(of: name, Self.words(name), hash.hash(name))
    return number(in: slot).map { entries[Int($0)].sequence } ?? 0
  }

  /// Moves the end of a subject's chain; its number in the chain, and where it ended before.
  ///
  /// - Parameter subject: below ``count``.
  @discardableResult
  mutating func advance(_ subject: UInt32, to position: UInt64) -> (UInt32, UInt64?) {
    let number = Int(subject)
    precondition(number < count, "the subject is there")
    var entry = entries[number]
    let before = (entry.sequence, entry.last == UInt64.max ? nil : entry.last)
    entry.last = position
    entry.sequence &+= 1
    entries[number] = entry
    return before
  }

  /// Whether a name has a number.
  ///
  /// - Parameter hash: of the name, by ``KeyedHash/ofProcess``.
  func contains(_ name: Span<UInt8>, hash: UInt64) -> Bool {
    number(in: slot(of: name, Self.words(name), hash)) != nil
  }

  /// Sets where a subject's chain ends, and how many events it has.
  mutating func set(_ subject: UInt32, last: UInt64, events: UInt32) {
    var entry = entries[Int(subject)]
    entry.last = last
    entry.sequence = events
    entries[Int(subject)] = entry
  }

  /// Takes over a subject of another table under a number that is given already, or the next one.
  mutating func take(_ subject: UInt32, of other: borrowing SubjectTable, as number: UInt32) {
    let entry = other.entries[Int(subject)]
    if Int(number) >= count {
      let (own, _) = insert(other.name(of: entry).span)
      precondition(own == number, "subjects are taken over in the order of their numbers")
    }
    set(number, last: entry.last, events: entry.sequence)
  }

  private func name(of entry: Entry) -> [UInt8] {
    let length = Int(entry.length)
    if length > Entry.shortLength {
      let start = Int(entry.words[Entry.wordCount - 1])
      return Array(longNames[start..<start + length])
    }
    return (0..<length).map { UInt8(truncatingIfNeeded: entry.words[$0 / 8] >> UInt64($0 % 8 * 8)) }
  }

  /// At most the first 48 bytes of a name.
  @inline(__always)
  private static func words(_ name: Span<UInt8>) -> InlineArray<6, UInt64> {
    var words = InlineArray<6, UInt64>(repeating: 0)
    let length = min(name.count, Entry.shortLength)
    var word = 0
    while 8 * word < length {
      words[word] = name.little(8 * word, min(8, length - 8 * word))
      word += 1
    }
    return words
  }

  @inline(__always)
  private func number(in slot: Int) -> UInt32? {
    let value = UInt32(truncatingIfNeeded: slots[slot])
    return value == 0 ? nil : value - 1
  }

  private func slot(
    of name: Span<UInt8>, _ words: InlineArray<6, UInt64>, _ hash: UInt64
  ) -> Int {
    let mask = slots.count - 1
    var slot = home(hash << 32)
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash & 0xffff_ffff, let number = number(in: slot),
        isName(Int(number), name, words)
      {
        return slot
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  @inline(__always)
  private func isName(
    _ number: Int, _ name: Span<UInt8>, _ words: InlineArray<6, UInt64>
  ) -> Bool {
    let entry = entries[number]
    guard Int(entry.length) == name.count else { return false }
    let isLong = name.count > Entry.shortLength
    for word in 0..<(isLong ? Entry.wordCount - 1 : Entry.wordCount)
    where entry.words[word] != words[word] {
      return false
    }
    if !isLong { return true }
    let start = Int(entry.words[Entry.wordCount - 1])
    return longNames.span.extracting(start..<start + name.count).isEqual(to: name)
  }

  /// A slot by the highest bits of what it holds.
  @inline(__always)
  private func home(_ value: UInt64) -> Int { Int(value >> UInt64(64 - bits)) }

  private mutating func grow() {
    bits += 1
    var larger = PlainRow<UInt64>(count: 1 << bits)
    let mask = larger.count - 1
    for index in 0..<slots.count where slots[index] != 0 {
      var slot = home(slots[index])
      while larger[slot] != 0 { slot = (slot + 1) & mask }
      larger[slot] = slots[index]
    }
    slots = larger
    checkInvariants()
  }

  /// In debug builds: each name in one slot, found under its number; who was erased in none; names without events have no
  /// last one.
  func checkInvariants() {
    #if DEBUG
      var (taken, named) = (0, 0)
      for index in 0..<slots.count where slots[index] != 0 { taken += 1 }
      for number in 0..<count {
        let entry = entries[number]
        assert((entry.sequence == 0) == (entry.last == UInt64.max), "a chain ends at an event")
        if entry.length == 0 { continue }
        named += 1
        let name = name(of: entry).span
        let found = self.number(in: slot(of: name, Self.words(name), hash.hash(name)))
        assert(found == UInt32(number), "a subject is found under its name")
      }
      assert(taken == named && 2 * named <= slots.count, "each name stands in one slot")
    #endif
  }
}
