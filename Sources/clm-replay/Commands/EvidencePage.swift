import EventStore
import Projections

/// A bundle of evidence as a page to read and to print; the bundle itself is attached, for that is what is checked.
struct EvidencePage {
  private let bundle: EvidenceBundle
  private let parts: ExplanationWords

  init(_ bundle: EvidenceBundle) {
    self.bundle = bundle
    parts = ExplanationWords(bundle.explanation, bundle.subject)
  }

  func html() throws -> String {
    try HTMLPage.render(title: parts.headline, body: Self.template, try content())
  }

  /// What the template names.
  private struct Content: Sendable {
    var headline: String
    var standing: String
    var rule: [Rule]
    var facts: [Fact]
    var minimal: [Minimal]
    var steps: [TimelineStep]
    var unfolded: [TimelineStep]
    var subjects: String
    var links: [Link]
    var proof: [Pair]
    var leaves: [Leaf]
    var rulesText: String
    var attachment: String
    var file: String
  }

  private struct Rule: Sendable {
    var name: String
    var text: String
    var conditions: [ConditionLine]
  }

  private struct Fact: Sendable {
    var text: String
    var events: [TimelineStep]
  }

  private struct Minimal: Sendable {
    var text: String
    var absence: String
    var events: [TimelineStep]
  }

  private struct Link: Sendable {
    var text: String
  }

  private struct Pair: Sendable {
    var name: String
    var value: String
  }

  private struct Leaf: Sendable {
    var position: String
    var recorded: String
    var hash: String
  }

  private func content() throws -> Content {
    let minimal = Set(bundle.explanation.minimal?.events.map(\.position) ?? [])
    let history = try bundle.subject.history()
    var contents = EventContents(bundle.subject.compiled)
    let steps = history.map { step -> TimelineStep in
      switch step {
      case .event(let line): event(line, minimal, &contents)
      case .transition(let row): TimelineStep(row)
      }
    }
    let folded = history.compactMap { step -> UInt64? in
      if case .event(let line) = step { return line.position }
      return nil
    }
    return Content(
      headline: parts.headline.printable, standing: standing, rule: rule, facts: facts,
      minimal: parts.minimal.map {
        [
          Minimal(
            text: $0.text, absence: $0.absence ?? "", events: $0.events.map { TimelineStep($0) })
        ]
      } ?? [],
      steps: steps, unfolded: unfolded(Set(folded), &contents),
      subjects: bundle.subject.subjects.joined(separator: ", ").printable,
      links: bundle.proof.links.map {
        Link(text: "#\($0.position): \($0.subject) says that \($0.named) is the same".printable)
      },
      proof: proof, leaves: leaves,
      rulesText: String(decoding: bundle.subject.compiled.rules.source, as: UTF8.self)
        .printableLines,
      attachment: Base64.text(Array((bundle.json.text + "\n").utf8)),
      file: "evidence.json")
  }

  private var standing: String {
    let record = bundle.record
    let asOf = "as of \(SpokenText.instant(bundle.subject.asOf))"
    guard let current = record.current else { return "\(parts.next); \(asOf)".printable }
    return
      "Stage \(asOf): \(current.stage), since \(SpokenText.instant(current.since)). \(parts.next.capitalizedFirst)."
      .printable
  }

  private var rule: [Rule] {
    guard let name = parts.rule, let text = parts.explanation.rule?.text else { return [] }
    return [
      Rule(
        name: name.printable, text: text.printable,
        conditions: parts.conditions.map { ConditionLine($0) })
    ]
  }

  private var facts: [Fact] {
    parts.facts.map { Fact(text: $0.text.printable, events: $0.events.map { TimelineStep($0) }) }
  }

  private func event(
    _ line: EventLine, _ minimal: Set<UInt64>, _ contents: inout EventContents
  ) -> TimelineStep {
    var step = TimelineStep(parts.event(line, &contents))
    if line.subject != bundle.record.name { step.what += " (\(line.subject.printable))" }
    if minimal.contains(line.position) { step.kind = "evidence" }
    return step
  }

  /// Proven events that were not folded: recorded after what the view was made of, or of an instant after as-of.
  private func unfolded(_ folded: Set<UInt64>, _ contents: inout EventContents) -> [TimelineStep] {
    let events = bundle.proof.subjects.flatMap { $0.proof?.events ?? [] }
    return events.filter { !folded.contains($0.position) }.map { event in
      guard let bytes = event.line, let line = EventLine(position: event.position, line: bytes)
      else {
        return TimelineStep(erased: event.position)
      }
      return self.event(line, [], &contents)
    }
  }

  // MARK: Proofs

