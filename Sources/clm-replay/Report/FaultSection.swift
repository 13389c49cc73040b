import EventStore
import Projections

/// What of the log could not be used, and whom the rules do not determine.
enum FaultSection {
  private static let named = 20

  static func make(_ source: ReportSource, namesCustomers: Bool) -> ReportSection {
    var section = ReportSection(
      id: "faults", title: "Faults and parked customers",
      lead:
        "What the rules could not use of the log, and customers for whom they determine no stage; such customers are left out of all figures above."
    )
    let faults = source.faults.faults + source.faults.unvalued
    let parked = source.totals.summary.parked
    if faults.isEmpty && parked.isEmpty {
      section.lead = ""
      section.absent = [
        .init(text: "None: every event could be used, and every customer has a stage.")
      ]
      return section
    }
    if faults.isEmpty {
      section.remark("Every event could be used.")
    } else {
      section.lists.append(
        ReportTable(
          "Faults", columns: ["where", "name", "reason", "count", "first position"],
          numbers: [3, 4],
          rows: faults.map {
            [
              $0.kind, $0.name, $0.reason, Numbers.grouped($0.count),
              $0.firstPosition.map { Numbers.grouped(Int64(clamping: $0)) } ?? "",
            ]
          }, all: "clm-replay replay STORE --format json"))
    }
    if parked.isEmpty {
      section.remark("Every customer has a stage.")
    } else if namesCustomers {
      section.lists.append(
        ReportTable(
          parked.count > named
            ? "The first \(named) of \(ReportWords.number(Int64(parked.count), "parked customer"))"
            : ReportWords.number(Int64(parked.count), "parked customer"),
          columns: ["customer", "since", "reason", "transitions"], numbers: [],
          rows: parked.prefix(named).map {
            [
              $0.customer, SpokenText.instant($0.parking.at), $0.parking.reason,
              $0.parking.transitions.joined(separator: ", "),
            ]
          }))
    } else {
      section.remark("\(ReportWords.number(Int64(parked.count), "customer")) parked.")
    }
    return section
  }
}
