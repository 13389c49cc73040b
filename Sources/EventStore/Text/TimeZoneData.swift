/// A time zone of the IANA database, read from its file as a value: nothing of the process is changed.
///
/// ```
/// let berlin = try TimeZoneData(named: "Europe/Berlin")
/// berlin.offset(at: 1_700_000_000)          // 3600
/// berlin.instants(local: local)             // one, none (a gap) or two
/// ```
/// Instants are seconds since 1970-01-01T00:00:00Z; local times are what the clock shows, as if it were UTC.
public struct TimeZoneData: Sendable {
  /// A zone that cannot be used.
  public struct Fault: Error, Sendable {
    /// Lower case, no full stop.
    public var message: String
    /// What to do about it.
    public var help: String?
  }

  /// The instants at which the clocks of a zone show a local time.
  public enum Instants: Sendable, Equatable {
    /// Microseconds since 1970.
    case one(Int64)
    /// The hour comes twice.
    case two(earlier: Int64, later: Int64)
    /// The clocks were put forward over it: the time read with the offset from then on, and with the one before.
    case gap(earlier: Int64, later: Int64)
  }

  /// As in the IANA time zone database, such as `Europe/Berlin`.
  public private(set) var name: String
  private var transitions: [Int64] = []
  /// The offset from each transition on, in seconds east of UTC.
  private var offsets: [Int64] = []
  /// The offset before the first transition.
  private var first: Int64 = 0
  /// For the time behind the last transition.
  private var rule: TimeZoneRule?

