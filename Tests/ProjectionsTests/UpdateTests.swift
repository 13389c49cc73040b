import EventStore
import Foundation
import Testing

@testable import Projections

/// A view brought up to date is what building it anew gives, whatever came between.
@Suite struct UpdateTests {
  typealias Numbers = ValidityTests.Numbers

  /// Rules of random pieces: windows, ages, links, what is ignored, population, stages of both forms, parked customers.
  struct Rulebook {
    static let events = """
      events:
        purchase: { types: [purchase], where: "event.ch != 'x'", fields: { amount: money, ch: { type: string, default: web } } }
        visit:    { types: [visit], fields: { n: int } }
        nps:      { types: [nps], fields: { score: int } }
        refund:   { types: [refund], fields: { amount: money } }
        login:    { types: [login], fields: { cookie: string } }
      facts:
        n:        { count: purchase }
        n30:      { count: purchase, within: 30d }
        v3:       { count: visit, within: 3d }
        rev:      { sum: purchase.amount }
        rev60:    { sum: purchase.amount, within: 60d }
        last_at:  { last_time: purchase }
        top:      { max: visit.n, within: 20d }
        act:      { active: purchase, every: 10d, within: 60d }
        chs:      { distinct: purchase.ch, within: 40d }
        nps_last: { last: nps.score, within: 50d }
        mean:     { expr: "n30 > 0 ? rev60 / n30 : 0" }

      """
    static let stages = [
      """
      stages: [new, buyer, fan, quiet, back]
      transitions:
        - { id: hush, from: [buyer, fan, back], to: quiet, when: "since(last_at) >= days(45)" }
        - { id: again, from: quiet, to: back, when: "since(last_at) < days(45)" }
        - { id: settle, from: back, to: buyer, when: "in_stage() >= days(7)" }
        - { id: fans, from: buyer, to: fan, when: "n30 >= 2 && rev60 >= money('20.00') && (nps_last >= 7 || act >= 2)" }
        - { id: first, from: new, to: buyer, when: "n >= 1" }

      """,
      """
      stages: [a, b, c]
      transitions:
        - { id: ab, from: a, to: b, when: "n >= 1" }
        - { id: bc, from: b, to: c, when: "v3 >= 2" }
        - { id: cb, from: c, to: b, when: "n30 >= 2 || 10 / (n - 3) > 4" }

      """,
      """
      stages:
        - { name: lapsed, when: "n >= 1 && since(last_at) >= days(40)" }
        - { name: fan, when: "n30 >= 3 && 6 / (n - 4) < 7" }
        - { name: other, when: "now.getDayOfWeek() == 3 && v3 >= 1" }
        - { name: rest }

      """,
    ]
    static let segments = """
      segments:
        risk: { when: "since(last_at) >= days(20)" }
        odd:  { when: "12 / (n - 2) >= 4" }

      """
    static let ranked = """
        champ: { when: "rfm.segment == 'Champions' || rfm.r >= 4" }
        top_half: { when: "rank >= 0.5 && n30 >= 1" }
      population:
        rank: { percent_rank: rev }

      """

    static func text(_ numbers: inout Numbers) -> String {
      func maybe(_ share: Int, _ text: String) -> String { numbers.next(100) < share ? text : "" }
      var text = "rules: 1\nmodel: { name: shop, version: 1 }\ncurrency: EUR\n"
      text += numbers.pick([
        "", "ignore: event.subject.startsWith('q')\n", "ignore: event.n == 13\n",
      ])
      text += maybe(60, "identity: { link: login.cookie }\n")
      text += events
      text += maybe(15, "  age:      { expr: \"since(last_at)\" }\n")
      text += maybe(30, "  age_days: { expr: \"since(last_at).getHours() / 24\" }\n")
      text += numbers.pick(stages)
      let clv = numbers.next(3) > 0
      if numbers.next(5) > 0 {
        text += segments
        if clv { text += maybe(60, ranked) }
      }
      guard clv else { return text }
      text += "clv: { purchase: purchase.amount, refund: refund.amount, margin: 0.35 }\n"
      return text + maybe(40, "rfm: { within: 40d, ties: high }\n")
    }
  }

