/// `int()`, `string()` and the other conversions.
extension Functions {
  /// Nil if the name is no conversion.
  static func convert(_ name: String, _ value: Value) -> Outcome? {
    switch name {
    case "int": toInt(value)
    case "uint": toUInt(value)
    case "double": toDouble(value)
    case "string": toString(value)
    case "bytes": toBytes(value)
    case "bool": toBool(value)
    case "timestamp": toTimestamp(value)
    case "duration": toDuration(value)
    default: nil
    }
  }

  private static func outOfRange(_ type: String) -> Outcome {
    fail(.range, "the value does not fit into \(type)")
  }

  private static func toInt(_ value: Value) -> Outcome {
    switch value {
    case .int: return .success(value)
    case .uint(let number):
      return Int64(exactly: number).map { .success(.int($0)) } ?? outOfRange("int")
    case .double(let number):
      // Strictly inside: neither end of the range is a double that converts without doubt.
      let limit = 9_223_372_036_854_775_808.0
      guard number > -limit && number < limit else { return outOfRange("int") }
      return .success(.int(Int64(number)))
    case .string(let text):
      let isPlain = text.utf8.allSatisfy { Lexer.isDigit($0) || "+-".utf8.contains($0) }
      if isPlain, let number = Int64(text, radix: 10) { return .success(.int(number)) }
      return fail(.conversion, "'\(text)' is no int")
    case .timestamp(let timestamp):
      return .success(.int(timestamp.seconds))
    default:
      return noOverload("int", [value])
    }
  }

  private static func toUInt(_ value: Value) -> Outcome {
    switch value {
    case .uint: return .success(value)
    case .int(let number):
      return UInt64(exactly: number).map { .success(.uint($0)) } ?? outOfRange("uint")
    case .double(let number):
      guard number > -1, number < 18_446_744_073_709_551_616.0, number >= 0 || number == 0 else {
        return outOfRange("uint")
      }
      return .success(.uint(UInt64(number)))
    case .string(let text):
      if text.utf8.allSatisfy(Lexer.isDigit), let number = UInt64(text, radix: 10) {
        return .success(.uint(number))
      }
      return fail(.conversion, "'\(text)' is no uint")
    default:
      return noOverload("uint", [value])
    }
  }

  private static func toDouble(_ value: Value) -> Outcome {
    switch value {
    case .double: return .success(value)
    case .int(let number): return .success(.double(Double(number)))
    case .uint(let number): return .success(.double(Double(number)))
    case .string(let text):
      if let number = DoubleText.parse(text) { return .success(.double(number)) }
      return fail(.conversion, "'\(text)' is no double")
    default:
      return noOverload("double", [value])
    }
  }

  private static func toString(_ value: Value) -> Outcome {
    switch value {
    case .string: return .success(value)
    case .int(let number): return .success(.string(String(number)))
    case .uint(let number): return .success(.string(String(number)))
    case .double(let number): return .success(.string(DoubleText.format(number)))
    case .bool(let flag): return .success(.string(flag ? "true" : "false"))
    case .bytes(let bytes):
      if let text = String(validating: bytes, as: UTF8.self) { return .success(.string(text)) }
      return fail(.conversion, "the bytes are no UTF-8")
    case .timestamp(let timestamp): return .success(.string(Calendar.format(timestamp)))
    case .duration(let duration): return .success(.string(DurationText.format(duration)))
    default: return noOverload("string", [value])
    }
  }

  private static func toBytes(_ value: Value) -> Outcome {
    switch value {
    case .bytes: .success(value)
    case .string(let text): .success(.bytes(Array(text.utf8)))
    default: noOverload("bytes", [value])
    }
  }

  private static func toBool(_ value: Value) -> Outcome {
    switch value {
    case .bool: return .success(value)
    case .string("true"), .string("True"), .string("TRUE"), .string("t"), .string("1"):
      return .success(.bool(true))
    case .string("false"), .string("False"), .string("FALSE"), .string("f"), .string("0"):
      return .success(.bool(false))
    case .string(let text):
      return fail(.conversion, "'\(text)' is no bool")
    default:
      return noOverload("bool", [value])
    }
  }

  private static func toTimestamp(_ value: Value) -> Outcome {
    switch value {
    case .timestamp: return .success(value)
    case .int(let seconds):
      if Calendar.secondsRange.contains(seconds) {
        return .success(.timestamp(Timestamp(seconds: seconds, nanoseconds: 0)))
      }
      return fail(.range, "the timestamp is outside of the years 0001 to 9999")
    case .string(let text):
      if let timestamp = Calendar.parse(text) { return .success(.timestamp(timestamp)) }
      return fail(
        .conversion, "'\(text)' is no timestamp; write one such as '2024-04-28T16:45:00Z'")
    default:
      return noOverload("timestamp", [value])
    }
  }

  private static func toDuration(_ value: Value) -> Outcome {
    switch value {
    case .duration: return .success(value)
    case .string(let text):
      if let parsed = DurationText.parse(text) { return .success(.duration(parsed.duration)) }
      return fail(
        .conversion,
        "'\(text)' is no duration or beyond its range; write one such as '36h' or '1h30m'")
    default:
      return noOverload("duration", [value])
    }
  }
}
