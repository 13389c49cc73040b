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
      var type: Rules.FieldType?
      if let target = feed.targets.first, target.field >= 0 {
        type = fields[target.field].field.type
      }
      let constant = facts[feed.fact].root
      let node = program.nodes[Int(constant)]
      states.append(
        FactState(
          aggregate, type: type, defaultBits: node.c == 1 ? node.bits : nil, keepsAll: keepsAll,
          list: lists[sharedFeeds[number]]))
    }
    return (states, lists)
  }

  private func aggregate(_ feed: Int) -> Rules.Aggregate? {
    guard case .aggregate(let aggregate) = rules.facts[feeds[feed].fact].kind else { return nil }
    return aggregate
  }

  /// What is to be known of purchases; when the window of RFM begins depends on as-of.
  var valueWanted: CustomerValue.Wanted {
    CustomerValue.Wanted(
      opportunity: rules.clv?.model == .bgBB ? rules.clv?.unit ?? 0 : 0,
      isNet: rules.clv?.monetary == .net)
  }
}
