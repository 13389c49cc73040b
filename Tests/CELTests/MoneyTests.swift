import CEL
import Testing

struct MoneyTests {
  private let revenue: [String: Value] = ["revenue": .money(55_000), "visits": .int(4)]

  @Test(arguments: [
    ("revenue + money('0.01')", "money(55001)"),
    ("revenue - money('600')", "money(-5000)"),
    ("-revenue", "money(-55000)"),
    ("revenue * 2", "money(110000)"),
    ("2 * revenue", "money(110000)"),
    ("revenue / 7", "money(7857)"),
    ("-revenue / 7", "money(-7857)"),
    ("revenue / visits", "money(13750)"),
    ("revenue / money('100.00')", "double(5.5)"),
    ("revenue / (revenue - revenue)", "error(division-by-zero)"),
    ("revenue / 0", "error(division-by-zero)"),
    ("revenue * 9223372036854775807", "error(overflow)"),
    ("revenue > money('549.99') && revenue <= money('550')", "true"),
    ("revenue == money('550.000')", "true"),
    ("revenue > 0 && 0 < revenue && revenue != 0", "true"),
    ("revenue + 0", "money(55000)"),
    ("0 - revenue", "money(-55000)"),
    ("visits > 9 ? revenue : 0", "money(0)"),
    ("visits > 9 ? 0 : revenue", "money(55000)"),
    ("revenue in [money('1'), money('550')]", "true"),
    ("math.greatest(revenue, money('600'))", "money(60000)"),
    ("math.least(revenue, money('600'))", "money(55000)"),
    ("math.abs(money('-1.50'))", "money(150)"),
    ("type(revenue) == type(money('1'))", "true"),
    ("money('1e3')", "money(100000)"),
    ("money('-0.5')", "money(-50)"),
    ("money('92233720368547758.07')", "money(9223372036854775807)"),
  ])
  func `money follows the rules of its own type`(_ text: String, _ expected: String) {
    #expect(evaluated(text, revenue) == expected)
  }

  @Test(arguments: [
    "revenue + 1", "revenue > visits", "revenue == 0.0", "visits > 1 ? revenue : 1",
    "revenue in [0]", "revenue in [1.5, 2.0]", "1 in [revenue]", "[revenue, 0]",
    "math.greatest(revenue, 0)", "revenue * revenue", "revenue * 1u", "2 / revenue",
    "revenue % 2", "revenue + 'x'", "double(revenue)", "int(revenue)", "string(revenue)",
  ])
  func `money does not mix with bare numbers`(_ text: String) {
    #expect(compileError(text)?.code == .type)
  }

  @Test(arguments: ["", "+5", " 5", "5 ", "05", ".5", "5.", "1e", "0x5", "1,5", "NaN", "--5", "5-"])
  func `an amount keeps to the grammar of JSON numbers`(_ amount: String) {
    #expect(compileError("money('\(amount)') > money('1')")?.code == .literal)
  }

  @Test func `amounts have the decimals of their currency`() {
    var yen = rulesEnvironment
    yen.money = Environment.Currency(code: "JPY", digits: 0)
    var dinar = rulesEnvironment
    dinar.money = Environment.Currency(code: "BHD", digits: 3)

    #expect(evaluated("money('500')", [:], yen) == "money(500)")
    #expect(evaluated("money('500.0')", [:], yen) == "money(500)")
    #expect(compileError("money('500.5') > revenue", yen)?.code == .literal)
    #expect(
      compileError("revenue > 5", yen)?.message == "a number is not money; write money(\"5\")")
    #expect(evaluated("money('1.234')", [:], dinar) == "money(1234)")
    #expect(evaluated("money('1e300000000')", [:], dinar).hasPrefix("compile error"))
    #expect(evaluated("money('0e300000000')", [:], dinar) == "money(0)")
  }

  @Test func `the literal 0 beside money is a money literal in the tree`() throws {
    let checked = try rulesEnvironment.check("revenue > 0")

    guard case .call("_>_", nil, let operands) = checked.expression.kind,
      case .literal(.money(0)) = operands[1].kind
    else {
      Issue.record("unexpected tree \(checked.expression)")
      return
    }
    #expect(checked.types[operands[1].id] == .money)
  }

  @Test func `money literals and namespaced functions are plain nodes in the tree`() throws {
    let checked = try rulesEnvironment.check("math.abs(revenue) == money(\"12.5\")")

    guard case .call("_==_", nil, let operands) = checked.expression.kind,
      case .call("math.abs", nil, let arguments) = operands[0].kind,
      case .literal(.money(1250)) = operands[1].kind
    else {
      Issue.record("unexpected tree \(checked.expression)")
      return
    }
    #expect(arguments.count == 1)
    #expect(excerpt(checked.source, operands[1].range) == "money(\"12.5\")")
  }
}
