/// What a text and its evaluation may use at most; going beyond is an error, never a trap.
public enum Limits {
  /// Bytes of one expression's text (UTF-8).
  public static let sourceBytes = 65_536
  /// Levels of brackets, branches and signs inside one another.
  public static let nesting = 100
  /// Levels of the syntax tree: bounds chains such as `a + b + c + …`, whose tree leans to the left.
  public static let treeHeight = 200
  /// Nodes evaluated for one result: bounds nested macros, which multiply.
  public static let evaluationSteps = 5_000_000
  /// Values inside two lists or maps that one comparison looks at.
  public static let comparedValues = 1_000_000
  /// Bytes of a string or bytes value, or elements of a list, that `+` may make.
  public static let concatenatedSize = 4_194_304
  /// Bytes of one line that ``EvalFilter`` answers.
  public static let answerBytes = 16_777_216
}
