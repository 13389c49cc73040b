/// Parameters of a fit that are used again.
package struct ValueParameters: Sendable {
  /// In the order of the model's names, time in the rules' unit.
  package var purchases: [Double]
  /// Nil where there was none.
  package var spending: Spending?

  package enum Spending: Sendable {
    /// p, q, γ.
    case gammaGamma([Double])
    /// The mean amount that stood in for Gamma-Gamma, and of how many customers.
    case mean(Double, customers: Int)
  }

  /// Why a file does not do.
  package struct Fault: Error, Sendable {
    package var message: String
  }

  /// Reads what `replay --format json` prints: the whole object, or its `clv` alone. YAML will do as well.
  ///
  /// - Parameter unit: `clv.unit` as it is printed; the file has to be of the same one, as of the same model, where it says so.
  package static func read(
    _ bytes: [UInt8], model: Rules.CLVModel, unit: String
  ) throws(Fault) -> ValueParameters {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Fault(message: "is not UTF-8")
    }
    let root: YAMLValue
    do throws(YAMLValue.Fault) {
      root = try YAMLValue.parse(text)
    } catch {
      throw Fault(message: "line \(error.place.line): \(error.message)")
    }
    let value = root.member("clv") ?? root
    if let found = value.member("model")?.text, found != model.rawValue {
      throw Fault(
        message: "has parameters of `\(found)`, and the rules ask for `\(model.rawValue)`")
    }
    if let found = value.member("unit")?.text, found != unit {
      throw Fault(message: "counts time in units of \(found), and the rules in \(unit)")
    }
    let params = value.member("params")
    let purchases = try numbers(model.parameterNames, of: params, "params")
    return ValueParameters(purchases: purchases, spending: try spending(of: value))
  }

  private static func spending(of value: YAMLValue) throws(Fault) -> Spending? {
    if let spending = value.member("gamma_gamma") {
      return .gammaGamma(try numbers(GammaGamma.parameterNames, of: spending, "gamma_gamma"))
    }
    guard let mean = value.member("mean_amount") else { return nil }
    guard let text = mean.member("mean")?.text, let number = Double(text), number.isFinite,
      number >= 0
    else { throw Fault(message: "has no number for `mean_amount.mean`") }
    return .mean(number, customers: mean.member("customers")?.text.flatMap { Int($0) } ?? 0)
  }

  private static func numbers(
    _ names: [String], of value: YAMLValue?, _ what: String
  ) throws(Fault) -> [Double] {
    guard let value else { throw Fault(message: "has no `\(what)`") }
    var numbers: [Double] = []
    for name in names {
      guard let text = value.member(name)?.text, let number = Double(text), number.isFinite,
        number > 0
      else { throw Fault(message: "has no number above 0 for `\(what).\(name)`") }
      numbers.append(number)
    }
    return numbers
  }
}
