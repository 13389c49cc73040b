/// A word or sign of an expression's text.
struct Token: Sendable {
  var kind: Kind
  /// UTF-8 offsets.
  var range: Range<Int>

  enum Kind: Sendable, Equatable {
    case identifier(String)
    /// A name in backticks, which may stand after a dot only.
    case quotedIdentifier(String)
    /// Digits or `0x…`, without a sign.
    case int(String)
    /// The same without the `u` at its end.
    case uint(String)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case sign(Sign)
    case end
  }

  enum Sign: String, Sendable {
    case questionMark = "?"
    case colon = ":"
    case or = "||"
    case and = "&&"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case equal = "=="
    case notEqual = "!="
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divide = "/"
    case modulo = "%"
    case not = "!"
    case dot = "."
    case comma = ","
    case openParenthesis = "("
    case closeParenthesis = ")"
    case openBracket = "["
    case closeBracket = "]"
    case openBrace = "{"
    case closeBrace = "}"
  }

  /// How a message names the token.
  var description: String {
    switch kind {
    case .identifier(let name): "'\(name)'"
    case .quotedIdentifier(let name): "'`\(name)`'"
    case .int(let text): "'\(text)'"
    case .uint(let text): "'\(text)u'"
    case .double(let value): "'\(value)'"
    case .string: "a string"
    case .bytes: "a bytes literal"
    case .sign(let sign): "'\(sign.rawValue)'"
    case .end: "the end of the text"
    }
  }
}
