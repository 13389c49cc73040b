import Foundation
import Testing

@testable import Projections

/// The models against arbitrary precision (`fixtures/vectors/value.json`, made by `Tests/Reference/value_vectors.py`).
@Suite struct ValueVectorTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func rows(_ name: String) throws -> [[String: Any]] {
    let data = try Data(
      contentsOf: Self.folder.appending(path: "fixtures/vectors/value.json"))
    let all = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return try #require(all?[name] as? [[String: Any]])
  }

  private func number(_ value: Any?) throws -> Double {
    if let text = value as? String { return try #require(Double(text)) }
    return try #require((value as? NSNumber)?.doubleValue)
  }

  private func model(_ row: [String: Any]) throws -> any PurchaseModel {
    let name = try #require(row["model"] as? String)
    let kind = try #require(Rules.CLVModel(rawValue: name)).kind
    let params = try #require(row["params"] as? [String: Any])
    return kind.init(try kind.parameterNames.map { try number(params[$0]) })
  }

  /// How far from what is expected, beside the larger of that and a floor.
  private func error(_ found: Double, _ expected: Double, floor: Double) -> Double {
    (found - expected).magnitude / max(expected.magnitude, floor)
  }

  @Test(arguments: ["pareto_nbd", "bg_nbd", "mbg_nbd", "bg_bb"])
  func `likelihood, P(alive) and expected purchases hold their digits for extreme parameters`(
    name: String
  ) throws {
    var worst: [String: (Double, String)] = [:]
    func note(_ what: String, _ error: Double, _ row: [String: Any]) {
      if error.isNaN || error > worst[what]?.0 ?? -1 {
        worst[what] = (error.isNaN ? .infinity : error, "\(row)")
      }
    }
    for row in try rows(name) {
      let model = try model(row)
      let history = PurchaseHistory(
        frequency: try number(row["x"]), recency: try number(row["t_x"]),
        age: try number(row["T"] ?? row["n"]))
      note(
        "log_likelihood",
        error(model.logLikelihood(history), try number(row["log_likelihood"]), floor: 1), row)
      let alive = model.probabilityAlive(history)
      note("p_alive", error(alive, try number(row["p_alive"]), floor: 1e-250), row)
      let time = try number(row["t"] ?? row["ahead"])
      note(
        "expected",
        error(
          model.expectedPurchases(history, within: time), try number(row["expected"]),
          floor: 1e-250), row)
      if let new = row["expected_new"] {
        note(
          "expected_new",
          error(
            model.expectedPurchases(ofNewCustomerWithin: time), try number(new), floor: 1e-250),
          row)
      }
    }
    for (what, (error, row)) in worst {
      // BG/BB adds up to 365 logarithms of opportunities.
      #expect(error < (what == "log_likelihood" ? 1e-11 : 1e-10), "\(what): \(error), \(row)")
    }
  }

  @Test func `spending holds its digits for extreme parameters`() throws {
    for row in try rows("gamma_gamma") {
      let params = try #require(row["params"] as? [String: Any])
      let model = GammaGamma(try GammaGamma.parameterNames.map { try number(params[$0]) })
      let spending = GammaGamma.Spending(
        frequency: try number(row["x"]), mean: try number(row["mean"]))
      let found = model.logLikelihood(spending)
      #expect(error(found, try number(row["log_likelihood"]), floor: 1) < 1e-10, "\(row) \(found)")
      if let expected = row["expected"], !(expected is NSNull) {
        let (found, wanted) = (model.expectedValue(spending), try number(expected))
        if wanted.isInfinite {
          #expect(found < 0 || found.isInfinite, "\(row) \(found)")
        } else {
          #expect(error(found, wanted, floor: 0) < 1e-12, "\(row) \(found)")
        }
      }
    }
  }

  @Test func `the present value of all that is to come holds its digits`() throws {
    for row in try rows("dert") {
      let model = try model(row)
      let history = PurchaseHistory(
        frequency: try number(row["x"]), recency: try number(row["t_x"]),
        age: try number(row["T"]))
      let found = DiscountedValue.residual(model, history, delta: try number(row["delta"]))
      #expect(error(found, try number(row["dert"]), floor: 1e-250) < 1e-9, "\(row) \(found)")
    }
  }
}
