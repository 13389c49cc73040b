import CEL
import Projections

/// The tables of a database made from a view (docs/export.md).
struct SQLiteSchema {
  typealias Column = SQLiteTable.Column
  let rules: Rules

  private static func column(
    _ name: String, _ kind: SQLiteTable.Kind, _ about: String, optional: Bool = true
  ) -> Column {
    Column(name: name, kind: kind, isOptional: optional, about: about)
  }

  private static let customer = column("customer", .text, "name of the customer", optional: false)
  private static let step = column(
    "step", .integer, "number of the row among the customer's, from 1", optional: false)
  /// What is behind a row.
  private static let anchor = [
    column("event_id", .text, "id of the event behind it"),
    column("position", .integer, "position of that event in the log"),
  ]

  var customers: SQLiteTable {
    let facts = rules.facts.map { fact in
      Self.column(
        fact.name, Self.kind(fact.type), "fact of the rules file, line \(fact.place.line)")
    }
    return SQLiteTable(
      "customers", "one row for each customer, at as-of",
      [
        Self.customer, Self.column("stage", .text, "stage at as-of; NULL where parked"),
        Self.column("since", .instant, "when it was entered"),
        Self.column("first_seen", .instant, "first event", optional: false),
        Self.column("last_seen", .instant, "last event"),
        Self.column("next_at", .instant, "first change that time alone will bring"),
        Self.column("next_to", .text, "stage in which that change ends"),
        Self.column("parked_at", .instant, "since when the rules do not determine a stage"),
      ] + facts + [
        Self.column("clv_historical", .money, "margin times purchases less refunds"),
        Self.column("clv_expected", .money, "expected value within the horizon of the rules"),
        Self.column("p_alive", .real, "probability of being alive"),
        Self.column("expected_purchases", .real, "expected purchases within the horizon"),
        Self.column("rfm_r", .integer, "recency score, 1 to 5"),
        Self.column("rfm_f", .integer, "frequency score, 1 to 5"),
        Self.column("rfm_m", .integer, "monetary score, 1 to 5"),
        Self.column("rfm_segment", .text, "one of eleven names"),
        Self.column("segments", .list, "segments of the rules that hold", optional: false),
      ], key: ["customer"], indices: [["stage"], ["next_at"]])
  }

  private static func kind(_ type: Type) -> SQLiteTable.Kind {
    switch type {
    case .int: .integer
    case .double: .real
    case .bool: .flag
    case .money: .money
    case .timestamp: .instant
    case .duration: .duration
    default: .text
    }
  }

  var transitions: SQLiteTable {
    SQLiteTable(
      "transitions", "one row for each move of a customer; the first is the entry",
      [
        Self.customer, Self.step, Self.column("at", .instant, "when", optional: false),
        Self.column("from", .text, "stage before; NULL for the entry"),
        Self.column("to", .text, "stage behind it", optional: false),
        Self.column("transition", .text, "id of the rule; NULL for the entry"),
        Self.column("cause", .text, "event or timer", optional: false),
      ] + Self.anchor, key: ["customer", "step"], indices: [["to", "at"]])
  }

  var segments: SQLiteTable {
    SQLiteTable(
      "segments", "one row for each stay of a customer in a segment",
      [
        Self.customer, Self.step,
        Self.column("segment", .text, "name of the segment", optional: false),
        Self.column("from", .instant, "when it was entered; NULL where only as-of is known"),
        Self.column("to", .instant, "when it was left; NULL while it lasts"),
        Self.column("cause", .text, "event or timer"),
      ] + Self.anchor, key: ["customer", "step"], indices: [["segment", "from"]])
  }

  var stageSpans: SQLiteTable {
    SQLiteTable(
      "stage_spans", "days in a row on which a customer ended in one stage",
      [
        Self.customer, Self.column("stage", .text, "stage", optional: false),
        Self.column("first_date", .date, "first day", optional: false),
        Self.column("last_date", .date, "last day, inclusive", optional: false),
      ], key: ["customer", "first_date"], indices: [["stage", "first_date"]])
  }