  private var proof: [Pair] {
    let checkpoint = bundle.head.checkpoint
    var pairs = [
      Pair(name: "Log", value: checkpoint.origin),
      Pair(name: "Events", value: "\(checkpoint.size)"),
      Pair(name: "Root", value: Hex.text(checkpoint.root)),
    ]
    if let register = checkpoint.register {
      pairs.append(
        Pair(name: "Register", value: "\(register.size) records, \(Hex.text(register.root))"))
    }
    if let signature = bundle.head.signature {
      pairs.append(Pair(name: "Signed by", value: signature.key))
      pairs.append(
        Pair(
          name: "Signature",
          value: signature.note.split(separator: "\n").last.map(String.init) ?? ""))
    } else {
      pairs.append(Pair(name: "Signed by", value: "nobody"))
    }
    let rules = bundle.subject.compiled.rules
    pairs.append(Pair(name: "Rules", value: "\(rules.file), SHA-256 \(rules.sha256)".printable))
    if let registered = bundle.registered {
      pairs.append(
        Pair(
          name: "In force",
          value: "view \(bundle.subject.viewName), record \(registered.number) of the register"
            .printable))
    }
    return pairs
  }

  private var leaves: [Leaf] {
    bundle.proof.subjects.flatMap { $0.proof?.events ?? [] }.map { event in
      Leaf(
        position: "#\(event.position)",
        recorded: event.header.map { SpokenText.instant($0.recorded) } ?? "erased",
        hash: Hex.text(event.leafHash))
    }
  }

  private static let template = """
    <h1>{{headline}}</h1>
    <p>{{standing}}</p>
    {{#rule}}
    <h2>The rule</h2>
    <p>{{name}}</p>
    <pre>{{text}}</pre>
    <ul class="conditions" aria-label="What the rule asks, and what held">
    {{#conditions}}
    <li style="margin-left: {{indent}}em"><span class="{{kind}}">{{mark}}</span> {{text}}{{#isNew}} <strong>(became true now)</strong>{{/isNew}} <code class="soft">{{detail}}</code></li>
    {{/conditions}}
    </ul>
    {{/rule}}
    {{^rule}}
    <p>The customer's first event: everybody enters here.</p>
    {{/rule}}
    {{#minimal}}
    <h2>What suffices</h2>
    <p>{{text}}. {{absence}}</p>
    <table><caption>The fewest events behind it</caption>
    <tr><th scope="col">Time (UTC)</th><th scope="col">Event</th><th scope="col">It says</th><th scope="col">Position</th></tr>
    {{#events}}<tr><td>{{at}}</td><td>{{what}}</td><td>{{says}}</td><td>{{position}}</td></tr>
    {{/events}}
    </table>
    {{/minimal}}
    <h2>Time line</h2>
    <p class="soft">Subjects: {{subjects}}. Bold lines are changes of stage.{{#minimal}} Marked events are those that suffice.{{/minimal}}</p>
    {{#links}}<p class="soft">{{text}}</p>
    {{/links}}
    <table><caption>Events and changes of stage</caption>
    <tr><th scope="col">Time (UTC)</th><th scope="col">What happened</th><th scope="col">It says</th><th scope="col">Position</th></tr>
    {{#steps}}<tr class="{{kind}}"><td>{{at}}</td><td>{{what}}</td><td>{{says}}</td><td>{{position}}</td></tr>
    {{/steps}}
    </table>
    {{#unfolded}}{{#first()}}<table><caption>In the log, and not looked at: recorded later, or after this instant</caption>
    {{/first()}}<tr><td>{{at}}</td><td>{{what}}</td><td>{{says}}</td><td>{{position}}</td></tr>
    {{#last()}}</table>{{/last()}}{{/unfolded}}
    <h2>Facts behind it</h2>
    {{#facts}}
    <table><caption>{{text}}</caption>
    <tr><th scope="col">Time (UTC)</th><th scope="col">Event</th><th scope="col">It adds</th><th scope="col">Position</th></tr>
    {{#events}}<tr><td>{{at}}</td><td>{{what}}</td><td>{{says}}</td><td>{{position}}</td></tr>
    {{/events}}
    </table>
    {{/facts}}
    {{^facts}}<p class="soft">None: the rule reads no fact that events are behind.</p>{{/facts}}
    <footer>
    <h2>Proofs</h2>
    <dl>
    {{#proof}}<dt>{{name}}</dt><dd class="hash">{{value}}</dd>
    {{/proof}}
    </dl>
    <table><caption>Leaves of the log</caption>
    <tr><th scope="col">Position</th><th scope="col">Recorded</th><th scope="col">Hash</th></tr>
    {{#leaves}}<tr><td>{{position}}</td><td>{{recorded}}</td><td class="hash">{{hash}}</td></tr>
    {{/leaves}}
    </table>
    <p>This page is to be read; what is checked is the attached bundle, from which it was made:
    <a download="{{file}}" href="data:application/json;base64,{{attachment}}">{{file}}</a>.
    <code>python3 check_evidence.py {{file}} --key KEY</code> checks it without the program and without the log.
    It shows that these events stood in the log that was signed, that none between the first and the last of a subject is left out,
    and that the rules below lead from them to this. It does not show that no later event exists, nor that the events are true.</p>
    <h2>Rules</h2>
    <pre>{{rulesText}}</pre>
    </footer>
    """
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