  /// A shop that goes on: later events, late ones, links, some from the future.
  struct Feed {
    var numbers: Numbers
    let subjects: [String]
    /// Days since the beginning.
    var today = 90
    private var next = 0

    init(numbers: Numbers, subjects count: Int) {
      self.numbers = numbers
      var own = numbers
      subjects = (0..<count).map { own.pick(["c", "k", "q", "zü"]) + "\($0)" }
    }

    mutating func lines(_ count: Int) -> String {
      (0..<count).map { _ in line() }.joined()
    }

    private mutating func line() -> String {
      next += 1
      var hour = today * 24 - numbers.next(48)
      if numbers.next(10) < 4 { hour = numbers.next(today * 24) }
      if numbers.next(30) == 0 { hour = today * 24 + numbers.next(30 * 24) }
      let subject = subjects[numbers.next(subjects.count)]
      let (type, data) =
        switch numbers.next(20) {
        case 0...8:
          (
            "purchase",
            "\"amount\":\"\(1 + numbers.next(30)).00\",\"ch\":\(numbers.pick(["\"web\"", "\"app\"", "\"x\"", "null"]))"
          )
        case 9:
          (
            "purchase",
            numbers.pick(["\"amount\":\"bad\"", "", "\"amount\":\"-5.00\"", "\"ch\":5"])
          )
        case 10...14: ("visit", "\"n\":\(numbers.pick(["1", "2", "5", "9", "13", "\"q\""]))")
        case 15: ("nps", "\"score\":\(numbers.next(11))")
        case 16: ("refund", "\"amount\":\"\(1 + numbers.next(9)).00\"")
        case 17, 18:
          ("login", "\"cookie\":\"\(numbers.pick(subjects + ["stranger"]))\"")
        default: ("other", "")
        }
      return
        #"{"id":"e\#(next)","source":"s","type":"\#(type)","subject":"\#(subject)","time":"\#(Self.time(hour))","data":{\#(data)}}"#
        + "\n"
    }

    static func time(_ hour: Int) -> String { RFC3339.text(instant(hour)) }
    static func instant(_ hour: Int) -> Int64 {
      1_704_067_200_000_000 + Int64(hour) * Microseconds.hour
    }
  }

  /// `CLM_UPDATE_SEEDS=600-650` asks for others.
  static let seeds: [UInt64] = {
    let asked = ProcessInfo.processInfo.environment["CLM_UPDATE_SEEDS"] ?? "501-502"
    let ends = asked.split(separator: "-").compactMap { UInt64($0) }
    return ends.count == 2 ? Array(ends[0]...max(ends[0], ends[1])) : [501]
  }()

  /// Everything that a view says, and what it adds up.
  private func content(_ reader: ViewReader) throws -> [String] {
    var rows: [String] = []
    try reader.forEachCustomer { rows.append("\($0)") }
    return rows
  }

  private func publish(
    _ builder: ViewBuilder, _ built: ViewBuilder.Built
  ) throws -> (manifest: ViewManifest, summary: String) {
    var summary = ""
    let manifest = try builder.publish(
      built, switchedAt: 0, summary: { _ in [] }, look: { _ in }, register: { _ in })
    let faults = try FaultReport(built.summary, view: builder.view)
    summary = """
      \(built.summary.events) \(built.summary.ignored) \(built.summary.customers) \(built.summary.transitions)
      \(built.summary.stages) \(built.summary.segments) \(built.summary.parked)
      \(String(describing: built.historicalValue)) \(faults.faults) \(faults.unvalued) \(faults.warnings)
      """
    return (manifest, summary)
  }

  @Test(arguments: seeds)
  func `an update gives what a rebuild gives, after any imports, links and steps of as-of`(
    _ seed: UInt64
  ) throws {
    print("seed \(seed)")
    var numbers = Numbers(state: seed &* 0x9e37_79b9_7f4a_7c15 | 1)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("store").path
    let text = Rulebook.text(&numbers)
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "shop.yaml")
    let compiled = try CompiledRules(try #require(loaded.rules, "\(loaded.diagnostics)\n\(text)"))
    let engine = [FoldEngine.words, .both, .tree][numbers.next(3)]
    var feed = Feed(numbers: numbers, subjects: 150)
    var latest: Int64 = 0
    var (updates, folded) = (0, 0)
    for step in 0..<7 {
      let count = step == 0 ? 900 : [3, 12, 50, 0][numbers.next(4)]
      if count > 0 {
        let file = folder.appendingPathComponent("in\(step)").path
        try feed.lines(count).write(toFile: file, atomically: true, encoding: .utf8)
        _ = try Importer(store: path, options: ImportOptions()).run(
          [file], now: 1_800_000_000_000_000
        ) { _ in }
      }
      feed.today += [0, 0, 1, 3, 40][numbers.next(5)]
      let snapshot = try Store.open(at: path).snapshot()
      var asOf = try #require(snapshot.latestOccurred)
      if numbers.next(2) == 0 { asOf = max(latest, Feed.instant(feed.today * 24)) }
      latest = asOf
      let view = LogView(snapshot: snapshot, size: snapshot.size, asOf: asOf)
      func builder(_ name: String, _ engine: FoldEngine) -> ViewBuilder {
        ViewBuilder(
          storePath: path, name: name, compiled, view: view, engine: "test",
          threads: 1 + numbers.next(3), foldEngine: engine)
      }
      let anew = builder("anew", .words)
      let expected = try publish(anew, try anew.build { _ in })
      let own = builder("own", engine)
      own.mostShare = 1
      var built: ViewBuilder.Built?
      if step > 0,
        case .built(let updated) = try own.update(
          try ViewReader.open(path, named: "own"), progress: { _ in })
      {
        built = updated
        updates += 1
        folded += Int(updated.folded)
      }
      let found = try publish(own, try built ?? own.build { _ in })
      let place = "seed \(seed), step \(step)\n\(text)"
      #expect(found.manifest.outputRoot == expected.manifest.outputRoot, "\(place)")
      #expect(found.summary == expected.summary, "\(place)")
      let rows = try content(try ViewReader.open(path, named: "own"))
      let wanted = try content(try ViewReader.open(path, named: "anew"))
      #expect(rows == wanted, "\(place)")
      if found.manifest.outputRoot != expected.manifest.outputRoot || rows != wanted { return }
    }
    print("\(updates) updates, \(folded) customers folded")
  }

  @Test func `patches of buckets add up in any grouping`() throws {
    var numbers = Numbers(state: 77)
    var hashes = (0..<40).map { SHA256Bytes.words(["\($0)".utf8.first ?? 0, UInt8($0)].span) }
    hashes.sort()
    var levels: [BucketHashes.Stored] = [.whole(hashes)]
    for round in 0..<6 {
      var patch = BucketHashes.Patch()
      for _ in 0..<numbers.next(6) where !hashes.isEmpty {
        patch.removed.append(hashes.remove(at: numbers.next(hashes.count)))
      }
      for place in 0..<numbers.next(6) {
        patch.added.append(SHA256Bytes.words([UInt8(round), UInt8(place), 9].span))
      }
      hashes = (hashes + patch.added).sorted()
      levels.append(try BucketHashes.decoded(BucketHashes.encoded(.patch(patch))))
    }
    for split in 1..<levels.count {
      let later = try BucketHashes.joined(Array(levels[split...]))
      let stored = try BucketHashes.decoded(BucketHashes.encoded(later))
      guard case .whole(let found) = try BucketHashes.joined(levels[..<split] + [stored]) else {
        Issue.record("no whole")
        return
      }
      #expect(found == hashes)
    }
  }
}
