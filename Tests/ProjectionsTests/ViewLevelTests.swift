import EventStore
import Foundation
import Testing

@testable import Projections

/// The files of a generation: what is read of several, and forms of other versions.
@Suite struct ViewLevelTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    UUID().uuidString)

  private func directory(_ name: String) throws -> String {
    let place = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    return place.path
  }

  /// A level whose chunks are as long as several pages.
  private func level(_ name: String, chunks: Range<UInt32>) throws -> ViewLevels.Level {
    let place = try directory(name)
    let environment = try WritableEnvironment.build(place, tables: ViewFiles.tables)
    try environment.write { transaction in
      for chunk in chunks {
        try transaction.put(
          environment.table(ViewFiles.rows), chunk,
          Array(repeating: UInt8(truncatingIfNeeded: chunk), count: 32_000), appending: true)
      }
    }
    return ViewLevels.Level(
      generation: name, firstChunk: chunks.lowerBound, directory: place,
      environment: try ViewLevels.openEnvironment(place, "own", tables: ViewFiles.tables))
  }

  /// What is read is let go of in stretches from the first value to the last: between those of two files lies other memory.
  @Test func `reading two levels in turn lets go of nothing but their own pages`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var between: [[UInt8]] = []
    func fill(_ value: UInt8) {
      for _ in 0..<24 { between.append(Array(repeating: value, count: 1 << 20)) }
    }
    fill(1)
    let first = try level("g000001", chunks: 0..<700)
    fill(2)
    let second = try level("g000002", chunks: 700..<1400)
    fill(3)
    let levels = ViewLevels([first, second])

    for chunk in UInt32(0)..<700 {
      for number in [chunk, chunk + 700] {
        let value = try levels.levels[levels.level(of: number)].value(ViewFiles.rows, number)
        #expect(value?.count == 32_000)
        #expect(value?.first == UInt8(truncatingIfNeeded: number))
      }
    }

    for (index, bytes) in between.enumerated() {
      let value = UInt8(1 + index / 24)
      let isWhole = bytes == Array(repeating: value, count: bytes.count)
      #expect(isWhole, "memory between the files, block \(index)")
    }
  }

  @Test func `a walk over a level does not end with the whole file in the memory of the process`()
    throws
  {
    defer { try? FileManager.default.removeItem(at: folder) }
    let level = try level("g000003", chunks: 0..<3000)
    let file = "\(level.directory)/data.mdb"
    for chunk in UInt32(0)..<3000 { _ = try level.value(ViewFiles.rows, chunk) }

    let resident = try Self.residentBytes(of: file)

    // 96 MB were read; 8 MiB are let go of at a time, and the system brings in what lies around.
    #expect(resident < 48 << 20, "\(resident) bytes of \(file)")
  }

  /// Bytes of a file's maps that are in the memory of this process.
  private static func residentBytes(of path: String) throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8)
    var (isOfFile, total) = (false, 0)
    for line in text.split(separator: "\n") {
      if line.contains("/") || line.contains("[") || !line.contains("kB") && line.contains("-") {
        isOfFile = line.hasSuffix(path)
      } else if isOfFile, line.hasPrefix("Rss:") {
        total += (Int(line.split(separator: " ")[1]) ?? 0) << 10
      }
    }
    return total
  }

  @Test
  func `a view of another form is refused for what it holds, gives its rules, and is replaced`()
    throws
  {
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = "\(try directory("home"))/store"
    let file = folder.appendingPathComponent("in").path
    try (0..<50).map {
      #"{"id":"e\#($0)","source":"s","type":"purchase","subject":"c\#($0 % 9)","time":"2024-01-0\#(1 + $0 % 9)T00:00:00Z","data":{"amount":"3.00"}}"#
        + "\n"
    }.joined().write(toFile: file, atomically: true, encoding: .utf8)
    _ = try Importer(store: store, options: ImportOptions()).run([file], now: 1_800_000_000_000_000)
    { _ in }
    let text = """
      rules: 1
      model: { name: shop, version: 1 }
      currency: EUR
      events: { buy: { types: [purchase], fields: { amount: money } } }
      facts: { n: { count: buy } }
      stages: [new, buyer]
      transitions: [{ id: first, from: new, to: buyer, when: "n >= 1" }]

      """
    let rules = try #require(RulesLoader.load(bytes: Array(text.utf8), file: "shop.yaml").rules)
    let snapshot = try Store.open(at: store).snapshot()
    func build() throws -> ViewManifest {
      let builder = ViewBuilder(
        storePath: store, name: "own", try CompiledRules(rules),
        view: LogView(
          snapshot: snapshot, size: snapshot.size, asOf: try #require(snapshot.latestOccurred)),
        engine: "test", threads: 1)
      return try builder.publish(
        try builder.build { _ in }, switchedAt: 0, summary: { _ in [] }
      ) { _ in }
    }
    let whole = try build()
    let place = "\(store)/views/own/\(try ViewFiles.current(store, "own"))"
    do {
      let environment = try WritableEnvironment.open(
        place, tables: [ViewFiles.meta.text], replacing: [])
      let meta = environment.table(ViewFiles.meta)
      try environment.write { transaction in
        var manifest = try #require(try transaction.get(meta, ViewFiles.manifestKey))
        #expect(manifest[0] == UInt8(ViewManifest.format))
        manifest[0] = 3
        try transaction.put(meta, ViewFiles.manifestKey, manifest)
      }
    }

    let error = #expect(throws: ViewError.self) { try ViewReader.open(store, named: "own") }
    let known = try ViewReader.rules(store, of: "own")
    let again = try build()

    #expect(error?.message == "view `own` has form 3, and this version reads form 4")
    #expect(error?.code == .damaged && error?.help == ViewError.rebuilding)
    #expect(known.source == Array(text.utf8))
    #expect(again.outputRoot == whole.outputRoot)
    #expect(try ViewReader.open(store, named: "own").manifest.customers == 9)
  }
}
