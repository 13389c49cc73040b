/// A row of plain values of a fixed number that one thread changes in place.
///
/// An array would be asked at each change whether it is shared, which on the fold's hot path costs more than the change.
/// A slab never is: it belongs to one ``SlabPool``, and who holds slabs holds the pool. Each access is checked against the
/// slab's bounds, in release builds too, so that a wrong index ends the process and never reads or writes other memory.
@safe
struct Slab<Element: BitwiseCopyable> {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  fileprivate init(_ base: UnsafeMutablePointer<Element>, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  @inline(__always)
  subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      return unsafe base[index]
    }
    nonmutating set {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      unsafe base[index] = newValue
    }
  }

  func fill(_ value: Element) {
    for index in 0..<count { self[index] = value }
  }
}

/// A run of elements of a slab that holds several lists, one after the other.
struct SlabRun: BitwiseCopyable {
  private var first: Int32
  private var end: Int32

  init(_ range: Range<Int>) {
    first = Int32(range.lowerBound)
    end = Int32(range.upperBound)
  }

  var isEmpty: Bool { first == end }

  @inline(__always)
  var range: Range<Int> { Int(first)..<Int(end) }
}

/// The memory behind slabs, given back with the pool.
@safe
final class SlabPool {
  private var blocks: [UnsafeMutableRawPointer] = unsafe []

  deinit {
    // Only plain values stand in them.
    unsafe blocks.forEach { unsafe $0.deallocate() }
  }

  func slab<Element: BitwiseCopyable>(_ count: Int, of value: Element) -> Slab<Element> {
    let base = UnsafeMutablePointer<Element>.allocate(capacity: max(1, count))
    unsafe base.initialize(repeating: value, count: max(1, count))
    unsafe blocks.append(UnsafeMutableRawPointer(base))
    return unsafe Slab(base, count: count)
  }

  /// Lists one after the other, and where each stands.
  func slab<Element: BitwiseCopyable>(
    lists: [[Element]]
  ) -> (elements: Slab<Element>, runs: Slab<SlabRun>) {
    var start = 0
    let runs = lists.map { list in
      defer { start += list.count }
      return SlabRun(start..<start + list.count)
    }
    return (slab(lists.flatMap { $0 }), slab(runs))
  }

  func slab<Element: BitwiseCopyable>(_ values: [Element]) -> Slab<Element> {
    guard let first = values.first else {
      let base = UnsafeMutablePointer<Element>.allocate(capacity: 1)
      unsafe blocks.append(UnsafeMutableRawPointer(base))
      return unsafe Slab(base, count: 0)
    }
    let slab = slab(values.count, of: first)
    for (index, value) in values.enumerated() { slab[index] = value }
    return slab
  }
}

/// A slab that several threads fill and read later, each element written by one of them.
///
/// Unchecked, since only the caller knows that no two threads meet at an element before they are joined.
@safe
struct SharedSlab<Element: BitwiseCopyable>: @unchecked Sendable {
  private let pool: SlabPool
  /// To be used while this is held.
  let slab: Slab<Element>

  init(_ count: Int, of value: Element) {
    pool = SlabPool()
    slab = pool.slab(count, of: value)
  }
}
