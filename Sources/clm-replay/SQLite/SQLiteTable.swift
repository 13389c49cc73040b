import CEL
import Projections

/// A table of a database: its columns with what they mean, keys and indices.
struct SQLiteTable {
  struct Column {
    var name: String
    var kind: Kind
    var isOptional = true
    /// One phrase, without a line end.
    var about: String
  }

  enum Kind: String {
    case text, instant, date, list, integer, real, money, duration, flag

    /// The type of a STRICT table.
    var type: String {
      switch self {
      case .text, .instant, .date, .list: "TEXT"
      case .integer, .money, .duration, .flag: "INTEGER"
      case .real: "REAL"
      }
    }

    /// What is added to a name, so that nobody takes the number for one in other units.
    var suffix: String {
      switch self {
      case .money: "_minor"
      case .duration: "_us"
      default: ""
      }
    }

    /// In which unit or form a value stands.
    func unit(_ rules: Rules) -> String? {
      switch self {
      case .instant: "RFC 3339, UTC, six decimals"
      case .date: "day in \(rules.timezone ?? "UTC")"
      case .list: "JSON array"
      case .money: "minor units of \(rules.currency.code), 10^-\(rules.currency.digits)"
      case .duration: "microseconds"
      case .flag: "0 or 1"
      case .text, .integer, .real: nil
      }
    }
  }

  var name: String
  /// What a row is.
  var about: String
  var columns: [Column]
  /// Columns of the primary key; empty: rows are numbered in their order, in a column of their own.
  var key: [String]
  var indices: [[String]] = []
  /// The column `customer` names a row of `customers`.
  var isOfCustomers = false

  /// Names as they are in the database: with units, and none twice (SQLite takes `A` and `a` for the same).
  init(
    _ name: String, _ about: String, _ columns: [Column], key: [String] = [],
    indices: [[String]] = []
  ) {
    self.name = name
    self.about = about
    self.key = key
    self.indices = indices
    var taken: Set<String> = []
    self.columns = columns.map { column in
      var column = column
      let wanted = column.name + column.kind.suffix
      column.name = wanted
      var number = 2
      while !taken.insert(column.name.lowercased()).inserted {
        column.name = "\(wanted)_\(number)"
        number += 1
      }
      return column
    }
  }

  /// An identifier, as SQL has it.
  static func quoted(_ name: String) -> String {
    "\"\(name.replacing("\"", with: "\"\""))\""
  }

  private static func list(_ names: [String]) -> String {
    names.map(quoted).joined(separator: ", ")
  }

  /// The statement that makes it; comments stay in the database.
  var creation: String {
    var lines = columns.map { column in
      "  \(Self.quoted(column.name)) \(column.kind.type)\(column.isOptional ? "" : " NOT NULL")"
        + (column.kind == .flag ? " CHECK (\(Self.quoted(column.name)) IN (0, 1))" : "")
        + ", -- \(column.about)"
    }
    if key.isEmpty {
      lines.insert("  \"row\" INTEGER PRIMARY KEY, -- order of the rows", at: 0)
      let last = lines.count - 1
      lines[last] = lines[last].replacing(", -- ", with: " -- ", maxReplacements: 1)
    } else {
      lines.append("  PRIMARY KEY (\(Self.list(key)))" + (isOfCustomers ? "," : ""))
      if isOfCustomers {
        lines.append("  FOREIGN KEY (\"customer\") REFERENCES \"customers\" (\"customer\")")
      }
    }
    return """
      CREATE TABLE \(Self.quoted(name)) ( -- \(about)
      \(lines.joined(separator: "\n"))
      ) STRICT\(key.isEmpty ? "" : ", WITHOUT ROWID")
      """
  }

  /// The statements that make its indices.
  var indexCreations: [String] {
    indices.map { columns in
      let index = Self.quoted("\(name)_by_\(columns.joined(separator: "_"))")
      return "CREATE INDEX \(index) ON \(Self.quoted(name)) (\(Self.list(columns)))"
    }
  }
}
