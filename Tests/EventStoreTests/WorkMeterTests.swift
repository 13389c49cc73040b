import EventStore
import Testing

@Suite struct WorkMeterTests {
  @Test func `what is left follows from the speed since the work began`() {
    let meter = WorkMeter()
    #expect(meter.reading().share == nil)
    // What was done before, such as a look at the first bytes, took no time that counts.
    meter.add(200)
    meter.begin(total: 1000, events: 50)
    let start = Files.monotonicSeconds()
    #expect(meter.reading(at: start + 1).secondsLeft == nil)

    meter.add(200)
    let reading = meter.reading(at: start + 10)

    #expect(reading.share == 0.4)
    #expect(reading.events == 20)
    #expect(abs((reading.secondsLeft ?? 0) - 30) < 1)
    #expect(abs(reading.eventsPerSecond - 2) < 0.1)
    meter.reach(2000)
    meter.count(77)
    #expect(meter.reading(at: start + 11).share == 1)
    #expect(meter.reading(at: start + 11).secondsLeft == 0)
    #expect(meter.reading(at: start + 11).events == 77)
  }

  @Test func `of a stream nobody knows how much is left`() {
    let meter = WorkMeter()
    meter.begin(total: nil)
    meter.reach(5)
    meter.count(3)

    let reading = meter.reading()

    #expect(reading.share == nil && reading.secondsLeft == nil)
    #expect(reading.events == 3)
  }
}
