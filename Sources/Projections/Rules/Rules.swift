public import CEL

/// A rules file after parsing and type check: what a fold needs, and nothing of YAML.
///
/// Made by ``RulesLoader``. Indices (`alias`, `stage`, …) are positions in the arrays of this value.
public struct Rules: Sendable {
  /// The file as a whole, byte for byte, and its SHA-256 (lower-case hex).
  public var source: [UInt8]
  public var sha256: String
  /// The path as the user wrote it, for messages and explanations.
  public var file: String

  public var modelName: String
  public var modelVersion: Int
  public var currency: Environment.Currency
  public var ignore: Condition?
  public var identity: FieldReference?
  public var aliases: [Alias]
  public var facts: [Fact]
  public var stages: [Stage]
  public var form: StageForm
  public var segments: [Segment]
  public var population: [PopulationFact]
  public var clv: CLVSettings?
  public var rfm: RFMSettings
  /// Other currencies into the rules' currency; the rate is `mantissa × 10^-scale`.
  public var exchange: [String: Factor]
  public var timezone: String?
  public var rates: [Rate]
  public var tests: [RuleTest]

  /// The fact that a condition means by a name, with or without `facts.`.
  func fact(named name: String) -> Int? {
    let plain = name.hasPrefix("facts.") ? String(name.dropFirst("facts.".count)) : name
    return facts.firstIndex { $0.name == plain }
  }

  /// Where something stands in the rules file; line and column count from 1.
  public struct Place: Sendable, Hashable {
    public var line: Int
    public var column: Int
    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// A CEL text of the file with its checked form.
  public struct Condition: Sendable {
    public var text: String { expression.source }
    public var expression: CheckedExpression
    public var place: Place
    public init(expression: CheckedExpression, place: Place) {
      self.expression = expression
      self.place = place
    }
  }

  public struct FieldReference: Sendable, Hashable {
    public var alias: Int
    /// Index in ``Alias/fields``.
    public var field: Int
    public init(alias: Int, field: Int) {
      self.alias = alias
      self.field = field
    }
  }

  public enum FieldType: String, Sendable, CaseIterable {
    case money, int, double, string, bool, timestamp
  }

  public struct Field: Sendable {
    public var name: String
    public var type: FieldType
    /// The steps below `data`, decoded. A step of a JSON Pointer that is a number may index a list
    /// (`isPointer`); a step of a dotted path names a member only.
    public var path: [String]
    public var isPointer: Bool
    /// For money: where the currency stands, below `data`; nil where it is the usual `currency`.
    public var currencyPath: [String]?
    public var currencyPathIsPointer: Bool
    /// Stands in when the path is missing or null. Money is in the rules' currency.
    public var defaultValue: Value?
    public var place: Place
  }

  public struct Alias: Sendable {
    public var name: String
    /// Raw event types, without repeats.
    public var types: [String]
    public var condition: Condition?
    public var fields: [Field]
    public var place: Place
  }

  public enum AggregateFunction: String, Sendable, BitwiseCopyable, CaseIterable {
    case count, sum, min, max, avg, distinct, first, last
    case firstTime = "first_time"
    case lastTime = "last_time"
    case active
  }

  public struct Aggregate: Sendable {
    public var function: AggregateFunction
    /// Indices of aliases in the order written; an event counts once, under the first that it is.
    public var aliases: [Int]
    /// The name of the field (`alias.field` targets name exactly one alias).
    public var field: String?
    /// Microseconds; nil: all time.
    public var within: Int64?
    /// Microseconds, for `active`; divides `within`.
    public var every: Int64?
    public var condition: Condition?
  }

  public enum FactKind: Sendable {
    case aggregate(Aggregate)
    case expression(Condition)
  }

  public struct Fact: Sendable {
    public var name: String
    public var type: Type
    public var kind: FactKind
    /// Takes the place of an unset value (or of an error of an `expr`).
    public var defaultValue: Value?
    public var place: Place
  }

  public struct Stage: Sendable {
    public var name: String
    public var also: [String]
    public var place: Place

    /// True for its name, and for those it is also called by.
    public func isCalled(_ name: String) -> Bool { self.name == name || also.contains(name) }
  }

  public enum StageForm: Sendable {
    /// Tried top to bottom; the customer enters stage 0.
    case transitions([Transition])
    /// One entry a stage, in the order of ``Rules/stages``; only the last has none.
    case firstMatch([Condition?])
  }

  public struct Transition: Sendable {
    public var id: String
    /// Indices of stages; `from: any` is all but ``to``.
    public var from: [Int]
    public var to: Int
    public var condition: Condition
    public var place: Place
  }

