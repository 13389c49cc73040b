import Testing

@testable import Projections

/// What a customer's purchases and refunds come to: for the spending model, and within a time.
@Suite struct CustomerValueTests {
  private enum Step {
    case buy(day: Int64, cents: Int64)
    case back(day: Int64, cents: Int64)
  }

  private func value(
    _ steps: [Step], _ wanted: CustomerValue.Wanted = .init(isNet: true)
  ) -> CustomerValue {
    var value = CustomerValue(wanted)
    for step in steps {
      switch step {
      case .buy(let day, let cents): value.addPurchase(at: day * Microseconds.day, amount: cents)
      case .back(let day, let cents): value.addRefund(at: day * Microseconds.day, amount: cents)
      }
    }
    return value
  }

  /// 77,183.60 bought and returned led every list of customer values.
  @Test func `who returned all that he bought keeps nothing`() {
    let onTheFirstDay = value([.buy(day: 1, cents: 7_718_360), .back(day: 2, cents: 7_718_360)])
    let later = value([
      .buy(day: 1, cents: 290), .buy(day: 5, cents: 7_718_360), .back(day: 5, cents: 7_718_360),
    ])
    // The refund of some shops is noted minutes before its purchase.
    let before = value([
      .buy(day: 1, cents: 290), .back(day: 5, cents: -7_718_360), .buy(day: 5, cents: 7_718_360),
    ])

    #expect(onTheFirstDay.keepsNothing && onTheFirstDay.repeatTotal == 0)
    #expect(later.keepsNothing && later.repeatTotal == 0)
    #expect(before.repeatTotal == 290 && !before.keepsNothing)
    #expect(before.all.net == 290)
  }

  @Test func `a refund takes back what was bought last before it`() {
    let part = value([
      .buy(day: 1, cents: 1000), .buy(day: 2, cents: 500), .buy(day: 3, cents: 600),
      .back(day: 9, cents: 700),
    ])
    // What comes back before the second day of purchases can only be of the first.
    let first = value([
      .buy(day: 1, cents: 9000), .back(day: 2, cents: 9000), .buy(day: 3, cents: 40),
      .buy(day: 4, cents: 60),
    ])
    // All that was bought last, and the rest of the first day; what comes later stays.
    let beyond = value([
      .buy(day: 1, cents: 9000), .buy(day: 2, cents: 10), .back(day: 3, cents: 5000),
      .buy(day: 4, cents: 70),
    ])

    #expect(part.repeatTotal == 400 && !part.keepsNothing)
    #expect(first.repeatTotal == 100 && !first.keepsNothing)
    #expect(beyond.repeatTotal == 70 && !beyond.keepsNothing)
    #expect(value([.buy(day: 1, cents: 5)]).keepsNothing == false)
  }

  @Test func `gross knows of no refund`() {
    let steps: [Step] = [
      .buy(day: 1, cents: 100), .buy(day: 2, cents: 100), .back(day: 3, cents: 200),
    ]
    let gross = value(steps, .init())

    #expect(gross.repeatTotal == 100 && !gross.keepsNothing && gross.all.net == 0)
    #expect(value(steps).keepsNothing)
  }

  @Test func `what is within a time is added up apart`() {
    let steps: [Step] = [
      .buy(day: 1, cents: 100), .buy(day: 5, cents: 30), .back(day: 6, cents: 70),
      .buy(day: 7, cents: 20), .buy(day: 7, cents: 1),
    ]
    // The start itself is outside.
    let windowed = value(steps, .init(windowStart: 5 * Microseconds.day))
    let unasked = value(steps, .init())

    #expect(windowed.recent.count == 2 && windowed.recent.days == 1)
    #expect(windowed.recent.net == -49 && windowed.all.net == 81)
    #expect(windowed.recent.lastPurchase == 7 * Microseconds.day)
    #expect(unasked.recent.count == 0 && unasked.recent.net == 0)
  }

  @Test func `high scores ties by the highest rank among them, and never below low`() {
    #expect(RFM.fifths([3, 1, 1, 1]) == [4, 1, 1, 1])
    #expect(RFM.fifths([3, 1, 1, 1], ties: .high) == [4, 3, 3, 3])
    #expect(RFM.fifths([7, 7, 7, 7, 7], ties: .high) == [5, 5, 5, 5, 5])
    #expect(RFM.fifths([7], ties: .high) == [1] && RFM.fifths([], ties: .high).isEmpty)
    var state: UInt64 = 4
    for count in 1...60 {
      let values = (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int64(state >> 59)
      }
      let (low, high) = (RFM.fifths(values), RFM.fifths(values, ties: .high))
      #expect(zip(low, high).allSatisfy { $0 <= $1 && $1 <= 5 }, "\(values)")
    }
  }

  @Test(arguments: [0, 1, 5, 10, 11, 12, 22, 45, 63])
  func `places and fifths are those of sorted values, whatever they span`(bits: Int) {
    var state = UInt64(bits) &* 77 &+ 5
    for count in [1, 2, 63, 64, 65, 1_000, 3_000] {
      var values = (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return bits == 63 ? Int64(bitPattern: state) : Int64(state >> (64 - bits)) - 40
      }
      if bits == 63 { values += [Int64.min, Int64.max, 0] }
      let sorted = values.sorted()
      let statistics = OrderStatistics(values)
      let places = Array(stride(from: 0, to: values.count, by: max(1, values.count / 50)))
      #expect(
        (places + [values.count - 1]).allSatisfy { statistics.value(at: $0) == sorted[$0] },
        "\(bits) bits, \(count) values")
      let n = values.count
      let (low, high) = (RFM.fifths(values), RFM.fifths(values, ties: .high))
      for place in places {
        let smaller = sorted.firstIndex(of: values[place]) ?? 0
        let notGreater = (sorted.lastIndex(of: values[place]) ?? 0) + 1
        #expect(Int(low[place]) == 1 + 5 * smaller / n)
        #expect(Int(high[place]) == 1 + 5 * (notGreater - 1) / n)
      }
    }
  }
}
