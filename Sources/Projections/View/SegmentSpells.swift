import EventStore

/// When customers were in the segments of a view: folded again from the log, under the rules, size and as-of of the view,
/// so that a replay need not keep what few ask for.
public struct SegmentSpells {
  /// One stay.
  public struct Spell: Sendable, Equatable {
    /// Name of the customer.
    public var customer: String
    /// As the rules call it.
    public var segment: String
    /// Nil for a segment that reads the population, which is known at as-of only.
    public var from: Int64?
    /// Nil while it lasts.
    public var to: Int64?
    /// Nil as ``from``.
    public var isTimer: Bool?
    /// The event behind the entry; nil without one.
    public var anchor: CustomerRecord.Anchor?
  }

  private let compiled: CompiledRules
  private let view: LogView
  private let threads: Int

  /// - Parameters:
  ///   - compiled: the view's own rules.
  ///   - view: size and as-of of the view.
  ///   - threads: at least 1; the result does not depend on it.
  public init(_ compiled: CompiledRules, view: LogView, threads: Int) {
    self.compiled = compiled
    self.view = view
    self.threads = threads
  }

  /// Visits all spells by customer (bytes of the name), segment (file order) and time.
  ///
  /// - Parameters:
  ///   - reader: the view, which knows who is in segments that read the population.
  ///   - body: given each stay.
  public func forEach(_ reader: ViewReader, _ body: (Spell) throws -> Void) throws {
    let ranked = try rankedSegments(reader)
    var record = 0
    let replayer = Replayer(compiled, view: view, threads: threads, followsSegments: true)
    let directory = try replayer.directory()
    _ = try replayer.runAnchored(directory, { SpellSink() }) { runs, ids, _ in
      for (number, run) in runs.enumerated() {
        let ids = ids.list(number)
        for index in run.ranks.indices {
          guard ranked.ends.isEmpty || record < ranked.ends.count else {
            throw ViewError(
              .damaged, "view `\(reader.manifest.name)` has fewer customers than its log",
              help: ViewError.rebuilding)
          }
          for spell in spells(of: index, in: run, ids, directory, ranked.range(record)) {
            try body(spell)
          }
          record += 1
        }
      }
    }
  }

  /// Numbers of the population segments that hold, by record.
  private struct Ranked {
    var numbers: [Int32] = []
    var ends: [Int] = []

    func range(_ record: Int) -> ArraySlice<Int32> {
      ends.isEmpty ? [] : numbers[(record == 0 ? 0 : ends[record - 1])..<ends[record]]
    }
  }

  private func rankedSegments(_ reader: ViewReader) throws -> Ranked {
    var ranked = Ranked()
    let segments = compiled.rules.segments
    guard segments.contains(where: \.readsPopulation) else { return ranked }
    try reader.forEachCustomer { customer in
      for (number, segment) in segments.enumerated()
      where segment.readsPopulation && customer.segments.contains(segment.name) {
        ranked.numbers.append(Int32(number))
      }
      ranked.ends.append(ranked.numbers.count)
    }
    return ranked
  }

  /// - Parameter held: numbers of the segments that read the population and hold.
  private func spells(
    of index: Int, in run: FoldedItems<FoldSpell>, _ ids: EventIDs.List,
    _ directory: CustomerDirectory,
    _ held: ArraySlice<Int32>
  ) -> [Spell] {
    let own = run.range(index)
    if own.isEmpty && held.isEmpty { return [] }
    let customer = directory.text(of: run.ranks[index])
    let names = compiled.rules.segments.map(\.name)
    var found: [(number: Int32, spell: Spell)] = own.map { place in
      let spell = run.items[place]
      let position = run.anchors[place]
      let anchor =
        position == EventIDs.none
        ? nil
        : CustomerRecord.Anchor(
          eventID: String(decoding: ids[place], as: UTF8.self), position: position)
      return (
        spell.segment,
        Spell(
          customer: customer, segment: names[Int(spell.segment)], from: spell.from,
          to: spell.to == Microseconds.never ? nil : spell.to, isTimer: spell.isTimer,
          anchor: anchor)
      )
    }
    for number in held {
      let place = found.firstIndex { $0.number > number } ?? found.count
      found.insert(
        (
          number,
          Spell(
            customer: customer, segment: names[Int(number)], from: nil, to: nil, isTimer: nil,
            anchor: nil)
        ), at: place)
    }
    return found.map(\.spell)
  }
}

private struct SpellSink: FoldSink {
  private var run = FoldedItems<FoldSpell>()

  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    run.add(fold.result.spells, of: fold, rank: rank)
  }

  mutating func endRun() -> FoldedItems<FoldSpell> {
    defer { run = FoldedItems<FoldSpell>() }
    return run
  }
}
