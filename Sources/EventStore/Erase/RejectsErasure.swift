import Glibc

/// Takes entries out of a store's rejects file that hold something of subjects that are erased.
///
/// Which: those whose text has the source and id of an erased event, or in which the name of a subject stands as a word; escapes
/// of JSON and Base64 are taken out first.
struct RejectsErasure {
  private let path: String
  private let names: TextDictionary
  /// Whether a name has so many bytes.
  private var lengths = Array(repeating: false, count: 256)
  private let idHashes: Set<UInt64>
  private let sipHash: SipHash

  init(path: String, _ plan: ErasurePlan, _ sipHash: SipHash) {
    self.path = path
    self.sipHash = sipHash
    names = plan.names
    idHashes = plan.idHashes
    for number in 0..<names.count {
      let length = names.withText(number) { $0.count }
      if length < lengths.count { lengths[length] = true }
    }
  }

  private var temporary: String { "\(path).tmp" }

  /// How many entries would go.
  func count() throws(SystemError) -> Int {
    var count = 0
    try forEachEntry { entry throws(SystemError) in if isAbout(entry) { count += 1 } }
    return count
  }

  /// Writes the entries that stay aside, flushed; how many go. Nothing is written where none does.
  func prepare() throws(SystemError) -> Int {
    let count = try count()
    if count == 0 { return 0 }
    let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC)
    defer { close(file) }
    var buffer: [UInt8] = []
    try forEachEntry { entry throws(SystemError) in
      if isAbout(entry) { return }
      buffer.append(entry)
      if buffer.count < 1 << 20 { return }
      try Files.write(buffer.span, to: file)
      buffer.removeAll(keepingCapacity: true)
    }
    try Files.write(buffer.span, to: file)
    guard fsync(file) == 0 else { throw SystemError(errno, "flush \(temporary)") }
    return count
  }

  /// Puts what was written aside in place.
  func commit() throws(SystemError) {
    try Files.rename(temporary, path)
    try Files.syncDirectory(Files.parent(of: path))
  }

  /// Removes what was written aside.
  func discard() { Files.remove(temporary) }

  /// Entries with their line ends; the last one may lack it.
  private func forEachEntry(
    _ body: (Span<UInt8>) throws(SystemError) -> Void
  ) throws(SystemError) {
    guard Files.isPlain(path) else { return }
    let file = try Files.open(path, O_RDONLY)
    defer { close(file) }
    var block: [UInt8] = []
    var scanned = 0
    while true {
      var start = 0
      while let end = block.span.firstIndex(of: 0x0a, from: max(start, scanned)) {
        try body(block.span.extracting(start..<end + 1))
        start = end + 1
      }
      block.removeFirst(start)
      scanned = block.count
      if try Files.read(file, behind: &block, atMost: 1 << 20) == 0 { break }
    }
    if !block.isEmpty { try body(block.span) }
  }

  // MARK: What an entry holds

  private func isAbout(_ entry: Span<UInt8>) -> Bool {
    guard let tree = Self.tree(entry) else { return hasName(entry) }
    if let text = tree.member("text_base64")?.text, let bytes = Base64.bytes(text) {
      return isAbout(text: bytes.span)
    }
    if case .string(let text)? = tree.member("text") { return isAbout(text: text.span) }
    return hasName(in: tree)
  }

  /// A line as it came.
  private func isAbout(text: Span<UInt8>) -> Bool {
    guard let tree = Self.tree(text) else {
      let unescaped = Self.unescaped(text)
      return hasName(text) || hasName(unescaped.span)
    }
    if case .string(let source)? = tree.member("source"), case .string(let id)? = tree.member("id"),
      idHashes.contains(hash(source, id))
    {
      return true
    }
    return hasName(in: tree)
  }

  private func hash(_ source: [UInt8], _ id: [UInt8]) -> UInt64 {
    var key: [UInt8] = []
    return sipHash.hash(source: source.span, id: id.span, in: &key)
  }

  private static func tree(_ text: Span<UInt8>) -> JSONTree? {
    do throws(JSONFault) {
      return try JSONTree(checking: text)
    } catch {
      return nil
    }
  }

  private func hasName(in tree: JSONTree) -> Bool {
    switch tree {
    case .string(let text): hasName(text.span)
    case .array(let elements): elements.contains { hasName(in: $0) }
    case .object(let members):
      members.contains { hasName($0.name.span) || hasName(in: $0.value) }
    case .number(let parts): hasName(digits: parts)
    case .null, .bool: false
    }
  }

  private func hasName(digits parts: Decimal.Parts) -> Bool {
    guard (0...20).contains(parts.exponent) else { return false }
    let digits = (parts.digits + Array(repeating: 0, count: parts.exponent)).map { $0 + 48 }
    return hasName(digits.span)
  }

  /// Whether a name stands somewhere in a text as a word: no letter or digit of its own goes on in the text.
  private func hasName(_ text: Span<UInt8>) -> Bool {
    for start in text.indices where start == 0 || !Self.areOneWord(text[start - 1], text[start]) {
      for length in 1..<min(lengths.count, text.count - start + 1) where lengths[length] {
        let end = start + length
        if end < text.count && Self.areOneWord(text[end - 1], text[end]) { continue }
        if names.find(text.extracting(start..<end)) != nil { return true }
      }
    }
    return false
  }

  private static func areOneWord(_ left: UInt8, _ right: UInt8) -> Bool {
    isWordPart(left) && isWordPart(right)
  }

  /// A letter or a digit; what is not ASCII counts as letters.
  private static func isWordPart(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte & 0x5f &- 65 < 26 || byte &- 48 < 10
  }

  /// A text with escapes of JSON taken out as far as they are right.
  private static func unescaped(_ text: Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < text.count {
      guard text[index] == UInt8(ascii: "\\"), index + 1 < text.count else {
        result.append(text[index])
        index += 1
        continue
      }
      var units: [UInt16] = []
      while let unit = unit(text, index) {
        units.append(unit)
        index += 6
      }
      if units.isEmpty {
        result.append(text[index + 1])
        index += 2
      }
      result += String(decoding: units, as: UTF16.self).utf8
    }
    return result
  }

  /// What `\uXXXX` at a place spells.
  private static func unit(_ text: Span<UInt8>, _ start: Int) -> UInt16? {
    guard start + 6 <= text.count, text[start] == UInt8(ascii: "\\"),
      text[start + 1] == UInt8(ascii: "u")
    else { return nil }
    let digits = [UInt8](copying: text.extracting(start + 2..<start + 6))
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
