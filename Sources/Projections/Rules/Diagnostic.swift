/// One finding in a rules file.
public struct Diagnostic: Error, Sendable {
  /// Whether the rules can be used.
  public enum Severity: String, Sendable {
    /// They cannot.
    case error
    /// They can, and something is suspicious.
    case warning
  }
  /// Whether the rules can be used.
  public var severity: Severity
  /// Stable, kebab-case: `unknown-name`, `cel-type`, `yaml-syntax` …
  public var code: String
  /// Lower case, no full stop; names the transition, fact or alias at fault.
  public var message: String
  /// What to do, if there is something to say: "did you mean `purchases_365d`?"
  public var help: String?
  /// Where it stands in the file.
  public var place: Rules.Place

  package init(
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
