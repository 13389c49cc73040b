public import CEL

/// A rules file after parsing and type check: what a fold needs, and nothing of YAML.
///
/// Made by ``RulesLoader``. Indices (`alias`, `stage`, …) are positions in the arrays of this value.
public struct Rules: Sendable {
  /// The file as a whole, byte for byte.
  public var source: [UInt8]
  /// SHA-256 of ``source``, lower-case hex.
  public var sha256: String
  /// The path as the user wrote it, for messages and explanations.
  public var file: String

  /// `model.name`: what a view is called by unless it is named.
  public var modelName: String
  /// `model.version`.
  public var modelVersion: Int
  /// In which all money of the rules is.
  public var currency: Environment.Currency
  package var ignore: Condition?
  package var identity: FieldReference?
  package var aliases: [Alias]
  /// In file order.
  public var facts: [Fact]
  /// In file order; customers enter the first.
  public var stages: [Stage]
  package var form: StageForm
  /// In file order.
  public var segments: [Segment]
  package var population: [PopulationFact]
  package var clv: CLVSettings?
  package var rfm: RFMSettings
  /// Other currencies into the rules' currency; the rate is `mantissa × 10^-scale`.
  package var exchange: [String: Factor]
  /// IANA name, for calendar periods of metrics; nil is UTC.
  public var timezone: String?
  package var rates: [Rate]
  package var tests: [RuleTest]

  /// The fact that a condition means by a name, with or without `facts.`.
  func fact(named name: String) -> Int? {
    let plain = name.hasPrefix("facts.") ? String(name.dropFirst("facts.".count)) : name
    return facts.firstIndex { $0.name == plain }
  }

  /// Where something stands in the rules file; line and column count from 1.
  public struct Place: Sendable, Hashable {
    /// From 1.
    public var line: Int
    /// From 1, in Unicode scalars.
    public var column: Int
    package init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// A CEL text of the file with its checked form.
  package struct Condition: Sendable {
    package var text: String { expression.source }
    package var expression: CheckedExpression
    package var place: Place
    package init(expression: CheckedExpression, place: Place) {
      self.expression = expression
      self.place = place
    }
  }

  package struct FieldReference: Sendable, Hashable {
    package var alias: Int
    /// Index in ``Alias/fields``.
    package var field: Int
    package init(alias: Int, field: Int) {
      self.alias = alias
      self.field = field
    }
  }

  package enum FieldType: String, Sendable, CaseIterable {
    case money, int, double, string, bool, timestamp
  }

  package struct Field: Sendable {
    package var name: String
    package var type: FieldType
    /// The steps below `data`, decoded. A step of a JSON Pointer that is a number may index a list
    /// (`isPointer`); a step of a dotted path names a member only.
    package var path: [String]
    package var isPointer: Bool
    /// For money: where the currency stands, below `data`; nil where it is the usual `currency`.
    package var currencyPath: [String]?
    package var currencyPathIsPointer: Bool
    /// Stands in when the path is missing or null. Money is in the rules' currency.
    package var defaultValue: Value?
    package var place: Place
  }

  package struct Alias: Sendable {
    package var name: String
    /// Raw event types, without repeats.
    package var types: [String]
    package var condition: Condition?
    package var fields: [Field]
    package var place: Place
  }

  package enum AggregateFunction: String, Sendable, BitwiseCopyable, CaseIterable {
    case count, sum, min, max, avg, distinct, first, last
    case firstTime = "first_time"
    case lastTime = "last_time"
    case active
  }

  package struct Aggregate: Sendable {
    package var function: AggregateFunction
    /// Indices of aliases in the order written; an event counts once, under the first that it is.
    package var aliases: [Int]
    /// The name of the field (`alias.field` targets name exactly one alias).
    package var field: String?
    /// Microseconds; nil: all time.
    package var within: Int64?
    /// Microseconds, for `active`; divides `within`.
    package var every: Int64?
    package var condition: Condition?
  }

  package enum FactKind: Sendable {
    case aggregate(Aggregate)
    case expression(Condition)
  }

  /// A named value of a customer.
  public struct Fact: Sendable {
    /// Unique among facts.
    public var name: String
    /// Of its values.
    public var type: Type
    package var kind: FactKind
    /// Takes the place of an unset value (or of an error of an `expr`).
    package var defaultValue: Value?
    package var place: Place
  }

  /// Where a customer may stand.
  public struct Stage: Sendable {
    /// Unique among stages.
    public var name: String
    /// Other names that it is called by.
    public var also: [String]
    package var place: Place

    /// True for its name, and for those it is also called by.
    public func isCalled(_ name: String) -> Bool { self.name == name || also.contains(name) }
  }

  package enum StageForm: Sendable {
    /// Tried top to bottom; the customer enters stage 0.
    case transitions([Transition])
    /// One entry a stage, in the order of ``Rules/stages``; only the last has none.
    case firstMatch([Condition?])
  }

  package struct Transition: Sendable {
    package var id: String
    /// Indices of stages; `from: any` is all but ``to``.
    package var from: [Int]
    package var to: Int
    package var condition: Condition
    package var place: Place
  }

