/// What an input is, by its first bytes.
enum InputKind: Equatable {
  case text
  case gzip
  /// No text of ours; what it is, and what to do with it.
  case foreign(name: String, help: String)

  /// How many bytes are enough to tell, unless a line ends before.
  static let bytesNeeded = 512

  private struct Signature {
    var bytes: [UInt8]
    var offset = 0
    var name: String
    var help: String
    /// Letters that a line of text may begin with: only with a byte behind them that no text has.
    var isText = false
  }

  private static let unpack = "unpack it, and import what it holds, as in"
  private static let convert = "write its rows as CSV or as NDJSON of CloudEvents, and import that"

  private static let signatures: [Signature] = [
    Signature(
      bytes: [0x28, 0xb5, 0x2f, 0xfd], name: "compressed with zstd",
      help: "\(unpack) `zstd -dc FILE | clm-replay import STORE -`"),
    Signature(
      bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], name: "compressed with xz",
      help: "\(unpack) `xz -dc FILE | clm-replay import STORE -`"),
    Signature(
      bytes: Array("BZh".utf8), name: "compressed with bzip2",
      help: "\(unpack) `bzip2 -dc FILE | clm-replay import STORE -`", isText: true),
    Signature(
      bytes: Array("1AY&SY".utf8), offset: 4, name: "compressed with bzip2",
      help: "\(unpack) `bzip2 -dc FILE | clm-replay import STORE -`"),
    Signature(
      bytes: [0x04, 0x22, 0x4d, 0x18], name: "compressed with lz4",
      help: "\(unpack) `lz4 -dc FILE | clm-replay import STORE -`"),
    Signature(
      bytes: [0x1f, 0x9d], name: "compressed with compress",
      help: "\(unpack) `gzip -dc FILE | clm-replay import STORE -`"),
    Signature(bytes: Array("PAR1".utf8), name: "a Parquet file", help: convert, isText: true),
    Signature(
      bytes: Array("PARE".utf8), name: "an encrypted Parquet file", help: convert, isText: true),
    Signature(bytes: Array("ORC".utf8), name: "an ORC file", help: convert, isText: true),
    Signature(bytes: Array("Obj\u{1}".utf8), name: "an Avro file", help: convert),
    Signature(bytes: Array("ARROW1\0".utf8), name: "an Arrow file", help: convert),
    Signature(bytes: Array("SQLite format 3\0".utf8), name: "an SQLite database", help: convert),
    Signature(
      bytes: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
      name: "a workbook of an old spreadsheet (XLS)",
      help: "save the sheet as CSV in UTF-8, and import that with --csv"),
    Signature(
      bytes: Array("ustar".utf8), offset: 257, name: "a tar archive",
      help: "unpack it, and import the files that it holds"),
  ]

  /// - Parameters:
  ///   - bytes: the first of the input, at least ``bytesNeeded`` of them, or a whole line, or all.
  ///   - isCSV: letters at its start may be a cell.
  init(_ bytes: [UInt8], isCSV: Bool) {
    if bytes.starts(with: [0x1f, 0x8b]) {
      self = .gzip
    } else if let name = Self.wideText(bytes) {
      self = .foreign(
        name: "text in \(name)",
        help:
          "write it as UTF-8, as in `iconv -f \(name) -t UTF-8 FILE | clm-replay import STORE -`")
    } else if Self.isZip(bytes) {
      self = Self.zip(bytes)
    } else if let found = Self.signatures.first(where: { Self.holds($0, bytes, isCSV: isCSV) }) {
      self = .foreign(name: found.name, help: found.help)
    } else {
      self = .text
    }
  }

  private static func holds(_ signature: Signature, _ bytes: [UInt8], isCSV: Bool) -> Bool {
    guard bytes.dropFirst(signature.offset).starts(with: signature.bytes) else { return false }
    if !signature.isText || !isCSV { return true }
    return bytes.dropFirst(signature.bytes.count).prefix(24).contains {
      ($0 < 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d) || $0 >= 0xf8
    }
  }

  /// UTF-16 and UTF-32, by their byte order mark or by the zeros beside their first two letters.
  private static func wideText(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0xff, 0xfe, 0, 0]) || bytes.starts(with: [0, 0, 0xfe, 0xff]) {
      return "UTF-32"
    }
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) { return "UTF-16" }
    guard bytes.count >= 4 else { return nil }
    let zeros = bytes.prefix(4).map { $0 == 0 }
    if zeros == [false, true, false, true] { return "UTF-16LE" }
    if zeros == [true, false, true, false] { return "UTF-16BE" }
    if zeros == [false, true, true, true] { return "UTF-32LE" }
    if zeros == [true, true, true, false] { return "UTF-32BE" }
    return nil
  }

  private static func isZip(_ bytes: [UInt8]) -> Bool {
    [[3, 4], [5, 6], [7, 8]].contains { bytes.starts(with: Array("PK".utf8) + $0) }
  }

  private static func zip(_ bytes: [UInt8]) -> InputKind {
    let names = String(decoding: bytes, as: UTF8.self)
    if ["[Content_Types].xml", "xl/", "_rels/"].contains(where: { names.contains($0) }) {
      return .foreign(
        name: "a workbook of a spreadsheet (XLSX)",
        help: "save the sheet as CSV in UTF-8, and import that with --csv")
    }
    return .foreign(
      name: "a zip archive (an XLSX workbook is one, too)",
      help:
        "unpack it, and import what it holds, as in `unzip -p FILE | clm-replay import STORE -`; save a sheet as CSV"
    )
  }
}
