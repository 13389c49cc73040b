/// Why an input cannot be read, or not to its end.
public struct InputFault: Error, Sendable {
  /// Stable, kebab-case: `cannot-read`, `unsupported-format`, `gzip`, `csv-header`.
  public var code: String
  /// Lower case, no full stop: which input, and what is wrong with it.
  public var message: String
  /// What to do about it.
  public var help: String?
  /// The mapping does not fit the file: wrong usage.
  public var isUsage = false
  /// What was imported before it was met; nil where nothing was written.
  public var summary: ImportSummary?

  init(_ code: String, _ message: String, help: String? = nil, isUsage: Bool = false) {
    self.code = code
    self.message = message
    self.help = help
    self.isUsage = isUsage
  }
}
