import Foundation

/// A copy of the files that a tree is evaluated by, with a series applied.
public struct PatchedTree {
  /// The copy.
  public let tree: SourceTree
  /// The subjects of the patches, in their order.
  public let subjects: [String]
  /// Files in which a hunk did not apply, each with the first patch that failed.
  public let rejected: [(file: String, subject: String)]
  private let directory: String

  /// A patch series, read before a tree is compiled.
  public struct Series: Sendable {
    fileprivate let mails: [SeriesMail]

    /// - Parameter mbox: The contents of the mailbox.
    /// - Throws: ``TreeError/patch(_:)`` where it holds no series.
    public init(mbox: Data) throws(TreeError) { mails = try SeriesFile.patches(in: mbox) }
  }

  /// Copies and patches.
  ///
  /// - Parameter base: The tree as it was evaluated.
  /// - Throws: ``TreeError/patch(_:)`` where a hunk does not apply in a file that is
  ///   compiled.
  public init(
    _ series: Series, to base: SourceTree, evaluated: Set<String>, cacheDirectory: String? = nil
  ) throws(TreeError) {
    let mails = series.mails
    let cache = try BuildCache(directory: cacheDirectory)
    let git = try Self.git()
    directory = cache.directory + "/patched.\(getpid()).\(UUID().uuidString)"
    let changed = mails.flatMap { $0.changes.flatMap { [$0.old, $0.new] } }.compactMap { $0 }
    do throws(TreeError) {
      for file in evaluated.union(Self.always).union(changed) {
        if let text = base.read(file) { try cache.write(text, to: directory + "/" + file) }
      }
      var rejected: [(file: String, subject: String)] = []
      var rejectedFiles: Set<String> = []
      for mail in mails {
        for change in mail.changes where !rejectedFiles.contains(change.path) {
          if !(try Self.apply(change, in: directory, git, cache)) {
            rejected.append((change.path, mail.subject))
            rejectedFiles.insert(change.path)
          }
        }
      }
      self.rejected = rejected
      subjects = mails.map(\.subject)
      if let fatal = rejected.first(where: { evaluated.contains($0.file) }) {
        throw TreeError.patch(
          "--mbox does not apply to \(fatal.file), which is compiled (\(fatal.subject.printable))")
      }
      tree = try SourceTree(path: directory)
    } catch {
      try? FileManager.default.removeItem(atPath: directory)
      throw error
    }
  }

  /// Where to build the copy: what is built goes with it.
  public var buildDirectory: String { directory + ".build" }

  /// Removes the copy and what was built of it.
  public func remove() {
    for path in [directory, buildDirectory] { try? FileManager.default.removeItem(atPath: path) }
  }

  /// What is looked into whether it is compiled or not.
  private static let always: Set<String> = Set(
    Family.all.flatMap { $0.kconfigs + $0.whole + $0.pieces.flatMap(\.files) }
  ).union([
    "Makefile", "include/linux/mmzone.h", "arch/x86/hyperv/hv_init.c",
    "arch/arm64/include/asm/mem_encrypt.h", "include/asm-generic/dma-mapping.h",
  ])

  private static func git() throws(TreeError) -> String {
    for directory in ["/usr/bin", "/usr/local/bin", "/bin"]
    where access(directory + "/git", X_OK) == 0 {
      return directory + "/git"
    }
    throw .patch("--mbox needs git to apply patches; install git")
  }

  /// Applies one file's change as `git apply` does; false where a hunk does not fit.
  private static func apply(
    _ change: FileChange, in directory: String, _ git: String, _ cache: BuildCache
  ) throws(TreeError) -> Bool {
    let patch = directory + ".diff"
    try cache.write(change.text, to: patch)
    defer { unlink(patch) }
    // No configuration of the user or of a repository around the cache.
    let command = Command(
      git, ["apply", "--whitespace=nowarn", patch], in: directory,
      environment: [
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CEILING_DIRECTORIES": cache.directory, "HOME": directory,
      ])
    let status = command.run().status
    if status == Command.notStarted { throw .patch("git cannot be run") }
    return status == 0
  }
}
