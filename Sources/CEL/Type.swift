/// A CEL type, as the checker sees it.
public indirect enum Type: Sendable, Hashable {
  /// The type of `null`.
  case null
  /// True or false.
  case bool
  /// Signed, 64 bits.
  case int
  /// Unsigned, 64 bits.
  case uint
  /// IEEE 754, 64 bits.
  case double
  /// Unicode text.
  case string
  /// Octets.
  case bytes
  /// An instant, see ``Timestamp``.
  case timestamp
  /// A length of time, see ``Duration``.
  case duration
  /// An amount in minor units of the rules' currency: a type of its own, see ``Environment/money``.
  case money
  /// With the type of its elements.
  case list(Type)
  /// With the types of keys and values.
  case map(Type, Type)
  /// The type of a type value, as of `type(1)`.
  case type
  /// Checked at run time.
  case dyn
  /// A type parameter of a generic function, by name; never the type of a checked expression.
  case parameter(String)
}
