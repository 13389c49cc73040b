import EventStore

/// What a view was computed from and what came out, as hashes in hexadecimal.
public struct Receipt: Sendable, Equatable {
  public var size: UInt64
  /// Of the log at that size.
  public var root: String
  /// SHA-256 of the rules file.
  public var rules: String
  public var engine: String
  /// Microseconds since 1970.
  public var asOf: Int64
  public var outputRoot: String

  /// Why a file is no receipt.
  public struct Fault: Error, Sendable {
    public var message: String
  }

  /// Reads what `replay --receipt` writes, or the whole object that `replay --format json` prints.
  public static func read(_ bytes: [UInt8]) throws(Fault) -> Receipt {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Fault(message: "it is not UTF-8")
    }
    let root: YAMLValue
    do throws(YAMLValue.Fault) {
      root = try YAMLValue.parse(text)
    } catch {
      throw Fault(message: "line \(error.place.line): \(error.message)")
    }
    guard case .map = root else { throw Fault(message: "it is no object") }
    let receipt = root.member("receipt") ?? root
    func member(_ name: String) throws(Fault) -> String {
      guard let text = receipt.member(name)?.text else {
        throw Fault(message: "`\(name)` is missing")
      }
      return text
    }
    guard let size = UInt64(try member("size")) else {
      throw Fault(message: "`size` is no number")
    }
    guard let asOf = RFC3339.microseconds(Array(try member("as_of").utf8).span) else {
      throw Fault(message: "`as_of` is no instant")
    }
    return Receipt(
      size: size, root: try member("root"), rules: try member("rules"),
      engine: try member("engine"),
      asOf: asOf, outputRoot: try member("output_root"))
  }
}

extension LogView {
  /// The output root of a replay of what is in view, 32 bytes; nothing is written.
  public func outputRoot(
    _ compiled: CompiledRules, threads: Int, progress: (Double) -> Void
  ) throws -> [UInt8] {
    var root = OutputRoot()
    let packer = try RecordPacker(Replayer(compiled, view: self, threads: threads))
    _ = try packer.run(progress: progress) { packed in
      for run in packed { for leaf in run.leaves { root.add(leaf) } }
    }
    return try root.root(threads: threads)
  }
}
