/// Names of headers.
extension HarnessSource {
  /// The one name of a file that a path leads to: `..` could name it without end. Nil
  /// outside the tree and in its `.git`.
  static func path(of file: String, from directory: String) -> String? {
    var parts: [Substring] = []
    for part in (directory + "/" + file).split(separator: "/") where part != "." {
      if part != ".." {
        parts.append(part)
      } else if parts.popLast() == nil {
        return nil
      }
    }
    let path = parts.joined(separator: "/")
    return SourceTree.isInside(path) ? path : nil
  }

  /// The file that a line of C includes, by its name alone; nil where it includes none so.
  static func included(_ line: Substring) -> (path: String, isQuoted: Bool)? {
    let text = line.drop { $0 == " " || $0 == "\t" }
    guard text.first == "#" else { return nil }
    let rest = text.dropFirst().drop { $0 == " " || $0 == "\t" }
    guard rest.hasPrefix("include") else { return nil }
    let name = rest.dropFirst(7).drop { $0 == " " || $0 == "\t" }
    guard let open = name.first, open == "<" || open == "\"" else { return nil }
    let path = name.dropFirst().prefix { $0 != ">" && $0 != "\"" }
    guard !path.isEmpty, path.allSatisfy({ $0.isLetter || $0.isNumber || "/-_.".contains($0) }),
      open == "\"" || !path.split(separator: "/").contains("..")
    else { return nil }
    return (String(path), open == "\"")
  }

  /// The tree's headers that the shim has others for, whether the tree has them or not.
  var replacedHeaders: [String] {
    files.filter { $0.value.isEmpty && $0.key.hasPrefix("include/") }.keys.sorted()
      .map(header(of:))
  }

  /// The header of the tree that a file of the build directory stands for.
  func header(of file: String) -> String {
    let header = file.dropFirst("include/".count)
    return header.hasPrefix("asm/") ? "arch/\(family.directory)/include/\(header)" : file
  }
}
