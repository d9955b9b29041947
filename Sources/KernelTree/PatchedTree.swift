import Foundation
import Support

/// A copy of the files that a tree is evaluated by, with a series applied.
public struct PatchedTree: Sendable {
  /// The copy.
  public let tree: SourceTree
  /// The patches in their order, each with what became of its changes.
  public let patches: [Patch]
  /// The files that the series made, changed or removed.
  public let changedFiles: Set<String>
  private let workspace: Workspace

  /// What became of a change or of a whole patch.
  public enum Fate: Sendable, Equatable {
    case applied
    /// With so many lines of context ignored at each end, at most.
    case fuzzy(Int)
    /// The tree has what it would have made.
    case alreadyThere
    /// It changes no line: a mode, an empty file.
    case empty
    /// Some hunks are in, others are rejected.
    case inPart
    case rejected
  }

  /// One patch of a series and what became of it.
  public struct Patch: Sendable {
    /// As the mail has it: it may hold control characters.
    public let subject: String
    public let changes: [Change]

    public var fate: Fate { Fate(changes.flatMap(\.hunks)) }
  }

  /// What became of a patch's change of one file.
  public struct Change: Sendable {
    /// The path that a user knows it by.
    public var file: String { change.path }
    /// Each hunk in its order; one for a change without hunks.
    public let hunks: [HunkReport]
    let change: FileChange

    public var fate: Fate { Fate(hunks) }

    /// What was rejected: `kernel/dma/direct.c:12: context differs at line 14`.
    public var rejections: [String] {
      hunks.compactMap { hunk in
        hunk.rejection.map { hunk.line > 0 ? "\(file):\(hunk.line): \($0)" : "\(file): \($0)" }
      }
    }
  }

  /// Rejected hunks that answers may depend on: such a tree says nothing of the series.
  ///
  /// - Parameter parts: What is compiled of the tree before the series, and after it.
  public func blocking(
    _ parts: CompiledParts
  ) -> [(file: String, subject: String, reasons: [String])] {
    patches.flatMap { patch in
      patch.changes.filter { parts.mayDepend(on: $0) }.map {
        ($0.file, patch.subject, $0.rejections)
      }
    }
  }

  /// Files in which a hunk was rejected, each with its patch and its first reason.
  public var rejected: [(file: String, subject: String, reason: String)] {
    patches.flatMap { patch in
      patch.changes.compactMap { change in
        change.rejections.first.map { (change.file, patch.subject, $0) }
      }
    }
  }

  /// The subjects of the patches, in their order.
  public var subjects: [String] { patches.map(\.subject) }

  /// Whether the tree has the whole series already.
  public var isAlreadyThere: Bool {
    patches.allSatisfy { [.alreadyThere, .empty].contains($0.fate) }
      && patches.contains { $0.fate == .alreadyThere }
  }

  /// Copies and patches.
  ///
  /// - Parameters:
  ///   - base: The tree as it was evaluated.
  ///   - evaluated: The files that were compiled or read for it.
  /// - Throws: ``TreeError/patch(_:)`` where what is left is no tree.
  public init(
    _ series: PatchSeries, to base: SourceTree, evaluated: Set<String>,
    cacheDirectory: String? = nil
  ) throws(TreeError) {
    let cache = try BuildCache(directory: cacheDirectory)
    workspace = try Workspace(in: cache, launcher: cache.launcher(Compiler()))
    let directory = workspace.path + "/tree"
    do throws(TreeError) {
      let needed = evaluated.union(Self.always).union(Self.included(by: series))
      for file in needed where SourceTree.isInside(file) {
        if let data = base.bytes(of: file) { try cache.write(data, to: directory + "/" + file) }
      }
      var copy = Copy(base: base, directory: directory, cache: cache)
      patches = try series.mails.map { mail throws(TreeError) in
        copy.begin(mail)
        return Patch(
          subject: mail.subject,
          changes: try mail.changes.map { change throws(TreeError) in
            Change(hunks: try copy.apply(change), change: change)
          })
      }
      changedFiles = copy.touched
      tree = try Self.opened(directory)
    } catch {
      workspace.remove()
      throw error
    }
  }

