import Glibc

extension ValueFit {
  /// Mean money of the days after the first, in whole currency; 0 without any.
  func mean(_ buyer: Buyer) -> Double {
    buyer.frequency > 1 ? Double(buyer.repeatTotal) / scale / Double(buyer.frequency - 1) : 0
  }

  /// Expected value of a purchase in whole currency; nil without an answer of the spending model.
  ///
  /// - Parameters:
  ///   - frequency: days with a purchase, less the first one.
  ///   - mean: of the money of these days.
  func amount(frequency: Double, mean: Double) -> Double? {
    let amount: Double
    switch spending {
    case .gammaGamma(let fit)?:
      amount = GammaGamma(fit.parameters).expectedValue(.init(frequency: frequency, mean: mean))
    case .mean(let all, _)?: amount = frequency > 0 ? max(0, mean) : all
    case nil: return nil
    }
    return amount.isFinite && amount >= 0 ? amount : nil
  }

  func amount(of buyer: Buyer) -> Double? {
    // Under `monetary: net`: who returned what he bought has shown what he is worth.
    if buyer.keepsNothing && spending != nil { return 0 }
    return amount(frequency: Double(buyer.frequency - 1), mean: mean(buyer))
  }

  /// margin × amount × purchases in minor units, half to even; nil where out of range.
  func value(_ amount: Double, times purchases: Double) -> Int64? {
    let value = (amount * purchases * margin * scale).rounded(.toNearestOrEven)
    return value.magnitude < 9e18 ? Int64(value) : nil
  }

  var margin: Double {
    Double(settings.margin.mantissa) / pow(10, Double(settings.margin.scale))
  }
}
