import Foundation
import Support

/// A git repository as a store of objects, which is all that is read of it.
///
/// It is input of others: nothing that its configuration names is run, no hook, filter or
/// helper, no file of a work tree is read, and nothing is fetched.
public final class GitRepository: Sendable {
  /// The absolute path that was given.
  public let path: String
  private let git: String
  /// Raw trees by their names, whose lookups need no process.
  private let trees = Locked<(known: [String: [UInt8]], size: Int)>(([:], 0))
  private let reader: GitObjectReader
  /// For how many seconds git may give no byte.
  private let patience: Int

  /// What each git is started with.
  ///
  /// Parents are those that commits name: neither grafts nor a commit graph, which a
  /// repository may bring, say others.
  /// `safe.directory` asks who owns the configuration, of which nothing is obeyed here;
  /// partial clones would fetch by any program that the configuration names.
  private static let settings = [
    "--no-replace-objects", "--no-optional-locks", "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never", "-c", "safe.directory=*",
    "-c", "core.commitGraph=false",
  ]
  private static let environment = [
    "PATH": "/usr/bin:/bin", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": "/dev/null",
  ]

  /// How many bytes of trees are kept.
  private static let treeLimit = 64 << 20
  /// The most commits of a range.
  public static let commitLimit = 10000
  /// The largest file that is read, as of a directory; larger ones count as missing.
  static let fileLimit = 4 << 20

  /// Opens a repository, bare or with a work tree, or what lies in one.
  ///
  /// - Throws: ``TreeError/git(_:)`` where there is none, or no git.
  public convenience init(path: String) throws(TreeError) {
    try self.init(path: path, patience: GitProcess.patience)
  }

  init(path: String, patience: Int) throws(TreeError) {
    self.patience = patience
    guard let resolved = realpath(path, nil) else {
      throw .git("--git '\(path.printable(upTo: 400))' does not exist; accepted: a git repository")
    }
    self.path = String(cString: resolved)
    free(resolved)
    git = try Self.program()
    let (status, output) = try GitProcess.run(
      git, Self.settings + ["-C", self.path, "rev-parse", "--git-dir"],
      environment: Self.environment, patience: patience)
    guard status == 0 else {
      let isKnown = output.contains("not a git repository")
      let reason = isKnown ? "" : ProgramPipe.lastLine(of: output.utf8)
      throw .git(
        "--git '\(path.printable(upTo: 400))' is no git repository"
          + (reason.map { $0.isEmpty ? "" : " (\($0))" } ?? "")
          + "; accepted: a repository, bare or not, or a directory in one")
    }
    reader = try GitObjectReader(
      git, Self.settings + ["-C", self.path, "cat-file", "--batch"],
      environment: Self.environment, patience: patience)
  }

  /// The git on PATH.
  private static func program() throws(TreeError) -> String {
    guard let found = ProgramPath.programs(["git"]).first else {
      throw .git("no git on PATH, which --git reads repositories by")
    }
    return found
  }

  // MARK: - Commits

  /// The commit that a user names.
  ///
  /// - Throws: ``TreeError/git(_:)`` where there is none of that name.
  public func commit(_ name: String) throws(TreeError) -> GitCommit {
    guard !name.isEmpty, !name.hasPrefix("-"), name.utf8.count <= 1000,
      !name.unicodeScalars.contains(where: \.isControl), !name.contains("..")
    else {
      throw .git(
        "'\(name.printable)' is no revision; accepted: a commit, branch or tag as "
          + "gitrevisions(7) has them, or A..B")
    }
    guard let object = try reader.object(name + "^{commit}", limit: Self.commitSize),
      object.type == "commit"
    else {
      throw .git(
        "'\(name.printable)' is no commit of --git '\(path.printable(upTo: 400))'; accepted: a "
          + "commit, branch or tag")
    }
    return try parsed(object)
  }

