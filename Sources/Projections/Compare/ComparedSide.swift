/// One of two things that are compared: rules over a part of a log.
public struct ComparedSide: Sendable {
  /// The rules of this side.
  public let compiled: CompiledRules
  /// What of the log it sees.
  public let view: LogView

  /// Rules over what of a log is in view.
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
  /// Of the side named first.
  public var a: Element
  /// Of the other side.
  public var b: Element

  /// A pair, a first.
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
