import CEL

extension CustomerFold {
  /// The event behind a timer (contract §5, fine print): of each comparison or `has` whose outcome differs from one
  /// microsecond earlier, the events that leave a window now, or else those that give its timestamps.
  func anchorOfTimer(_ roots: [Int32], _ instant: Int64) -> Int32 {
    var best: Int32 = -1
    var seen: Set<Int32> = []
    for root in roots { visit(root, instant, &seen, &best) }
    return best
  }

  private func visit(
    _ index: Int32, _ instant: Int64, _ seen: inout Set<Int32>, _ best: inout Int32
  ) {
    guard seen.insert(index).inserted else { return }
    let node = compiled.program.nodes[Int(index)]
    switch node.operation {
    case .compareBits, .compareDouble, .compareIntDouble, .compareDoubleInt, .compareString,
      .inBits, .has, .tree:
      if differs(index, instant) { note(index, instant, &best) }
    default: break
    }
    forEachOperand(of: index) { visit($0, instant, &seen, &best) }
  }

  /// Whether a node's outcome is another than one microsecond earlier, facts and stage being the same.
  private func differs(_ index: Int32, _ instant: Int64) -> Bool {
    evaluator.readsAnew = true
    defer { evaluator.readsAnew = false }
    let now = evaluator.evaluate(index, at: instant)
    let before = evaluator.evaluate(index, at: instant - 1)
    return !now.isSame(as: before)
  }

  private func note(_ index: Int32, _ instant: Int64, _ best: inout Int32) {
    var feeds: Set<Int> = []
    collectFeeds(index, &feeds)
    var moving: Int32 = -1
    for feed in feeds.sorted() {
      for event in evaluator.facts[feed].events(movingAt: instant) { moving = max(moving, event) }
    }
    if moving < 0 {
      // Events are numbered by (occurred, position), so the last one is the greatest.
      for feed in feeds.sorted() where isTimestamp(feed) {
        let value = evaluator.facts[feed].read(anewAt: instant, interner: evaluator.interner)
        guard value.status == .ok else { continue }
        for event in evaluator.facts[feed].events(giving: value.bits, at: instant) {
          moving = max(moving, event)
        }
      }
    }
    best = max(best, moving)
  }

  private func isTimestamp(_ feed: Int) -> Bool {
    compiled.rules.facts[compiled.feeds[feed].fact].type == .timestamp
  }

  private func collectFeeds(_ index: Int32, _ feeds: inout Set<Int>) {
    let node = compiled.program.nodes[Int(index)]
    if node.operation == .fact { feeds.insert(Int(node.a)) }
    forEachOperand(of: index) { collectFeeds($0, &feeds) }
  }

  func forEachOperand(of index: Int32, _ body: (Int32) -> Void) {
    let node = compiled.program.nodes[Int(index)]
    switch node.operation {
    case .constant, .constantError, .fact, .eventSlot, .now, .stageName, .stagePrevious,
      .stageEnteredAt:
      return
    case .expressionFact, .has, .not, .inBits, .negateInt, .negateDouble, .timestampAccessor,
      .durationHours, .durationMinutes, .durationSeconds, .durationMilliseconds, .intOfTimestamp,
      .intOfDouble, .doubleOfInt, .durationOfInt:
      body(node.a)
    case .conditional:
      body(node.a)
      body(node.b)
      body(node.c)
    case .call:
      for argument in compiled.program.calls[Int(node.a)].arguments { body(argument) }
    case .tree:
      for variable in compiled.program.trees[Int(node.a)].variables { body(variable.node) }
    default:
      body(node.a)
      body(node.b)
    }
  }
}
