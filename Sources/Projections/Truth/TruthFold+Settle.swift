/// Time and decisions.
extension TruthFold {
  /// Meets, one instant after the other, the flips up to `end` that may change what the stage decides. All others are only
  /// caught up with, when a decision is due.
  mutating func advance(to end: Int64) {
    while wake <= end && wake != Microseconds.never {
      let instant = wake
      catchUp(instant - 1)
      before = words
      let rows = customer.result.rows.count
      settle(instant, event: -1)
      if customer.result.parked != nil || isBeyond { return }
      if customer.result.rows.count == rows {
        looksLeft -= 1
        if looksLeft < 0 {
          isBeyond = true
          return
        }
      } else if isLookingAhead {
        return
      }
    }
  }

  /// Finds the first flip that may matter in the stage.
  mutating func findWake() {
    wake = Microseconds.never
    var left = flat.masks[stage].wakes
    while left != 0 {
      wake = min(wake, flips[left.trailingZeroBitCount])
      left &= left &- 1
    }
  }

  /// Lets every atom flip that does so at or before `instant`.
  mutating func catchUp(_ instant: Int64) {
    if instant < stale { return }
    stale = Microseconds.never
    for flip in 0..<flips.count {
      while flips[flip] <= instant { fire(flip) }
      stale = min(stale, flips[flip])
    }
  }

  private mutating func fire(_ number: Int) {
    let flip = flat.flips[number]
    let bit = UInt64(1) << UInt64(flip.atom)
    let instant = flips[number]
    flips[number] = Microseconds.never
    switch flip.kind {
    case .constant: break
    case .general:
      dirty |= bit
      return
    case .extreme:
      // Other members may still stand in the window, beyond the bound.
      let last = times[bases[flip.series] + counts[flip.series] - 1] + flip.within
      if last > instant {
        flips[number] = last
        Self.set(&words, bit, false)
        return
      }
    }
    words.isTrue = words.isTrue & ~bit | flip.setTrue
    words.isFalse = words.isFalse & ~bit | flip.setFalse
  }

  /// Asks the tree evaluator for the general atoms that matter in the stage and may have changed.
  mutating func ask(_ instant: Int64) {
    var left = dirty & flat.masks[stage].matters
    while left != 0 {
      let number = left.trailingZeroBitCount
      left &= left &- 1
      ask(atom: number, instant)
    }
  }

  private mutating func ask(atom number: Int, _ instant: Int64) {
    let bit = UInt64(1) << UInt64(number)
    dirty &= ~bit
    let outcome = evaluator.evaluate(Int32(plan.atoms[number].bound), at: instant)
    words.isTrue &= ~bit
    words.isFalse &= ~bit
    words.isFailed &= ~bit
    switch outcome.status {
    case .ok: if outcome.bits != 0 { words.isTrue |= bit } else { words.isFalse |= bit }
    case .unset: break
    case .error: words.isFailed |= bit
    }
    let until = outcome.until <= instant ? instant + 1 : outcome.until
    set(flat.generalFlips[number], until)
  }

  // MARK: Settling

  /// Takes transitions at one instant until none holds. `event` is -1 for a timer.
  mutating func settle(_ instant: Int64, event: Int) {
    catchUp(instant)
    if dirty & flat.masks[stage].matters != 0 { ask(instant) }
    newRows = 0
    if isFirstMatch {
      settleFirstMatch(instant, event: event)
    } else {
      settleTransitions(instant, event: event)
    }
    if event < 0 && customer.result.parked == nil && timerRows >= CustomerFold.timerRowLimit {
      customer.result.park(
        at: instant, .timers, customer.result.chain(before: newRows), takingBack: newRows)
    }
    if newRows > 0 || event < 0 { findWake() }
  }

  private mutating func settleTransitions(_ instant: Int64, event: Int) {
    var taken = decide(instant)
    if taken < 0 { return }
    let isTimer = event < 0
    var anchor = Int32(truncatingIfNeeded: event)
    if isTimer { anchor = isLookingAhead ? -1 : anchorOfTimer([taken], instant) }
    var visited = UInt64(1) << UInt64(stage)
    repeat {
      let target = flat.targets[taken]
      if visited &>> UInt64(target) & 1 != 0 {
        customer.result.park(
          at: instant, .chase, customer.result.chain(of: newRows, and: Int32(taken)),
          takingBack: newRows)
        return
      }
      customer.result.rows.append(
        FoldRow(
          at: instant, from: Int32(stage), to: Int32(target), transition: Int32(taken),
          isTimer: isTimer, anchor: anchor))
      newRows += 1
      if isTimer { timerRows += 1 }
      visited |= 1 << UInt64(target)
      move(to: target, at: instant)
      if dirty & flat.masks[stage].matters != 0 { ask(instant) }
      taken = decide(instant)
    } while taken >= 0
  }

