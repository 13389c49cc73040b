/// The `eval` command: one JSON object a line in, one a line out.
///
/// In: `expr`, and optionally `type_env` (name to type), `bindings` (name to value), `disable_check`. Out:
/// `{"value":V}` or `{"error":{"code":"…","message":"…","offset":N}}`, for compile errors and error values alike;
/// the offset counts bytes of the expression (for a line that is no such object, code `input`, of the line).
/// Durations count nanoseconds; there is no money, no lifecycle function and no mixed comparison.
public enum EvalFilter {
  /// Answers one line, without its line end; `ok` is false for a line that is no request.
  public static func answer(line: String) -> (output: String, ok: Bool) {
    answer(line: Array(line.utf8))
  }

  /// The same for bytes, which need not be UTF-8.
  public static func answer(line: [UInt8]) -> (output: String, ok: Bool) {
    let request: Request
    do {
      request = try Request(line)
    } catch {
      return (render(code: "input", error.message, error.offset), false)
    }
    var environment = Environment(variables: request.types)
    environment.rejectsMalformedConstants = false
    let checked: CheckedExpression
    do {
      checked = try environment.check(request.expression, isLenient: request.isUnchecked)
    } catch {
      return (render(code: error.code.rawValue, error.message, error.range.lowerBound), true)
    }
    let bindings = request.bindings
    switch checked.evaluateLocated({ bindings[$0].map(Result.success) }) {
    case .success(let value):
      var output = Array(#"{"value":"#.utf8)
      if !value.write(to: &output, limit: Limits.answerBytes) {
        let message = "the value takes more than \(Limits.answerBytes) bytes"
        return (render(code: EvaluationError.Code.argument.rawValue, message, 0), true)
      }
      output.append(UInt8(ascii: "}"))
      return (String(decoding: output, as: UTF8.self), true)
    case .failure(let failure):
      let error = failure.error
      return (render(code: error.code.rawValue, error.message, failure.offset), true)
    }
  }

  private static func render(code: String, _ message: String, _ offset: Int) -> String {
    var output = Array(#"{"error":{"code":"#.utf8)
    JSON.write(code, to: &output)
    output.append(contentsOf: #","message":"#.utf8)
    JSON.write(message, to: &output)
    output.append(contentsOf: #","offset":\#(offset)}}"#.utf8)
    return String(decoding: output, as: UTF8.self)
  }

  private struct Request {
    var expression: String
    var types: [String: Type] = [:]
    var bindings: [String: Value] = [:]
    var isUnchecked = false

    init(_ line: [UInt8]) throws(JSON.Fault) {
      let json = try JSON.parse(line)
      guard case .string(let text)? = json["expr"] else {
        throw JSON.Fault(message: "a line is an object with the string 'expr'", offset: 0)
      }
      expression = text
      for member in try Self.members("bindings", of: json) {
        do {
          let value = try Value(json: member.value)
          bindings[member.name] = value
          types[member.name] = value.type
        } catch {
          throw JSON.Fault(message: "binding '\(member.name)': \(error.message)", offset: 0)
        }
      }
      for member in try Self.members("type_env", of: json) {
        guard case .string(let name) = member.value, let type = Type(named: name) else {
          throw JSON.Fault(message: "type_env '\(member.name)' is no type", offset: 0)
        }
        types[member.name] = type
      }
      switch json["disable_check"] {
      case nil, .null?: break
      case .bool(let flag)?: isUnchecked = flag
      default: throw JSON.Fault(message: "'disable_check' is true or false", offset: 0)
      }
    }

    private static func members(
      _ name: String, of json: JSON
    ) throws(JSON.Fault) -> [(name: String, value: JSON)] {
      switch json[name] {
      case nil, .null?: return []
      case .object(let members)?: return members
      default: throw JSON.Fault(message: "'\(name)' is an object", offset: 0)
      }
    }
  }
}
