import Foundation
import Testing

/// What `clv` says of a fit, and of the money.
@Suite struct FitRulesTests {
  private func check(_ clv: String) throws -> Program {
    let place = try Place()
    return try Program.run(
      "check",
      try place.file(
        "r.yaml",
        BuyerRules.head("fit") + """
          clv: { purchase: buy.amount, refund: back.amount, \(clv) }

          """))
  }

  @Test(arguments: [
    "monetary: net", "monetary: gross, model: bg_nbd, penalizer: 0",
    "model: mbg_nbd, penalizer: 1e-3, prior: { r: { median: 0.5, sigma: 1 }, gamma: { median: 20, sigma: 2.5 } }",
    "model: bg_bb, prior: { bg_bb.gamma: { median: 1, sigma: 1 }, gamma_gamma.gamma: { median: 1, sigma: 1 } }",
    "model: pareto_nbd, prior: { beta: { median: 1, sigma: 1 }, gamma_gamma.q: { median: 3, sigma: 1 } }",
  ])
  func `what is right is taken`(clv: String) throws {
    let checked = try check(clv)
    checked.expect(0)
    #expect(!checked.errors.contains("warning"), "\(checked.errors)")
  }

  private static let mistakes: [(clv: String, says: String)] = [
    ("monetary: netto", "clv.monetary has to be gross or net, and is `netto`"),
    ("penalizer: 0.1", "clv.penalizer is for a fit, and clv has no `model`"),
    ("prior: { r: { median: 1, sigma: 1 } }", "clv.prior is for a fit, and clv has no `model`"),
    ("model: bg_nbd, penalizer: -0.1", "a number of 0 or above, and is `-0.1`"),
    ("model: bg_nbd, penalizer: inf", "a number of 0 or above, and is `inf`"),
    ("model: bg_nbd, penalty: 1", "clv has no key `penalty`"),
    (
      "model: bg_nbd, prior: { s: { median: 1, sigma: 1 } }",
      "parameters are r, alpha, a, b, p, q, gamma"
    ),
    ("model: bg_nbd, prior: { alhpa: { median: 1, sigma: 1 } }", "did you mean `alpha`?"),
    (
      "model: bg_bb, prior: { gamma: { median: 1, sigma: 1 } }",
      "write `bg_bb.gamma` or `gamma_gamma.gamma`"
    ),
    (
      "model: bg_nbd, prior: { r: { median: 1, sigma: 1 }, bg_nbd.r: { median: 2, sigma: 1 } }",
      "clv.prior has two of parameter `r`"
    ),
    ("model: bg_nbd, prior: { r: { median: 0, sigma: 1 } }", "above 0, and is `0`"),
    ("model: bg_nbd, prior: { r: { median: 1, sigma: -1 } }", "above 0, and is `-1`"),
    ("model: bg_nbd, prior: { r: { median: 1 } }", "clv.prior of `r` has no `sigma`"),
    ("model: bg_nbd, prior: { r: 0.5 }", "clv.prior of `r` has to be a map"),
    ("model: bg_nbd, prior: [r]", "clv.prior has to be a map, and is a list"),
  ]

  @Test(arguments: mistakes)
  func `a mistake is one error that says what is right`(clv: String, says: String) throws {
    let checked = try check(clv)

    checked.expect(1)
    #expect(checked.errors.contains(says), "\(checked.errors)")
    #expect(checked.errors.components(separatedBy: "error[").count == 2, "\(checked.errors)")
  }

  @Test func `net money without refunds is warned of`() throws {
    let place = try Place()
    let rules = try place.file(
      "r.yaml",
      """
      rules: 1
      model: { name: fit, version: 1 }
      currency: EUR
      events: { buy: { types: [purchase], fields: { amount: money } } }
      stages: [{ name: all }]
      clv: { purchase: buy.amount, monetary: net }

      """)
    let checked = try Program.run("check", rules)

    checked.expect(0)
    #expect(checked.errors.contains("warning[no-refund]"), "\(checked.errors)")
  }
}
