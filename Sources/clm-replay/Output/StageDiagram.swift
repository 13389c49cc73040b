import CEL
import Projections

/// The stages of rules and what leads from one to the other, as Mermaid draws it (https://mermaid.js.org).
struct StageDiagram {
  private let rules: Rules
  private(set) var lines: [String] = []

  init(_ rules: Rules) {
    self.rules = rules
    switch rules.form {
    case .transitions(let transitions): draw(transitions)
    case .firstMatch(let conditions): draw(conditions)
    }
  }

  private mutating func draw(_ transitions: [Rules.Transition]) {
    lines = ["stateDiagram-v2"]
    for (number, stage) in rules.stages.enumerated() {
      lines.append("  state \"\(Self.escaped(stage.name))\" as s\(number)")
    }
    lines.append("  [*] --> s0")
    for transition in transitions {
      // A colon would end the label.
      let label = "\(transition.id)#58; \(Self.escaped(transition.condition.text))"
      for from in transition.from {
        lines.append("  s\(from) --> s\(transition.to) : \(label)")
      }
    }
  }

  /// Questions from top to bottom: the first that holds says the stage.
  private mutating func draw(_ conditions: [Rules.Condition?]) {
    lines = ["flowchart TD"]
    for (number, (stage, condition)) in zip(rules.stages, conditions).enumerated() {
      lines.append("  s\(number)([\"\(Self.escaped(stage.name))\"])")
      guard let condition else { continue }
      lines.append("  c\(number){{\"\(Self.escaped(condition.text))\"}}")
      lines.append("  c\(number) -->|yes| s\(number)")
      let isLast = number + 2 == conditions.count
      lines.append("  c\(number) -->|no| \(isLast ? "s\(number + 1)" : "c\(number + 1)")")
    }
  }

  /// What means something to Mermaid, as an entity.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.printable.unicodeScalars {
      switch scalar {
      case "\"": result += "#quot;"
      case "#", ";", ":", "<", ">", "{", "}", "[", "]", "|", "`", "\\", "%":
        result += "#\(scalar.value);"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
