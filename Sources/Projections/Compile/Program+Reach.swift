/// What stands under a node.
extension Program {
  /// Feeds of the aggregate facts that a node reads, in order.
  func feeds(under root: Int32) -> [Int] {
    var feeds: Set<Int> = []
    forEachNode(under: root) { node in
      if node.operation == .fact { feeds.insert(Int(node.a)) }
    }
    return feeds.sorted()
  }

  /// Value slots of the event that a node reads.
  func eventSlots(under root: Int32) -> Set<Int> {
    var slots: Set<Int> = []
    forEachNode(under: root) { node in
      if node.operation == .eventSlot { slots.insert(Int(node.a)) }
    }
    return slots
  }

  /// Whether a node reads the stage or since when it lasts.
  func readsStage(under root: Int32) -> Bool {
    var reads = false
    forEachNode(under: root) { node in
      switch node.operation {
      case .stageName, .stagePrevious, .stageEnteredAt: reads = true
      default: break
      }
    }
    return reads
  }

  private func forEachNode(under root: Int32, _ body: (ProgramNode) -> Void) {
    var seen: Set<Int32> = []
    func visit(_ index: Int32) {
      guard seen.insert(index).inserted else { return }
      body(nodes[Int(index)])
      forEachOperand(of: index) { visit($0) }
    }
    visit(root)
  }
}