  /// The commit and those after it to another one along first parents, oldest first: the
  /// first of them is the state before the range.
  ///
  /// - Throws: ``TreeError/git(_:)`` for an empty range, or one of more than
  ///   ``commitLimit``.
  public func commits(from old: String, to new: String) throws(TreeError) -> [GitCommit] {
    let (old, new) = (try commit(old), try commit(new))
    let (status, output) = try GitProcess.run(
      git,
      Self.settings + [
        "-C", path, "rev-list", "--first-parent", "--max-count=\(Self.commitLimit + 1)",
        new.id, "^\(old.id)", "--",
      ], environment: Self.environment, patience: patience)
    let names = output.split(separator: "\n").map(String.init).filter(Self.isName)
    guard status == 0 else {
      throw .git(
        "git cannot list \(old.id)..\(new.id): "
          + (ProgramPipe.lastLine(of: output.utf8) ?? "no reason"))
    }
    guard let first = names.last else {
      throw .git("\(old.id.prefix(12))..\(new.id.prefix(12)) holds no commit")
    }
    guard names.count <= Self.commitLimit else {
      throw .git(
        "\(old.id.prefix(12))..\(new.id.prefix(12)) holds more than \(Self.commitLimit) commits; "
          + "accepted: up to \(Self.commitLimit)")
    }
    var commits = [old]
    if let parent = try commit(first).parent, parent != old.id { commits = [try commit(parent)] }
    for name in names.reversed() { commits.append(try commit(name)) }
    return commits
  }

  /// How long a commit may be, in bytes.
  private static let commitSize = 1 << 20

  private static func isName(_ text: String) -> Bool {
    [40, 64].contains(text.utf8.count)
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private func parsed(_ object: GitObject) throws(TreeError) -> GitCommit {
    guard let commit = GitCommit(object), Self.isName(commit.tree) else {
      throw .git("commit \(object.name.printable) is damaged")
    }
    return commit
  }

  /// How many lines a commit adds and removes against another one, by file; 0 of a file
  /// that is no text.
  func changes(
    from old: GitCommit, to new: GitCommit
  ) throws(TreeError) -> [(file: String, lines: Int)] {
    let (status, output) = try GitProcess.run(
      git,
      Self.settings + [
        "-C", path, "diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff",
        "--no-textconv", "--ignore-submodules=all", old.tree, new.tree, "--",
      ], environment: Self.environment, outputLimit: 64 << 20, patience: patience)
    guard status == 0 else {
      throw .git(
        "git cannot compare \(old.id) with \(new.id): "
          + (ProgramPipe.lastLine(of: output.utf8) ?? "no reason"))
    }
    return output.split(separator: "\0").compactMap { entry in
      let fields = entry.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, SourceTree.isInside(fields[2]) else { return nil }
      return (String(fields[2]), (Int(fields[0]) ?? 0) + (Int(fields[1]) ?? 0))
    }
  }

  // MARK: - Files

  /// A regular file of a tree; nil for what is none, or too large.
  ///
  /// - Throws: ``TreeError/git(_:)`` where an object is missing.
  func file(_ path: String, in tree: String) throws(TreeError) -> [UInt8]? {
    guard SourceTree.isInside(path) else { return nil }
    var place = tree
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated() {
      let entry = GitTreeEntry.find(part, in: try self.tree(place))
      guard let entry else { return nil }
      place = entry.object
      guard index == parts.count - 1 ? entry.isFile : entry.isTree else { return nil }
    }
    guard let object = try reader.object(place, limit: Self.fileLimit) else {
      throw missing(place, path)
    }
    return object.type == "blob" ? object.bytes : nil
  }

  /// Whether some files of two trees are the same, or in neither.
  func haveSameFiles(
    _ one: String, _ other: String, _ files: some Collection<String>
  ) throws(TreeError) -> Bool {
    try haveSame(one, other, files.map { $0.split(separator: "/")[...] })
  }

  private func haveSame(
    _ one: String?, _ other: String?, _ paths: [ArraySlice<Substring>]
  ) throws(TreeError) -> Bool {
    if one == other { return true }
    let (left, right) = (try one.map(tree), try other.map(tree))
    let groups = Dictionary(grouping: paths) { $0.first ?? "" }
    for (name, paths) in groups {
      let entries = [left, right].map { raw in raw.flatMap { GitTreeEntry.find(name, in: $0) } }
      if entries[0] == entries[1] { continue }
      if paths.contains(where: { $0.count == 1 }) { return false }
      let places = entries.map { $0.flatMap { $0.isTree ? $0.object : nil } }
      guard try haveSame(places[0], places[1], paths.map { $0.dropFirst() }) else { return false }
    }
    return true
  }

  private func tree(_ name: String) throws(TreeError) -> [UInt8] {
    if let known = trees.withLock({ $0.known[name] }) { return known }
    guard let object = try reader.object(name, limit: Self.fileLimit), object.type == "tree",
      let bytes = object.bytes
    else { throw missing(name, "a directory") }
    trees.withLock { trees in
      if trees.size + bytes.count > Self.treeLimit { trees = ([:], 0) }
      trees.known[name] = bytes
      trees.size += bytes.count
    }
    return bytes
  }

  private func missing(_ object: String, _ path: String) -> TreeError {
    .git(
      "--git '\(self.path.printable(upTo: 400))' lacks the object \(object) "
        + "(\(path.printable(upTo: 200))): a partial clone, of which nothing is fetched here; "
        + "'git cat-file -e \(object)' in it does")
  }
}

/// A commit, as far as a history needs it.
public struct GitCommit: Sendable, Equatable {
  /// All its hexadecimal digits.
  public let id: String
  let tree: String
  /// The first one; nil for a root.
  let parent: String?
  /// When it was written, in seconds since 1970.
  public let date: Int64
  /// The first line of its message, without control characters.
  public let subject: String

