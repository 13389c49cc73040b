/// One finding in a rules file.
public struct Diagnostic: Error, Sendable {
  public enum Severity: String, Sendable { case error, warning }
  public var severity: Severity
  /// Stable, kebab-case: `unknown-name`, `cel-type`, `yaml-syntax` …
  public var code: String
  /// Lower case, no full stop; names the transition, fact or alias at fault.
  public var message: String
  /// What to do, if there is something to say: "did you mean `purchases_365d`?"
  public var help: String?
  public var place: Rules.Place

  public init(
    severity: Severity = .error, code: String, message: String, help: String? = nil,
    place: Rules.Place
  ) {
    self.severity = severity
    self.code = code
    self.message = message
    self.help = help
    self.place = place
  }
}
