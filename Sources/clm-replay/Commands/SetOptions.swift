import ArgumentParser
import Projections

/// What may be changed in the rules of a command, without a file of its own.
struct SetOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change the rules at a path of their file, as in facts.purchases_365d.within=180d. Several times for several.",
      valueName: "path=value"))
  var settings: [String] = []

  /// The rules with all settings made, checked as any file is.
  ///
  /// - Throws: a path that is not there; where the loader refuses a value, its errors have been printed.
  func apply(to rules: Rules) throws -> LoadedRules {
    var source = rules.source
    for text in settings {
      do throws(RulesSetting.Refusal) {
        source = try RulesSetting(text).applied(to: source)
      } catch {
        throw CommandError(
          exit: error.code == "bad-setting" && !text.contains("=") ? .usage : .couldNotRun,
          code: error.code, message: "--set \(text): \(error.message)", help: error.help)
      }
    }
    return try LoadedRules.load(source, named: title(rules.file))
  }

  /// A file with the settings, for people.
  func title(_ file: String) -> String {
    settings.isEmpty ? file : "\(file) with \(settings.joined(separator: ", "))"
  }
}
