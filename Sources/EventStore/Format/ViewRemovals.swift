/// A view that was dropped: from then on it is not served. What it served stays in the register.
public struct ViewDropped: Sendable, Equatable {
  /// Name of the view.
  public var view: String
  /// Name of the directory of the generation that was in force.
  public var generation: String

  /// - Parameter generation: the one that was in force.
  package init(view: String, generation: String) {
    self.view = view
    self.generation = generation
  }

  func append(to bytes: inout [UInt8]) {
    for text in [view, generation] { bytes.append(text: text) }
  }

  init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    view = try reader.text()
    generation = try reader.text()
  }
}

/// Generations of a view, not in force any more, that were removed.
public struct ViewPruned: Sendable, Equatable {
  /// Name of the view.
  public var view: String
  /// Names of their directories; at most 65,535.
  public var generations: [String]

  /// - Parameter generations: names of those that were removed.
  package init(view: String, generations: [String]) {
    self.view = view
    self.generations = generations
  }

  func append(to bytes: inout [UInt8]) {
    bytes.append(text: view)
    bytes.appendLittle(UInt16(generations.count))
    for generation in generations { bytes.append(text: generation) }
  }

  init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    view = try reader.text()
    generations = []
    for _ in 0..<(try reader.number(UInt16.self)) { generations.append(try reader.text()) }
  }
}
