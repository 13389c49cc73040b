/// Command lines of thousands of names, as a shell makes them of `import store *.ndjson`: taking arguments apart takes time that
/// grows with the square of their number.
///
/// Of a run of arguments that are no options the first may be the command or an option's value, and the next the store; those behind
/// are names. Where there are many, one argument stands for them, which no caller can pass since it begins with a zero byte.
enum LongArguments {
  private static let fewest = 64
  private static let kept = 3
  /// Commands that take any number of names, and call ``names(_:)`` on them.
  private static let commands = ["import", "forget"]

  /// Arguments, with one in place of many.
  static func shortened(_ arguments: [String]) -> [String] {
    guard let command = arguments.first, commands.contains(command) else { return arguments }
    var short: [String] = []
    var start = 0
    while start < arguments.count {
      var end = start
      while end < arguments.count, !arguments[end].hasPrefix("-") { end += 1 }
      if end - start > fewest {
        short += arguments[start..<start + kept]
        short.append("\0\(start + kept):\(end)")
      } else {
        short += arguments[start..<end]
      }
      if end < arguments.count { short.append(arguments[end]) }
      start = end + 1
    }
    return short
  }

  /// Names as they were passed.
  ///
  /// - Parameter arguments: those that were ``shortened(_:)``.
  static func names(_ short: [String], of arguments: [String]) -> [String] {
    short.flatMap { name in
      guard name.utf8.first == 0 else { return [name][...] }
      let bounds = name.dropFirst().split(separator: ":").compactMap { Int($0) }
      return arguments[bounds[0]..<bounds[1]]
    }
  }

  /// Names as this process was given them.
  static func names(_ short: [String]) -> [String] { names(short, of: passed) }

  /// What this process was given, without its own name.
  static var passed: [String] { Array(CommandLine.arguments.dropFirst()) }
}
