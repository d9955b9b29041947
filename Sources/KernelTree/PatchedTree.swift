import Foundation
import Support

/// A copy of the files that a tree is evaluated by, with a series applied.
public struct PatchedTree {
  /// The copy.
  public let tree: SourceTree
  /// The patches in their order, each with what became of its changes.
  public let patches: [Patch]
  private let workspace: Workspace

  /// One patch of a series and what became of it.
  public struct Patch: Sendable {
    /// As the mail has it: it may hold control characters.
    public let subject: String
    public let changes: [Change]
  }

  /// What became of a patch's change of one file.
  public struct Change: Sendable {
    public let file: String
    /// Each hunk in its order; none was looked at where an earlier patch's change of
    /// the same file was rejected.
    public let hunks: [HunkReport]
    /// Whether the file was changed: every hunk was applied.
    public let isApplied: Bool
    /// Why not: `kernel/dma/direct.c:12: context differs at line 14`; nil where it was.
    public let rejection: String?
  }

  /// Files in which a hunk did not apply, each with the first patch that failed.
  public var rejected: [(file: String, subject: String, reason: String)] {
    patches.flatMap { patch in
      patch.changes.compactMap { change in
        change.rejection.map { (change.file, patch.subject, $0) }
      }
    }
  }

  /// The subjects of the patches, in their order.
  public var subjects: [String] { patches.map(\.subject) }

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
    workspace = try Workspace(in: cache, launcher: cache.launcher(Compiler()))
    let directory = workspace.path + "/tree"
    do throws(TreeError) {
      for file in evaluated.union(Self.always) where SourceTree.isInside(file) {
        if let data = base.bytes(of: file) { try cache.write(data, to: directory + "/" + file) }
      }
      patches = try Self.apply(mails, to: base, in: directory, cache)
      let rejected = patches.lazy.flatMap { patch in patch.changes.map { (patch, $0) } }
        .first { !$1.isApplied && evaluated.contains($1.file) }
      if let (patch, change) = rejected {
        let reason = change.rejection.map { ": \($0)" } ?? ""
        throw TreeError.patch(
          "--mbox does not apply to \(change.file), which is compiled "
            + "(\(patch.subject.printable))\(reason)")
      }
      tree = try SourceTree(path: directory)
    } catch {
      workspace.remove()
      throw error
    }
  }

  /// Applies one mail after the other.  After a file's first rejected change its others
  /// are not looked at.
  private static func apply(
    _ mails: [SeriesMail], to base: SourceTree, in directory: String, _ cache: BuildCache
  ) throws(TreeError) -> [Patch] {
    var applier = PatchApplier()
    // Files that were changed, made or removed: those of the copy count.
    var touched: Set<String> = []
    var rejectedFiles: Set<String> = []
    var patches: [Patch] = []
    for mail in mails {
      var changes: [Change] = []
      for change in mail.changes {
        guard !rejectedFiles.contains(change.path) else {
          changes.append(Change(file: change.path, hunks: [], isApplied: false, rejection: nil))
          continue
        }
        let path = directory + "/" + change.path
        let data =
          touched.contains(change.path)
          ? FileManager.default.contents(atPath: path) : base.bytes(of: change.path)
        let file = data.map { [UInt8]($0) }
        let (outcome, hunks) = try applier.apply(change, to: file)
        var rejection = hunks.lazy.compactMap { hunk in
          hunk.rejection.map { "\(change.path):\(hunk.line): \($0)" }
        }.first
        switch outcome {
        case .unchanged: break
        case .removed:
          unlink(path)
          touched.insert(change.path)
        case .text(let bytes):
          // A directory has its name, or a file that of its directory.
          let isPossible =
            !base.isDirectory(change.path) && !base.hasFile(above: change.path, except: touched)
          if isPossible, (try? cache.write(Data(bytes), to: path)) != nil {
            touched.insert(change.path)
          } else {
            rejection = "\(change.path): cannot be written"
          }
        }
        if rejection != nil { rejectedFiles.insert(change.path) }
        changes.append(
          Change(
            file: change.path, hunks: hunks, isApplied: rejection == nil, rejection: rejection))
      }
      patches.append(Patch(subject: mail.subject, changes: changes))
    }
    return patches
  }

  /// Where to build the copy: what is built goes with it.
  public var buildDirectory: String { workspace.path + "/build" }

  /// Removes the copy and what was built of it.
  public func remove() { workspace.remove() }

  /// What is looked into whether it is compiled or not.
  private static let always: Set<String> = Set(
    Family.all.flatMap { $0.kconfigs + $0.whole + $0.pieces.flatMap(\.files) }
  ).union([
    "Makefile", "include/linux/mmzone.h", "arch/x86/hyperv/hv_init.c",
    "arch/arm64/include/asm/mem_encrypt.h", "include/asm-generic/dma-mapping.h",
  ])
}
