import ArgumentParser
import EventStore
import Projections

/// What is compared with what.
struct ComparedOptions: ParsableArguments {
  @Option(help: "A rules file; two to compare them.") var rules: [String] = []
  @Option(help: "A view, with its rules, size and as-of; two to compare them.")
  var view: [String] = []
  @Option(
    parsing: .singleValue,
    help: "The instant to fold to: RFC 3339, a date, or `now`; two to compare them.")
  var asOf: [String] = []
  @Option(parsing: .singleValue, help: "Only events recorded by then; two to compare them.")
  var knownAt: [String] = []
  @Option(
    parsing: .singleValue,
    help:
      "What the register says was served then: one to compare it with the view in force, or two.")
  var asServed: [String] = []
  @OptionGroup var changes: SetOptions

  private var pairs: [(name: String, count: Int)] {
    [
      ("--rules", rules.count), ("--view", view.count), ("--as-of", asOf.count),
      ("--known-at", knownAt.count), ("--as-served", asServed.count),
    ]
  }

  func validate() throws {
    for (name, count) in pairs where count > 2 {
      throw ValidationError("give \(name) twice at most: a, then b")
    }
    if !rules.isEmpty && !(view.isEmpty && asServed.isEmpty) {
      throw ValidationError("--rules is in place of --view and --as-served, which have rules")
    }
    if !asServed.isEmpty && !(asOf.isEmpty && knownAt.isEmpty) {
      throw ValidationError("--as-served says all of --as-of and --known-at")
    }
    if asServed.count == 1 && view.count == 2 {
      throw ValidationError("with two views, give --as-served twice, or one view")
    }
    let isOneThing = asServed.isEmpty && !pairs.contains { $0.count == 2 }
    if isOneThing && changes.settings.isEmpty {
      throw ValidationError(
        rules.count == 1
          ? "give --rules twice: the file in force, then the one to compare; or change it by --set"
          : "give what to compare twice: --rules, --view, --as-of, --known-at or --as-served; or --set"
      )
    }
  }
}

/// Both sides of a comparison, and what they are called.
struct ComparedPair {
  let sides: BothSides<ComparedSide>
  let titles: BothSides<Title>

  struct Title {
    var rules: LoadedRules
    /// Nil for a rules file.
    var view: String?
    var served: ServedView.Record?
  }

  init(_ opened: OpenedStore, _ options: ComparedOptions) throws {
    let a = try Self.source(opened, options, 0)
    let b = try Self.source(opened, options, 1)
    // A view may have been switched to since the store was opened: both sides see one log.
    let newest = try opened.renewed()
    titles = BothSides(a: a.title, b: b.title)
    sides = BothSides(a: try a.side(newest), b: try b.side(newest))
  }

  /// A view and other rules over what it was made from, or two rules files over that.
  init(_ opened: OpenedStore, _ reader: ViewReader, rules: [String]) throws {
    let manifest = reader.manifest
    let view = try opened.logView(size: manifest.size, asOf: manifest.asOf)
    let own = Title(rules: try LoadedRules.load(reader), view: manifest.name)
    let others = try rules.map { Title(rules: try LoadedRules.load($0)) }
    titles =
      others.count == 1
      ? BothSides(a: own, b: others[0]) : BothSides(a: others[0], b: others[1])
    sides = BothSides(
      a: ComparedSide(titles.a.rules.compiled, view: view),
      b: ComparedSide(titles.b.rules.compiled, view: view))
  }

  /// One side before the log is looked at.
  private struct Source {
    var title: Title
    /// What a view was made from; nil where the log decides.
    var made: (size: UInt64, asOf: Int64)?
    var asOf: String?
    var knownAt: String?

    func side(_ opened: OpenedStore) throws -> ComparedSide {
      let view: LogView
      if let made, asOf == nil, knownAt == nil {
        view = try opened.logView(size: made.size, asOf: made.asOf)
      } else {
        view = try opened.logView(asOf: asOf, knownAt: knownAt, viewAsOf: made?.asOf)
      }
      return ComparedSide(title.rules.compiled, view: view)
    }
  }

  private static func source(
    _ opened: OpenedStore, _ options: ComparedOptions, _ place: Int
  ) throws -> Source {
    func own(_ texts: [String]) -> String? { texts.count == 2 ? texts[place] : texts.first }
    var source: Source
    if let file = own(options.rules) {
      source = Source(title: Title(rules: try LoadedRules.load(file)))
    } else if let time = own(options.asServed), !(options.asServed.count == 1 && place == 1) {
      let served = try ServedView(opened, view: own(options.view), at: time)
      source = Source(
        title: Title(rules: served.rules, view: served.name, served: served.record),
        made: (served.view.size, served.view.asOf))
    } else {
      let reader = try opened.view(named: own(options.view))
      source = Source(
        title: Title(rules: try LoadedRules.load(reader), view: reader.manifest.name),
        made: (reader.manifest.size, reader.manifest.asOf))
    }
    if place == 1 && !options.changes.settings.isEmpty {
      source.title.rules = try options.changes.apply(to: source.title.rules.compiled.rules)
    }
    source.asOf = own(options.asOf)
    source.knownAt = own(options.knownAt)
    return source
  }
}
