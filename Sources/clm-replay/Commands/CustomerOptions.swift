import ArgumentParser

/// What every command about one customer takes.
struct CustomerOptions: ParsableArguments {
  @Argument(help: "The store.") var store: String
  @Argument(help: "The customer, by any of its subjects.") var customer: String
  @OptionGroup var times: CustomerTimes

  func access(quiet: Bool) throws -> CustomerAccess {
    try CustomerAccess(customer, in: store, times, quiet: quiet)
  }
}

/// Under which view and times a customer is looked at.
struct CustomerTimes: ParsableArguments {
  @Option(help: "The view, if there are several.") var view: String?
  @Option(help: "As of another instant.") var asOf: String?
  @Option(help: "Only events recorded by then.") var knownAt: String?
  @Option(
    help: "As the register says that it was served then: rules, size and as-of of that time.")
  var asServed: String?
  @Flag(
    help:
      "With another time: fold everybody, so that value, scores and segments that need everybody are known."
  )
  var population = false

  /// The view itself answers.
  var isNow: Bool { asServed == nil && asOf == nil && knownAt == nil }

  func validate() throws {
    if asServed != nil && (asOf != nil || knownAt != nil) {
      throw ValidationError("--as-served says all of --as-of and --known-at")
    }
    if population && isNow {
      throw ValidationError("--population goes with --as-of, --known-at or --as-served")
    }
  }
}
