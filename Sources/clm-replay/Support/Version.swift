enum Version {
  static let number = "0.1.0"
  /// Part of every receipt: what computed a view.
  static let engine = "clm-replay 0.1.0"
  static var text: String { "clm-replay \(number), store format 1, rules format 1" }
}
