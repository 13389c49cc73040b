import EventStore
import Projections

/// A report as one page of HTML: figures at the top, sections, and the receipt of the view.
struct ReportPage {
  let source: ReportSource
  let sections: [ReportSection]

  /// What the template names.
  private struct Content: Sendable {
    var view: String
    var subtitle: String
    var tiles: [Headline.Tile]
    /// None, or one list.
    var findings: [Findings]
    var sections: [ReportSection]
    var receipt: [Pair]
  }

  private struct Findings: Sendable {
    var sentences: [ReportSection.Remark]
  }

  struct Pair: Sendable {
    var name: String
    var value: String
  }

  func html() throws -> String {
    let headline = Headline(source)
    let findings = headline.findings
    return try HTMLPage.render(
      title:
        "\(source.manifest.name): customer lifecycle as of \(ReportWords.day(source.manifest.asOf))",
      body: Self.template, style: ReportStyle.text,
      Content(
        view: source.manifest.name.printable, subtitle: subtitle.printable,
        tiles: headline.tiles,
        findings: findings.isEmpty ? [] : [Findings(sentences: findings)], sections: sections,
        receipt: Self.receipt(source.manifest, source.rules)))
  }

  private var subtitle: String {
    let manifest = source.manifest
    return [
      "Model \(manifest.model) v\(manifest.version)", "as of \(ReportWords.minute(manifest.asOf))",
      ReportWords.number(Int64(clamping: manifest.size), "event"),
      "amounts in \(source.words.code)",
      "periods in \(source.rules.timezone ?? "UTC")",
    ].joined(separator: " · ")
  }

  /// What the page was made from: the same view gives the same page.
  static func receipt(_ manifest: ViewManifest, _ rules: Rules) -> [Pair] {
    [
      Pair(name: "View", value: manifest.name),
      Pair(name: "Rules", value: "\(rules.file), SHA-256 \(manifest.rulesHash)"),
      Pair(name: "Log", value: "\(manifest.size) events, root \(manifest.root)"),
      Pair(name: "As of", value: RFC3339.text(manifest.asOf)),
      Pair(name: "Output root", value: manifest.outputRoot),
      Pair(name: "Engine", value: manifest.engine),
    ].map { Pair(name: $0.name, value: $0.value.printable) }
  }

  static let sectionTemplate = """
    {{#sections}}
    <section class="part" id="{{id}}">
    <div class="head"><h2>{{title}}</h2>
    <p>{{lead}}</p></div>
    {{#absent}}<p class="absent">{{text}}</p>
    {{/absent}}
    {{#figures}}{{#first()}}<div class="figures">
    {{/first()}}<figure class="{{size}}">
    <h3>{{title}}</h3>
    {{#legend}}{{#first()}}<ul class="legend">{{/first()}}<li><i class="{{style}}"></i>{{name}}</li>{{#last()}}</ul>
    {{/last()}}{{/legend}}
    {{{drawing}}}
    {{#table}}<details><summary>Table</summary>
    <div class="scroll" tabindex="0" role="group" aria-label="{{caption}}"><table><caption>{{caption}}</caption>
    <tr>{{#columns}}<th scope="col" class="{{kind}}">{{text}}</th>{{/columns}}</tr>
    {{#rows}}<tr>{{#cells}}<td class="{{kind}}">{{text}}</td>{{/cells}}</tr>
    {{/rows}}</table></div>
    {{#more}}<p class="soft">{{text}}</p>
    {{/more}}</details>
    {{/table}}</figure>
    {{#last()}}</div>
    {{/last()}}{{/figures}}
    {{#lists}}<div class="list scroll" tabindex="0" role="group" aria-label="{{caption}}"><table><caption>{{caption}}</caption>
    <tr>{{#columns}}<th scope="col" class="{{kind}}">{{text}}</th>{{/columns}}</tr>
    {{#rows}}<tr>{{#cells}}<td class="{{kind}}">{{text}}</td>{{/cells}}</tr>
    {{/rows}}</table></div>
    {{#more}}<p class="remark">{{text}}</p>
    {{/more}}{{/lists}}
    {{#remarks}}<p class="remark">{{text}}</p>
    {{/remarks}}
    </section>
    {{/sections}}
    """

  static let receiptTemplate = """
    <footer>
    <h2>What this was made from</h2>
    <dl>
    {{#receipt}}<dt>{{name}}</dt><dd class="hash">{{value}}</dd>
    {{/receipt}}
    </dl>
    <p class="soft">The same view gives the same page, byte for byte. docs/report.md of clm-replay says what each figure is.</p>
    </footer>
    """

  private static let template = """
    <header class="top">
    <p class="kicker">Customer lifecycle</p>
    <h1>{{view}}</h1>
    <p class="soft">{{subtitle}}</p>
    </header>
    <main>
    <div class="tiles">
    {{#tiles}}<div class="tile"><div class="name">{{name}}</div><div class="value {{size}}">{{value}}</div><div class="change {{kind}}">{{change}}</div>{{{spark}}}</div>
    {{/tiles}}
    </div>
    {{#findings}}<div class="findings"><h2>What stands out</h2><ul>
    {{#sentences}}<li>{{text}}</li>
    {{/sentences}}</ul></div>
    {{/findings}}
    <nav aria-label="Sections">{{#sections}}<a href="#{{id}}">{{title}}</a> {{/sections}}</nav>
    \(sectionTemplate)
    </main>
    \(receiptTemplate)
    """
}
