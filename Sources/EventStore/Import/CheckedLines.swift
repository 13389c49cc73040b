/// The lines of an input in the native form (contract §3), each checked as an import checks it, without a store.
package enum CheckedLines {
  /// Reads an input to its end, gzip and a byte order mark taken off; blank lines are passed over.
  ///
  /// - Parameters:
  ///   - name: of a file; `-` is standard input.
  ///   - body: given each line without its end, with its number from 1, and why it is no event; how far in the future it lies
  ///     is not looked at.
  /// - Throws: ``InputFault`` where the input cannot be read, and what `body` throws.
  package static func forEach(
    _ name: String, _ body: (Int, [UInt8], Rejection?) throws -> Void
  ) throws {
    let input: InputBytes
    do throws(SystemError) {
      input = try InputBytes(name, stop: nil)
    } catch {
      throw InputFault("cannot-read", "`\(name)` cannot be opened: \(error.text)")
    }
    try input.begin(isCSV: false)
    let reader = LineReader(input)
    let parser = EventParser(latest: .max)
    var first = 1
    while let piece = try reader.readLines() {
      var found: [(line: Int, range: Range<Int>, rejection: Rejection?)] = []
      var batch = EventBatch(bytes: piece)
      let count = batch.parse(parser) { found.append(($0, $1, $2)) }
      for each in found {
        try body(first + each.line, Array(piece[each.range]), each.rejection)
      }
      first += count
    }
  }
}
