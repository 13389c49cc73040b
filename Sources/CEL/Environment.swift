/// What an expression may name, and which of our extensions are on.
public struct Environment: Sendable {
  /// Variables by name; a name may be dotted (`facts.visits`, `event.type`).
  public var variables: [String: Type]
  /// Set: the type `money` exists, with `money("12.34")` for literals of this currency and the rules of
  /// contract §5 (money ± money, money × int, money ÷ int, money ÷ money …; the literal 0 beside money is money).
  public var money: Currency?
  /// `since(ts)`, `in_stage()`, `hours(n)`, `days(n)`, `weeks(n)` exist. `since` reads the variable `now`,
  /// `in_stage` reads `now` and `stage.entered_at`; each is an error where its variables are not declared.
  public var hasLifecycleFunctions: Bool
  /// int, uint and double may be compared with each other, `==` and `!=` included.
  public var comparesMixedNumbers: Bool
  /// A duration literal finer than a microsecond is an error (rules run on microseconds).
  public var requiresMicroseconds: Bool
  /// A constant that can have no value, as `duration('x')` or `days(200000)`, is an error of the text (the
  /// default); else it is an error value, as CEL has it.
  public var rejectsMalformedConstants = true

  /// Names that exist although their type is not known, since what defines them has an error: an expression that
  /// reads one ends in ``CompileError/Code/consequence`` instead of a second error about the same. `""` stands for
  /// every name without a dot, `"event."` for every name that begins so.
  public var unknownNames: Set<String> = []
  /// String variables that can only be one of few texts: comparing one with any other text is an error.
  public var closedTexts: [String: ClosedTexts] = [:]

  /// What a string variable can be.
  public struct ClosedTexts: Sendable {
    /// What one of the texts is called in messages: "stage".
    public var kind: String
    /// All that it can be, in the order in which messages list them.
    public var texts: [String]
    /// Other words for some of the texts, which the variable never is: each with the text that is meant.
    public var synonyms: [String: String]
    /// - Parameters:
    ///   - kind: what one of the texts is called in messages.
    ///   - texts: all that the variable can be.
    ///   - synonyms: other words, each with the text that is meant.
    public init(kind: String, texts: [String], synonyms: [String: String] = [:]) {
      self.kind = kind
      self.texts = texts
      self.synonyms = synonyms
    }
  }

  /// A currency and how many decimals its amounts have.
  public struct Currency: Sendable, Hashable {
    /// ISO 4217, as "EUR".
    public var code: String
    /// Digits after the decimal point: 2 for EUR, 0 for JPY.
    public var digits: Int
    /// - Parameters:
    ///   - code: ISO 4217.
    ///   - digits: 0 or more, of the minor unit.
    public init(code: String, digits: Int) {
      self.code = code
      self.digits = digits
    }
  }

  /// An environment of plain CEL, unless more is asked for.
  public init(
    variables: [String: Type] = [:], money: Currency? = nil, hasLifecycleFunctions: Bool = false,
    comparesMixedNumbers: Bool = false, requiresMicroseconds: Bool = false
  ) {
    self.variables = variables
    self.money = money
    self.hasLifecycleFunctions = hasLifecycleFunctions
    self.comparesMixedNumbers = comparesMixedNumbers
    self.requiresMicroseconds = requiresMicroseconds
  }
}
