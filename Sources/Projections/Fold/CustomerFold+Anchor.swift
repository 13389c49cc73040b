import CEL

extension CustomerFold {
  /// The event behind a timer (contract §5, fine print): of each comparison or `has` whose outcome differs from one
  /// microsecond earlier, the events that leave a window now, or else those that give its timestamps.
  ///
  /// - Parameter before: the stage one microsecond earlier, where it may be another.
  mutating func anchorOfTimer(
    _ roots: [Int32], _ instant: Int64, before: StageState? = nil
  ) -> Int32 {
    var best: Int32 = -1
    for root in roots {
      for comparison in comparisons(under: root) where differs(comparison.node, instant, before) {
        note(comparison.feeds, instant, &best)
      }
    }
    return best
  }

  /// A comparison (or `has`) of a condition, with the feeds of the facts in it.
  struct AnchoredComparison {
    var node: Int32
    var feeds: [Int]
  }

  /// Found once for each condition.
  private mutating func comparisons(under root: Int32) -> [AnchoredComparison] {
    if let known = anchored[root] { return known }
    var seen: Set<Int32> = []
    var found: [AnchoredComparison] = []
    collect(root, &seen, &found)
    anchored[root] = found
    return found
  }

  private func collect(
    _ index: Int32, _ seen: inout Set<Int32>, _ found: inout [AnchoredComparison]
  ) {
    guard seen.insert(index).inserted else { return }
    if compiled.program.nodes[Int(index)].operation.traits.isQuestion {
      found.append(AnchoredComparison(node: index, feeds: compiled.program.feeds(under: index)))
    }
    compiled.program.forEachOperand(of: index) { collect($0, &seen, &found) }
  }

  /// Whether a node's outcome is another than one microsecond earlier, facts being the same.
  private mutating func differs(
    _ index: Int32, _ instant: Int64, _ before: StageState?
  ) -> Bool {
    evaluator.readsAnew = true
    defer { evaluator.readsAnew = false }
    let now = evaluator.evaluate(index, at: instant)
    let after = (evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt)
    if let before {
      (evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt) =
        (before.name, before.previous, before.enteredAt)
      evaluator.stateChanged()
    }
    let earlier = evaluator.evaluate(index, at: instant - 1)
    if before != nil {
      (evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt) = after
      evaluator.stateChanged()
    }
    return !now.isSame(as: earlier)
  }

  private mutating func note(_ feeds: [Int], _ instant: Int64, _ best: inout Int32) {
    var moving: Int32 = -1
    for feed in feeds {
      moving = max(moving, evaluator.facts[feed].lastEvent(movingAt: instant))
    }
    if moving < 0 {
      // Events are numbered by (occurred, position), so the last one is the greatest.
      for feed in feeds where isTimestamp(feed) {
        let value = evaluator.facts[feed].value(
          anewAt: instant, interner: evaluator.interner)
        guard value.status == .ok else { continue }
        for event in evaluator.facts.span[feed].events(giving: value.bits, at: instant) {
          moving = max(moving, event)
        }
      }
    }
    best = max(best, moving)
  }

  private func isTimestamp(_ feed: Int) -> Bool {
    compiled.rules.facts[compiled.feeds[feed].fact].type == .timestamp
  }
}
