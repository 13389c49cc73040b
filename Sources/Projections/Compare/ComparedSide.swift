/// One of two things that are compared: rules over a part of a log.
public struct ComparedSide: Sendable {
  public let compiled: CompiledRules
  public let view: LogView

  public init(_ compiled: CompiledRules, view: LogView) {
    self.compiled = compiled
    self.view = view
  }

  var rules: Rules { compiled.rules }

  func stageName(_ number: Int32) -> String? {
    number < 0 ? nil : rules.stages[Int(number)].name
  }

  func transitionName(_ number: Int32) -> String? {
    number < 0 ? nil : compiled.conditionName(Int(number))
  }
}

/// One of two sides.
enum SideName: Sendable {
  case a
  case b

  var other: SideName { self == .a ? .b : .a }
}

/// Something of both sides.
public struct BothSides<Element> {
  public var a: Element
  public var b: Element

  public init(a: Element, b: Element) {
    self.a = a
    self.b = b
  }

  subscript(_ side: SideName) -> Element {
    get { side == .a ? a : b }
    set { if side == .a { a = newValue } else { b = newValue } }
  }
}

extension BothSides: Sendable where Element: Sendable {}
extension BothSides: Equatable where Element: Equatable {}
