/// Why a line cannot be taken (docs/import.md lists the codes).
public struct Rejection: Error, Sendable, Equatable {
  /// Stable, kebab-case.
  public var code: String
  /// Lower case, no full stop.
  public var message: String

  /// The code of an event that was erased and came again.
  static let erased = "erased"

  init(_ code: String, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ fault: JSONFault) {
    let at = "\(fault.message), at byte \(fault.offset + 1)"
    switch fault.kind {
    case .syntax: self.init("json", "not JSON: \(at)")
    case .utf8: self.init("utf8", "not UTF-8: \(at)")
    case .depth: self.init("depth", at)
    case .duplicateMember: self.init("duplicate-member", at)
    }
  }
}
