/// Makes CloudEvents lines of calls of Segment's specification (docs/sources.md); on any thread.
///
/// The line is, without blanks, `specversion`, `id` (messageId), `source` (`segment`), `type`, `subject` (userId, else
/// anonymousId), `time` (UTC, six decimals) and, unless it is empty, `data`: the properties as they came, then what the mapping
/// adds under names that these do not have.
struct SegmentLines {
  /// The lines, each with its end.
  private(set) var lines: [UInt8] = []

  /// Adds the line of one call.
  ///
  /// - Parameter text: a line without its end.
  mutating func append(_ text: Span<UInt8>) throws(Rejection) {
    if text.count > EventParser.lineBytes {
      throw Rejection(
        "too-long", "the line has \(text.count) bytes, more than \(EventParser.lineBytes)")
    }
    let start = lines.count
    do throws(Rejection) {
      try appendEvent(try SegmentCall(text))
      let count = lines.count - start
      if count > EventParser.lineBytes {
        throw Rejection(
          "too-long",
          "the event that this call makes has \(count) bytes, more than \(EventParser.lineBytes)")
      }
    } catch {
      lines.removeLast(lines.count - start)
      throw error
    }
    lines.append(0x0a)
  }

  private mutating func appendEvent(_ call: borrowing SegmentCall) throws(Rejection) {
    let method = try Self.method(call)
    guard let id = try Self.identifier("messageId", call) else {
      throw Rejection("missing-id", "`messageId` is missing")
    }
    let user = try Self.identifier("userId", call)
    let anonymous = try Self.identifier("anonymousId", call)
    guard let subject = user ?? anonymous else {
      throw Rejection("missing-subject", "neither `userId` nor `anonymousId` is there")
    }
    var joined = user == nil ? nil : anonymous
    if method == .alias {
      // A name of before; without it an alias joins nothing.
      joined = try Self.identifier("previousId", call) ?? joined
      if joined == nil {
        throw Rejection("missing-subject", "`previousId`, which an alias joins, is missing")
      }
    }
    let hasProperties = [.track, .page, .screen].contains(method)
    let properties = hasProperties ? try call.object("properties") : []
    let type = try Self.type(method, call)
    lines += #"{"specversion":"1.0","id":""#.utf8
    JSONWriting.appendContent(id.span, to: &lines)
    lines += #"","source":"segment","type":""#.utf8
    JSONWriting.appendContent(type.span, to: &lines)
    lines += #"","subject":""#.utf8
    JSONWriting.appendContent(subject.span, to: &lines)
    lines += #"","time":""#.utf8
    RFC3339.append(try Self.time(call), to: &lines)
    lines.append(UInt8(ascii: "\""))
    var data = Data(taken: properties.map(\.name))
    for property in properties {
      data.add(call.line, property.nameRange, property.value, to: &lines)
    }
    if method == .track { addPurchase(type, properties, call, &data) }
    if let name = call.value("name") { data.add("name", call, name, to: &lines) }
    if let category = call.value("category") { data.add("category", call, category, to: &lines) }
    if method == .identify || method == .group, let traits = call.value("traits") {
      data.add("traits", call, traits, to: &lines)
    }
    if let group = try Self.identifier("groupId", call) { data.add("group_id", group, to: &lines) }
    if let joined { data.add("anonymous_id", joined, to: &lines) }
    if let channel = call.value("channel") { data.add("channel", call, channel, to: &lines) }
    let context = try call.object("context")
    if let campaign = call.value("campaign", in: context), call.isObject(campaign) {
      data.add("campaign", call, campaign, to: &lines)
    }
    if data.hasMembers { lines.append(UInt8(ascii: "}")) }
    lines.append(UInt8(ascii: "}"))
  }

  /// What an order or a review says beside its properties.
  private mutating func addPurchase(
    _ type: [UInt8], _ properties: [SegmentCall.Member], _ call: borrowing SegmentCall,
    _ data: inout Data
  ) {
    let type = String(decoding: type, as: UTF8.self)
    let amounts: [String] =
      switch type {
      case "purchase": ["revenue", "total", "value"]
      case "refund": ["total", "revenue", "value"]
      default: []
      }
    for name in amounts {
      guard let value = call.value(name, in: properties) else { continue }
      if call.isString(value) {
        return data.add("amount", call, value, to: &lines)
      }
      if call.isNumber(value) {
        let spelled = [UInt8](copying: call.line.extracting(value))
        return data.add("amount", spelled, to: &lines)
      }
    }
    if type == "review", let rating = call.value("rating", in: properties) {
      data.add("stars", call, rating, to: &lines)
    }
  }

