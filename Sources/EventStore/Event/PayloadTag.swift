/// What a payload value is, one byte (docs/format.md, "Payload columns").
package enum PayloadTag {
  package static let missing: UInt8 = 0
  package static let null: UInt8 = 1
  package static let `false`: UInt8 = 2
  package static let `true`: UInt8 = 3
  package static let object: UInt8 = 4
  package static let list: UInt8 = 5
  /// A string; the value is its number in the column's dictionary.
  package static let text: UInt8 = 6
  /// A string without escapes; the value is its start in the line << 6 | length.
  package static let pointer: UInt8 = 7
  /// The line has to be read.
  package static let elsewhere: UInt8 = 8
  /// 16 + scale: a number, value ÷ 10^scale, spelled with that many decimals.
  package static let number: UInt8 = 16
  /// 32 + scale: a string that spells such a number.
  package static let numericText: UInt8 = 32
  static let end: UInt8 = 42
}
