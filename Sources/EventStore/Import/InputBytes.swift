import Glibc

/// The bytes of an input file or of standard input (`-`), taken out of gzip where it is compressed, without a byte order mark.
///
/// It is opened at once, so that a missing one is known before anything is written; ``begin(isCSV:)`` looks at the first bytes. Of many
/// inputs those whose turn has not come are put aside, since a process may have so many files open and no more.
final class InputBytes {
  let name: String
  /// -1 while it is put aside.
  private var file: CInt
  /// Which file was opened; nil of a pipe or a device, which is not put aside.
  private let identity: Files.Identity?
  private var gzip: GzipBytes?
  /// How many bytes of the file were read, before they are taken out of gzip.
  private(set) var bytesRead = 0
  /// Read, and not yet given away.
  private var pending: [UInt8] = []
  private let stop: StopRequest?
  /// Bytes of the file; nil of a pipe or a device.
  let size: Int?
  /// Reading was stopped before its end.
  private(set) var isStopped = false

  /// - Parameter stop: ends reading.
  init(_ name: String, stop: StopRequest?) throws(SystemError) {
    self.name = name
    self.stop = stop
    let opened = name == "-" ? dup(0) : try Files.open(name, O_RDONLY)
    guard opened >= 0 else { throw SystemError(errno, "open \(name)") }
    let found: Files.OpenState
    do throws(SystemError) {
      found = try Files.state(ofOpen: opened)
      if found.isDirectory { throw SystemError(EISDIR, "open \(name)") }
    } catch {
      close(opened)
      throw error
    }
    file = opened
    size = found.isPlain ? found.size : nil
    identity = found.isPlain && name != "-" ? found.identity : nil
  }

  deinit { if file >= 0 { close(file) } }

  /// Closes a file until it is read from again, from where it is.
  func putAside() {
    guard identity != nil, file >= 0 else { return }
    close(file)
    file = -1
  }

  private func open() throws(SystemError) {
    file = try Files.open(name, O_RDONLY)
    guard try Files.state(ofOpen: file).identity == identity else {
      throw SystemError(ESTALE, "open \(name)")
    }
    if lseek(file, off_t(bytesRead), SEEK_SET) < 0 { throw SystemError(errno, "seek \(name)") }
  }

  /// Recognises what the input is.
  ///
  /// - Throws: ``InputFault`` `unsupported-format` where it is none of ours, `cannot-read`, `gzip`.
  func begin(isCSV: Bool) throws(InputFault) {
    try readFirst()
    if isStopped { return }
    if case .gzip = try kind(isCSV) {
      gzip = GzipBytes(first: pending)
      pending = []
      try readFirst()
      if isStopped { return }
      if case .gzip = try kind(isCSV) {
        throw InputFault(
          "unsupported-format", "`\(name)` is compressed with gzip twice",
          help: "unpack it once, and import that")
      }
    }
    if pending.starts(with: [0xef, 0xbb, 0xbf]) { pending.removeFirst(3) }
  }

  private func kind(_ isCSV: Bool) throws(InputFault) -> InputKind {
    let kind = InputKind(pending, isCSV: isCSV)
    if case .foreign(let what, let help) = kind {
      let place = gzip == nil ? "is" : "holds, under gzip,"
      throw InputFault("unsupported-format", "`\(name)` \(place) \(what)", help: help)
    }
    return kind
  }

  private func readFirst() throws(InputFault) {
    while pending.count < InputKind.bytesNeeded && !(pending.count >= 4 && pending.contains(0x0a)) {
      if try readOn(behind: &pending, atMost: 1 << 16) == 0 { return }
    }
  }

  /// Puts bytes behind a buffer; 0 at the end, and where reading was stopped.
  func read(behind buffer: inout [UInt8], atMost limit: Int) throws(InputFault) -> Int {
    if !pending.isEmpty {
      let count = pending.count
      buffer += pending
      pending = []
      return count
    }
    return try readOn(behind: &buffer, atMost: limit)
  }

  private func readOn(behind buffer: inout [UInt8], atMost limit: Int) throws(InputFault) -> Int {
    guard let gzip else { return try readFile(behind: &buffer, atMost: limit) }
    do throws(InputFault) {
      return try gzip.read(behind: &buffer, atMost: limit, name: name) {
        bytes throws(InputFault) in
        try self.readFile(behind: &bytes, atMost: 1 << 18)
      }
    } catch {
      // Compressed data end early where reading was stopped.
      if isStopped { return 0 }
      throw error
    }
  }

  private func readFile(behind buffer: inout [UInt8], atMost limit: Int) throws(InputFault) -> Int {
    if let stop, size == nil ? !stop.waitForInput(file) : stop.isAsked {
      isStopped = true
      return 0
    }
    // Of a small file no more room is made than it needs, and a byte to see that it has not grown.
    let room = size.map { min(limit, max(1 << 12, $0 - bytesRead + 1)) } ?? limit
    do throws(SystemError) {
      if file < 0 { try open() }
      let count = try Files.read(file, behind: &buffer, atMost: room)
      bytesRead += count
      return count
    } catch {
      throw InputFault("cannot-read", "`\(name)` cannot be read: \(error.text)")
    }
  }
}

/// What the members of a gzip stream hold, one behind the other.
final class GzipBytes {
  private let inflater = Inflater()
  private var compressed: [UInt8]
  private var used = 0
  private var isAtEnd = false
  private var isBetweenMembers = false

  init(first: [UInt8]) { compressed = first }

  /// Puts bytes behind a buffer; 0 at the end.
  ///
  /// - Throws: ``InputFault`` `gzip` where a member is damaged or ends too early; what stands before it was given before.
  func read(
    behind buffer: inout [UInt8], atMost limit: Int, name: String,
    more: (inout [UInt8]) throws(InputFault) -> Int
  ) throws(InputFault) -> Int {
    let before = buffer.count
    while buffer.count == before {
      if used == compressed.count && !isAtEnd {
        compressed.removeAll(keepingCapacity: true)
        used = 0
        isAtEnd = try more(&compressed) == 0
      }
      if isBetweenMembers {
        if try !beginMember(name, more) { return 0 }
      }
      let step = inflater.inflate(
        compressed.span.extracting(used..<compressed.count), behind: &buffer, atMost: limit)
      used += step.used
      switch step.state {
      case .goesOn:
        if buffer.count == before && used == compressed.count && isAtEnd {
          throw Self.fault("`\(name)` ends within its compressed data", "the file was cut")
        }
      case .memberEnded: isBetweenMembers = true
      case .damaged(let text):
        throw Self.fault(
          "the compressed data of `\(name)` are damaged: \(text)", "the file was changed")
      }
    }
    return buffer.count - before
  }

  /// Goes over zeros that fill up a file; false at its end.
  private func beginMember(
    _ name: String, _ more: (inout [UInt8]) throws(InputFault) -> Int
  ) throws(InputFault) -> Bool {
    while true {
      while used < compressed.count && compressed[used] == 0 { used += 1 }
      if used < compressed.count { break }
      if isAtEnd { return false }
      compressed.removeAll(keepingCapacity: true)
      used = 0
      isAtEnd = try more(&compressed) == 0
    }
    guard compressed[used] == 0x1f else {
      throw Self.fault(
        "`\(name)` has other bytes behind its compressed data", "the file was changed")
    }
    inflater.beginMember()
    isBetweenMembers = false
    return true
  }

  private static func fault(_ message: String, _ what: String) -> InputFault {
    InputFault(
      "gzip", message,
      help:
        "\(what): get it again and import it again; whole lines before that place are taken, and will be duplicates"
    )
  }
}
