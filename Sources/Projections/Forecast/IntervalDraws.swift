/// What the draws of prediction intervals begin from.
struct IntervalDraws: Sendable {
  let seed: UInt64
  /// By customer: draws of one do not change with who else is there.
  let keys: [UInt64]

  /// Of a name: FNV-1a (draft-eastlake-fnv).
  static func key(_ name: some Sequence<UInt8>) -> UInt64 {
    name.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
