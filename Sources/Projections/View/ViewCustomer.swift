/// One customer of a view with what the population adds.
public struct ViewCustomer: Sendable {
  /// Of the customer alone.
  public var record: CustomerRecord
  /// Nil for who bought nothing, and where parked.
  public var scores: Scores?
  /// What `clv.model` says; nil for who bought nothing, where parked, and without a fit.
  public var value: Value?
  /// All segments that hold at as-of, in file order.
  public var segments: [String]

  /// What the fitted model expects of a buyer at as-of.
  public struct Value: Sendable {
    /// 0 to 1.
    public var probabilityAlive: Double
    /// Expected purchases within the horizon.
    public var purchases: Double
    /// Discounted value within the horizon in minor units; nil without Gamma-Gamma.
    public var expected: Int64?
  }

  /// Recency, frequency and money among all buyers, 5 is best.
  public struct Scores: Sendable {
    /// Recency, 1 to 5.
    public var r: Int
    /// Frequency, 1 to 5.
    public var f: Int
    /// Money, 1 to 5.
    public var m: Int
    /// One of the eleven names.
    public var name: String
  }

  package init(
    record: CustomerRecord, scores: Scores?, value: Value? = nil, segments: [String]
  ) {
    self.record = record
    self.scores = scores
    self.value = value
    self.segments = segments
  }
}