  static let days = SQLiteTable(
    "days", "the calendar of stage_spans, without days that the time zone left out",
    [column("date", .date, "a day", optional: false)], key: ["date"])

  /// `stage_days`, which would be the largest table by far, is made of spans when it is asked for.
  static let stageDays = """
    CREATE VIEW "stage_days" ("date", "customer", "stage") AS -- one row for each customer and day
    SELECT "days"."date", "stage_spans"."customer", "stage_spans"."stage" FROM "stage_spans"
    JOIN "days" ON "days"."date" BETWEEN "stage_spans"."first_date" AND "stage_spans"."last_date"
    """

  static let rfm = SQLiteTable(
    "rfm", "one row for each customer: scores, and what they were made of",
    [
      customer,
      column(
        "segment", .text, "one of eleven names, or why there is none", optional: false),
      column("r", .integer, "recency score, 1 to 5"),
      column("f", .integer, "frequency score, 1 to 5"),
      column("m", .integer, "monetary score, 1 to 5"),
      column("last_purchase", .instant, "last purchase"),
      column("frequency", .integer, "UTC days with a purchase"),
      column("monetary", .money, "purchases less refunds"),
    ], key: ["customer"], indices: [["segment"]])

  static let receipt = SQLiteTable(
    "receipt", "what all this was computed from; one row",
    [
      column("view", .text, "name of the view", optional: false),
      column("model", .text, "name of the rules' model", optional: false),
      column("version", .integer, "version of the model", optional: false),
      column("as_of", .instant, "the instant up to which the log was folded", optional: false),
      column("size", .integer, "number of events of the log", optional: false),
      column("root", .text, "Merkle root of these events, SHA-256", optional: false),
      column("rules", .text, "SHA-256 of the rules file", optional: false),
      column("engine", .text, "version of the fold", optional: false),
      column("output_root", .text, "hash of all rows of the view", optional: false),
      column("currency", .text, "ISO 4217 currency of money", optional: false),
      column("currency_digits", .integer, "decimals of that currency", optional: false),
      column("timezone", .text, "time zone of days and periods", optional: false),
      column("rules_file", .text, "the rules file as a whole", optional: false),
    ], key: ["view"])

  static let columns = SQLiteTable(
    "columns", "what each column of the other tables means",
    [
      column("table", .text, "name of the table", optional: false),
      column("place", .integer, "number of the column, from 1", optional: false),
      column("column", .text, "name of the column", optional: false),
      column("kind", .text, "text, instant, date, list, integer, real, money …", optional: false),
      column("unit", .text, "in which unit or form"),
      column("about", .text, "what it says", optional: false),
    ], key: ["table", "place"])

  // MARK: Metrics

  static func metrics(_ name: Metrics.Name, _ table: Metrics.Table) -> SQLiteTable {
    SQLiteTable(
      "metrics_\(name.rawValue)", "`metrics --table \(name.rawValue)`, docs/metrics.md",
      table.columns.map {
        column($0, measures[$0] ?? .real, "see docs/metrics.md, \(name.rawValue)")
      })
  }

  /// Kinds of the columns of metrics that are no doubles.
  private static let measures: [String: SQLiteTable.Kind] = {
    let texts = [
      "period", "stage", "from", "to", "cohort", "by", "name", "channel", "alias", "referrer",
      "referred", "event_id", "brought", "measure", "rate", "customer",
    ]
    let counts = [
      "population", "entries", "exits", "to_next", "down", "stuck", "churned", "won_back", "moves",
      "customers", "active", "new", "returning", "resurrecting", "dormant", "age", "answers",
      "promoters", "passives", "detractors", "events", "position", "purchases", "starts",
      "converted", "open", "rolling", "buyers", "repeat_buyers", "gaps", "since_days",
    ]
    let money = ["amount", "monetary", "clv_historical", "spent"]
    var kinds: [String: SQLiteTable.Kind] = ["at": .instant, "last_purchase": .instant]
    for name in texts { kinds[name] = .text }
    for name in counts { kinds[name] = .integer }
    for name in money { kinds[name] = .money }
    return kinds
  }()
}
