import EventStore

/// Removes views and what is not in force of them. Readers keep what they have opened.
///
/// The register comes first, as at a switch: a process that dies on the way leaves a record and something to remove again.
package struct ViewRemoval {
  private let store: String
  private let name: String
  private let home: String

  package init(_ store: String, view name: String) {
    self.store = store
    self.name = name
    home = ViewFiles.directory(store, name)
  }

  /// A generation that is not in force, or part of one that was never complete.
  package struct Stale: Sendable {
    /// Name of its directory.
    package var generation: String
    package var bytes: Int
    /// It was complete: the register may speak of it.
    package var isWhole: Bool { !generation.hasSuffix(".tmp") }
  }

  /// Names of all directories of views, also of those without a generation in force, by their bytes.
  package static func places(_ store: String) throws(ViewError) -> [String] {
    do throws(SystemError) {
      return try Files.names(in: "\(store)/views").filter {
        Files.isDirectory("\(store)/views/\($0)")
      }
    } catch {
      throw ViewError(error, "list the views of `\(store)`", path: store)
    }
  }

  /// Takes a view out of force and removes all of it.
  ///
  /// - Parameters:
  ///   - lock: of this view.
  ///   - register: appends the control record; durable when it returns.
  /// - Throws: `.missing` where no generation is in force, and what `register` throws.
  package func drop(
    _ lock: ViewLock, register: (ViewDropped) throws -> Void
  ) throws -> ViewDropped {
    guard let generation = try current() else {
      throw ViewError(.missing, "the store `\(store)` has no view `\(name)`")
    }
    let dropped = ViewDropped(view: name, generation: generation)
    try register(dropped)
    do throws(SystemError) {
      // Out of force by one step, for who opens it and after a crash; the rest follows.
      try Files.rename("\(home)/CURRENT", "\(home)/CURRENT.tmp")
      try Files.syncDirectory(home)
    } catch {
      throw ViewError(error, "drop view `\(name)`", path: store)
    }
    removeHome()
    return dropped
  }

  /// Removes all of a view, in force or not, for who notes it otherwise.
  ///
  /// - Parameter lock: of this view.
  package func removeAll(_ lock: ViewLock) throws(ViewError) {
    let isInForce = try current() != nil
    do throws(SystemError) {
      if isInForce {
        try Files.rename("\(home)/CURRENT", "\(home)/CURRENT.tmp")
        try Files.syncDirectory(home)
      }
      removeHome()
      try Files.syncDirectory("\(store)/views")
    } catch {
      throw ViewError(error, "remove view `\(name)`", path: store)
    }
    if let left = Files.list(home).first(where: { Files.exists("\(home)/\($0)/data.mdb") }) {
      throw ViewError(.failed, "`\(home)/\(left)` cannot be removed", help: "remove it by hand")
    }
  }

  /// The generation in force, as it is noted when it goes; nil where there is none.
  package func inForce() throws(ViewError) -> ViewDropped? {
    try current().map { ViewDropped(view: name, generation: $0) }
  }

  /// Bytes of all generations, in force or not.
  package var bytes: Int {
    Files.list(home).reduce(0) { $0 + Files.size("\(home)/\($1)/data.mdb") }
  }

  /// What is not in force; while nobody holds the view's lock, nobody needs it.
  /// - Throws: `.damaged` where the generation in force is not there: then an older one may be worth keeping.
  package func stale() throws(ViewError) -> [Stale] {
    let current = try current()
    if let current, !Files.isDirectory("\(home)/\(current)") {
      throw ViewError(
        .damaged, "view `\(name)` names a generation `\(current)` that is not there",
        help: "replay it again, or drop it with `clm-replay views \(store) --drop \(name)`")
    }
    return Files.list(home).filter { $0.hasPrefix("g") && $0 != current }.map {
      Stale(generation: $0, bytes: Files.size("\(home)/\($0)/data.mdb"))
    }
  }

  /// Removes what is not in force.
  ///
  /// - Parameters:
  ///   - lock: of this view.
  ///   - register: appends the control record for those that were whole; durable when it returns.
  /// - Returns: what was removed.
  package func prune(_ lock: ViewLock, register: (ViewPruned) throws -> Void) throws -> [Stale] {
    let stale = try stale()
    let whole = stale.filter(\.isWhole).map(\.generation)
    if !whole.isEmpty {
      try register(ViewPruned(view: name, generations: Array(whole.prefix(Int(UInt16.max)))))
    }
    for found in stale { ViewFiles.removeGeneration(found.generation, in: home) }
    if try current() == nil { removeHome() }
    return stale
  }

  /// Removes what replays have left beside the generation in force, where that is what a replay would make now: older ones, of
  /// a switch that could not be flushed, and builds that were ended on the way. A build of something else, as by other rules,
  /// stays: its next replay goes on with it.
  ///
  /// - Parameters:
  ///   - lock: of this view.
  ///   - manifest: of the generation in force.
  package func removeLeftovers(_ lock: ViewLock, beside manifest: ViewManifest) throws(ViewError) {
    guard let current = try current(), let number = Self.number(current),
      Files.isDirectory("\(home)/\(current)")
    else { return }
    let leftovers = Files.list(home).filter { name in
      guard name != current, let other = Self.number(name) else { return false }
      return other < number || !isBuild(name, ofOtherThan: manifest)
    }
    if leftovers.isEmpty { return }
    do throws(SystemError) {
      // The switch may have come no further than this machine's memory.
      try Files.syncDirectory(home)
    } catch {
      throw ViewError(error, "flush view `\(name)`", path: store)
    }
    for generation in leftovers { ViewFiles.removeGeneration(generation, in: home) }
  }

  /// Whether a directory holds a build that noted how far it is, and is not of what is in force.
  private func isBuild(_ generation: String, ofOtherThan manifest: ViewManifest) -> Bool {
    do throws(UnfinishedBuild.Unusable) {
      guard let build = try UnfinishedBuild("\(home)/\(generation)", view: name) else {
        return false
      }
      return build.mark.purpose.difference(from: BuildMark.Purpose(manifest)) != nil
    } catch {
      // What is damaged nobody goes on with.
      return false
    }
  }

  /// Of a generation, whole or not.
  private static func number(_ generation: String) -> Int? {
    let name = generation.hasSuffix(".tmp") ? String(generation.dropLast(4)) : generation
    return ViewFiles.isGeneration(name) ? Int(name.dropFirst()) : nil
  }

  /// Name of the generation in force; nil where there is none.
  private func current() throws(ViewError) -> String? {
    do throws(SystemError) {
      return try Files.isThere("\(home)/CURRENT") ? try ViewFiles.current(store, name) : nil
    } catch {
      throw ViewError(error, "open view `\(name)`", path: store)
    }
  }

  /// The lock goes last, so that who waits for it finds the view as a whole or not at all.
  private func removeHome() {
    for found in Files.list(home) where found != "building" { Files.remove("\(home)/\(found)") }
    Files.remove(home)
  }
}