  /// A named condition at as-of, and over time.
  public struct Segment: Sendable {
    /// Unique among segments.
    public var name: String
    package var condition: Condition
    /// It reads `clv.*`, `rfm.*` or a name of `population`, so that it holds at as-of only.
    public var readsPopulation: Bool
    package var place: Place
  }

  package enum PopulationFunction: Sendable {
    case percentRank
    case ntile(Int)
    /// Percent as written, a decimal `mantissa × 10^-scale`.
    case top(Factor)
  }

  package struct PopulationFact: Sendable {
    package var name: String
    package var function: PopulationFunction
    /// Index of the fact ranked.
    package var fact: Int
    package var place: Place
  }

  /// A positive decimal, `mantissa × 10^-scale`: a rate of exchange, a margin, a percentage.
  package struct Factor: Sendable, Hashable {
    package var mantissa: Int64
    package var scale: Int
    package init(mantissa: Int64, scale: Int) {
      self.mantissa = mantissa
      self.scale = scale
    }
  }

  /// A share of events that another one of the customer follows in time.
  package struct Rate: Sendable {
    package var name: String
    /// Aliases.
    package var from: Int
    package var to: Int
    /// Microseconds.
    package var within: Int64
    package var place: Place
  }

  /// When buyers buy and when they stop (docs/rules.md has the sources).
  public enum CLVModel: String, Sendable, CaseIterable {
    /// Beta-geometric: buyers may stop at each repeat purchase, so that who bought once is alive.
    case bgNBD = "bg_nbd"
    /// The same, and they may stop at the first purchase.
    case mbgNBD = "mbg_nbd"
    /// They may stop at any time.
    case paretoNBD = "pareto_nbd"
    /// Time is a row of opportunities, one a `unit`.
    case bgBB = "bg_bb"
  }

  package struct CLVSettings: Sendable {
    package var purchase: FieldReference
    package var refund: FieldReference?
    /// A decimal `mantissa × 10^-scale`, so that margin × money rounds exactly; 1 unless given.
    package var margin: Factor
    package var model: CLVModel?
    /// Microseconds.
    package var unit: Int64
    package var horizon: Int64
    package var discountRate: Double
    /// Microseconds per discount period; nil without discount. `year` is 365 days, `month` a twelfth of it.
    package var discountPeriod: Int64?
    package var monetary = Monetary.gross
    /// What a fit takes off a customer's mean log-likelihood for the squares of the logarithms of the parameters, 0 or above; 0
    /// where it is off (``FitSettings``).
    package var penalizer = 0.0
    /// In file order, each parameter at most once.
    package var prior: [Prior] = []

    /// What `discount` may be per, in microseconds: a year of 365 days, and a month of its twelfth part.
    package static let discountPeriods = [
      "year": 365 * Microseconds.day, "month": 365 * Microseconds.day / 12,
      "week": 7 * Microseconds.day, "day": Microseconds.day,
    ]
  }

  /// What the spending model takes for the money of a customer's repeat days.
  package enum Monetary: String, Sendable, CaseIterable {
    /// Purchases.
    case gross
    /// Purchases less what came back (``CustomerValue``).
    case net
  }

  /// What is known of a parameter of a fit before any data: its logarithm is normal.
  package struct Prior: Sendable {
    package enum Part: Sendable {
      /// The model of `clv.model`.
      case purchases
      /// Gamma-Gamma.
      case spending
    }
    package var part: Part
    /// As the model calls its parameter.
    package var name: String
    /// Above 0, in the rules' units: time in `unit`s, gamma of Gamma-Gamma in whole currency.
    package var median: Double
    /// Standard deviation of the logarithm, above 0.
    package var sigma: Double
    package var place: Place

    /// As it is written where both models have such a parameter.
    package var key: String { part == .spending ? "gamma_gamma.\(name)" : name }
  }

  /// How RFM scores are given.
  package struct RFMSettings: Sendable {
    package enum Ties: String, Sendable, CaseIterable {
      /// All who tie get the score of the lowest rank among them.
      case low
      /// That of the highest.
      case high
    }
    package var ties = Ties.low
    /// Only purchases and refunds of this time before as-of count, in microseconds; nil: all.
    package var within: Int64?
  }

  package struct RuleTest: Sendable {
    package var name: String
    /// In file order.
    package var given: [GivenEvent]
    /// Microseconds since 1970; nil: the latest `occurred`.
    package var asOf: Int64?
    package var expect: [ExpectedRow]
    package var place: Place
  }

  /// An event of a test.
  package struct GivenEvent: Sendable {
    /// The CloudEvents line made from it.
    package var line: String
    package var type: String
    package var id: String
    package var subject: String
    package var typePlace: Place
  }

  /// A row that a test expects; what is nil is not compared.
  package struct ExpectedRow: Sendable {
    package var at: Int64?
    package var from: String?
    package var to: String?
    package var transition: String?
    package var cause: String?
    package var eventID: String?
    package var customer: String?
    package var place: Place
  }
}
