/// Holds the runs of a store against the columns that they are made of.
struct RunCheck {
  let files: StoreFiles
  let reader: LogReader
  let sipHash: SipHash

  /// What is wrong with the index. Of another state of the log, as beside a writer, it is not in use and nothing is said.
  func problems(size: UInt64, threads: Int) -> [String] {
    guard Files.exists("\(files.index)/data.mdb") else { return [] }
    do {
      try MetaCheck.check("\(files.index)/data.mdb")
      let environment = try LMDBEnvironment.open(files.index, tables: RunManifest.tables)
      guard let manifest = try RunIndex.manifest(of: environment), manifest.end <= size else {
        return []
      }
      try RunIndex.check(manifest, files, reader, size: size)
      let ticket = Ticket()
      return try Parallel.run(min(threads, manifest.runs.count)) { _ in
        var problems: [String] = []
        while true {
          let number = ticket.take()
          if number >= manifest.runs.count { return problems }
          if let problem = try problem(manifest, number, environment) { problems.append(problem) }
        }
      }.flatMap { $0 }
    } catch {
      return [text((error as? RunIndex.Fault)?.what ?? describe(error, 0).what)]
    }
  }

  private func text(_ what: String) -> String {
    "the index: \(what); the log does not need it: remove `\(files.index)`, and the next import makes it again"
  }

  private func problem(
    _ manifest: RunManifest, _ number: Int, _ environment: LMDBEnvironment
  ) throws -> String? {
    let run = manifest.runs[number]
    let events = "events \(run.events.lowerBound) to \(run.events.upperBound - 1)"
    let (made, values, subjects) = try RunBuilder(reader: reader, sipHash: sipHash).build(
      run.events, firstSubject: run.firstSubject)
    let isLast = number + 1 == manifest.runs.count
    let next = isLast ? manifest.subjects : manifest.runs[number + 1].firstSubject
    guard made == run, subjects == next, number > 0 || run.firstSubject == 0 else {
      return text("the run of \(events) says something else than their columns")
    }
    let segments = environment.table(RunSegment.table)
    let isSame = try environment.read { transaction in
      for value in values {
        guard let stored = try transaction.get(segments, value.key),
          stored.isEqual(to: value.content)
        else { return false }
      }
      return true
    }
    return isSame ? nil : text("the run of \(events) says something else than their columns")
  }
}
