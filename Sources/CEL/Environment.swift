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

  public struct Currency: Sendable, Hashable {
    /// ISO 4217, as "EUR".
    public var code: String
    /// Digits after the decimal point: 2 for EUR, 0 for JPY.
    public var digits: Int
    public init(code: String, digits: Int) {
      self.code = code
      self.digits = digits
    }
  }

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
