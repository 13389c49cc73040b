import EventStore

/// What the events of a log look like, for who writes the first rules for them.
struct LogProfile {
  /// A type, as sent.
  struct EventType {
    var name: String
    /// Number of the type in the log.
    var number: Int
    var count = 0
    /// Events whose payload was looked at.
    var sampled = 0
    /// In the order in which they were first seen.
    var fields: [Field] = []
  }

  /// A place in the payload of a type.
  struct Field {
    /// Names of members.
    var steps: [String]
    /// Events that have a value there that is not null.
    var present = 0
    private(set) var numbers = 0
    private(set) var bools = 0
    private(set) var lists = 0
    private(set) var strings = 0
    /// Of the strings those that spell a number, and a time.
    private(set) var spelled = 0
    private(set) var times = 0
    private(set) var hasFraction = false
    private(set) var mostDecimals = 0
    /// Texts with how often they came; the first ones alone where there are many.
    private(set) var texts: [String: Int] = [:]
    private static let mostTexts = 200

    init(_ steps: [String]) { self.steps = steps }

    mutating func add(_ value: JSONTree) {
      switch value {
      case .null, .object: return
      case .bool: bools += 1
      case .array: lists += 1
      case .number(let parts):
        numbers += 1
        note(parts)
      case .string(let bytes):
        strings += 1
        if let parts = Decimal.parts(bytes.span) {
          spelled += 1
          note(parts)
        } else if RFC3339.microseconds(bytes.span) != nil {
          times += 1
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if texts[text] != nil || texts.count < Self.mostTexts { texts[text, default: 0] += 1 }
      }
      present += 1
    }

    private mutating func note(_ parts: Decimal.Parts) {
      if !parts.isSmallInteger { hasFraction = true }
      mostDecimals = max(mostDecimals, parts.decimals)
    }
  }

  /// Most frequent first, then by the bytes of their names.
  private(set) var types: [EventType] = []
  let size: UInt64
  let earliest: Int64?
  let latest: Int64?
  /// Lines of so many blocks of the log were looked at, spread over it; nil for all.
  private(set) var sampledBlocks: Int?
  /// Blocks whose lines are looked at.
  private static let mostBlocks = 64
  private static let mostFields = 64

  init(_ snapshot: LogSnapshot) throws {
    size = snapshot.size
    earliest = snapshot.earliestOccurred
    latest = snapshot.latestOccurred
    var all = snapshot.typeNames.enumerated().map {
      EventType(name: String(decoding: $1, as: UTF8.self), number: $0)
    }
    let blocks = Array(snapshot.blocks)
    if blocks.count > Self.mostBlocks { sampledBlocks = Self.mostBlocks }
    for (index, number) in blocks.enumerated() {
      let block = try snapshot.block(number)
      for row in 0..<block.count where !block.isErased(row) {
        all[Int(block.types[row])].count += 1
      }
      // As many at equal distances.
      let isSampled =
        blocks.count <= Self.mostBlocks
        || index * Self.mostBlocks / blocks.count
          != (index + 1) * Self.mostBlocks / blocks.count
      if isSampled { try Self.look(at: block, snapshot, &all) }
    }
    types = all.filter { $0.count > 0 && !$0.name.isEmpty }.sorted {
      $0.count != $1.count
        ? $0.count > $1.count : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
  }

  private static func look(
    at block: BlockColumns, _ snapshot: LogSnapshot, _ types: inout [EventType]
  ) throws {
    var places: [[[String]: Int]] = types.map { type in
      Dictionary(uniqueKeysWithValues: type.fields.enumerated().map { ($1.steps, $0) })
    }
    let end = min(block.firstPosition + UInt64(block.count), snapshot.size)
    try snapshot.forEachLine(in: block.firstPosition..<end) { position, line in
      let type = Int(block.types[Int(position - block.firstPosition)])
      types[type].sampled += 1
      PayloadInventory.forEachScalar(line) { steps, value in
        if let place = places[type][steps] {
          types[type].fields[place].add(value)
        } else if types[type].fields.count < mostFields {
          places[type][steps] = types[type].fields.count
          types[type].fields.append(Field(steps))
          types[type].fields[types[type].fields.count - 1].add(value)
        }
      }
    }
  }
}
