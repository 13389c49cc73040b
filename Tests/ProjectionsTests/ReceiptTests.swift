import Projections
import Testing

/// A receipt is JSON, and what is wrong with one is said.
@Suite struct ReceiptTests {
  private static let whole =
    #"{"size":3,"root":"aa","rules":"bb","engine":"e","as_of":"2024-01-01T00:00:00.000000Z","output_root":"cc"}"#

  private func read(_ text: String) -> Result<Receipt, Receipt.Fault> {
    do throws(Receipt.Fault) {
      return .success(try Receipt.read(Array(text.utf8)))
    } catch {
      return .failure(error)
    }
  }

  @Test func `a receipt is read by itself and within a replay's summary`() throws {
    let own = try read(Self.whole).get()
    #expect(own.size == 3)
    #expect(own.asOf == 1_704_067_200_000_000)
    let within = try read("{\"view\":\"retail\",\n\"receipt\":\(Self.whole)}\n").get()
    #expect(within == own)
  }

  @Test(arguments: [
    ("size: 3", "line 1: "),
    ("[]", "it is no object"),
    ("{\n\"size\":3,\n\"size\":3}", "line 3: "),
    (#"{"receipt":3}"#, "`size` is missing"),
    (whole.replacing("\"size\":3", with: "\"size\":\"3\""), "`size` is no number of events"),
    (whole.replacing("\"size\":3", with: "\"size\":-3"), "`size` is no number of events"),
    (whole.replacing("\"size\":3", with: "\"size\":1e40"), "`size` is no number of events"),
    (whole.replacing("\"aa\"", with: "5"), "`root` is no text"),
    (whole.replacing("2024-01-01T", with: "2024-13-01T"), "`as_of` is no instant"),
    (whole.replacing("\"engine\":\"e\",", with: ""), "`engine` is missing"),
  ])
  func `what is no receipt is refused with the reason`(_ text: String, _ reason: String) {
    // YAML was read here, so that a file of another form was a receipt with odd values.
    guard case .failure(let fault) = read(text) else {
      Issue.record("it was read: \(text)")
      return
    }
    #expect(fault.message.hasPrefix(reason), "\(fault.message)")
  }
}
