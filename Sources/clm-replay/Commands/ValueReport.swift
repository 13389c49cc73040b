import CEL
import EventStore
import Projections

/// What `value` found, in each of its forms.
struct ValueReport {
  let forecast: Forecast
  let view: String
  let table: ValueCommand.Table?
  let cells: TableCells

  init(_ forecast: Forecast, view: String, table: ValueCommand.Table?) {
    self.forecast = forecast
    self.view = view
    self.table = table
    cells = TableCells(currencyDigits: forecast.rules.currency.digits)
  }

  func write(_ destination: ValueForms.Destination) throws {
    switch destination.form {
    case .json: try OutputFile.write(json.text + "\n", to: destination.path)
    case .csv: try writeRows(.csv, to: destination.path)
    case .ndjson: try writeRows(.ndjson, to: destination.path)
    case .text: try OutputFile.write(json.text.printableLines, to: destination.path)
    case .svg: break
    }
  }

  private func writeRows(_ format: OutputFormat, to path: String) throws {
    let file = try OutputFile.open(path)
    switch table ?? .tracking {
    case .customers:
      var writer = RowWriter(
        format: format, columns: forecast.table(.customers).columns, file: file)
      try writer.begin()
      try forecast.forEachCustomer { try writer.add($0.map(cells.json)) }
      try writer.end()
    case .models: try cells.write(forecast.table(.models), as: format, to: file)
    case .tracking: try cells.write(forecast.table(.tracking), as: format, to: file)
    case .frequency: try cells.write(forecast.table(.frequency), as: format, to: file)
    case .calibration: try cells.write(forecast.table(.calibration), as: format, to: file)
    case .path: break
    }
    try file.close()
  }
}