  // MARK: Attributes

  private static func method(_ call: borrowing SegmentCall) throws(Rejection) -> SegmentCall.Method
  {
    if call.value("type") == nil && call.value("batch") != nil {
      throw Rejection(
        "call", "the line is a batch of calls; `jq -c '.batch[]'` makes a line of each")
    }
    let name = call.text("type").map { String(decoding: $0, as: UTF8.self) } ?? ""
    if let method = SegmentCall.Method(rawValue: name) { return method }
    let known = SegmentCall.Method.allCases.map(\.rawValue).joined(separator: ", ")
    throw Rejection("call", "`type` is `\(name.prefix(40))`, and the calls are \(known)")
  }

  /// A name of somebody or something: a string that is not empty, or a number as it is spelled.
  private static func identifier(
    _ name: String, _ call: borrowing SegmentCall
  ) throws(Rejection) -> [UInt8]? {
    guard let value = call.value(name) else { return nil }
    if call.isString(value) { return call.text(name) }
    if call.isNumber(value) { return [UInt8](copying: call.line.extracting(value)) }
    throw Rejection("bad-\(name)", "`\(name)` is neither a string nor a number")
  }

  private static func type(
    _ method: SegmentCall.Method, _ call: borrowing SegmentCall
  ) throws(Rejection) -> [UInt8] {
    switch method {
    case .page: return Array("page_view".utf8)
    case .screen: return Array("screen_view".utf8)
    case .identify, .alias: return Array("identify".utf8)
    case .group: return Array("group".utf8)
    case .track:
      guard let event = call.text("event") else {
        throw Rejection("missing-type", "`event` is missing, empty, or no string")
      }
      return SegmentNames.type(of: event)
    }
  }

  /// `timestamp`; without it when the device says it was, put right by the clocks of both sides where they are known.
  private static func time(_ call: borrowing SegmentCall) throws(Rejection) -> Int64 {
    if let timestamp = try call.instant("timestamp") { return timestamp }
    let original = try call.instant("originalTimestamp")
    let sent = try call.instant("sentAt")
    let received = try call.instant("receivedAt")
    if let original, let sent, let received {
      let (age, overflow) = sent.subtractingReportingOverflow(original)
      let (at, overflows) = received.subtractingReportingOverflow(age)
      // A clock that is off by centuries says nothing.
      if !overflow && !overflows && RFC3339.range.contains(at) { return at }
      return received
    }
    if let time = original ?? sent ?? received { return time }
    throw Rejection(
      "missing-time", "none of `timestamp`, `originalTimestamp`, `sentAt` and `receivedAt` is there"
    )
  }

  /// The members of `data` as they come to a line.
  private struct Data {
    /// Names that properties have.
    let taken: [[UInt8]]
    private(set) var hasMembers = false

    init(taken: [[UInt8]]) { self.taken = taken }

    private mutating func begin(_ lines: inout [UInt8]) {
      lines += (hasMembers ? "," : #","data":{"#).utf8
      hasMembers = true
    }

    /// A member as it came.
    mutating func add(
      _ line: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>, to lines: inout [UInt8]
    ) {
      begin(&lines)
      lines.append(line.extracting(name))
      lines.append(UInt8(ascii: ":"))
      lines.append(line.extracting(value))
    }

    /// A value as it came under another name, unless a property has that.
    mutating func add(
      _ name: String, _ call: borrowing SegmentCall, _ value: Range<Int>,
      to lines: inout [UInt8]
    ) {
      guard beginAdded(name, &lines) else { return }
      lines.append(call.line.extracting(value))
    }

    /// A text, unless a property has that name.
    mutating func add(_ name: String, _ text: [UInt8], to lines: inout [UInt8]) {
      guard beginAdded(name, &lines) else { return }
      JSONWriting.append(text, to: &lines)
    }

    private mutating func beginAdded(_ name: String, _ lines: inout [UInt8]) -> Bool {
      if taken.contains(where: { $0.elementsEqual(name.utf8) }) { return false }
      begin(&lines)
      lines += "\"\(name)\":".utf8
      return true
    }
  }
}
