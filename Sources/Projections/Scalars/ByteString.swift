/// A string that is told apart by its bytes: `String` alone takes two spellings of one letter for equal.
struct ByteString: Hashable, Sendable, Comparable {
  var string: String

  init(_ string: String) {
    self.string = string
  }

  static func == (left: ByteString, right: ByteString) -> Bool {
    left.string.utf8.elementsEqual(right.string.utf8)
  }

  static func < (left: ByteString, right: ByteString) -> Bool {
    left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
  }

  func hash(into hasher: inout Hasher) {
    for byte in string.utf8 { hasher.combine(byte) }
    hasher.combine(UInt8(0xff))
  }
}
