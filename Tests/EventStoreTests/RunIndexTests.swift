import Foundation
import Testing

@testable import EventStore

/// The index on disk: sorted runs of ids and subjects, derived from the log.
@Suite struct RunIndexTests {
  private static let limits = RunLimits(least: 16_384, fanOut: 2, most: 4 * 16_384)

  private final class Place: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private func open(
    _ store: String, expectedBytes: Int = 0
  ) throws -> LogWriter {
    try LogWriter.open(
      at: store, creating: true, waitSeconds: 1, expectedBytes: expectedBytes, limits: Self.limits,
      clock: { 1_700_000_000_000_000 })
  }

  private func append(
    _ events: [(id: Int, subject: Int, value: Int)], to writer: LogWriter
  ) throws -> [AppendOutcome] {
    let parser = EventParser(latest: Int64.max)
    var batch = EventBatch()
    for event in events {
      let line =
        #"{"id":"e\#(event.id)","source":"s","type":"t","subject":"c\#(event.subject)","time":"2024-01-01T00:00:00Z","data":{"v":\#(event.value)}}"#
      try batch.append(Array(line.utf8).span, parser)
    }
    return try writer.append(batch)
  }

  @Test func `sizes of runs are those that merging by fours gives`() {
    let limits = RunLimits(least: 10, fanOut: 4, most: 160)

    #expect(limits.ranges(below: 9).isEmpty)
    #expect(limits.ranges(below: 39).map(\.count) == [10, 10, 10])
    #expect(limits.ranges(below: 40).map(\.count) == [40])
    #expect(limits.ranges(below: 395).map(\.count) == [160, 160, 40, 10, 10, 10])
  }

  @Test func `subjects' numbers have hashes of their own`() {
    var hashes: Set<UInt64> = []
    for number in 0..<50_000 as Range<UInt32> { hashes.insert(RunHash.number(number)) }
    hashes.insert(RunHash.number(UInt32.max))

    #expect(hashes.count == 50_001)
    #expect(hashes.allSatisfy { $0 & ~RunSegment.hashMask == 0 })
  }