  /// Reads a zone from the directory that TZDIR names, else from /usr/share/zoneinfo; `UTC` needs neither.
  public init(named name: String) throws(Fault) {
    self.name = name
    if name == "UTC" { return }
    let directory = Files.environment("TZDIR") ?? "/usr/share/zoneinfo"
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isName = parts.allSatisfy { part in
      !part.isEmpty && !part.hasPrefix(".")
        && part.utf8.allSatisfy {
          ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || "_+-.".utf8.contains($0)
        }
    }
    let path = "\(directory)/\(name)"
    guard isName, Files.isPlain(path) else {
      throw Fault(
        message: "there is no time zone `\(name)` in \(directory)",
        help: Files.isDirectory(directory)
          ? "names are those of the IANA database, such as Europe/Berlin"
          : "install tzdata, or let TZDIR name the directory of the IANA database")
    }
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.read(path)
    } catch {
      throw Fault(message: "the time zone file `\(path)` cannot be read: \(error.text)")
    }
    guard let read = TimeZoneData(name: name, file: bytes) else {
      throw Fault(message: "`\(path)` is no time zone file, or one that counts leap seconds")
    }
    self = read
  }

  /// - Parameter file: bytes in the form of RFC 8536; nil where they have another form, or count leap seconds.
  init?(name: String, file: [UInt8]) {
    self.name = name
    guard let old = Block(file, at: 0, width: 4) else { return nil }
    if old.version < UInt8(ascii: "2") {
      guard take(old, file) else { return nil }
      return
    }
    guard let block = Block(file, at: old.end, width: 8), take(block, file) else { return nil }
    let footer = file[block.end...]
    guard footer.first == 0x0a, let end = footer.dropFirst().firstIndex(of: 0x0a) else {
      return nil
    }
    let text = Array(footer[(footer.startIndex + 1)..<end])
    if text.isEmpty { return }
    guard let rule = TimeZoneRule(text) else { return nil }
    self.rule = rule
  }

  /// Where the parts of a header's data stand.
  private struct Block {
    let version: UInt8
    let types: Int
    let times: Int
    let typeCount: Int
    let timeCount: Int
    let leaps: Int
    let start: Int
    let width: Int
    let end: Int

    init?(_ file: [UInt8], at start: Int, width: Int) {
      guard start + 44 <= file.count, Array(file[start..<start + 4]) == Array("TZif".utf8) else {
        return nil
      }
      func count(_ number: Int) -> Int {
        Int(TimeZoneData.bigEndian(file, start + 20 + number * 4, 4))
      }
      let counts = (0..<6).map(count)
      guard counts.allSatisfy({ $0 >= 0 && $0 <= 1 << 20 }) else { return nil }
      version = file[start + 4]
      (leaps, timeCount, typeCount) = (counts[2], counts[3], counts[4])
      self.start = start + 44
      self.width = width
      times = self.start
      types = times + timeCount * (width + 1)
      end = types + typeCount * 6 + counts[5] + leaps * (width + 4) + counts[1] + counts[0]
      guard end <= file.count else { return nil }
    }
  }

  private mutating func take(_ block: Block, _ file: [UInt8]) -> Bool {
    guard block.leaps == 0, block.typeCount > 0 else { return false }
    func offset(_ type: Int) -> Int64 { Self.bigEndian(file, block.types + type * 6, 4) }
    first = offset(0)
    for number in 0..<block.timeCount {
      let at = Self.bigEndian(file, block.times + number * block.width, block.width)
      let type = Int(file[block.times + block.timeCount * block.width + number])
      guard type < block.typeCount, at > transitions.last ?? Int64.min else { return false }
      transitions.append(at)
      offsets.append(offset(type))
    }
    // A day is the most that a clock of this world differs from UTC; sums stay far from the ends of their range.
    return (offsets + [first]).allSatisfy { abs($0) < 2 * 86_400 }
  }

  private static func bigEndian(_ file: [UInt8], _ start: Int, _ width: Int) -> Int64 {
    var value: UInt64 = 0
    for index in start..<start + width { value = value << 8 | UInt64(file[index]) }
    let unused = UInt64(64 - width * 8)
    return Int64(bitPattern: value << unused) >> Int64(unused)
  }

  static func year(of instant: Int64) -> Int64 {
    CivilDate.civil(days: (instant - (instant < 0 ? 86_399 : 0)) / 86_400).year
  }

  /// Seconds east of UTC at an instant.
  public func offset(at instant: Int64) -> Int64 {
    let after = transitionCount(through: instant)
    if after == transitions.count, let rule { return rule.offset(at: instant) }
    return after == 0 ? first : offsets[after - 1]
  }

  /// How many transitions of the table are not later than an instant.
  private func transitionCount(through instant: Int64) -> Int {
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The instants at which the clocks show a local time.
  public func instants(local: Int64) -> Instants {
    // No offset is longer than two days.
    let (from, to) = (local - 172_800, local + 172_800)
    let spans = self.spans(from: from, to: to)
    var found: [Int64] = []
    for (number, span) in spans.enumerated() {
      let instant = local - span.offset
      let end = number + 1 < spans.count ? spans[number + 1].start : to + 172_800
      if instant >= span.start && instant < end { found.append(instant) }
    }
    if let earlier = found.first, let later = found.last {
      return earlier == later ? .one(earlier) : .two(earlier: earlier, later: later)
    }
    for (before, after) in zip(spans, spans.dropFirst())
    where local >= after.start + before.offset && local < after.start + after.offset {
      return .gap(earlier: local - after.offset, later: local - before.offset)
    }
    return .one(local - offset(at: local))
  }

  /// The offsets in force between two instants, each with the instant from which it holds.
  private func spans(from: Int64, to: Int64) -> [(start: Int64, offset: Int64)] {
    var spans = [(start: from - 172_800, offset: offset(at: from))]
    let known = transitionCount(through: from)
    for number in known..<max(known, transitionCount(through: to)) {
      spans.append((transitions[number], offsets[number]))
    }
    if let rule {
      let last = max(from, transitions.last ?? Int64.min)
      for year in Self.year(of: from) - 1...Self.year(of: to) + 1 {
        for change in rule.changes(year) where change.at > last && change.at <= to {
          spans.append((change.at, change.offset))
        }
      }
    }
    return spans
  }
}
