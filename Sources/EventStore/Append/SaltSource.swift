/// Random salts, taken from the system in large pieces.
struct SaltSource: Sendable {
  private var bytes: [UInt8] = []
  private var offset = 0
  private let fill: @Sendable (Int) -> [UInt8]
  private static let pieceBytes = 1 << 16

  /// - Parameter fill: gives so many random bytes.
  init(_ fill: @escaping @Sendable (Int) -> [UInt8] = { Files.random($0) }) { self.fill = fill }

  /// Gives 16 bytes to `body` that nobody else gets.
  @inline(__always)
  mutating func withNext<Output>(_ body: (Span<UInt8>) -> Output) -> Output {
    if offset + EventHeader.saltLength > bytes.count {
      bytes = fill(Self.pieceBytes)
      offset = 0
    }
    let start = offset
    offset += EventHeader.saltLength
    return body(bytes.span.extracting(start..<offset))
  }
}
