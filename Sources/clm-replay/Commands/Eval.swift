import ArgumentParser
import CEL

struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Evaluate CEL: one JSON object a line in, one a line out (for conformance tests).",
    discussion: """
      EXAMPLE
        echo '{"expr":"1 + 2 > 2"}' | clm-replay eval

      Exit status 1 if a line was no question.
      """)

  func run() throws {
    var failed = 0
    var output: [UInt8] = []
    while let line = readLine(strippingNewline: true) {
      let answer = EvalFilter.answer(line: line)
      if !answer.ok { failed += 1 }
      output += answer.output.utf8
      output.append(0x0a)
      if output.count > 1 << 16 {
        try OutputFile.open("-").write(output)
        output = []
      }
    }
    try OutputFile.open("-").write(output)
    if failed > 0 {
      throw CommandError(
        exit: .problems, code: "bad-input", message: "\(failed) lines could not be read")
    }
  }
}
