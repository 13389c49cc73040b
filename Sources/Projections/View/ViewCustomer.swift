/// One customer of a view with what the population adds.
public struct ViewCustomer: Sendable {
  public var record: CustomerRecord
  /// Nil for who bought nothing, and where parked.
  public var scores: Scores?
  /// What `clv.model` says; nil for who bought nothing, where parked, and without a fit.
  public var value: Value?
  /// All segments that hold at as-of, in file order.
  public var segments: [String]

  public struct Value: Sendable {
    public var probabilityAlive: Double
    /// Expected purchases within the horizon.
    public var purchases: Double
    /// Discounted value within the horizon in minor units; nil without Gamma-Gamma.
    public var expected: Int64?
  }

  public struct Scores: Sendable {
    public var r: Int
    public var f: Int
    public var m: Int
    /// One of the eleven names.
    public var name: String
  }

  public init(
    record: CustomerRecord, scores: Scores?, value: Value? = nil, segments: [String]
  ) {
    self.record = record
    self.scores = scores
    self.value = value
    self.segments = segments
  }
}
