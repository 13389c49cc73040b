/// Checks single lines in the native form as an import does, without a store.
public enum LineCheck {
  /// - Parameter line: without its end.
  /// - Throws: why an import would reject the line; how far in the future it lies is not looked at.
  public static func check(_ line: [UInt8]) throws(Rejection) {
    var records = EventRecords()
    try EventParser(latest: .max).parse(line.span, 0..<line.count, into: &records)
  }
}