  private mutating func settleFirstMatch(_ instant: Int64, event: Int) {
    let holding = decide(instant)
    let isEntry = customer.result.rows.isEmpty
    if !isEntry && holding == stage { return }
    let isTimer = event < 0
    var anchor = Int32(truncatingIfNeeded: event)
    if isTimer {
      anchor = isLookingAhead ? -1 : anchorOfTimer(Array(0...max(holding, stage)), instant)
    }
    customer.result.rows.append(
      FoldRow(
        at: instant, from: isEntry ? -1 : Int32(stage), to: Int32(holding),
        transition: isEntry ? -1 : Int32(holding), isTimer: isTimer, anchor: anchor))
    newRows = 1
    if isTimer { timerRows += 1 }
    move(to: holding, at: instant)
    if isEntry { evaluator.stagePrevious = -1 }
  }

  private mutating func move(to target: Int, at instant: Int64) {
    evaluator.stagePrevious = flat.stageNames[stage]
    stage = target
    evaluator.stageName = flat.stageNames[target]
    evaluator.stageEnteredAt = instant
    evaluator.stateChanged()
    enterStage(instant)
  }

  /// Sets the ages of the stage going.
  mutating func enterStage(_ instant: Int64) {
    words.isTrue = words.isTrue & ~plan.entryFalse | plan.entryTrue
    words.isFalse = words.isFalse & ~plan.entryTrue | plan.entryFalse
    dirty |= plan.stageAtoms
    for index in 0..<flat.stageAges.count {
      let age = flat.stageAges[index]
      set(Int32(truncatingIfNeeded: age.flip), instant + age.length)
    }
  }

  // MARK: Deciding

  /// The first transition that holds, -1 for none; of stages with conditions the first that holds.
  private mutating func decide(_ instant: Int64) -> Int {
    let own = flat.masks[stage]
    if own.mayFail != 0 && words.isFailed & own.matters != 0 { noteFailures(instant) }
    let isTrue = words.isTrue & own.risesTrue
    let isFalse = words.isFalse & own.risesFalse
    let mixed =
      (isTrue ^ (isFalse << 32 | isFalse >> 32) ^ UInt64(stage) << 27) &* 0x9e37_79b9_7f4a_7c15
    let place = Int(truncatingIfNeeded: mixed >> UInt64(64 - Self.memoBits))
    let known = memo[place]
    if known.isTrue == isTrue && known.isFalse == isFalse && known.stage == Int32(stage) {
      return Int(known.taken)
    }
    let taken = firstHolding()
    memo[place] = Decision(
      isTrue: isTrue, isFalse: isFalse, stage: Int32(stage), taken: Int32(taken))
    return taken
  }

  private mutating func firstHolding() -> Int {
    for place in flat.candidateRuns[stage].range {
      let candidate = Int(flat.candidates[place])
      // The last of stages with conditions has none.
      if flat.roots[candidate] < 0 || status(flat.roots[candidate], words) == .isTrue {
        return candidate
      }
    }
    return -1
  }

  enum Status { case isTrue, isFalse, unset, failed }

  /// A formula's outcome; of two that decide nothing the left one's failure counts, as in ``ProgramEvaluator``.
  mutating func status(_ index: Int32, _ words: TruthPlan.Words) -> Status {
    let formula = flat.formulas[Int(index)]
    switch formula.kind {
    case .isTrue: return .isTrue
    case .isFalse: return .isFalse
    case .atom:
      let bit = UInt64(1) << UInt64(formula.a)
      if words.isTrue & bit != 0 { return .isTrue }
      if words.isFalse & bit != 0 { return .isFalse }
      return words.isFailed & bit != 0 ? .failed : .unset
    case .not:
      switch status(formula.a, words) {
      case .isTrue: return .isFalse
      case .isFalse: return .isTrue
      case let other: return other
      }
    case .and, .or:
      let decisive: Status = formula.kind == .and ? .isFalse : .isTrue
      let other: Status = formula.kind == .and ? .isTrue : .isFalse
      let left = status(formula.a, words)
      if left == decisive { return left }
      let right = status(formula.b, words)
      if right == decisive { return right }
      return left != other ? left : right
    }
  }

  /// Counts conditions that end in an error, up to the first that holds.
  private mutating func noteFailures(_ instant: Int64) {
    if isLookingAhead { return }
    for place in flat.candidateRuns[stage].range {
      let candidate = Int(flat.candidates[place])
      if flat.roots[candidate] < 0 { return }
      let status = status(flat.roots[candidate], words)
      if status == .isTrue { return }
      let bit = UInt64(1) << UInt64(candidate)
      if status != .failed || failedConditions & bit != 0 { continue }
      failedConditions |= bit
      failures.append(
        Failure(
          condition: candidate, position: position,
          reason: evaluator.reason(ofFailed: compiled.conditions[candidate].root, at: instant)))
    }
  }
}
