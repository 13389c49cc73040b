import CProcessor
import Glibc

/// A row of plain values that its one owner changes in place, all bits zero at first, in large pages where the system has them.
///
/// An array would be asked at each change whether it is shared. And a table that is looked into at random waits longer for the
/// translation of its addresses than for its memory where pages are small. Each access is checked against the row's bounds, in
/// release builds too, so that a wrong index ends the process and never reads or writes other memory.
@safe
struct PlainRow<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  private(set) var count: Int

  /// From so many bytes on large pages are asked for.
  private static var largeBytes: Int { 4 << 20 }

  /// - Parameter count: at least 1.
  init(count: Int) {
    self.count = count
    unsafe base = unsafe Self.memory(count)
  }

  deinit { unsafe munmap(base, Self.bytes(count)) }

  /// Makes the row longer; what is added is zero.
  mutating func grow(to larger: Int) {
    precondition(larger >= count, "a row does not become shorter")
    let memory = unsafe Self.memory(larger)
    // Safe because both have room for `count` values, and nothing else holds the old address.
    unsafe memory.update(from: base, count: count)
    unsafe munmap(base, Self.bytes(count))
    unsafe base = unsafe memory
    count = larger
  }

  /// Asks for the memory of a value that will be looked at soon.
  @inline(__always)
  func prefetch(_ index: Int) {
    // Safe because nothing is read: any address is allowed.
    unsafe processor_prefetch(base + index)
  }

  @inline(__always)
  subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "the value is there")
      return unsafe base[index]
    }
    set {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "the value is there")
      unsafe base[index] = newValue
    }
  }

  private static func bytes(_ count: Int) -> Int {
    precondition(count > 0, "a row has a value at least")
    return count * MemoryLayout<Element>.stride
  }

  /// Anonymous memory is zero, and aligned to a page, which serves any value.
  private static func memory(_ count: Int) -> UnsafeMutablePointer<Element> {
    let bytes = bytes(count)
    let memory = unsafe mmap(
      nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      // As an array does: nothing that was begun can be finished without memory.
      fatalError("no memory for a table of \(bytes) bytes")
    }
    // A hint: without large pages the table is slower.
    if bytes >= largeBytes { unsafe madvise(memory, bytes, MADV_HUGEPAGE) }
    return unsafe memory.assumingMemoryBound(to: Element.self)
  }
}
