import Foundation
import Support

/// A copy of the files that a tree is evaluated by, with a series applied.
public struct PatchedTree {
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
    public let file: String
    /// Each hunk in its order; one for a change without hunks.
    public let hunks: [HunkReport]
    /// Whether a hunk was rejected that the answers may depend on: in a file that is
    /// compiled, unless it lies in a part that is not, or in a Kconfig or Makefile.
    public let isBlocking: Bool

    public var fate: Fate { Fate(hunks) }

    /// What was rejected: `kernel/dma/direct.c:12: context differs at line 14`.
    public var rejections: [String] {
      hunks.compactMap { hunk in
        hunk.rejection.map { hunk.line > 0 ? "\(file):\(hunk.line): \($0)" : "\(file): \($0)" }
      }
    }
  }

  /// Rejected hunks that the answers may depend on: such a tree says nothing of the series.
  public var blocking: [(file: String, subject: String, reasons: [String])] {
    patches.flatMap { patch in
      patch.changes.filter(\.isBlocking).map { ($0.file, patch.subject, $0.rejections) }
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
  public var isAlreadyThere: Bool { patches.allSatisfy { $0.fate == .alreadyThere } }

  /// Copies and patches.
  ///
  /// - Parameters:
  ///   - base: The tree as it was evaluated.
  ///   - evaluated: The files that were compiled or read for it.
  ///   - partial: Of files that are compiled in part, the definitions that are.
  public init(
    _ series: PatchSeries, to base: SourceTree, evaluated: Set<String>,
    partial: [String: Set<String>] = [:], cacheDirectory: String? = nil
  ) throws(TreeError) {
    let cache = try BuildCache(directory: cacheDirectory)
    workspace = try Workspace(in: cache, launcher: cache.launcher(Compiler()))
    let directory = workspace.path + "/tree"
    do throws(TreeError) {
      for file in evaluated.union(Self.always) where SourceTree.isInside(file) {
        if let data = base.bytes(of: file) { try cache.write(data, to: directory + "/" + file) }
      }
      var copy = Copy(base: base, directory: directory, cache: cache)
      patches = try series.mails.map { mail throws(TreeError) in
        Patch(
          subject: mail.subject,
          changes: try mail.changes.map { change throws(TreeError) in
            let hunks = try copy.apply(change)
            let isRead = [change.old, change.new].contains { $0.map(evaluated.contains) == true }
            return Change(
              file: change.path, hunks: hunks,
              isBlocking: isRead
                && Self.isBlocking(change, hunks, partial[change.old ?? change.path]))
          })
      }
      changedFiles = copy.touched
      tree = try SourceTree(path: directory)
    } catch {
      workspace.remove()
      throw error
    }
  }

  /// Whether what was rejected of a file that is compiled may change answers.
  private static func isBlocking(
    _ change: FileChange, _ hunks: [HunkReport], _ compiled: Set<String>?
  ) -> Bool {
    // Options of a configuration that the harness sets itself where it knows them.
    let name = change.path.split(separator: "/").last ?? ""
    if name == "Kconfig" || name == "Makefile" { return false }
    return hunks.indices.contains { index in
      guard hunks[index].rejection != nil else { return false }
      guard change.hunks.indices.contains(index) else { return true }
      let hunk = change.hunks[index]
      if hunk.changesIncludesAlone { return false }
      return compiled.map(hunk.mayTouch) ?? true
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

    func contents(_ file: String?) -> [UInt8]? {
      guard let file else { return nil }
      let data =
        touched.contains(file)
        ? FileManager.default.contents(atPath: directory + "/" + file) : base.bytes(of: file)
      return data.map { [UInt8]($0) }
    }

    mutating func apply(_ change: FileChange) throws(TreeError) -> [HunkReport] {
      let file = contents(change.old ?? change.new)
      let (outcome, hunks) = try applier.apply(
        change, to: file, target: change.move == nil ? nil : contents(change.new))
      switch outcome {
      case .unchanged: break
      case .removed: remove(change.path)
      case .text(let bytes):
        // A directory has its name, or a file that of its directory.
        let path = change.path
        guard !base.isDirectory(path), !base.hasFile(above: path, except: touched),
          (try? cache.write(Data(bytes), to: directory + "/" + path)) != nil
        else {
          return hunks.map { HunkReport(line: $0.line, fate: .rejected(.cannotBeWritten)) }
        }
        touched.insert(path)
        if change.move == .rename, let old = change.old { remove(old) }
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
    } else if applied == 0, !hunks.isEmpty {
      self = .alreadyThere
    } else {
      self = fuzz > 0 ? .fuzzy(fuzz) : .applied
    }
  }
}

extension Hunk {
  /// Whether all that it adds and removes is `#include`, `struct name;` and empty lines.
  /// The harness has headers of its own: a missing one is a name that does not compile.
  var changesIncludesAlone: Bool {
    lines.allSatisfy { mark, line in
      if mark == UInt8(ascii: " ") { return true }
      let text = String(decoding: line.source[line.range].prefix(200), as: UTF8.self)
      return text.allSatisfy(\.isWhitespace)
        || text.wholeMatch(of: /#include [<"][A-Za-z0-9_\/.-]+[>"]\s*/) != nil
        || text.wholeMatch(of: /(struct|union|enum) \w+;\s*/) != nil
    }
  }

  /// Whether it may change one of the definitions with some names.
  ///
  /// The definition around a hunk stands in its header, those inside at the first column
  /// of its lines; a place that neither tells may be anywhere.
  func mayTouch(_ names: Set<String>) -> Bool {
    let lines = lines
    let isTopOfFile = section.isEmpty && oldStart <= 1
    var around = String(decoding: section, as: UTF8.self)
    // A label, or a result's type on a line of its own, is in some function.
    let says = ["(", "struct ", "enum ", "union "]
    if around.hasSuffix(":") || !says.contains(where: around.contains) { around = "" }
    var inside = CSource.words(around)
    for (_, line) in lines {
      let bytes = line.source[line.range]
      guard let first = bytes.first, first != UInt8(ascii: " "), first != UInt8(ascii: "\t"),
        !bytes.starts(with: "#include".utf8)
      else { continue }
      inside += CSource.words(String(decoding: bytes, as: UTF8.self))
    }
    if !inside.isEmpty { return !names.isDisjoint(with: inside) }
    // Includes and comments.
    return !isTopOfFile
      && lines.contains { _, line in
        let bytes = line.source[line.range]
        return !bytes.isEmpty && !bytes.starts(with: "#include".utf8)
      }
  }
}
