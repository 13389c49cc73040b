/// The one record that says what the log is: key "state" of table `meta` (docs/format.md, "State").
struct StateRecord: Sendable, Equatable {
  var tree = MerkleTree()
  /// Latest `recorded`; the least number before the first event.
  var recorded = Int64.min
  var earliest = Int64.max
  /// High-water mark of `occurred`; erasure leaves it.
  var latest = Int64.min
  var subjects: UInt32 = 0
  /// Raw types by number; that of a type all of whose events were erased is empty.
  var types: [[UInt8]] = []
  /// The tree over control records.
  var control = MerkleTree()
  /// How many events and how many subjects were erased.
  var erased: UInt64 = 0
  var erasedSubjects: UInt32 = 0

  static let key = Array("state".utf8)

  var size: UInt64 { tree.size }

  /// In debug builds: counts and times fit the number of events.
  func checkInvariants() {
    tree.checkInvariants()
    control.checkInvariants()
    assert(UInt64(subjects) <= size, "an event names one subject")
    assert(UInt64(types.count) <= size, "an event has one type")
    assert(erased <= size && erasedSubjects <= subjects, "what was erased was there")
    assert(size == erased || earliest <= latest, "the earliest event is not behind the latest")
    assert(size == 0 || recorded > Int64.min, "events were recorded at some time")
    let named = types.filter { !$0.isEmpty }
    assert(Set(named).count == named.count, "a type has one number")
  }

  func encoded() -> [UInt8] {
    checkInvariants()
    var bytes: [UInt8] = []
    bytes.appendLittle(UInt16(1))
    bytes.appendLittle(tree.size)
    bytes.appendLittle(recorded)
    bytes.appendLittle(earliest)
    bytes.appendLittle(latest)
    bytes.appendLittle(subjects)
    Self.append(tree, to: &bytes)
    bytes.appendLittle(control.size)
    Self.append(control, to: &bytes)
    bytes.appendLittle(UInt16(types.count))
    for type in types {
      bytes.append(UInt8(type.count))
      bytes += type
    }
    if erased > 0 {
      bytes.appendLittle(erased)
      bytes.appendLittle(erasedSubjects)
    }
    return bytes
  }

  private static func append(_ tree: MerkleTree, to bytes: inout [UInt8]) {
    bytes.append(UInt8(tree.peaks.count))
    for peak in tree.peaks { bytes += peak }
  }

  init() {}

  /// Nil where malformed.
  init?(_ content: Span<UInt8>) {
    var reader = ByteReader(content)
    do throws(ByteReader.Short) {
      guard try reader.number(UInt16.self) == 1 else { return nil }
      let size = try reader.number(UInt64.self)
      recorded = try reader.number(Int64.self)
      earliest = try reader.number(Int64.self)
      latest = try reader.number(Int64.self)
      subjects = try reader.number(UInt32.self)
      tree = MerkleTree(size: size, peaks: try Self.peaks(&reader))
      let controlSize = try reader.number(UInt64.self)
      control = MerkleTree(size: controlSize, peaks: try Self.peaks(&reader))
      for _ in 0..<(try reader.number(UInt16.self)) {
        types.append(try reader.array(Int(try reader.number(UInt8.self))))
      }
      if reader.remaining > 0 {
        erased = try reader.number(UInt64.self)
        erasedSubjects = try reader.number(UInt32.self)
      }
    } catch {
      return nil
    }
    guard tree.peaks.count == tree.size.nonzeroBitCount,
      control.peaks.count == control.size.nonzeroBitCount, erased <= tree.size,
      erasedSubjects <= subjects
    else { return nil }
  }

  private static func peaks(_ reader: inout ByteReader) throws(ByteReader.Short) -> [[UInt8]] {
    var peaks: [[UInt8]] = []
    for _ in 0..<(try reader.number(UInt8.self)) {
      peaks.append(try reader.array(SHA256Bytes.length))
    }
    return peaks
  }
}
