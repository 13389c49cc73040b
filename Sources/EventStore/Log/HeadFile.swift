import Glibc

/// `log/head`: size and root after each commit, in two slots written in turn and never flushed.
///
/// It can be older than the log, never newer, unless the log was rolled back: then acknowledged events are missing. That is
/// so only where it was read before the log: a writer that commits meanwhile makes it newer than what was read of the log
/// earlier. So ``known()`` comes first, then the snapshot, then ``check(_:holds:)``.
struct HeadFile {
  let path: String
  private static let slotLength = 64
  /// A slot is sealed as a value of this table would be.
  private static let form = TableName<[UInt8]>("head")

  /// - Parameter slot: 0 or 1, the one that does not hold what was committed last: ``olderSlot()``.
  func write(size: UInt64, root: [UInt8], slot number: Int) {
    let file: CInt
    do throws(SystemError) {
      file = try Files.open(path, O_WRONLY | O_CREAT)
    } catch {
      // A hint that cannot be written is no reason to refuse an event that is safe.
      return
    }
    defer { close(file) }
    var slot: [UInt8] = []
    slot.appendLittle(size)
    slot += root
    slot += [UInt8](repeating: 0, count: Self.slotLength - slot.count - Checksum.length)
    let sealed = Self.form.sealed([], slot)
    Files.write(sealed.bytes.span, to: file, at: number * Self.slotLength)
  }

  /// - Parameters:
  ///   - known: what ``known()`` gave before the log was read.
  ///   - size: of the log, read since.
  static func check(_ known: UInt64?, holds size: UInt64) throws(EventStoreError) {
    guard let known, known > size else { return }
    throw EventStoreError(
      .damaged,
      "acknowledged events are missing: the log has \(size) events, and \(known) were committed",
      help:
        "an older copy of `data.mdb` was put in place, or its meta pages are damaged; `clm-replay verify` says more; restore the store from a backup"
    )
  }

  /// The largest size that was committed; nil where no slot holds.
  /// - Throws: `.denied` where it may not be read: then nobody can say that nothing is missing.
  func known() throws(EventStoreError) -> UInt64? {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.read(path)
    } catch {
      if error.kind == .denied { throw EventStoreError(error, "read `\(path)`", path: path) }
      return nil
    }
    return Self.sizes(bytes).compactMap { $0 }.max()
  }

  /// The slot to be written next, so that the other one stands whatever becomes of the write.
  func olderSlot() -> Int {
    do throws(SystemError) {
      let sizes = Self.sizes(try Files.read(path))
      return sizes[1] ?? 0 > sizes[0] ?? 0 ? 0 : sizes[0] == nil ? 0 : 1
    } catch {
      // Then neither holds anything.
      return 0
    }
  }

  /// What each slot says; nil where it does not hold.
  private static func sizes(_ bytes: [UInt8]) -> [UInt64?] {
    (0..<2).map { slot in
      let places = slot * slotLength..<(slot + 1) * slotLength
      guard places.upperBound <= bytes.count else { return nil }
      let part = bytes.span.extracting(places)
      return form.contentLength(part, key: [UInt8]().span) == nil ? nil : part.little(0, 8)
    }
  }
}
