import CEL
import Testing

@testable import Projections

@Suite struct PopulationTests {
  @Test func `margin times money rounds half to even`() {
    let margin = Rules.Factor(mantissa: 35, scale: 2)
    #expect(margin.times(10) == 4)  // 3.5
    #expect(margin.times(30) == 10)  // 10.5
    #expect(margin.times(-30) == -10)
    #expect(margin.times(100) == 35)
    #expect(Rules.Factor(mantissa: 1, scale: 0).times(Int64.max) == Int64.max)
    #expect(Rules.Factor(mantissa: 2, scale: 0).times(Int64.max) == nil)
  }

  @Test func `currencies have their own digits`() {
    #expect(Currencies.digits(of: "EUR") == 2)
    #expect(Currencies.digits(of: "JPY") == 0)
    #expect(Currencies.digits(of: "KWD") == 3)
    #expect(Currencies.digits(of: "XYZ") == nil)
  }
}

@Suite struct PopulationRankTests {
  private func ranks(_ function: Rules.PopulationFunction, _ keys: [Int64?]) -> [Int64?] {
    let entry = Rules.PopulationFact(
      name: "rank", function: function, fact: 0, place: Rules.Place(line: 1, column: 1))
    return PopulationRanks([entry], keys: [0: keys]).values[0]
  }

  @Test func `percent_rank counts those with a smaller value over n less one`() {
    let found = ranks(.percentRank, [30, 10, nil, 10, 20]).map {
      $0.map { TimedOutcome($0).double }
    }
    #expect(found == [1, 0, nil, 0, 2.0 / 3])
    #expect(ranks(.percentRank, [nil, 5]) == [nil, TimedOutcome.double(0)])
  }

  @Test func `ntile goes by the lowest rank among ties, from the lowest value up`() {
    #expect(ranks(.ntile(4), [1, 2, 3, 4, 5, 6, 7, 8]) == [1, 1, 2, 2, 3, 3, 4, 4])
    #expect(ranks(.ntile(2), [7, 7, 7, 7]) == [1, 1, 1, 1])
    #expect(ranks(.ntile(3), [1, 2, 2, 2]) == [1, 1, 1, 1])
    #expect(ranks(.ntile(10), [5, nil, 9]) == [1, nil, 6])
  }

  @Test func `top takes ties whole or not at all`() {
    func top(_ mantissa: Int64, _ scale: Int, _ keys: [Int64?]) -> [Int64?] {
      ranks(.top(Rules.Factor(mantissa: mantissa, scale: scale)), keys)
    }
    #expect(top(25, 0, [4, 3, 2, 1]) == [1, 0, 0, 0])
    #expect(top(249, 1, [4, 3, 2, 1]) == [0, 0, 0, 0])
    #expect(top(50, 0, [4, 3, 3, nil, 1]) == [1, 1, 1, nil, 0])
    #expect(top(25, 0, [4, 4, 3, 1]) == [1, 1, 0, 0])
  }

  @Test func `doubles order as numbers, and what is none has no rank`() {
    let values: [Double] = [-0.0, 0.0, -1.5, 2, -.infinity, .nan, 1e-300]
    let keys = values.map { PopulationRanks.key(TimedOutcome.double($0), .double) }
    #expect(keys[0] == keys[1] && keys[5] == nil)
    for (i, left) in values.enumerated() {
      for (j, right) in values.enumerated() where !left.isNaN && !right.isNaN {
        #expect((left < right) == ((keys[i] ?? 0) < (keys[j] ?? 0)))
      }
    }
    #expect((PopulationRanks.key(-1, .uint) ?? 0) > (PopulationRanks.key(1, .uint) ?? 0))
  }
}
