/// Values as `eval` reads and writes them.
extension Value {
  struct JSONFault: Error {
    var message: String
  }

  /// Reads `{"type":"int","value":"-1"}` and the other forms of the eval command.
  init(json: JSON) throws(JSONFault) {
    guard case .string(let type)? = json["type"] else {
      throw JSONFault(message: "a value is an object with a 'type'")
    }
    let value = json["value"]
    switch (type, value) {
    case ("null", _), ("null_type", _): self = .null
    case ("bool", .bool(let flag)?): self = .bool(flag)
    case ("int", .string(let text)?), ("int", .number(let text)?):
      guard let number = Int64(text) else { throw Self.malformed("int", text) }
      self = .int(number)
    case ("uint", .string(let text)?), ("uint", .number(let text)?):
      guard let number = UInt64(text) else { throw Self.malformed("uint", text) }
      self = .uint(number)
    case ("double", .string(let text)?), ("double", .number(let text)?):
      guard let number = DoubleText.parse(text) else { throw Self.malformed("double", text) }
      self = .double(number)
    case ("string", .string(let text)?): self = .string(text)
    case ("bytes", .string(let text)?):
      guard let bytes = LenientBase64.decode(text) else { throw Self.malformed("bytes", text) }
      self = .bytes(bytes)
    case ("timestamp", _): self = .timestamp(try Self.timestamp(json))
    case ("duration", _): self = .duration(try Self.duration(json))
    case ("list", .array(let elements)?):
      var values: [Value] = []
      for element in elements { values.append(try Value(json: element)) }
      self = .list(values)
    case ("map", .array(let pairs)?):
      var entries: [(key: Value, value: Value)] = []
      for pair in pairs {
        guard case .array(let parts) = pair, parts.count == 2 else {
          throw JSONFault(message: "a map's value is a list of pairs")
        }
        entries.append((try Value(json: parts[0]), try Value(json: parts[1])))
      }
      self = .map(entries)
    case ("type", .string(let name)?):
      guard let type = Type(named: name) else { throw Self.malformed("type", name) }
      self = .type(type)
    default:
      throw JSONFault(message: "no value of type '\(type)'")
    }
  }

  private static func malformed(_ type: String, _ text: String) -> JSONFault {
    JSONFault(message: "'\(text)' is no \(type)")
  }

  private static func number(_ json: JSON?) -> Int64? {
    switch json {
    case .string(let text)?, .number(let text)?: Int64(text)
    default: nil
    }
  }

  private static func timestamp(_ json: JSON) throws(JSONFault) -> Timestamp {
    guard let seconds = number(json["seconds"]), Calendar.secondsRange.contains(seconds),
      let nanoseconds = number(json["nanos"] ?? .number("0")),
      (0..<1_000_000_000).contains(nanoseconds)
    else {
      throw JSONFault(message: "a timestamp has 'seconds' (years 0001 to 9999) and 'nanos'")
    }
    return Timestamp(seconds: seconds, nanoseconds: Int32(nanoseconds))
  }

  private static func duration(_ json: JSON) throws(JSONFault) -> Duration {
    let fault = JSONFault(message: "a duration has 'seconds' and 'nanos' within ±2^63 ns")
    guard let seconds = number(json["seconds"]),
      let nanoseconds = number(json["nanos"] ?? .number("0")),
      (-999_999_999...999_999_999).contains(nanoseconds)
    else { throw fault }
    let total = Int128(seconds) * 1_000_000_000 + Int128(nanoseconds)
    guard let value = Int64(exactly: total) else { throw fault }
    return Duration(nanoseconds: value)
  }

  // MARK: Writing

  /// Appends the value's JSON; false once the output is longer than `limit` bytes.
  func write(to output: inout [UInt8], limit: Int) -> Bool {
    if output.count > limit { return false }
    switch self {
    case .null: output.append(contentsOf: #"{"type":"null"}"#.utf8)
    case .bool(let flag):
      output.append(contentsOf: #"{"type":"bool","value":\#(flag)}"#.utf8)
    case .int(let number): Self.write("int", "\(number)", to: &output)
    case .uint(let number): Self.write("uint", "\(number)", to: &output)
    case .double(let number): Self.write("double", DoubleText.plain(number), to: &output)
    case .string(let text): Self.write("string", text, to: &output)
    case .bytes(let bytes): Self.write("bytes", LenientBase64.encode(bytes), to: &output)
    case .timestamp(let instant):
      Self.write("timestamp", instant.seconds, Int64(instant.nanoseconds), to: &output)
    case .duration(let span):
      let second: Int64 = 1_000_000_000
      Self.write("duration", span.nanoseconds / second, span.nanoseconds % second, to: &output)
    case .money(let amount): Self.write("money", "\(amount)", to: &output)
    case .type(let type): Self.write("type", type.name, to: &output)
    case .list(let elements):
      output.append(contentsOf: #"{"type":"list","value":["#.utf8)
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        if !element.write(to: &output, limit: limit) { return false }
      }
      output.append(contentsOf: "]}".utf8)
    case .map(let entries):
      output.append(contentsOf: #"{"type":"map","value":["#.utf8)
      for (index, entry) in entries.enumerated() {
        output.append(contentsOf: (index > 0 ? ",[" : "[").utf8)
        if !entry.key.write(to: &output, limit: limit) { return false }
        output.append(UInt8(ascii: ","))
        if !entry.value.write(to: &output, limit: limit) { return false }
        output.append(UInt8(ascii: "]"))
      }
      output.append(contentsOf: "]}".utf8)
    }
    return output.count <= limit
  }

  private static func write(_ type: String, _ value: String, to output: inout [UInt8]) {
    output.append(contentsOf: #"{"type":"\#(type)","value":"#.utf8)
    JSON.write(value, to: &output)
    output.append(UInt8(ascii: "}"))
  }

  private static func write(
    _ type: String, _ seconds: Int64, _ nanoseconds: Int64, to output: inout [UInt8]
  ) {
    output.append(
      contentsOf: #"{"type":"\#(type)","seconds":"\#(seconds)","nanos":\#(nanoseconds)}"#.utf8)
  }
}

extension Type {
  /// Reads a type as the eval command writes it: `int`, `list(T)`, `map(K, V)`; nil for others.
  init?(named text: String) {
    self.init(named: text[...], depth: 1)
  }

  private init?(named text: Substring, depth: Int) {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    if depth > Limits.nesting { return nil }
    switch text {
    case "null_type", "null": self = .null
    case "bool": self = .bool
    case "int": self = .int
    case "uint": self = .uint
    case "double": self = .double
    case "string": self = .string
    case "bytes": self = .bytes
    case "timestamp", "google.protobuf.Timestamp": self = .timestamp
    case "duration", "google.protobuf.Duration": self = .duration
    case "dyn": self = .dyn
    case "type": self = .type
    case "list": self = .list(.dyn)
    case "map": self = .map(.dyn, .dyn)
    default:
      guard text.hasSuffix(")") else { return nil }
      if text.hasPrefix("list(") {
        guard let element = Type(named: text.dropFirst(5).dropLast(), depth: depth + 1) else {
          return nil
        }
        self = .list(element)
      } else if text.hasPrefix("map(") {
        let inner = text.dropFirst(4).dropLast()
        guard let comma = inner.firstIndex(of: ","),
          let key = Type(named: inner[..<comma], depth: depth + 1),
          let value = Type(named: inner[inner.index(after: comma)...], depth: depth + 1)
        else { return nil }
        self = .map(key, value)
      } else if text.hasPrefix("type(") {
        self = .type
      } else {
        return nil
      }
    }
  }
}
