/// Which runs there are, and of which log: key "runs" of table `meta` (docs/format.md, "Index").
struct RunManifest: Equatable {
  static let table = TableName<[UInt8]>("meta")
  static let key = Array("runs".utf8)
  static let tables = [table.text, RunSegment.table.text]
  private static let version: UInt16 = 1

  /// The store's id, 32 hexadecimal digits.
  var store: String
  /// The leaf hash of the last event that runs cover: of another log, or of the same one rolled back and gone on, it differs.
  var leaf: [UInt8]
  /// How many subjects the events have that runs cover.
  var subjects: UInt32 = 0
  /// Without gaps, from the first event on.
  var runs: [Run] = []

  init(store: String) {
    self.store = store
    leaf = []
  }

  /// Behind the last event that runs cover.
  var end: UInt64 { runs.last?.events.upperBound ?? 0 }

  /// In debug builds: runs of whole blocks without gaps, and subjects numbered on.
  func checkInvariants() {
    assert(leaf.count == SHA256Bytes.length && !runs.isEmpty, "runs cover an event")
    var (next, subject): (UInt64, UInt32) = (0, 0)
    for run in runs {
      assert(run.events.lowerBound == next && !run.events.isEmpty, "runs leave no gap")
      assert(BlockNumber.row(of: run.events.upperBound) == 0, "runs cover whole blocks")
      assert(
        run.firstSubject >= subject && run.firstSubject <= subjects, "subjects are numbered on")
      (next, subject) = (run.events.upperBound, run.firstSubject)
    }
  }

  func encoded() -> [UInt8] {
    checkInvariants()
    var bytes: [UInt8] = []
    bytes.appendLittle(Self.version)
    bytes += store.utf8
    bytes += leaf
    bytes.appendLittle(subjects)
    bytes.appendLittle(UInt32(runs.count))
    for run in runs {
      bytes.appendLittle(run.events.lowerBound)
      bytes.appendLittle(UInt32(run.events.count))
      bytes.appendLittle(run.firstSubject)
      for count in run.entries { bytes.appendLittle(count) }
    }
    return bytes
  }

  /// Nil where malformed.
  init?(_ content: Span<UInt8>) {
    var reader = ByteReader(content)
    do throws(ByteReader.Short) {
      guard try reader.number(UInt16.self) == Self.version else { return nil }
      store = String(decoding: try reader.array(32), as: UTF8.self)
      leaf = try reader.array(SHA256Bytes.length)
      subjects = try reader.number(UInt32.self)
      for _ in 0..<(try reader.number(UInt32.self)) {
        let first = try reader.number(UInt64.self)
        let count = try reader.number(UInt32.self)
        guard first == end, count > 0, Int(count) % BlockColumns.length == 0,
          count <= 1 << RunSegment.indexBits
        else { return nil }
        let firstSubject = try reader.number(UInt32.self)
        var entries: [UInt32] = []
        for _ in RunKind.allCases { entries.append(try reader.number(UInt32.self)) }
        guard entries.allSatisfy({ $0 <= count }) else { return nil }
        runs.append(
          Run(events: first..<first + UInt64(count), firstSubject: firstSubject, entries: entries))
      }
      if reader.remaining > 0 || runs.isEmpty { return nil }
    } catch {
      return nil
    }
  }
}
