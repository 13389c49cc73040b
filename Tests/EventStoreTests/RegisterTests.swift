import EventStore
import Foundation
import Synchronization
import Testing

@Suite struct RegisterTests {
  private final class Flag: Sendable {
    private let isSet = Mutex(false)
    func set() { isSet.withLock { $0 = true } }
    func wait() { while !isSet.withLock({ $0 }) { Files.sleep(milliseconds: 1) } }
  }

  private func view(_ name: String, rules: String) -> ViewSwitch {
    let source = Array(rules.utf8)
    return ViewSwitch(
      view: name, generation: "g000001", model: "m", version: 1,
      rulesHash: SHA256Bytes.hash(source.span), size: 0, root: MerkleTree().root, engine: "test",
      asOf: 0, outputRoot: Array(repeating: 1, count: 32), customers: 0, transitions: 0, parked: 0,
      rules: source)
  }

  private func makeStore() throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    _ = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
    return path
  }

  @Test
  func `a rules file stands in the first record of its hash, and all records are under the root`()
    throws
  {
    let path = try makeStore()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let register = try RegisterWriter.open(at: path)
    let store = register.store
    for (name, rules) in [("a", "one"), ("b", "two"), ("a", "one"), ("a", "two")] {
      try register.register(view(name, rules: rules), waitSeconds: 5)
    }
    let snapshot = try store.snapshot()
    let switches = try snapshot.register().switches
    #expect(switches.map { $0.view.view } == ["a", "b", "a", "a"])
    #expect(
      switches.map { $0.view.rules.map { String(decoding: $0, as: UTF8.self) } } == [
        "one", "two", nil, nil,
      ])
    #expect(
      try snapshot.register().rules(hash: view("", rules: "two").rulesHash) == Array("two".utf8))
    var tree = MerkleTree()
    for number in 0..<4 {
      let proof = try snapshot.recordProof(of: UInt64(number))
      tree.append(leafHash: proof.record.leafHash)
      let root = MerkleProof.root(
        leafHash: proof.record.leafHash, at: UInt64(number), in: 4, path: proof.path)
      #expect(root == snapshot.registerRoot)
    }
    #expect(tree.root == snapshot.registerRoot)
    #expect(try store.verify(threads: 1) { _ in }.problems.map(\.what) == [])
  }

  @Test func `whoever waits too long for another's commit is told who holds the store`() throws {
    let path = try makeStore()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let register = try RegisterWriter.open(at: path)
    let store = register.store
    let other = try WritableEnvironment.open("\(path)/log/g1", tables: ["meta"], replacing: [])
    let (began, ends) = (Flag(), Flag())
    let thread = Thread {
      _ = try? other.write { _ in
        began.set()
        ends.wait()
      }
    }
    thread.start()
    began.wait()
    do throws(EventStoreError) {
      try register.register(view("a", rules: "one"), waitSeconds: 0.1)
      Issue.record("it did not wait")
    } catch {
      #expect(error.code == .busy && error.message.contains("is being written by"))
    }
    ends.set()
    try register.register(view("b", rules: "one"), waitSeconds: 30)
    // The other one may still come, before it or behind it.
    let switches = try store.snapshot().register().switches
    #expect(switches.contains { $0.view.view == "b" })
  }
}
