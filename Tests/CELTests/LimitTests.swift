import CEL
import Testing

struct LimitTests {
  private func code(_ text: String) -> CompileError.Code? {
    compileError(text)?.code
  }

  private func nested(_ count: Int, _ open: String, _ middle: String, _ close: String) -> String {
    String(repeating: open, count: count) + middle + String(repeating: close, count: count)
  }

  @Test func `nesting has a limit that no form of it gets around`() {
    #expect(code(nested(99, "(", "1", ")")) == nil)
    #expect(code(nested(100, "(", "1", ")")) == .limit)
    for text in [
      nested(20_000, "(", "1", ")"), nested(20_000, "[", "1", "]"), nested(20_000, "!", "vip", ""),
      nested(20_000, "-", "visits", ""), nested(10_000, "{1:", "1", "}"),
      nested(10_000, "vip ? 1 : ", "1", ""), nested(10_000, "vip ? ", "1", " : 1"),
      nested(10_000, "size(", "1", ")"), nested(10_000, "[1][", "0", "]"),
      nested(5_000, "[1].all(x, ", "true", ")"), nested(20_000, "(", "", ""),
    ] {
      #expect(code(text) == .limit, "\(text.prefix(30))…")
    }
  }

  @Test func `a chain that leans to the left has a limit`() {
    #expect(code("1" + String(repeating: "+1", count: 150)) == nil)
    for link in ["+1", "[0]", ".a", ".f()", "==1", "*1"] {
      #expect(code("visits" + String(repeating: link, count: 20_000)) == .limit, "\(link)")
    }
  }

  @Test func `the deepest trees that are allowed are evaluated`() {
    #expect(evaluated("1" + String(repeating: "+1", count: 199)) == "int(200)")
    #expect(evaluated(nested(98, "[1].all(x, ", "true", ")")) == "true")
    #expect(evaluated(nested(98, "!", "true", "")) == "true")
    #expect(evaluated(nested(49, "size([", "1", "])")) == "int(1)")
  }

  @Test func `hundreds of alternatives are no nesting`() {
    let text = (0..<3000).map { "visits == \($0)" }.joined(separator: " || ")

    #expect(evaluated(text, ["visits": .int(2999)]) == "true")
    #expect(evaluated(text.replacing(" || ", with: " && "), ["visits": .int(0)]) == "false")
  }

  @Test func `a text has a limit of 65536 bytes`() {
    let fits = "visits" + String(repeating: " ", count: 65_530)

    #expect(code(fits) == nil)
    #expect(code(fits + " ") == .limit)
  }

  @Test func `macros that multiply end in an error`() {
    let list = "[" + (0..<100).map(String.init).joined(separator: ", ") + "]"

    let text = "\(list).all(a, \(list).all(b, \(list).all(c, \(list).all(d, true))))"

    #expect(evaluated(text) == "error(argument)")
  }

  @Test func `values that hold one another many times over end in an error`() {
    let doubled = "[1].map(a, [a, a])" + String(repeating: ".map(a, [a, a])", count: 60)

    #expect(evaluated("[\(doubled)].all(x, x == x)") == "error(argument)")
    #expect(evaluated("[\(doubled)].all(x, x in [x])") == "error(argument)")
    #expect(EvalFilter.answer(line: #"{"expr":"\#(doubled)"}"#).output.contains("argument"))
  }

  @Test func `a string that doubles ends in an error`() {
    let text =
      (0..<30).reversed().reduce("size(a30)") { inner, level in
        level == 0
          ? "['aaaaaaaa'].map(a1, \(inner))"
          : "[a\(level) + a\(level)].map(a\(level + 1), \(inner))"
      }

    #expect(evaluated(text) == "error(argument)")
  }
}
