/// A CEL type, as the checker sees it.
public indirect enum Type: Sendable, Hashable {
  case null
  case bool
  case int
  case uint
  case double
  case string
  case bytes
  case timestamp
  case duration
  /// An amount in minor units of the rules' currency: a type of its own, see ``Environment/money``.
  case money
  case list(Type)
  case map(Type, Type)
  /// The type of a type value, as of `type(1)`.
  case type
  /// Checked at run time.
  case dyn
  /// A type parameter of a generic function, by name; never the type of a checked expression.
  case parameter(String)
}
