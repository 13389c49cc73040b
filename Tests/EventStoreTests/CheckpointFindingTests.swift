import Foundation
import Testing

@testable import EventStore

/// A program, not only the command line, can ask whether a store is a continuation of a checkpoint.
@Suite struct CheckpointFindingTests {
  private func withStore(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "checkpoint-\(UUID().uuidString)"
    defer { Files.remove(path) }
    try append(0..<3, to: path)
    try body(path)
  }

  private func append(_ ids: Range<Int>, to path: String) throws {
    let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
    var batch = EventBatch()
    for id in ids {
      let line =
        #"{"id":"\#(id)","source":"s","type":"t","subject":"c","time":"2024-01-01T00:00:00Z"}"#
      try batch.append(Array(line.utf8).span, EventParser(latest: .max))
    }
    _ = try writer.append(batch)
  }

  private func checkpoint(_ path: String) throws -> (origin: String, checkpoint: Checkpoint) {
    let store = try Store.open(at: path)
    let origin = Checkpoint.origin(storeID: try store.id())
    return (origin, Checkpoint(origin: origin, try store.snapshot()))
  }

  @Test func `what was appended since is no finding, what is missing, other or elsewhere is one`()
    throws
  {
    try withStore { path in
      let (origin, kept) = try checkpoint(path)
      try append(3..<5, to: path)
      let snapshot = try Store.open(at: path).snapshot()
      func kinds(_ checkpoint: Checkpoint, agreed: UInt64 = 0) -> [String] {
        snapshot.findings(against: checkpoint, origin: origin, called: "may", agreed: agreed).map {
          "\($0.kind.rawValue) \($0.position.map { String($0) } ?? "-")"
        }
      }
      #expect(kinds(kept) == [])
      #expect(kinds(Checkpoint(origin: origin, snapshot)) == [])

      var other = kept
      other.origin = "clm-replay/another"
      #expect(kinds(other) == ["other-store -"])
      var ahead = kept
      ahead.size = 9
      #expect(kinds(ahead) == ["rolled-back 5"])
      var forked = kept
      forked.root[0] ^= 1
      #expect(kinds(forked, agreed: 2) == ["forked 2"])
      var longRegister = forked
      longRegister.register = Checkpoint.Head(size: 4, root: kept.root)
      #expect(kinds(longRegister) == ["forked 0", "rolled-back -"])
      var otherRegister = kept
      otherRegister.register = Checkpoint.Head(size: 0, root: kept.root)
      #expect(kinds(otherRegister) == ["forked -"])
    }
  }

  @Test func `a store remembers where its key is, or says why that cannot be read`() throws {
    try withStore { path in
      #expect(try StoreKey.remembered(by: path) == nil)
      let key = StoreKey(path: "/keys/shop", verifier: "shop+00+AA")
      try key.remember(in: path)
      #expect(try StoreKey.remembered(by: path) == key)
      // A file of another form counted as none: the next checkpoint went unsigned, and a signature unchecked.
      try Files.create("\(path)/key", with: "private /keys/shop\n")
      #expect(throws: EventStoreError.self) { try StoreKey.remembered(by: path) }
    }
  }
}
