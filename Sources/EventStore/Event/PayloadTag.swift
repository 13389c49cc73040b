/// What a payload value is, one byte (docs/format.md, "Payload columns").
public enum PayloadTag {
  public static let missing: UInt8 = 0
  public static let null: UInt8 = 1
  public static let `false`: UInt8 = 2
  public static let `true`: UInt8 = 3
  public static let object: UInt8 = 4
  public static let list: UInt8 = 5
  /// A string; the value is its number in the column's dictionary.
  public static let text: UInt8 = 6
  /// A string without escapes; the value is its start in the line << 6 | length.
  public static let pointer: UInt8 = 7
  /// The line has to be read.
  public static let elsewhere: UInt8 = 8
  /// 16 + scale: a number, value ÷ 10^scale, spelled with that many decimals.
  public static let number: UInt8 = 16
  /// 32 + scale: a string that spells such a number.
  public static let numericText: UInt8 = 32
  static let end: UInt8 = 42
}
