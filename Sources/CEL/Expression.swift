/// A parsed CEL expression.
public struct Expression: Sendable {
  /// Unique within one parsed text, dense from 0: index of the node's type in ``CheckedExpression/types``.
  public let id: Int
  /// The bytes of the source text (UTF-8 offsets) that the node was parsed from.
  public let range: Range<Int>
  /// What the node is, with its operands.
  public let kind: Kind

  package init(id: Int, range: Range<Int>, kind: Kind) {
    self.id = id
    self.range = range
    self.kind = kind
  }

  /// What a node of the syntax tree is.
  public indirect enum Kind: Sendable {
    /// null, bool, int, uint, double, string, bytes.
    case literal(Value)
    /// A name; a leading dot (root scope) is kept as the first character.
    case identifier(String)
    /// `operand.field`; with `test` it is `has(operand.field)`.
    case select(Expression, field: String, test: Bool)
    /// A function, a receiver-style function (`target` set) or an operator. Operators have CEL's
    /// names: `_&&_ _||_ !_ _?_:_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in _+_ _-_ _*_ _/_ _%_ -_ _[_]`.
    case call(String, target: Expression?, [Expression])
    /// `[a, b]`, in the order written.
    case list([Expression])
    /// `{k: v}`, in the order written; keys are unique when it is evaluated, or it is an error.
    case map([(key: Expression, value: Expression)])
    /// `Name{field: value}`; parsed so that the checker can name it as unsupported.
    case message(String, [(field: String, value: Expression)])
    /// A macro over a list or map: `all exists exists_one map filter`, `map` with a filter has two arguments.
    case comprehension(
      macro: String, range: Expression, variable: String, arguments: [Expression])
  }
}

/// An expression that passed the type check.
public struct CheckedExpression: Sendable {
  /// The text that was checked.
  public let source: String
  /// Its syntax tree.
  public let expression: Expression
  /// The type of each node by ``Expression/id``.
  public let types: [Type]
  /// The declared variable that an identifier or a chain of selections names, by the id of the outermost node:
  /// `facts.visits` with the variable `facts.visits` is one reference. For `has(facts.visits)` the select node
  /// (with `test`) refers to the variable, too.
  public let references: [Int: String]

  package init(
    source: String, expression: Expression, types: [Type], references: [Int: String]
  ) {
    self.source = source
    self.expression = expression
    self.types = types
    self.references = references
  }

  /// The type of the whole expression.
  public var type: Type { types[expression.id] }
}

/// Why a text is not a valid expression.
public struct CompileError: Error, Sendable {
  /// Stable, kebab-case names; the command line prints them as `error[CODE]`.
  public enum Code: String, Sendable {
    /// The text is no CEL.
    case syntax = "cel-syntax"
    /// A name or function that the environment does not have.
    case undeclared = "cel-undeclared"
    /// An operator or function does not take these types.
    case type = "cel-type"
    /// A part of CEL that this library leaves out (docs/cel.md).
    case unsupported = "cel-unsupported"
    /// Beyond ``Limits``.
    case limit = "cel-limit"
    /// A literal that is out of range or malformed, as in `duration('x')`.
    case literal = "cel-literal"
    /// A text compared with a variable that can never be it, see ``Environment/closedTexts``.
    case unknownText = "cel-text"
    /// Not an error of this text: it reads a name whose definition has one, see ``Environment/unknownNames``.
    case consequence = "cel-consequence"
  }
  /// Stable, for programs.
  public let code: Code
  /// Lower case, no full stop: what is wrong, and often what to write.
  public let message: String
  /// The bytes of the source text at fault (UTF-8 offsets).
  public let range: Range<Int>

  package init(code: Code, message: String, range: Range<Int>) {
    self.code = code
    self.message = message
    self.range = range
  }
}

/// An error value: what a computation yields instead of a value.
public struct EvaluationError: Error, Sendable, Equatable {
  /// What went wrong; stable names.
  public enum Code: String, Sendable {
    /// A declared variable without a value; `has()` asks for it without an error.
    case unset
    /// A result beyond its type.
    case overflow
    /// Also the remainder by 0.
    case divisionByZero = "division-by-zero"
    /// A function met types that it does not take, in what was checked at run time only.
    case noSuchOverload = "no-such-overload"
    /// A map has no such key.
    case noSuchKey = "no-such-key"
    /// A list has no such element.
    case indexOutOfBounds = "index-out-of-bounds"
    /// A text that spells no value of the type asked for.
    case conversion
    /// A number or instant outside what its type holds.
    case range
    /// A map literal has a key twice.
    case duplicateKey = "duplicate-key"
    /// A function does not take this value, or a limit was reached.
    case argument
  }
  /// Stable, for programs.
  public let code: Code
  /// Lower case, no full stop.
  public let message: String

  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }
}