  @Test func `a segment finds all entries under a hash, and no others`() throws {
    var random = SeededRandom(seed: 8)
    let hashes = (0..<3000).map { _ in random.next() & RunSegment.hashMask }
    // Every tenth hash stands there twice.
    var entries = hashes.enumerated().map { $0.element | UInt64($0.offset) }
    for index in stride(from: 0, to: 3000, by: 10) { entries.append(hashes[index] | 1 << 20) }
    let value = RunSegment.encoded(entries.sorted()[...])

    func found(_ hash: UInt64) -> [UInt32]? {
      var found: [UInt32] = []
      let isWhole = RunSegment.find(hash, in: value.span) { index in
        found.append(index)
        return true
      }
      return isWhole == nil ? nil : found
    }
    for (index, hash) in hashes.enumerated() {
      let expected = [UInt32(index)] + (index % 10 == 0 ? [1 << 20] : [])
      #expect(found(hash | 0x1234) == expected)
    }
    for _ in 0..<3000 { #expect(found(random.next()) == []) }
    for length in stride(from: 0, to: value.count, by: 97) {
      let short = Array(value[..<length])
      #expect(RunSegment.find(0, in: short.span) { _ in true } == nil)
    }
  }

  /// One store is appended to with the index, as it is, lost, damaged or of another store; the other one always from memory. Both
  /// have to say the same of each event, and hold the same columns and chains.
  @Test func `with the index and without it a log becomes the same`() throws {
    let (place, other, foreign) = (Place(), Place(), Place())
    var random = SeededRandom(seed: 4)
    var next = 0
    let data = "\(place.path)/index/data.mdb"
    let stranger = try open(foreign.path)
    _ = try append((0..<16_500).map { ($0, $0, 0) }, to: stranger)
    stranger.maintain()
    for round in 0..<9 {
      // Lost, damaged, of another store.
      switch round {
      case 4: try FileManager.default.removeItem(atPath: "\(place.path)/index")
      case 5, 6:
        var bytes = try Data(contentsOf: URL(fileURLWithPath: data))
        // Tree pages or runs.
        let pages = bytes.count / 4096
        for page in stride(from: round == 5 ? 2 : pages / 2, to: pages, by: 3) {
          for offset in 0..<24 { bytes[page * 4096 + offset * 100] ^= 0x5a }
        }
        try bytes.write(to: URL(fileURLWithPath: data))
      case 7:
        try FileManager.default.removeItem(atPath: "\(place.path)/index")
        try FileManager.default.copyItem(
          atPath: "\(foreign.path)/index", toPath: "\(place.path)/index")
      default: break
      }
      let writer = try open(place.path)
      let model = try open(other.path, expectedBytes: Int.max)
      let counts = [round == 0 ? 17_000 : 500 + random(6500), 1 + random(40), 1]
      for count in counts {
        let events = (0..<count).map { _ -> (id: Int, subject: Int, value: Int) in
          let isKnown = next > 0 && random(20) == 0
          if !isKnown { next += 1 }
          let id = isKnown ? random(next) : next
          // Known ids with their value are duplicates; with another one they are conflicts.
          return (id, (id * 7919) % 3000 + id / 500, random(50) == 0 ? 1 : 0)
        }
        let outcomes = try append(events, to: writer)
        #expect(outcomes == (try append(events, to: model)))
      }
      writer.maintain()
      #expect(writer.notices.isEmpty == ![4, 5, 6, 7].contains(round), "\(round)")
    }
    let left = try Store.open(at: place.path)
    let right = try Store.open(at: other.path)
    let (snapshot, model) = (try left.snapshot(), try right.snapshot())

    #expect(snapshot.size == model.size)
    #expect(snapshot.size > 32_768)
    for block in snapshot.blocks {
      #expect(try snapshot.block(block).subjects == model.block(block).subjects)
    }
    #expect(try left.verify(threads: 2, progress: { _ in }).problems.map(\.what) == [])
    try verifyFindsAWrongRun(left, place.path)
    // What was made again and again is what is made at once.
    let files = StoreFiles(path: place.path)
    let manifest = try #require(
      try RunIndex.open(files, left.reader, size: snapshot.size)
    ).manifest
    try FileManager.default.removeItem(atPath: files.index)
    let sipHash = try left.reader.idHashKey()
    try RunUpkeep(files: files, reader: left.reader, sipHash: sipHash, limits: Self.limits).run(
      size: snapshot.size)
    #expect(
      try #require(try RunIndex.open(files, left.reader, size: snapshot.size)).manifest == manifest)
  }

  /// An import that could not finish a new index left one without tables, which `verify` took for damage.
  @Test func `an index that nobody finished is none, and goes with the next one`() throws {
    let place = Place()
    let ended = Process()
    ended.executableURL = URL(fileURLWithPath: "/bin/true")
    try ended.run()
    ended.waitUntilExit()
    let left = "\(place.path)/index.tmp-\(ended.processIdentifier)"
    let writer = try open(place.path)
    _ = try append((0..<16_500).map { ($0, $0, 0) }, to: writer)
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: false)
    _ = try WritableEnvironment.create(left, tables: RunManifest.tables)
    func problems() throws -> [String] {
      try Store.open(at: place.path).verify(threads: 1, progress: { _ in }).problems.map(\.what)
    }
    #expect(try problems() == [])

    writer.maintain()

    #expect(writer.notices.isEmpty)
    #expect(try problems() == [])
    let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(names.filter { $0.hasPrefix("index") } == ["index"])
  }

  /// A run whose checksums hold, and which has lost an entry: it would let a duplicate in.
  private func verifyFindsAWrongRun(_ store: Store, _ path: String) throws {
    do {
      let environment = try WritableEnvironment.open(
        "\(path)/index", tables: RunManifest.tables, replacing: [])
      let table = environment.table(RunSegment.table)
      try environment.write { transaction in
        let key = RunKey(first: 0, kind: RunKind.ids.rawValue, segment: 0)
        var content = try #require(try transaction.get(table, key))
        content[content.count - 3] ^= 1
        try transaction.put(table, key, content)
      }
    }
    let problems = try store.verify(threads: 2, progress: { _ in }).problems
    #expect(problems.count == 1)
    #expect(problems.first?.what.hasPrefix("the index: the run of events 0 to ") == true)
  }
}
