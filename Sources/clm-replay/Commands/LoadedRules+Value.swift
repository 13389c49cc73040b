import Projections

extension LoadedRules {
  /// The parameters of value models that a file brings, for the model of the rules; nil without a file.
  func valueParameters(_ path: String?) throws -> ValueParameters? {
    guard let path else { return nil }
    guard let settings = compiled.rules.clv, let model = settings.model else {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "--clv-params is of no use: the rules name no clv.model"
      )
    }
    let bytes = try InputFile.read(path, what: "file of parameters")
    do throws(ValueParameters.Fault) {
      return try ValueParameters.read(bytes, model: model, unit: Numbers.span(settings.unit))
    } catch {
      throw CommandError(
        exit: .couldNotRun, code: "clv-params", message: "`\(path)` \(error.message)",
        help: "`clm-replay replay STORE --rules RULES --format json` prints what it takes")
    }
  }
}
