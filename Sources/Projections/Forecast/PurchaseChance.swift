import Glibc

/// Probability that a customer who has not stopped by as-of buys at least once within a time after it.
enum PurchaseChance {
  static func whileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double, within time: Double
  ) -> Double {
    if let model = model as? any BetaGeometric {
      // Nobody stops but at a purchase, so that a Poisson process of gamma distributed rate has to be silent.
      return -expm1(-(model.r + frequency) * log1p(time / (model.alpha + age)))
    }
    // Silent until then, alive or having stopped on the way: weights of the likelihood.
    let cells = model.cells(frequency, [age, age + time][...])
    let silent = cells[1].ageTerm.adding(cells[0].recencyTerm)
    return max(0, -expm1(silent.log - cells[0].logAlive))
  }
}
