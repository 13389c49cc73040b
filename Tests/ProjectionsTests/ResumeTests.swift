import EventStore
import Foundation
import Testing

@testable import Projections

/// A rebuild that was ended goes on where it was, and what comes out is what it would have been.
///
/// What a kill leaves is what stands in the directory of the generation at that moment, so that a copy of it is a kill.
@Suite struct ResumeTests {
  typealias Numbers = ValidityTests.Numbers

  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    UUID().uuidString)
  private var store: String { folder.appendingPathComponent("store").path }

  private func home(_ view: String) -> URL { folder.appendingPathComponent("store/views/\(view)") }

  /// Everything that a view says, and how it lies in chunks.
  struct Outcome: Equatable {
    var root = ""
    var totals = ""
    var rows: [String] = []
    var chunks: [UInt8] = []
  }

  /// What one rebuild of some views did.
  struct Attempt {
    var resumed: Int?
    var unusable: [String] = []
    /// Copies of the directory, one behind each note and one before the switch, and how many customers were folded then.
    var kills: [(place: URL, folded: Int)] = []
    var folded: Int64 = 0
    var outcome = Outcome()
  }

  /// A log of several runs of customers, and its rules.
  struct Shop {
    let compiled: CompiledRules
    let view: LogView
    let text: String
  }

  private func shop(_ seed: UInt64) throws -> Shop {
    var numbers = Numbers(state: seed &* 0x9e37_79b9_7f4a_7c15 | 1)
    var text = UpdateTests.Rulebook.text(&numbers)
    if numbers.next(2) == 0 {
      text = text.replacing(
        "margin: 0.35 }", with: "margin: 0.35, model: bg_nbd, unit: 7d, horizon: 182d }")
    }
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "shop.yaml")
    let compiled = try CompiledRules(try #require(loaded.rules, "\(loaded.diagnostics)\n\(text)"))
    var feed = UpdateTests.Feed(numbers: numbers, subjects: 2400)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent("in").path
    try feed.lines(6000).write(toFile: file, atomically: true, encoding: .utf8)
    _ = try Importer(store: store, options: ImportOptions()).run(
      [file], now: 1_800_000_000_000_000
    ) { _ in }
    let snapshot = try Store.open(at: store).snapshot()
    let asOf = UpdateTests.Feed.instant(90 * 24)
    return Shop(
      compiled: compiled, view: LogView(snapshot: snapshot, size: snapshot.size, asOf: asOf),
      text: text)
  }

  /// Builds a view, noting behind each run, and switches to it.
  private func attempt(
    _ view: String, _ shop: Shop, threads: Int = 2, asOf: Int64? = nil, engine: String = "test"
  ) throws -> Attempt {
    let builder = ViewBuilder(
      storePath: store, name: view, shop.compiled,
      view: LogView(
        snapshot: shop.view.snapshot, size: shop.view.size, asOf: asOf ?? shop.view.asOf),
      engine: engine, threads: threads)
    builder.portions.heldBytes = 1
    builder.portions.runs = 1
    builder.portions.passBytes = 60_000
    builder.portions.passBytesPerCustomer = 0
    builder.noteShare = 0
    var attempt = Attempt()
    func kill(_ folded: Int) {
      let place = folder.appendingPathComponent("kill-\(UUID().uuidString)")
      let names = try? FileManager.default.contentsOfDirectory(atPath: home(view).path)
      guard let name = names?.first(where: { $0.hasSuffix(".tmp") }) else { return }
      try? FileManager.default.copyItem(at: home(view).appendingPathComponent(name), to: place)
      attempt.kills.append((place, folded))
    }
    let built = try builder.build { progress in
      switch progress {
      case .noted(let customers): kill(customers)
      case .resumed(let customers, _): attempt.resumed = customers
      case .unusable(let reason): attempt.unusable.append(reason)
      case .folded, .fitting: break
      }
    }
    kill(attempt.kills.last?.folded ?? 0)
    attempt.folded = built.folded
    let manifest = try builder.publish(built, switchedAt: 0, summary: { _ in [] }) { _ in }
    let faults = try FaultReport(built.summary, view: builder.view)
    let reader = try ViewReader.open(store, named: view)
    var rows: [String] = []
    try reader.forEachCustomer { rows.append("\($0)") }
    attempt.outcome = Outcome(
      root: manifest.outputRoot,
      totals: """
        \(built.summary.events) \(built.summary.ignored) \(built.summary.customers) \(built.summary.transitions)
        \(built.summary.stages) \(built.summary.segments) \(built.summary.parked)
        \(String(describing: built.historicalValue)) \(faults.faults) \(faults.unvalued) \(faults.warnings)
        """,
      rows: rows, chunks: reader.chunks.encoded())
    let left = try FileManager.default.contentsOfDirectory(atPath: home(view).path)
    #expect(left.filter { $0.hasPrefix("g") }.count == 1, "\(left)")
    return attempt
  }

  /// Puts what a killed rebuild left into a view that has nothing else.
  private func leave(_ kill: URL, in view: String, number: Int = 1) throws {
    try FileManager.default.createDirectory(at: home(view), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      at: kill, to: home(view).appendingPathComponent("g00000\(number).tmp"))
  }

  /// `CLM_RESUME_SEEDS=700-750` asks for others.
  static let seeds: [UInt64] = {
    let asked = ProcessInfo.processInfo.environment["CLM_RESUME_SEEDS"] ?? "701-702"
    let ends = asked.split(separator: "-").compactMap { UInt64($0) }
    return ends.count == 2 ? Array(ends[0]...max(ends[0], ends[1])) : [701]
  }()

  @Test(arguments: seeds)
  func `a rebuild ended at any note, and once more, gives the same bytes`(_ seed: UInt64) throws {
    print("seed \(seed)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let shop = try shop(seed)
    let whole = try attempt("whole", shop)
    #expect(whole.resumed == nil)
    #expect(whole.kills.count > 4, "\(shop.text)")

    for (number, kill) in whole.kills.enumerated() {
      let view = "again\(number)"
      try leave(kill.place, in: view)
      let found = try attempt(view, shop, threads: 1 + number % 3)
      #expect(found.resumed == kill.folded && found.unusable.isEmpty)
      #expect(found.folded < whole.folded)
      #expect(found.outcome == whole.outcome, "seed \(seed), kill \(number)\n\(shop.text)")
      guard number % 3 == 0, let second = found.kills.dropLast().last else { continue }
      try leave(second.place, in: "\(view)-twice")
      let twice = try attempt("\(view)-twice", shop)
      #expect(twice.resumed == second.folded && second.folded > kill.folded)
      #expect(twice.outcome == whole.outcome, "seed \(seed), kill \(number), twice\n\(shop.text)")
    }
  }

  @Test func `of several that were ended the one goes on that came furthest`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let shop = try shop(705)
    let whole = try attempt("whole", shop)
    try leave(whole.kills[2].place, in: "own", number: 2)
    try leave(whole.kills[0].place, in: "own", number: 1)
    try leave(whole.kills[1].place, in: "own", number: 3)

    let found = try attempt("own", shop)

    #expect(found.resumed == whole.kills[2].folded && found.unusable.isEmpty)
    #expect(found.outcome == whole.outcome)
  }

  @Test func `what a rebuild of something else left is thrown away, and said`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let shop = try shop(706)
    let whole = try attempt("whole", shop)
    let later = shop.view.asOf + 1
    try leave(whole.kills[1].place, in: "later")
    try leave(whole.kills[1].place, in: "version")

    let expected = try attempt("expected", shop, asOf: later)
    let found = try attempt("later", shop, asOf: later)
    let version = try attempt("version", shop, engine: "test 2")

    #expect(found.resumed == nil)
    #expect(found.unusable == ["it is as of \(RFC3339.text(shop.view.asOf))"])
    #expect(found.outcome == expected.outcome)
    #expect(version.resumed == nil && version.unusable == ["it was made by test"])
    #expect(version.outcome == whole.outcome)
  }

  /// A replay that finds nothing new leaves what it could go on with, and nothing else.
  @Test func `a build of something else stays beside a view in force, one of the same goes`() throws
  {
    defer { try? FileManager.default.removeItem(at: folder) }
    let shop = try shop(708)
    let other = try attempt("other", shop, asOf: shop.view.asOf + 1)
    let own = try attempt("own", shop)
    let manifest = try ViewReader.open(store, named: "own").manifest
    func generations() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: home("own").path)
        .filter { $0.hasPrefix("g") }.sorted()
    }
    let inForce = try generations()
    try leave(own.kills[1].place, in: "own", number: 7)
    try leave(other.kills[1].place, in: "own", number: 8)
    try Data("no LMDB file".utf8).write(
      to: home("own").appendingPathComponent("g000009.tmp/data.mdb", isDirectory: false)
        .creatingDirectory())
    #expect(try generations().count == 4)

    let lock = try ViewLock.take(store, "own", waitSeconds: 0, command: "test")
    try ViewRemoval(store, view: "own").removeLeftovers(lock, beside: manifest)

    #expect(try generations() == inForce + ["g000008.tmp"])
  }

  @Test func `what is damaged in what was left is never taken over`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let shop = try shop(707)
    let whole = try attempt("whole", shop)
    let kill = whole.kills[3]
    let bytes = try Data(contentsOf: kill.place.appendingPathComponent("data.mdb"))
    var numbers = Numbers(state: 707)
    var (resumed, unusable) = (0, 0)
    for round in 0..<12 {
      let view = "damaged\(round)"
      try leave(kill.place, in: view)
      var changed = bytes
      if round % 6 == 5 {
        changed = changed.prefix(numbers.next(bytes.count))
      } else {
        for _ in 0..<(1 + numbers.next(4)) {
          changed[numbers.next(bytes.count)] ^= UInt8(1 + numbers.next(255))
        }
      }
      try changed.write(to: home(view).appendingPathComponent("g000001.tmp/data.mdb"))

      let found = try attempt(view, shop)

      resumed += found.resumed == nil ? 0 : 1
      unusable += found.unusable.count
      #expect(found.outcome == whole.outcome, "round \(round)")
    }
    print("\(resumed) resumed, \(unusable) thrown away")
    #expect(unusable > 3)
  }
}

extension URL {
  /// The file's directory is there.
  fileprivate func creatingDirectory() throws -> URL {
    try FileManager.default.createDirectory(
      at: deletingLastPathComponent(), withIntermediateDirectories: true)
    return self
  }
}
