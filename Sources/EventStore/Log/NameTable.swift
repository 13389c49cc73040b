/// The names of all subjects by dense number, in one buffer; that of an erased one is empty.
public struct NameTable: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  /// How many names it has.
  public var count: Int { ends.count }

  mutating func append(_ name: [UInt8]) {
    bytes += name
    ends.append(bytes.count)
  }

  mutating func append(_ name: Span<UInt8>) {
    bytes.append(name)
    ends.append(bytes.count)
  }

  /// Appends all names of another table behind its own.
  mutating func append(_ other: NameTable) {
    if ends.isEmpty {
      self = other
      return
    }
    let start = bytes.count
    bytes += other.bytes
    ends.reserveCapacity(ends.count + other.ends.count)
    for end in other.ends { ends.append(start + end) }
  }

  /// Leaves out all names from a number on.
  mutating func truncate(to count: Int) {
    if count >= ends.count { return }
    ends.removeLast(ends.count - count)
    bytes.removeLast(bytes.count - (ends.last ?? 0))
  }

  /// Where a name stands.
  @inline(__always)
  private func range(of subject: UInt32) -> Range<Int> {
    let number = Int(subject)
    return (number == 0 ? 0 : ends[number - 1])..<ends[number]
  }

  /// The UTF-8 bytes of a name.
  public func bytes(of subject: UInt32) -> ArraySlice<UInt8> { bytes[range(of: subject)] }

  /// The UTF-8 bytes of a name, without a copy.
  @_lifetime(borrow self)
  public func span(of subject: UInt32) -> Span<UInt8> {
    bytes.span.extracting(range(of: subject))
  }

  /// Gives the UTF-8 bytes of a name to `body`, without a copy.
  @inline(__always)
  public func withBytes<Output>(of subject: UInt32, _ body: (Span<UInt8>) -> Output) -> Output {
    body(span(of: subject))
  }

  /// Dense number of a name; nil where there is none such.
  /// - Complexity: linear in the number of names.
  public func number(of name: Span<UInt8>) -> UInt32? {
    // What the erased are called.
    if name.isEmpty { return nil }
    for number in 0..<UInt32(count) where isName(number, name) { return number }
    return nil
  }

  /// Asks for the memory of a name that will be looked at soon; any number is allowed.
  func prefetch(_ subject: UInt32) {
    guard Int(subject) < ends.count else { return }
    bytes.span.prefetch(ends[Int(subject)])
  }

  func isName(_ subject: UInt32, _ name: Span<UInt8>) -> Bool {
    span(of: subject).isEqual(to: name)
  }
}
