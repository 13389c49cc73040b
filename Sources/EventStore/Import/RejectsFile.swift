import Glibc

/// Lines that could not be taken, as NDJSON: `file`, `line`, `at`, `code`, `message`, and `text` or `text_base64`.
///
/// `-` is standard output. A file is made with the first rejected line, and appended to if it is there; what an earlier run put into
/// it (same file, same line number, same text) is not put there again. Within a store the text of an event that was erased is left out (`null`):
/// else each import of an old file would bring back what was to go.
final class RejectsFile {
  let path: String
  /// When the import began, in microseconds since 1970.
  var at: Int64 = 0
  private var file: CInt = -1
  private var buffer: [UInt8] = []
  private var known: Set<RowKey> = []

  /// It lies in the store.
  private let isInStore: Bool

  init(path: String, isInStore: Bool) {
    self.path = path
    self.isInStore = isInStore
  }

  deinit { if file >= 0 && !isStandardOutput { Glibc.close(file) } }

  private var isStandardOutput: Bool { path == "-" }

  var isOpen: Bool { file >= 0 }

  func add(
    file name: String, line: Int, _ rejection: Rejection, _ text: Span<UInt8>
  ) throws(EventStoreError) {
    if file < 0 { try open() }
    var place = Array("{\"file\":".utf8)
    JSONWriting.append(Array(name.utf8), to: &place)
    place += ",\"line\":\(line),".utf8
    let bytes = [UInt8](copying: text)
    var content: [UInt8] = []
    if isInStore && rejection.code == Rejection.erased {
      content += Self.textMember
      content += "null".utf8
    } else if bytes.isUTF8 {
      content += Self.textMember
      JSONWriting.append(bytes, to: &content)
    } else {
      content += Self.base64Member
      Base64.append(bytes, to: &content)
      content.append(UInt8(ascii: "\""))
    }
    content += "}\n".utf8
    if !known.isEmpty && known.contains(Self.key(place[...], content[...])) { return }
    buffer += place
    buffer += "\"at\":\"\(RFC3339.text(at))\",\"code\":\"\(rejection.code)\",\"message\":".utf8
    JSONWriting.append(Array(rejection.message.utf8), to: &buffer)
    buffer += content
    if buffer.count > 1 << 16 { try flush() }
  }

  private static let textMember = Array(",\"text\":".utf8)
  private static let base64Member = Array(",\"text_base64\":\"".utf8)

  private static func key(_ place: ArraySlice<UInt8>, _ content: ArraySlice<UInt8>) -> RowKey {
    let bytes = Array(place) + content
    return RowKey(SHA256Bytes.hash(bytes.span))
  }

  private func open() throws(EventStoreError) {
    if isStandardOutput {
      file = 1
      return
    }
    do throws(SystemError) {
      let isWhole = Files.isPlain(path) ? try readKnown() : true
      file = try Files.open(path, O_WRONLY | O_CREAT | O_APPEND)
      // What was cut short by a crash does not swallow the next entry.
      if !isWhole { buffer.append(0x0a) }
    } catch {
      throw EventStoreError(error, "open the rejects file `\(path)`", path: path)
    }
  }

  /// Takes up the entries that are there; true where the last one has its line end.
  private func readKnown() throws(SystemError) -> Bool {
    let file = try Files.open(path, O_RDONLY)
    defer { Glibc.close(file) }
    var block: [UInt8] = []
    var start = 0
    while true {
      while let feed = block.span.firstIndex(of: 0x0a, from: start) {
        take(block[start...feed])
        start = feed + 1
      }
      block.removeFirst(start)
      start = 0
      if try Files.read(file, behind: &block, atMost: 1 << 20) == 0 { return block.isEmpty }
    }
  }

  /// An entry as this program writes it: other members stand between its place and its text.
  private func take(_ entry: ArraySlice<UInt8>) {
    let lineMember = Array(",\"line\":".utf8)
    // A quote within a string is escaped, so that `,"` stands between members only.
    guard let line = Self.firstRange(of: lineMember, in: entry),
      let end = entry[line.upperBound...].firstIndex(of: UInt8(ascii: ",")),
      let text = Self.firstRange(of: Self.textMember, in: entry[end...])
        ?? Self.firstRange(of: Self.base64Member, in: entry[end...])
    else { return }
    known.insert(Self.key(entry[...end], entry[text.lowerBound...]))
  }

  private static func firstRange(of part: [UInt8], in bytes: ArraySlice<UInt8>) -> Range<Int>? {
    var from = bytes.startIndex
    while let found = bytes[from...].firstIndex(of: part[0]) {
      if bytes[found...].starts(with: part) { return found..<found + part.count }
      from = found + 1
    }
    return nil
  }

  /// Writes what was added.
  func flush() throws(EventStoreError) {
    if buffer.isEmpty { return }
    do throws(SystemError) {
      try Files.write(buffer.span, to: file)
    } catch {
      throw EventStoreError(error, "write the rejects file `\(path)`", path: path)
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Flushes to the medium.
  func close() throws(EventStoreError) {
    guard file >= 0 else { return }
    try flush()
    guard fsync(file) == 0 || errno == EINVAL || errno == EROFS else {
      throw EventStoreError(
        SystemError(errno, "flush"), "write the rejects file `\(path)`", path: path)
    }
  }
}
