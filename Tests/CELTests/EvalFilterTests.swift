import CEL
import Testing

struct EvalFilterTests {
  @Test(arguments: [
    (#"{"expr":"1 + 2"}"#, #"{"value":{"type":"int","value":"3"}}"#),
    (#"{"expr":"-0.0"}"#, #"{"value":{"type":"double","value":"-0.0"}}"#),
    (#"{"expr":"1.0 / 0.0"}"#, #"{"value":{"type":"double","value":"Infinity"}}"#),
    (#"{"expr":"b'\\x00\\xff\\x10'"}"#, #"{"value":{"type":"bytes","value":"AP8Q"}}"#),
    (#"{"expr":"null"}"#, #"{"value":{"type":"null"}}"#),
    (
      #"{"expr":"[true, 1u, 'a\"\\n']"}"#,
      #"{"value":{"type":"list","value":[{"type":"bool","value":true},{"type":"uint","value":"1"},{"type":"string","value":"a\"\n"}]}}"#
    ),
    (
      #"{"expr":"{'k': duration('-1.5s')}"}"#,
      #"{"value":{"type":"map","value":[[{"type":"string","value":"k"},{"type":"duration","seconds":"-1","nanos":-500000000}]]}}"#
    ),
    (
      #"{"expr":"timestamp('1969-12-31T23:59:59.5Z')"}"#,
      #"{"value":{"type":"timestamp","seconds":"-1","nanos":500000000}}"#
    ),
    (
      #"{"expr":"type(timestamp(0))"}"#,
      #"{"value":{"type":"type","value":"google.protobuf.Timestamp"}}"#
    ),
    (
      #"{"expr":"a.b > 1","type_env":{"a.b":"int"}}"#,
      #"{"error":{"code":"unset","message":"'a.b' is unset","offset":0}}"#
    ),
    (
      #"{"expr":"1 + a.b * 2","bindings":{"a.b":{"type":"int","value":"9223372036854775807"}}}"#,
      #"{"error":{"code":"overflow","message":"the result does not fit into int","offset":4}}"#
    ),
    (
      #"{"expr":"true && foo"}"#,
      #"{"error":{"code":"cel-undeclared","message":"unknown name 'foo'","offset":8}}"#
    ),
    (
      #"{"expr":"1 < 1.5"}"#,
      #"{"error":{"code":"cel-type","message":"'<' does not take int and double","offset":0}}"#
    ),
    (#"{"expr":"foo || true","disable_check":true}"#, #"{"value":{"type":"bool","value":true}}"#),
    (#"{"expr":"f(1) || true","disable_check":true}"#, #"{"value":{"type":"bool","value":true}}"#),
    (
      #"{"expr":"true || duration('x') > duration('1s')"}"#,
      #"{"value":{"type":"bool","value":true}}"#
    ),
  ])
  func `a request has this answer`(_ line: String, _ expected: String) {
    let (output, ok) = EvalFilter.answer(line: line)

    #expect(output == expected.replacing("\n", with: "\\n"))
    #expect(ok)
  }

  @Test(arguments: [
    "", "{", "[]", "1", #"{"expr":1}"#, #"{"expr":"1"} x"#, #"{"expr":"1","expr":"2"}"#,
    #"{"expr":"x","type_env":{"x":"shop.Order"}}"#, #"{"expr":"x","bindings":{"x":1}}"#,
    #"{"expr":"x","bindings":{"x":{"type":"int","value":"1.5"}}}"#,
    #"{"expr":"x","bindings":{"x":{"type":"timestamp","seconds":"999999999999","nanos":0}}}"#,
    #"{"expr":"x","type_env":[]}"#, #"{"expr":"1","disable_check":"yes"}"#, #"{"expr":"\ud800"}"#,
  ])
  func `a line that is no request is answered with an error`(_ line: String) {
    let (output, ok) = EvalFilter.answer(line: line)

    #expect(output.hasPrefix(#"{"error":{"code":"input","message":""#))
    #expect(!ok)
  }

  @Test func `unknown members are ignored and types of all forms are read`() {
    let line =
      #"{"id":7,"expr":"m['a'][0] + size(d)","type_env":{"m":"map(string, list(int))","d":"dyn"},"#
      + #""bindings":{"m":{"type":"map","value":[[{"type":"string","value":"a"},{"type":"list","value":"#
      + #"[{"type":"int","value":"4"}]}]]},"d":{"type":"string","value":"xyz"}},"tier":1}"#

    #expect(EvalFilter.answer(line: line).output == #"{"value":{"type":"int","value":"7"}}"#)
  }

  @Test func `bytes that are no UTF-8 are no request`() {
    let line = Array(#"{"expr":"'"#.utf8) + [0xFF] + Array(#"'"}"#.utf8)

    let (output, ok) = EvalFilter.answer(line: line)

    #expect(!ok)
    #expect(output.contains("no UTF-8"))
  }
}
