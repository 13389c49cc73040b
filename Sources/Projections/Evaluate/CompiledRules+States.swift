/// The state that a fold begins with.
extension CompiledRules {
  /// Fresh fact states, one a feed that belongs to a fact, and the lists of their members by ``sharedFeeds``.
  func factStates(keepsAll: Bool) -> (states: [FactState], lists: [MemberList]) {
    var states: [FactState] = []
    var lists: [MemberList] = []
    for (number, feed) in feeds.enumerated() where feed.fact >= 0 {
      let windows = feedGroups[number].map { aggregate($0)?.within ?? 0 }
      lists.append(MemberList(longest: windows.max() ?? 0, keepsAll: keepsAll))
      guard let aggregate = aggregate(number) else { continue }
      let type = fieldType(ofFeed: number)
      let constant = facts[feed.fact].root
      let node = program.nodes[Int(constant)]
      states.append(
        FactState(
          aggregate, type: type, defaultBits: node.c == 1 ? node.bits : nil, keepsAll: keepsAll,
          list: lists[sharedFeeds[number]]))
    }
    return (states, lists)
  }

  /// What is to be known of purchases; when the window of RFM begins depends on as-of.
  var valueWanted: CustomerValue.Wanted {
    CustomerValue.Wanted(
      opportunity: rules.clv?.model == .bgBB ? rules.clv?.unit ?? 0 : 0,
      isNet: rules.clv?.monetary == .net)
  }
}
