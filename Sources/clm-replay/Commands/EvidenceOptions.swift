import ArgumentParser
import EventStore
import Projections

/// What `explain` may leave for others to check.
struct EvidenceOptions: ParsableArguments {
  @Option(
    name: .customLong("evidence"),
    help: ArgumentHelp(
      "Write events, proofs, rules and what came of them here, to be checked without this program; a name that ends in .html gives a page to read.",
      valueName: "file"))
  var file: String?
  @Option(
    help:
      "With --evidence: sign with this key; with --checkpoint too, the verifier key of it.")
  var key: String?
  @Option(
    help: ArgumentHelp(
      "With --evidence: prove under this checkpoint, in place of what the log is now.",
      valueName: "file"))
  var checkpoint: String?

  func validate() throws {
    if file == nil && (key != nil || checkpoint != nil) {
      throw ValidationError("--key and --checkpoint go with --evidence")
    }
  }

  /// What everything is proved under.
  func head(_ subject: CustomerAccess) throws -> SignedHead {
    guard let checkpoint else { return try SignedHead(subject.opened, key: key) }
    return try SignedHead(
      subject.opened, checkpoint: checkpoint, key: key, folded: subject.view.size)
  }

  func write(_ bundle: EvidenceBundle, to file: String) throws {
    let isPage = file.hasSuffix(".html") || file.hasSuffix(".htm")
    let text = isPage ? try EvidencePage(bundle).html() : bundle.json.text + "\n"
    try OutputFile.write(text, to: file)
  }
}
