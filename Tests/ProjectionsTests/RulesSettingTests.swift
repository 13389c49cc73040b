import EventStore
import Testing

@testable import Projections

/// Rules with one place changed in their text: what `--set` makes.
@Suite struct RulesSettingTests {
  static let file = """
    rules: 1  # format
    model: { name: t, version: 1 }
    currency: EUR
    events:
      buy:
        types: [purchase, 'order''s']
        where: "event.status != 'x'"
        fields: { amount: money, status: { type: string, path: a.b, default: paid } }
    facts:
      all: { count: buy }
      n:
        count: buy
        within: 365d   # a year
      folded:
        expr: >-
          n > 1
          && all > 2
    stages: [new, buyer.of.much]
    transitions:
      - id: up
        from: new
        to: buyer.of.much
        when: |
          n >= 1
      - { id: down, from: buyer.of.much, to: new, when: "n < 1" }

    """

  private func changed(_ setting: String, _ file: String = Self.file) throws -> String {
    String(
      decoding: try RulesSetting(setting).applied(to: Array(file.utf8)), as: UTF8.self)
  }

  @Test(arguments: [
    ("facts.n.within=180d", "within: 365d   # a year", "within: 180d   # a year"),
    ("facts.all.within=9d", "{ count: buy }", "{ within: 9d, count: buy }"),
    (
      "facts.n.where=event.status == 'y'", "n:\n    count",
      "n:\n    where: \"event.status == 'y'\"\n    count"
    ),
    ("transitions.down.when=n < 3 || n == 7", "\"n < 1\"", "\"n < 3 || n == 7\""),
    ("transitions.up.when=n >= 2", "when: |\n      n >= 1\n", "when: \"n >= 2\"\n"),
    ("transitions.up.from=[new]", "from: new", "from: [new]"),
    ("events.buy.types=[purchase]", "[purchase, 'order''s']", "[purchase]"),
    (
      "events.buy.where=event.status != \"a\\b\"", "\"event.status != 'x'\"",
      #""event.status != \"a\\b\"""#
    ),
    ("events.buy.fields.status.default=none", "default: paid", "default: none"),
    ("facts.folded.expr=n > 4", ">-\n      n > 1\n      && all > 2\n", "\"n > 4\"\n"),
    ("model.version=2", "version: 1", "version: 2"),
  ])
  func `a value is changed where it stands, and nothing else`(
    setting: String, old: String, new: String
  ) throws {
    #expect(try changed(setting) == Self.file.replacing(old, with: new))
  }

  @Test func `a changed file is read as any file is`() throws {
    let fine = try changed("facts.n.within=180d")
    let rules = try #require(
      RulesLoader.load(bytes: Array(fine.utf8), file: "t").rules, "\(fine)")
    guard case .aggregate(let aggregate) = rules.facts[1].kind else {
      Issue.record("no aggregate")
      return
    }
    #expect(aggregate.within == 180 * TimeRules.day)
  }

  @Test(arguments: [
    ("fact.n.within=1d", "unknown-path", "did you mean `facts`?"),
    ("facts.nn.within=1d", "unknown-path", "did you mean `n`?"),
    ("facts.nobody=1d", "unknown-path", "there are all, n, folded"),
    ("transitions.middle.when=true", "unknown-path", "there are up, down"),
    ("facts.n.within.length=1", "unknown-path", "nothing below it"),
    ("zone=UTC", "unknown-path", "there are rules"),
    ("transitions=[]", "bad-setting", "a copy of the file"),
    ("facts.n.within", "bad-setting", "facts.purchases_365d.within=180d"),
    ("=1", "bad-setting", "facts.purchases_365d.within=180d"),
    ("facts..within=1d", "bad-setting", "facts.purchases_365d.within=180d"),
  ])
  func `what cannot be set says what to do`(setting: String, code: String, help: String) {
    let refusal = #expect(throws: RulesSetting.Refusal.self) { try changed(setting) }
    #expect(refusal?.code == code)
    #expect(refusal?.help?.contains(help) == true, "\(String(describing: refusal))")
  }

  /// Paths of all values below a map or a list whose elements have names.
  private static func paths(_ value: YAMLValue, _ path: [String] = []) -> [(String, String)] {
    switch value {
    case .scalar(let scalar):
      return scalar.isNull ? [] : [(path.joined(separator: "."), scalar.text)]
    case .map(let members, _):
      return members.flatMap { paths($0.value, path + [$0.key]) }
    case .list(let values, _):
      let names = values.map { $0.text ?? $0.member("id")?.text ?? $0.member("name")?.text ?? "" }
      if names.contains("") || Set(names).count < names.count { return [] }
      return zip(values, names).flatMap { paths($0, path + [$1]) }
    }
  }

  @Test func `every value of the shipped rules can be set, in whatever style it is written`() throws
  {
    var count = 0
    for name in ["retail", "article-000-perception-to-loyalty"] {
      let place = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
      let source = try Files.read("/\(place)/fixtures/rules/\(name).yaml")
      let texts = Self.paths(try YAMLValue.parse(RulesText(source)))
      for (index, (path, text)) in texts.enumerated().filter({ $0.offset % 3 == 0 })
      where !path.hasPrefix("tests.") {
        let changed = try RulesSetting("\(path)=\(text)x").applied(to: source)
        let now = Self.paths(try YAMLValue.parse(RulesText(changed))).map(\.1)
        var wanted = texts.map(\.1)
        wanted[index] = "\(text)x"
        #expect(now == wanted, "\(path)")
        count += 1
      }
    }
    #expect(count > 40)
  }
}
