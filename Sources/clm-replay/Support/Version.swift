import EventStore

enum Version {
  static let number = "0.1.0"
  /// Part of every receipt: what computed a view.
  static let engine = "clm-replay 0.1.0"
  static var text: String {
    "clm-replay \(number), store format \(Store.formatNumber), rules format 1, LMDB \(LMDBEnvironment.libraryVersion)"
  }
}
