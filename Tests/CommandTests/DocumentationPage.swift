import Foundation

/// A page of the documentation, and what stands between its fences.
struct DocumentationPage {
  /// A block between fences.
  struct Block {
    /// The word behind the opening fence.
    var language: String
    /// The number of its first line in the page, from 1.
    var line: Int
    var lines: [String] = []

    /// Whether it holds what somebody would type: these are run.
    var isCommands: Bool { ["console", "sh", "cron", "ini"].contains(language) }
  }

  /// A command, and what it prints where the page says so.
  struct Step {
    var line: Int
    var command: String
    var output: [String]?
  }

  /// Its path below the root of the repository.
  var path: String
  var blocks: [Block] = []
  /// Where its links lead, in their order; blocks left out.
  var links: [String] = []
  /// What a link behind a `#` may name: its headings, as GitHub makes anchors of them.
  var anchors: Set<String> = []

  init(_ path: String) throws {
    self.path = path
    let text = try String(
      contentsOf: Program.root.appendingPathComponent(path), encoding: .utf8)
    var open: Block?
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      if line.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
        } else {
          open = Block(language: String(line.dropFirst(3)), line: index + 2)
        }
      } else if open != nil {
        open?.lines.append(line)
      } else {
        links += line.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
        if line.hasPrefix("#") { anchors.insert(Self.anchor(line)) }
      }
    }
  }

  private static func anchor(_ heading: String) -> String {
    heading.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
      .compactMap { character in
        if character == " " { return "-" }
        return character.isLetter || character.isNumber || "-_".contains(character)
          ? String(character) : nil
      }.joined()
  }

  /// Every page, in the order of their paths.
  static func all() throws -> [DocumentationPage] {
    let below = try FileManager.default.subpathsOfDirectory(
      atPath: Program.root.appendingPathComponent("docs").path)
    let pages = below.filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
    return try (["README.md", "CONTRIBUTING.md", "fixtures/README.md"] + pages.sorted())
      .map { try DocumentationPage($0) }
  }

  /// What a shell would be given, in the order of the page.
  static func steps(_ block: Block) -> [Step] {
    func whole(_ lines: [String]) -> [Step] {
      lines.map { Step(line: block.line, command: $0) }
    }
    switch block.language {
    case "sh": return whole([block.lines.joined(separator: "\n")])
    case "cron":
      return whole(
        block.lines.map { line in
          line.split(separator: " ", omittingEmptySubsequences: true).dropFirst(5)
            .joined(separator: " ")
        })
    case "ini":
      return whole(
        block.lines.filter { $0.hasPrefix("ExecStart=") }.map { line in
          let command = String(line.dropFirst("ExecStart=".count))
          // What runs until it is ended is ended as systemd does: by one signal, not one more to the group.
          return command.contains("--follow")
            ? "timeout --foreground --preserve-status -s TERM 3 \(command)" : command
        })
    case "console": return session(block)
    default: return []
    }
  }

  /// `$ ` begins a command, which goes on behind a `\` at the end of a line; below it stands what it prints.
  private static func session(_ block: Block) -> [Step] {
    var steps: [Step] = []
    var goesOn = false
    for (index, line) in block.lines.enumerated() {
      if goesOn {
        steps[steps.count - 1].command += "\n" + line
        goesOn = line.hasSuffix("\\")
      } else if line.hasPrefix("$ ") {
        steps.append(
          Step(line: block.line + index, command: String(line.dropFirst(2)), output: []))
        goesOn = line.hasSuffix("\\")
      } else if steps.isEmpty {
        steps.append(Step(line: block.line, command: "", output: [line]))
      } else {
        steps[steps.count - 1].output?.append(line)
      }
    }
    return steps
  }
}

/// What a page says that a command prints. A line `…` stands for any number of lines, `…` within a
/// line for any text; blanks behind it keep columns in line.
struct PrintedLines {
  var lines: [String]

  init(_ lines: [String]) {
    self.lines = lines
    while self.lines.last?.isEmpty == true { self.lines.removeLast() }
  }

  func match(_ output: String) -> Bool {
    Self.match(lines[...], PrintedLines(output.components(separatedBy: "\n")).lines[...])
  }

  private static func match(_ said: ArraySlice<String>, _ printed: ArraySlice<String>) -> Bool {
    guard let first = said.first else { return printed.isEmpty }
    if first.trimmingCharacters(in: .whitespaces) == "…" {
      return (printed.startIndex...printed.endIndex).contains {
        match(said.dropFirst(), printed[$0...])
      }
    }
    guard let line = printed.first, matchLine(first, line) else { return false }
    return match(said.dropFirst(), printed.dropFirst())
  }

  private static func matchLine(_ said: String, _ printed: String) -> Bool {
    var parts = said.components(separatedBy: "…")
    guard parts.count > 1 else { return said == printed }
    guard printed.hasPrefix(parts[0]) else { return false }
    for index in parts.indices.dropFirst() {
      parts[index] = String(parts[index].drop { $0 == " " })
    }
    var rest = printed.dropFirst(parts[0].count)
    for part in parts[1..<(parts.count - 1)] {
      guard let found = rest.range(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
  }
}
