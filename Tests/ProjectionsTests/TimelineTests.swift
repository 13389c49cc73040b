import Testing

@testable import Projections

/// One rule of the fold each (contract §5), told by the least events that show it, for both engines.
@Suite struct TimelineTests {
  static let lapse = [
    "lapse a -> b since(last) >= days(90)", "back b -> a since(last) < days(90)",
  ]
  /// Up where a condition holds, and down where its opposite does.
  static func swing(_ up: String, _ down: String) -> [String] {
    ["up a -> b \(up)", "down b -> a \(down)"]
  }

  @Test func `timers of an instant come before its events`() throws {
    let rules = try Timeline(facts: ["last: { last_time: purchase }"], Self.lapse)
    try rules.check("purchase@0d purchase@90d | lapse@90d~0 back@90d#1 next@180d=b")
    try rules.check("purchase@0d purchase@90d-1us | next@180d-1us=b")
    try rules.check("purchase@0d end@90d-1us | next@90d=b")
    try rules.check("purchase@0d end@90d | lapse@90d~0 last=0d")
  }

  @Test func `nothing is settled by time at the first instant`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase }"], ["go a -> b now >= timestamp('2024-01-01T00:00:00Z')"])
    try rules.check("other@0d purchase@0d | go@0d#0 n=1")
    try rules.check("other@-1us end@0d | go@0d~")
  }

  @Test func `events of types that no alias names enter, and feed nothing`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase }"], Self.swing("n >= 1", "n >= 2"))
    try rules.check("other@0d purchase@1d other@2d | up@1d#1 n=1")
  }

  @Test func `a window holds a member until exactly its length later`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase, within: 10d }"], Self.swing("n >= 1", "n == 0"))
    try rules.check("purchase@0d end@10d-1us | up@0d#0 next@10d=a n=1")
    try rules.check("purchase@0d end@10d | up@0d#0 down@10d~0 n=0")
    try rules.check("purchase@0d purchase@10d | up@0d#0 down@10d~0 up@10d#1 next@20d=a n=1")
    try rules.check("purchase@0d purchase@10d-1us | up@0d#0 next@20d-1us=a n=2")
  }

  @Test func `transitions that chase each other park, and leave earlier rows`() throws {
    let facts = ["n: { count: purchase }", "v: { count: visit }"]
    let chase = ["see a -> b v >= 1", "bc b -> c n >= 1", "cb c -> b n >= 1"]
    let rules = try Timeline(facts: facts, chase)
    try rules.check("visit@0d purchase@1d visit@2d | see@0d#0 parked@1d=transitions-chase:bc,cb n=")
    // Of one settle no row stays, what stood before the chase included.
    try rules.check("purchase@0d visit@0d | parked@0d=transitions-chase:see,bc,cb n=")
    try rules.check("purchase@0d | n=1")
  }

  @Test func `a settle that time alone will bring to a chase is next without a stage`() throws {
    let rules = try Timeline(
      facts: ["last: { last_time: purchase }"],
      ["ab a -> b since(last) >= days(1)", "ba b -> a since(last) >= days(1)"])
    try rules.check("purchase@0d | next@1d=")
    try rules.check("purchase@0d end@1d | parked@1d=transitions-chase:ab,ba last=")
  }

  @Test func `the thousandth row by time alone parks, counted from the last event`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase }"],
      ["ab a -> b in_stage() >= hours(1)", "ba b -> a in_stage() >= hours(1)"])
    func rows(_ count: Int) -> String {
      (1...count).map { "\($0 % 2 == 1 ? "ab" : "ba")@\($0)h~" }.joined(separator: " ")
    }
    try rules.check("purchase@0d end@999h | \(rows(999)) next@1000h=")
    try rules.check("purchase@0d end@1000h | \(rows(999)) parked@1000h=endless-timers:ba,ab n=")
    try rules.check("purchase@0d other@600h end@1500h | \(rows(1500)) next@1501h=b")
  }

  @Test func `one settle takes all it can, with one instant, cause and anchor`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase }", "last: { last_time: purchase }"],
      ["ab a -> b n >= 1", "bc b -> c n >= 1", "ca c -> a since(last) >= days(1)"])
    try rules.check("purchase@0d | ab@0d#0 bc@0d#0 next@1d=")
    try rules.check("other@0d purchase@1d | ab@1d#1 bc@1d#1 next@2d=")
    let timed = try Timeline(
      facts: ["last: { last_time: purchase }"],
      ["ab a -> b since(last) >= days(1)", "bc b -> c since(last) >= hours(1)"])
    try timed.check("purchase@0d end@1d | ab@1d~0 bc@1d~0")
    try timed.check("purchase@0d | next@1d=c")
  }

  @Test func `of transitions that hold the first in the file is taken`() throws {
    let facts = ["n: { count: purchase }"]
    try Timeline(facts: facts, ["x a -> b n >= 2", "y a -> c n >= 1", "z a -> b n >= 1"])
      .check("purchase@0d purchase@1d | y@0d#0")
    try Timeline(facts: facts, ["x a -> b n >= 2", "y a -> c n >= 1"])
      .check("other@0d purchase@1d purchase@1d | y@1d#1")
    try Timeline(facts: facts, ["x any -> c n == 2", "y a,b -> c n >= 7", "z a -> b n >= 1"])
      .check("purchase@0d purchase@1d purchase@2d | z@0d#0 x@1d#1")
  }

  @Test func `stages with conditions are tried from the top at every step`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase }", "last: { last_time: purchase }"],
      stages: ["gone n >= 1 && since(last) >= days(90)", "loyal n >= 3", "one n >= 1", "none"])
    try rules.check(
      "other@0d purchase@1d purchase@2d purchase@2d end@92d | none@0d#0 one@1d#1 loyal@2d#3 gone@92d~3"
    )
    try rules.check("purchase@0d purchase@95d | one@0d#0 gone@90d~0 one@95d#1 next@185d=gone")
  }

  @Test func `the age of a stage begins with each entry`() throws {
    let facts = ["n: { count: purchase }", "v: { count: visit }"]
    let rules = try Timeline(
      facts: facts,
      [
        "up a -> b n >= 1", "settled b -> c in_stage() >= days(14)",
        "again c -> b v >= 1 && in_stage() < days(2)",
      ])
    try rules.check("purchase@0d purchase@3d end@20d | up@0d#0 settled@14d~")
    try rules.check("purchase@0d visit@15d | up@0d#0 settled@14d~ again@15d#1 next@29d=")
    try rules.check("other@0d purchase@3d end@17d-1us | up@3d#1 next@17d=c")
    // The first stage is entered with the first event.
    try Timeline(facts: facts, ["old a -> b in_stage() >= days(2)"])
      .check("visit@1d end@9d | old@3d~")
  }

  @Test
  func `a timer hangs on the last event that leaves, or else on those that give its instants`()
    throws
  {
    let windows = try Timeline(
      facts: ["n: { count: purchase, within: 10d }"], Self.swing("n >= 2", "n < 2"))
    try windows.check("purchase@0d purchase@1d end@30d | up@1d#1 down@10d~0")
    try windows.check("purchase@0d purchase@0d end@10d | up@0d#1 down@10d~1")
    let both = try Timeline(
      facts: ["n: { count: visit, within: 10d }", "last: { last_time: purchase }"],
      ["go a -> b n == 0 && since(last) >= days(8)"])
    try both.check("visit@0d purchase@2d end@10d | go@10d~1")
    try both.check("visit@0d purchase@1d end@10d | go@10d~0")
    try both.check("purchase@0d visit@1d end@11d | go@11d~1")
    let due = try Timeline(facts: ["at: { last: due.at }"], ["go a -> b now >= at"])
    try due.check("due@0d=@9d due@1d=@5d visit@2d end@9d | go@5d~1 at=5d")
    let calendar = try Timeline(facts: ["n: { count: visit }"], ["go a -> b now.getDate() == 5"])
    try calendar.check("purchase@0d end@9d | go@4d~")
  }

  @Test func `a comparison with an unset fact neither holds nor fails to`() throws {
    let facts = ["last: { last_time: purchase }", "v: { count: visit }"]
    try Timeline(facts: facts, ["go a -> b since(last) >= days(1) || v >= 2"])
      .check("visit@0d visit@5d | go@5d#1 last=unset")
    try Timeline(facts: facts, ["go a -> b !(since(last) >= days(1))"])
      .check("visit@0d purchase@5d | go@5d#1")
    try Timeline(facts: facts, ["go a -> b since(last) < days(1) || since(last) >= days(1)"])
      .check("visit@0d end@9d | last=unset")
    try Timeline(facts: facts, ["go a -> b !(v >= 2 && since(last) >= days(1))"])
      .check("visit@0d | go@0d#0")
    try Timeline(facts: facts, ["go a -> b has(facts.last)"])
      .check("visit@0d purchase@5d | go@5d#1")
    let faults = try Timeline(facts: facts, ["go a -> b since(last) >= days(1) && v >= 1"])
      .check("visit@0d end@5d |")
    #expect(faults.conditions[0].count == 0)
  }

  @Test func `a default stands before the first value and after the last one's window`() throws {
    let rules = try Timeline(
      facts: ["m: { last: visit.n, within: 5d, default: 7 }"], Self.swing("m == 7", "m != 7"))
    try rules.check("visit@0d=3 end@10d | up@5d~0 m=7")
    try rules.check("other@0d visit@1d=3 end@6d | up@0d#0 down@1d#1 up@6d~1")
    try rules.check("visit@0d=7 visit@3d=8 end@8d | up@0d#0 down@3d#1 up@8d~1")
    let highest = try Timeline(
      facts: ["m: { max: visit.n, within: 5d, default: 7 }"], Self.swing("m >= 6", "m < 6"))
    try highest.check("visit@0d=3 visit@1d=9 end@10d | up@1d#1 m=7")
    try highest.check("other@0d visit@1d=5 end@10d | up@0d#0 down@1d#1 up@6d~1")
  }

  @Test func `the greatest and the least of a window hand over as members leave`() throws {
    let top = try Timeline(
      facts: ["top: { max: visit.n, within: 10d }"], Self.swing("top >= 5", "top < 5"))
    try top.check("visit@0d=9 visit@3d=4 end@20d | up@0d#0 down@10d~0 top=unset")
    try top.check("visit@0d=9 visit@3d=9 visit@4d=1 end@20d | up@0d#0 down@13d~1")
    try top.check("visit@0d=4 visit@1d=6 visit@2d=5 visit@3d=4 | up@1d#1 next@12d=a top=6")
    try top.check("visit@0d=9 end@20d | up@0d#0 top=unset")
    let low = try Timeline(
      facts: ["low: { min: visit.n, within: 10d }"], Self.swing("low <= -2", "low > -2"))
    try low.check("visit@0d=-3 visit@1d=-2 visit@2d=0 end@20d | up@0d#0 down@11d~1")
  }

  @Test func `a value counts as distinct until its last event leaves`() throws {
    let rules = try Timeline(
      facts: ["kinds: { distinct: tag.code, within: 10d }"], Self.swing("kinds >= 2", "kinds < 2"))
    try rules.check("tag@0d=x tag@1d=x tag@2d=y end@30d | up@2d#2 down@11d~1 kinds=0")
    try rules.check("tag@0d=x tag@2d=y tag@10d=x | up@2d#1 down@10d~0 up@10d#2 next@12d=a kinds=2")
    try rules.check("tag@0d=x tag@2d=y tag@9d=x | up@2d#1 next@12d=a")
  }

  @Test(arguments: [14, 15, 16, 17, 20])
  func `many different values are counted, however many are asked for`(_ wanted: Int) throws {
    let rules = try Timeline(
      facts: ["kinds: { distinct: tag.code, within: 10d }"],
      Self.swing("kinds >= \(wanted)", "kinds < \(wanted)"))
    let tags = (0..<21).map { "tag@\($0)h=v\($0)" }.joined(separator: " ")
    let last = 21 - wanted
    try rules.check(
      "\(tags) end@20d | up@\(wanted - 1)h#\(wanted - 1) down@10d+\(last)h~\(last) kinds=0")
    // What comes again stays for longer.
    try rules.check(
      "\(tags) tag@21h=v\(last) end@21h | up@\(wanted - 1)h#\(wanted - 1) next@10d+\(last + 1)h=a kinds=21"
    )
  }

  @Test func `a sum over a window falls as amounts leave`() throws {
    let rules = try Timeline(
      facts: ["s: { sum: purchase.amount, within: 10d }"],
      Self.swing("s >= money('10.00')", "s < money('10.00')"))
    try rules.check(
      "purchase@0d=4.00 purchase@4d=6.00 purchase@5d=3.00 end@30d | up@4d#1 down@10d~0 s=0")
    try rules.check(
      "purchase@0d=9.99 purchase@1d=0.00 purchase@2d=0.01 | up@2d#2 next@10d=a s=1000")
    try rules.check("purchase@0d=4.00 purchase@1d=10.00 end@10d | up@1d#1 next@11d=a s=1000")
    try rules.check("purchase@0d purchase@1d=10.00 | up@1d#1 next@11d=a s=1000")
  }

  @Test func `a negative amount in a window lets time alone raise the sum`() throws {
    let rules = try Timeline(
      facts: ["s: { sum: purchase.amount, within: 10d }"],
      Self.swing("s >= money('10.00')", "s < money('10.00')"))
    try rules.check(
      "purchase@0d=12.00 purchase@1d=-5.00 end@30d | up@0d#0 down@1d#1 s=0", isBeyond: true)
    try rules.check(
      "purchase@0d=-5.00 purchase@1d=12.00 end@30d | up@10d~0 down@11d~1 s=0", isBeyond: true)
    try rules.check("purchase@0d=-5.00 purchase@1d=12.00 | next@10d=b s=700", isBeyond: true)
    let all = try Timeline(
      facts: ["s: { sum: purchase.amount }"],
      Self.swing("s >= money('10.00')", "s < money('10.00')"))
    try all.check("purchase@0d=12.00 purchase@1d=-5.00 | up@0d#0 down@1d#1 s=700")
  }

  @Test func `equality holds for one count, and for one microsecond of an age`() throws {
    let counts = try Timeline(
      facts: ["n: { count: purchase, within: 10d }"], Self.swing("n == 2", "n != 2"))
    try counts.check(
      "purchase@0d purchase@1d purchase@2d end@30d | up@1d#1 down@2d#2 up@10d~0 down@11d~1")
    let ages = try Timeline(
      facts: ["last: { last_time: purchase }"],
      Self.swing("since(last) == days(3)", "since(last) != days(3)"))
    try ages.check("purchase@0d end@9d | up@3d~0 down@3d+1us~0")
    try ages.check("purchase@0d end@3d | up@3d~0 next@3d+1us=a")
    try ages.check("purchase@0d purchase@3d | up@3d~0 down@3d#1 next@6d=b")
  }

  @Test func `strict comparisons begin beyond their bound`() throws {
    try Timeline(facts: ["n: { count: purchase, within: 10d }"], Self.swing("n > 1", "n <= 1"))
      .check("purchase@0d purchase@1d end@30d | up@1d#1 down@10d~0")
    try Timeline(
      facts: ["last: { last_time: purchase }"],
      Self.swing("since(last) > days(3)", "since(last) <= days(3)")
    ).check("purchase@0d purchase@5d | up@3d+1us~0 down@5d#1 next@8d+1us=b")
    try Timeline(
      facts: ["s: { sum: purchase.amount, within: 10d }"],
      Self.swing("s > money('10.00')", "s <= money('10.00')")
    ).check("purchase@0d=10.00 purchase@1d=0.01 | up@1d#1 next@10d=a")
    try Timeline(
      facts: ["low: { min: visit.n, within: 10d }"], Self.swing("low < 2", "low >= 2")
    ).check("visit@0d=1 visit@1d=2 end@12d | up@0d#0 down@10d~0 low=unset")
  }

  @Test func `a list with an element that is unset has no answer`() throws {
    let facts = ["m: { last: visit.n, within: 5d }", "n: { count: purchase }"]
    try Timeline(facts: facts, Self.swing("[m, n].all(x, x > 0)", "[m, n].exists(x, x <= 0)"))
      .check("purchase@0d visit@1d=1 visit@2d=0 end@9d | up@1d#1 down@2d#2")
    try Timeline(facts: facts, ["go a -> b [m, n].exists(x, x > 0)"])
      .check("purchase@0d visit@1d=0 | go@1d#1")
    try Timeline(facts: facts, ["go a -> b n in [m, 1]"]).check("purchase@0d visit@1d=0 | go@1d#1")
  }

  @Test func `of two errors the left one counts, an unset fact being no fault`() throws {
    let facts = ["n: { count: purchase }", "seen: { last_time: visit }"]
    let left = try Timeline(facts: facts, ["go a -> b hours(n * 9000000000000) + seen > now"])
    #expect(try left.check("purchase@0d |").conditions[0].count == 1)
    let right = try Timeline(facts: facts, ["go a -> b seen + hours(n * 9000000000000) > now"])
    #expect(try right.check("purchase@0d |").conditions[0].count == 0)
  }

  @Test func `spans of activity are counted back from now`() throws {
    let rules = try Timeline(
      facts: ["spans: { active: purchase, every: 10d, within: 30d }"],
      Self.swing("spans >= 2", "spans < 2"))
    try rules.check(
      "purchase@0d purchase@1d end@60d | up@10d~0 down@11d~1 up@20d~0 down@21d~1 spans=0")
    try rules.check("purchase@0d purchase@1d end@11d | up@10d~0 down@11d~1 next@20d=b spans=1")
  }

  @Test func `a condition that ends in an error does not hold, and is a fault once`() throws {
    let rules = try Timeline(
      facts: ["n: { count: purchase }", "v: { count: visit }"],
      ["go a -> b 10 / (n - 1) > 4 && v >= 0"])
    let faults = try rules.check("purchase@0d visit@1d visit@2d purchase@3d | go@3d#3")
    #expect(faults.conditions[0].count == 1)
    #expect(faults.conditions[0].found.map(\.entry.firstPosition) == [0])
    // Absorbed where the other side decides.
    let absorbed = try Timeline(
      facts: ["n: { count: purchase }", "v: { count: visit }"],
      ["go a -> b v >= 3 && 10 / (n - 1) > 4", "or a -> c 10 / (n - 1) > 4 || v >= 2"])
    let none = try absorbed.check("other@0d purchase@1d visit@2d visit@3d | or@3d#3")
    #expect(none.conditions[0].count == 0)
    #expect(none.conditions[1].count == 1)
  }

  @Test func `looking for the next change leaves windows where they are`() throws {
    let rules = try Timeline(
      facts: [
        "i: { count: purchase, within: 10d }", "t: { last_time: purchase }", "v: { count: visit }",
      ],
      [
        "never a -> c since(t).getHours() > (i > 0 ? 1 : 5) && v >= 100",
        "go a -> b i >= 3 && v >= 1", "back b -> a i < 3",
      ])
    try rules.check(
      "purchase@0d purchase@1d purchase@2d visit@2d+3h end@11d | go@2d+3h#3 back@10d~0 i=1")
  }

  @Test func `instants before 1970 are instants`() throws {
    // The epoch stands within the second day.
    let zero = -36 * TimeRules.hour + 1
    let lapse = try Timeline(facts: ["last: { last_time: purchase }"], Self.lapse, zero: zero)
    try lapse.check("purchase@0d purchase@90d | lapse@90d~0 back@90d#1 next@180d=b")
    let window = try Timeline(
      facts: ["n: { count: purchase, within: 1d }"], Self.swing("n >= 1", "n == 0"),
      zero: -400 * TimeRules.day - 1)
    try window.check("purchase@0d purchase@1d end@2d | up@0d#0 down@1d~0 up@1d#1 down@2d~1 n=0")
    let calendar = try Timeline(
      facts: ["n: { count: visit }"], Self.swing("now.getHours() == 23", "now.getHours() != 23"),
      zero: zero)
    try calendar.check(
      "visit@0d end@2d | up@11h-1us~ down@12h-1us~ up@35h-1us~ down@36h-1us~ next@59h-1us=b")
    let spans = try Timeline(
      facts: ["spans: { active: purchase, every: 10d, within: 20d }"],
      Self.swing("spans >= 2", "spans < 2"), zero: -11 * TimeRules.day)
    try spans.check("purchase@0d purchase@1d end@60d | up@10d~0 down@11d~1 spans=0")
  }

  @Test func `what comes next is looked for over twenty years after as-of`() throws {
    func lapse(_ days: Int) throws -> Timeline {
      try Timeline(
        facts: ["last: { last_time: purchase }"], ["lapse a -> b since(last) >= days(\(days))"])
    }
    try lapse(7305).check("purchase@0d | next@7305d=b")
    try lapse(7306).check("purchase@0d |")
    try lapse(7306).check("purchase@0d end@1d | next@7306d=b")
    try lapse(7306).check("purchase@0d end@7306d | lapse@7306d~0")
  }

  @Test func `facts at as-of are of as-of`() throws {
    let rules = try Timeline(
      facts: [
        "n: { count: purchase }", "n_5d: { count: purchase, within: 5d }",
        "avg: { avg: purchase.amount, within: 20d }", "first: { first_time: purchase }",
        "mean: { avg: visit.n }", "code: { last: tag.code }",
        "age: { expr: since(first) }", "share: { expr: n_5d * 100 / n, default: -1 }",
      ], ["go a -> b n >= 9"])
    try rules.check(
      "purchase@0d=1.00 purchase@1d=2.01 visit@2d=1 visit@2d=2 tag@2d=x end@5d | n=2 n_5d=1 avg=150 first=0d mean=1.5 code=x age=5d share=50"
    )
    try rules.check("visit@0d | n=0 avg=unset mean=unset first=unset age=unset share=-1")
  }
}
