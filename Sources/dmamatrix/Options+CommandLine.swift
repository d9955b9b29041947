import Support

extension AxisFilters {
  /// The filters but that of kernels as words of a command line, to be pasted into a shell.
  var commandLine: [String] {
    let options: [(String, [String])] = [
      ("--platform", platform), ("--iommu", iommu), ("--swiotlb", swiotlb), ("--mem", mem),
      ("--mask", mask), ("--coherent-mask", coherentMask), ("--bus-limit", busLimit),
      ("--coherent", coherent), ("--external", external), ("--op", op), ("--attrs", attrs),
      ("--buf", buf), ("--policy", policy), ("--trees", trees.map { [$0] } ?? []),
    ]
    return options.flatMap { name, values -> [String] in
      // A file's name may have commas.
      if values.isEmpty { return [] }
      let isFile = name == "--policy" || name == "--trees"
      let words = isFile ? values : [commaSeparated(values).joined(separator: ",")]
      return words.flatMap { [name, $0.quotedForShell] }
    }
  }
}

extension String {
  /// The word as a POSIX shell takes it.
  fileprivate var quotedForShell: String {
    let plain = unicodeScalars.allSatisfy { scalar in
      scalar.isASCII
        && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
          || "._,+/:=@-".unicodeScalars.contains(scalar))
    }
    return plain && !isEmpty ? self : "'\(printable.replacing("'", with: "'\\''"))'"
  }
}
