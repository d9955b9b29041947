import Support

/// What a series breaks.
extension PatchedTree {
  /// An error of the tree with the series, which the tree without it has not: the patch that
  /// wrote the first place that it names, or those that change the file.
  ///
  /// - Parameters:
  ///   - base: The tree before the series, compiled.
  ///   - family: The architecture whose code it is about.
  public func explained(
    _ error: TreeError, of series: PatchSeries, on base: TreeEvaluation,
    cacheDirectory: String? = nil
  ) -> TreeError {
    guard let (family, problems) = error.missing,
      !base.failures.contains(where: { $0.name == family })
    else { return error }
    let cause = cause(of: problems.first ?? "", series, base, cacheDirectory)
    return .seriesDoesNotCompile(family: family, problems: problems, cause: cause)
  }

  private func cause(
    of problem: String, _ series: PatchSeries, _ base: TreeEvaluation, _ cacheDirectory: String?
  ) -> String {
    let place = problem.firstMatch(of: /^([A-Za-z0-9_\/.+-]+):([0-9]+):/)
    let file = place.map { String($0.1) }
    let named = patches.indices.filter { number in
      patches[number].changes.contains { change in
        file.map { [change.change.old, change.change.new].contains($0) } ?? false
      }
    }
    if let file, let line = place.flatMap({ Int($0.2) }), !named.isEmpty,
      let number = writer(of: file, line, series, base, cacheDirectory, among: named)
    {
      return "patch \(number + 1) of \(patches.count), "
        + "'\(patches[number].subject.printable(upTo: 100))', wrote that line"
    }
    guard named.isEmpty else {
      let numbers = named.prefix(8).map { String($0 + 1) }.joined(separator: ", ")
      return "no patch wrote that line; of the series, \(named.count == 1 ? "patch" : "patches") "
        + numbers + (named.count > 8 ? " and others" : "")
        + " \(named.count == 1 ? "changes" : "change") that file"
    }
    return "no patch changes that file"
  }

  /// The patch that a line came with, of those that change its file.
  private func writer(
    of file: String, _ line: Int, _ series: PatchSeries, _ base: TreeEvaluation,
    _ cacheDirectory: String?, among numbers: [Int]
  ) -> Int? {
    var origins = LineOrigins()
    origins.add("", [file], of: base.tree)
    for number in numbers.dropLast() {
      guard
        let state = try? PatchedTree(
          series.first(number + 1), to: base.tree, evaluated: base.neededFiles,
          cacheDirectory: cacheDirectory)
      else { return nil }
      origins.add(String(number), [file], of: state.tree)
      state.remove()
    }
    if let last = numbers.last { origins.add(String(last), [file], of: tree) }
    return origins.label(of: file, line).flatMap { Int($0) }
  }
}

extension TreeError {
  /// The architecture whose code does not compile, and what it misses.
  fileprivate var missing: (family: String, problems: [String])? {
    switch self {
    case .doesNotCompile(let family, let problems, _): (family, problems)
    case .notFound(let family, let name, let files): (family, ["no '\(name)' in \(files)"])
    default: nil
    }
  }
}
