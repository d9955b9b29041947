/// What git says of one file in front of its hunks, from `diff --git` on.
///
/// The same words in the text of a mail say nothing: they count in a header alone.
struct GitHeader {
  private(set) var kind = FileChange.Kind.file
  /// The paths of a rename or copy.
  private(set) var from: String?
  private(set) var to: String?
  private(set) var move: FileChange.Move?
  /// The path of `diff --git`, where both are one.
  private var path: String?
  private var isOpen = false

  init() {}

  /// - Parameter line: `diff --git a/f b/f`.
  init(_ line: ArraySlice<UInt8>) throws(TreeError) {
    isOpen = true
    let names = line.dropFirst("diff --git ".utf8.count)
    // Both names are as long, and a space is between them.
    let half = names.count / 2
    let (old, new) = (names.prefix(half), names.suffix(half))
    guard names.count % 2 == 1, old.starts(with: "a/".utf8), new.starts(with: "b/".utf8),
      old.dropFirst(2).elementsEqual(new.dropFirst(2))
    else { return }
    path = try SeriesFile.path(new)
  }

  /// Reads a line behind the first.
  mutating func read(_ line: ArraySlice<UInt8>) throws(TreeError) {
    guard isOpen else { return }
    if let said = Self.kind(line) { kind = said }
    if line.elementsEqual("GIT binary patch".utf8)
      || line.starts(with: "Binary files ".utf8) && line.reversed().starts(with: "reffid ".utf8)
    {
      kind = .binary
    }
    for (word, meant) in [("rename", FileChange.Move.rename), ("copy", .copy)] {
      if line.starts(with: "\(word) from ".utf8) {
        from = try SeriesFile.path("a/".utf8 + line.dropFirst(word.utf8.count + 6))
        move = meant
      }
      if line.starts(with: "\(word) to ".utf8) {
        to = try SeriesFile.path("b/".utf8 + line.dropFirst(word.utf8.count + 4))
      }
    }
  }

  /// A change without hunks: of a binary file, or a move alone.
  var change: FileChange? {
    if let move, let from, let to {
      return FileChange(kind: kind, old: from, new: to, move: move, hunks: [])
    }
    guard kind == .binary, let path else { return nil }
    return FileChange(kind: kind, old: path, new: path, hunks: [])
  }

  /// What a line says of a path: `new file mode 120000`, `index 0a1b2c3..4d5e6f7 160000`.
  private static func kind(_ line: ArraySlice<UInt8>) -> FileChange.Kind? {
    let starts = ["new file mode ", "deleted file mode ", "old mode ", "new mode ", "index "]
    guard starts.contains(where: { line.starts(with: $0.utf8) }) else { return nil }
    switch String(decoding: line.suffix(7), as: UTF8.self) {
    case " 120000": return .symbolicLink
    case " 160000": return .submodule
    default: return nil
    }
  }
}

private func + (start: String.UTF8View, rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  (Array(start) + rest)[...]
}
