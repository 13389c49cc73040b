import EventStore

/// What a rebuild notes in the generation that it makes, so that one of the same can go on with it (docs/format.md, "Views").
///
/// ```
/// mark = form · rules hash · engine · generation of the log · root (texts) · size · as-of · customers · folded · chunks · tally
/// ```
struct BuildMark {
  /// What is folded, and by whom.
  struct Purpose {
    var rulesHash: String
    var engine: String
    var logGeneration: String
    /// Of the log, over the events that are known.
    var root: String
    var size: UInt64
    var asOf: Int64

    /// What makes another purpose of one, in words; nil where they are the same.
    func difference(from other: Purpose) -> String? {
      if rulesHash != other.rulesHash { return "it is of other rules" }
      if engine != other.engine { return "it was made by \(engine)" }
      if size != other.size { return "it is of log size \(size)" }
      if logGeneration != other.logGeneration || root != other.root {
        return "it is of another log"
      }
      return asOf == other.asOf ? nil : "it is as of \(RFC3339.text(asOf))"
    }
  }

  var purpose: Purpose
  /// How many there are in all, and how many are folded, with those of whom every event is ignored.
  var customers: Int
  var folded: Int
  /// How many hold the records of those that are folded; whatever stands in later ones is of nobody yet.
  var chunks: Int
  /// What they came to (``TallyCoding``).
  var tally: [UInt8]

  func encoded() -> [UInt8] {
    var encoder = ByteEncoder()
    encoder.number(ViewManifest.format)
    for text in [purpose.rulesHash, purpose.engine, purpose.logGeneration, purpose.root] {
      encoder.text(text)
    }
    encoder.number(purpose.size)
    encoder.signed(purpose.asOf)
    for number in [customers, folded, chunks] { encoder.number(number) }
    encoder.bytes += tally
    return encoder.bytes
  }

  /// - Returns: nil for one of another form.
  static func decoded(_ bytes: [UInt8]) throws(ByteDecoder.Damaged) -> BuildMark? {
    var decoder = ByteDecoder(bytes)
    guard try decoder.number() == UInt64(ViewManifest.format) else { return nil }
    let purpose = Purpose(
      rulesHash: try decoder.string(), engine: try decoder.string(),
      logGeneration: try decoder.string(), root: try decoder.string(),
      size: try decoder.number(), asOf: try decoder.signed())
    let mark = BuildMark(
      purpose: purpose, customers: try decoder.index(), folded: try decoder.index(),
      chunks: try decoder.index(), tally: Array(bytes[decoder.offset...]))
    guard mark.folded <= mark.customers else { throw ByteDecoder.Damaged() }
    return mark
  }
}

extension BuildMark.Purpose {
  /// What made a view.
  init(_ manifest: ViewManifest) {
    self.init(
      rulesHash: manifest.rulesHash, engine: manifest.engine,
      logGeneration: manifest.logGeneration, root: manifest.root, size: manifest.size,
      asOf: manifest.asOf)
  }
}
