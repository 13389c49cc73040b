import Foundation
import Testing

/// The documents name the folders that there are, and where unsafe code stands.
@Suite struct DesignTests {
  private static func text(_ path: String) throws -> String {
    try String(contentsOf: Program.root.appendingPathComponent(path), encoding: .utf8)
  }

  /// Folders within a folder of the repository, by name.
  private static func folders(_ path: String) throws -> Set<String> {
    let place = Program.root.appendingPathComponent(path)
    let found = try FileManager.default.contentsOfDirectory(
      at: place, includingPropertiesForKeys: [.isDirectoryKey])
    return Set(
      try found.filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory ?? false }
        .map(\.lastPathComponent).filter { !$0.hasSuffix(".docc") })
  }

  /// What stands between backticks in a line.
  private static func code(_ line: some StringProtocol) -> [String] {
    line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  /// The rows of the tables of a text, each as its cells.
  private static func rows(_ text: String) -> [[Substring]] {
    text.split(separator: "\n").filter { $0.hasPrefix("| ") }
      .map { $0.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false) }
  }

  /// Names of folders, which end in a slash, without it.
  private static func named(_ cell: Substring) -> [String] {
    code(cell).filter { $0.hasSuffix("/") }.map { String($0.dropLast()) }
  }

  /// The folders of the modules that have a table of them, row by row.
  private static func levels(_ text: String) -> [String: [[String]]] {
    var levels: [String: [[String]]] = [:]
    for part in text.components(separatedBy: "\nThe folders of ").dropFirst() {
      let module = code(part).first ?? ""
      levels[module] = rows(part.components(separatedBy: "\n## ")[0])
        .map { named($0[0]) }.filter { !$0.isEmpty }
    }
    return levels
  }

  @Test func `design names every folder of the sources once, and no other`() throws {
    let text = try Self.text("docs/design.md")
    var modules: [String: [String]] = [:]
    for row in Self.rows(text) where Self.named(row[0]).isEmpty {
      for module in Self.code(row[0]) { modules[module] = Self.named(row[1]) }
    }
    for (module, levels) in Self.levels(text) { modules[module] = levels.flatMap { $0 } }
    #expect(Set(modules.keys) == (try Self.folders("Sources")))
    for (module, named) in modules {
      #expect(named.count == Set(named).count, "\(module)")
      #expect(Set(named) == (try Self.folders("Sources/\(module)")), "\(module)")
    }
  }

  @Test(arguments: ["EventStore", "Projections"])
  func `a folder uses no type of one below it`(_ module: String) throws {
    let levels = try #require(Self.levels(try Self.text("docs/design.md"))[module])
    var homes: [String: Int] = [:]
    var uses: [(level: Int, file: String, words: Set<String>)] = []
    for (level, folders) in levels.enumerated() {
      for folder in folders {
        let place = Program.root.appendingPathComponent("Sources/\(module)/\(folder)")
        for name in try FileManager.default.contentsOfDirectory(atPath: place.path) {
          let path = "Sources/\(module)/\(folder)/\(name)"
          let text = try Self.text(path)
          for type in Self.declared(text) { homes[type] = level }
          uses.append((level, path, Self.words(text)))
        }
      }
    }
    #expect(homes.count > 60)
    for file in uses {
      let below = file.words.filter { homes[$0, default: 0] > file.level }.sorted()
      #expect(below.isEmpty, "\(file.file) uses \(below)")
    }
  }

  @Test func `unsafe code stands only where contributors are told`() throws {
    let allowed = Self.code(try Self.text("CONTRIBUTING.md")).filter { $0.hasPrefix("Sources/") }
    let sources = Program.root.appendingPathComponent("Sources")
    let paths = try #require(
      FileManager.default.enumerator(atPath: sources.path)?.allObjects as? [String])
    var holders: Set<String> = []
    for path in paths.map({ "Sources/\($0)" }) where path.hasSuffix(".swift") {
      guard Self.words(try Self.text(path)).contains("unsafe") else { continue }
      let place = allowed.first { path == $0 || path.hasPrefix("\($0)/") }
      #expect(place != nil, "\(path)")
      if let place { holders.insert(place) }
    }
    #expect(holders == Set(allowed))
  }

  /// The types that a source declares at its top level.
  private static func declared(_ text: String) -> [String] {
    let modifiers: Set<Substring> = ["public", "final", "indirect"]
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias"]
    return text.split(separator: "\n").compactMap { line in
      if line.hasPrefix(" ") { return nil }
      let words = line.split(separator: " ").drop { modifiers.contains($0) }
      guard words.count > 1, kinds.contains(words[words.startIndex]) else { return nil }
      return String(words[words.startIndex + 1].prefix { $0.isLetter || $0.isNumber })
    }
  }

  /// The words of a source, without comments and what stands between quotes on a line.
  private static func words(_ text: String) -> Set<String> {
    var found: Set<String> = []
    var word: [UInt8] = []
    var isQuoted = false
    var isComment = false
    var last = UInt8(ascii: "\n")
    for byte in Array(text.utf8) + [UInt8(ascii: "\n")] {
      defer { last = byte }
      let isWordPart = byte & 0x5f &- 65 < 26 || byte &- 48 < 10 || byte == UInt8(ascii: "_")
      if isWordPart && !isQuoted && !isComment {
        word.append(byte)
        continue
      }
      if !word.isEmpty { found.insert(String(decoding: word, as: UTF8.self)) }
      word = []
      switch byte {
      case UInt8(ascii: "\n"): (isQuoted, isComment) = (false, false)
      case UInt8(ascii: "\""): if !isComment && last != UInt8(ascii: "\\") { isQuoted.toggle() }
      case UInt8(ascii: "/"): if !isQuoted && last == byte { isComment = true }
      default: break
      }
    }
    return found
  }
}