  public struct Segment: Sendable {
    public var name: String
    public var condition: Condition
    /// It reads `clv.*`, `rfm.*` or a name of `population`, so that it holds at as-of only.
    public var readsPopulation: Bool
    public var place: Place
  }

  public enum PopulationFunction: Sendable {
    case percentRank
    case ntile(Int)
    /// Percent as written, a decimal `mantissa × 10^-scale`.
    case top(Factor)
  }

  public struct PopulationFact: Sendable {
    public var name: String
    public var function: PopulationFunction
    /// Index of the fact ranked.
    public var fact: Int
    public var place: Place
  }

  /// A positive decimal, `mantissa × 10^-scale`: a rate of exchange, a margin, a percentage.
  public struct Factor: Sendable, Hashable {
    public var mantissa: Int64
    public var scale: Int
    public init(mantissa: Int64, scale: Int) {
      self.mantissa = mantissa
      self.scale = scale
    }
  }

  /// A share of events that another one of the customer follows in time.
  public struct Rate: Sendable {
    public var name: String
    /// Aliases.
    public var from: Int
    public var to: Int
    /// Microseconds.
    public var within: Int64
    public var place: Place
  }

  public enum CLVModel: String, Sendable, CaseIterable {
    case bgNBD = "bg_nbd"
    case mbgNBD = "mbg_nbd"
    case paretoNBD = "pareto_nbd"
    case bgBB = "bg_bb"
  }

  public struct CLVSettings: Sendable {
    public var purchase: FieldReference
    public var refund: FieldReference?
    /// A decimal `mantissa × 10^-scale`, so that margin × money rounds exactly; 1 unless given.
    public var margin: Factor
    public var model: CLVModel?
    /// Microseconds.
    public var unit: Int64
    public var horizon: Int64
    public var discountRate: Double
    /// Microseconds per discount period; nil without discount. `year` is 365 days, `month` a twelfth of it.
    public var discountPeriod: Int64?
    public var monetary = Monetary.gross
    /// What a fit takes off a customer's mean log-likelihood for the squares of the logarithms of the parameters, 0 or above; 0
    /// where it is off (``FitSettings``).
    public var penalizer = 0.0
    /// In file order, each parameter at most once.
    public var prior: [Prior] = []

    /// What `discount` may be per, in microseconds: a year of 365 days, and a month of its twelfth part.
    public static let discountPeriods = [
      "year": 365 * Microseconds.day, "month": 365 * Microseconds.day / 12,
      "week": 7 * Microseconds.day, "day": Microseconds.day,
    ]
  }

  /// What the spending model takes for the money of a customer's repeat days.
  public enum Monetary: String, Sendable, CaseIterable {
    /// Purchases.
    case gross
    /// Purchases less what came back (``CustomerValue``).
    case net
  }

  /// What is known of a parameter of a fit before any data: its logarithm is normal.
  public struct Prior: Sendable {
    public enum Part: Sendable {
      /// The model of `clv.model`.
      case purchases
      /// Gamma-Gamma.
      case spending
    }
    public var part: Part
    /// As the model calls its parameter.
    public var name: String
    /// Above 0, in the rules' units: time in `unit`s, gamma of Gamma-Gamma in whole currency.
    public var median: Double
    /// Standard deviation of the logarithm, above 0.
    public var sigma: Double
    public var place: Place

    /// As it is written where both models have such a parameter.
    public var key: String { part == .spending ? "gamma_gamma.\(name)" : name }
  }

  /// How RFM scores are given.
  public struct RFMSettings: Sendable {
    public enum Ties: String, Sendable, CaseIterable {
      /// All who tie get the score of the lowest rank among them.
      case low
      /// That of the highest.
      case high
    }
    public var ties = Ties.low
    /// Only purchases and refunds of this time before as-of count, in microseconds; nil: all.
    public var within: Int64?
  }

  public struct RuleTest: Sendable {
    public var name: String
    /// In file order.
    public var given: [GivenEvent]
    /// Microseconds since 1970; nil: the latest `occurred`.
    public var asOf: Int64?
    public var expect: [ExpectedRow]
    public var place: Place
  }

  /// An event of a test.
  public struct GivenEvent: Sendable {
    /// The CloudEvents line made from it.
    public var line: String
    public var type: String
    public var id: String
    public var subject: String
    public var typePlace: Place
  }

  /// A row that a test expects; what is nil is not compared.
  public struct ExpectedRow: Sendable {
    public var at: Int64?
    public var from: String?
    public var to: String?
    public var transition: String?
    public var cause: String?
    public var eventID: String?
    public var customer: String?
    public var place: Place
  }
}