  /// The headers that a series includes anew: names may be missed that they define.
  private static func included(by series: PatchSeries) -> Set<String> {
    var files: Set<String> = []
    for hunk in series.mails.flatMap(\.changes).flatMap(\.hunks) {
      for (mark, line) in hunk.lines where mark == UInt8(ascii: "+") && files.count < 1000 {
        guard line.source[line.range].first == UInt8(ascii: "#") else { continue }
        let text = String(decoding: line.source[line.range].prefix(200), as: UTF8.self)
        guard let header = HarnessSource.included(text[...]), !header.isQuoted else { continue }
        files.insert("include/" + header.path)
        files.formUnion(Family.all.map { "arch/\($0.directory)/include/" + header.path })
      }
    }
    return files
  }

  private static func opened(_ directory: String) throws(TreeError) -> SourceTree {
    do throws(TreeError) {
      return try SourceTree(path: directory)
    } catch {
      guard case .notATree(_, let missing) = error else { throw error }
      throw .patch("--mbox leaves no '\(missing)', without which no tree is compiled")
    }
  }

  /// The copy while patches are applied, one after the other.
  private struct Copy {
    let base: SourceTree
    let directory: String
    let cache: BuildCache
    var applier = PatchApplier()
    /// Files that were changed, made or removed: those of the copy count.
    var touched: Set<String> = []

    /// What files were before the mail that is applied, which moves begin with.
    private var before: [String: [UInt8]?] = [:]
    /// The files that the mail has written, and those that it gives another name.
    private var written: Set<String> = []
    private var renamed: Set<String> = []

    init(base: SourceTree, directory: String, cache: BuildCache) {
      (self.base, self.directory, self.cache) = (base, directory, cache)
    }

    /// Takes the next mail.
    mutating func begin(_ mail: SeriesMail) {
      (before, written) = ([:], [])
      renamed = Set(mail.changes.lazy.filter { $0.move == .rename }.compactMap(\.old))
    }

    private func contents(_ file: String?) -> [UInt8]? {
      guard let file else { return nil }
      let data =
        touched.contains(file)
        ? FileManager.default.contents(atPath: directory + "/" + file) : base.bytes(of: file)
      return data.map { [UInt8]($0) }
    }

    mutating func apply(_ change: FileChange) throws(TreeError) -> [HunkReport] {
      let old = change.old ?? change.path
      var file = contents(old)
      var target: [UInt8]?
      if change.move != nil {
        // All changes of a mail begin with the same files: two may change their names.
        if let original = before[old] { file = original }
        target = renamed.contains(change.path) ? nil : contents(change.new)
      }
      let (outcome, hunks) = try applier.apply(change, to: file, target: target)
      switch outcome {
      case .unchanged: break
      case .removed: remove(change.path)
      case .text(let bytes):
        // A directory has its name, or a file that of its directory.
        let path = change.path
        if before[path] == nil { before[path] = .some(contents(path)) }
        guard !base.isDirectory(path), !base.hasFile(above: path, except: touched),
          (try? cache.write(Data(bytes), to: directory + "/" + path)) != nil
        else {
          return hunks.map { HunkReport(line: $0.line, fate: .rejected(.cannotBeWritten)) }
        }
        touched.insert(path)
        written.insert(path)
        if change.move == .rename, !written.contains(old) {
          if before[old] == nil { before[old] = .some(file) }
          remove(old)
        }
      }
      return hunks
    }

    private mutating func remove(_ file: String) {
      unlink(directory + "/" + file)
      touched.insert(file)
    }
  }

  /// Where to build the copy: what is built goes with it.
  public var buildDirectory: String { workspace.path + "/build" }

  /// Removes the copy and what was built of it.
  public func remove() { workspace.remove() }

  /// What is looked into whether it is compiled or not.
  private static let always: Set<String> = Set(
    Family.all.flatMap { $0.kconfigs + $0.whole + $0.pieces.flatMap(\.files) }
  ).union([
    "Makefile", "include/linux/mmzone.h", "include/linux/pci.h", "arch/x86/hyperv/hv_init.c",
    "arch/arm64/include/asm/mem_encrypt.h", "include/asm-generic/dma-mapping.h",
  ])
}

extension PatchedTree.Fate {
  fileprivate init(_ hunks: [HunkReport]) {
    var (fuzz, applied, rejected) = (0, 0, 0)
    for hunk in hunks {
      switch hunk.fate {
      case .applied(_, let lines):
        applied += 1
        fuzz = max(fuzz, lines)
      case .alreadyApplied: break
      case .rejected: rejected += 1
      }
    }
    if rejected > 0 {
      self = rejected == hunks.count ? .rejected : .inPart
    } else if hunks.isEmpty {
      self = .empty
    } else if applied == 0 {
      self = .alreadyThere
    } else {
      self = fuzz > 0 ? .fuzzy(fuzz) : .applied
    }
  }
}
