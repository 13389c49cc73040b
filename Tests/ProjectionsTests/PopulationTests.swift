import Projections
import Testing

@Suite struct PopulationTests {
  @Test func `margin times money rounds half to even`() {
    let margin = Rules.ExchangeRate(mantissa: 35, scale: 2)
    #expect(margin.times(10) == 4)  // 3.5
    #expect(margin.times(30) == 10)  // 10.5
    #expect(margin.times(-30) == -10)
    #expect(margin.times(100) == 35)
    #expect(Rules.ExchangeRate(mantissa: 1, scale: 0).times(Int64.max) == Int64.max)
    #expect(Rules.ExchangeRate(mantissa: 2, scale: 0).times(Int64.max) == nil)
  }

  @Test func `currencies have their own digits`() {
    #expect(Currencies.digits(of: "EUR") == 2)
    #expect(Currencies.digits(of: "JPY") == 0)
    #expect(Currencies.digits(of: "KWD") == 3)
    #expect(Currencies.digits(of: "XYZ") == nil)
  }
}