  init?(_ object: GitObject) {
    guard let bytes = object.bytes else { return nil }
    id = object.name
    let text = String(decoding: bytes, as: UTF8.self)
    let end = text.firstRange(of: "\n\n")
    let head = text[..<(end?.lowerBound ?? text.endIndex)]
    func values(_ key: String) -> [Substring] {
      head.split(separator: "\n").filter { $0.hasPrefix(key + " ") }.map {
        $0.dropFirst(key.count + 1)
      }
    }
    guard let tree = values("tree").first else { return nil }
    self.tree = String(tree)
    parent = values("parent").first.map(String.init)
    let author = values("author").first?.split(separator: " ") ?? []
    let seconds = author.count > 1 ? Int64(author[author.count - 2]) ?? 0 : 0
    // The years 1970 to 9999.
    date = (0...253_402_300_799).contains(seconds) ? seconds : 0
    let message = end.map { text[$0.upperBound...] } ?? ""
    let first = message.split(separator: "\n", maxSplits: 1).first ?? ""
    subject = String(first).printable(upTo: 200)
  }
}

/// An entry of a raw tree.
struct GitTreeEntry: Equatable {
  let isFile: Bool
  let isTree: Bool
  let object: String

  /// The entry of a name; nil where there is none, or the tree is damaged.
  ///
  /// Source: git's tree.c, decode_tree_entry(): mode, a space, the name, a 0, the object.
  static func find(_ name: Substring, in raw: [UInt8]) -> GitTreeEntry? {
    let wanted = Array(name.utf8)
    // SHA-256 objects have 32 bytes: whichever leads from entry to entry to the end.
    for size in [20, 32] {
      var place = 0
      while place < raw.count {
        guard let space = raw[place...].firstIndex(of: 0x20), space - place <= 6,
          let zero = raw[space...].firstIndex(of: 0), zero + size < raw.count
        else { break }
        if zero - space - 1 == wanted.count, raw[(space + 1)..<zero].elementsEqual(wanted) {
          let mode = raw[place..<space]
          return GitTreeEntry(
            isFile: mode.starts(with: "100".utf8), isTree: mode.elementsEqual("40000".utf8),
            object: hexadecimal(raw[(zero + 1)...(zero + size)]))
        }
        place = zero + size + 1
      }
      if place == raw.count { return nil }
    }
    return nil
  }
}
