import CEL
import EventStore
import Projections

/// What `value` found, in each of its forms.
struct ValueReport {
  let forecast: Forecast
  let view: String
  /// One table; nil for all that there is.
  let table: ValueCommand.Table?
  let cells: TableCells

  init(_ forecast: Forecast, view: String, table: ValueCommand.Table?) {
    self.forecast = forecast
    self.view = view
    self.table = table
    cells = TableCells(currencyDigits: forecast.rules.currency.digits)
  }

  func write(_ destination: ValueForms.Destination) throws {
    let path = destination.path
    switch destination.form {
    case .json: try OutputFile.write(json.text + "\n", to: path)
    case .csv: try writeRows(.csv, to: path)
    case .ndjson: try writeRows(.ndjson, to: path)
    case .text: try OutputFile.write(text.printableLines, to: path)
    case .svg: try OutputFile.write(SVGChart.text(chart), to: path)
    }
  }

  private func writeRows(_ format: OutputFormat, to path: String) throws {
    let file = try OutputFile.open(path)
    let table = table ?? (forecast.path == nil ? .tracking : .path)
    if table == .customers {
      var writer = RowWriter(
        format: format, columns: forecast.table(.customers).columns, file: file)
      try writer.begin()
      try forecast.forEachCustomer { try writer.add($0.map(cells.json)) }
      try writer.end()
    } else {
      try cells.write(rows(of: table), as: format, to: file)
    }
    try file.close()
  }

  /// All of a table but that of customers.
  func rows(of table: ValueCommand.Table) -> Metrics.Table {
    switch table {
    case .models: forecast.table(.models)
    case .tracking: forecast.table(.tracking)
    case .frequency: forecast.table(.frequency)
    case .calibration: forecast.table(.calibration)
    case .customers: forecast.table(.customers)
    case .path: forecast.path?.table ?? Metrics.Table(columns: [])
    }
  }

  /// A share as a signed percentage.
  static func percent(_ share: Double?) -> String {
    guard let share, share.magnitude < 1e9 else { return share.map(Numbers.short) ?? "-" }
    return "\(share < 0 ? "-" : "+")\(Numbers.percent(share.magnitude * 100)) %"
  }

  func money(_ minor: Int64?) -> String {
    guard let minor else { return "-" }
    return
      "\(Numbers.money(minor, digits: cells.currencyDigits)) \(forecast.rules.currency.code)"
  }
}
