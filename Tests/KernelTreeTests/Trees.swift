import DMAModel
import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Debian's kernel trees as `make verify-kernels` unpacks them.
enum Trees {
  /// `.kernels` of the project, or the directory that DMAMATRIX_KERNELS names.
  static let directory =
    ProcessInfo.processInfo.environment["DMAMATRIX_KERNELS"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".kernels").path

  static func path(_ version: String) -> String { "\(directory)/\(version)" }

  static func exists(_ version: String) -> Bool {
    FileManager.default.fileExists(atPath: path(version) + "/kernel/dma/swiotlb.c")
  }

  /// Why a test is skipped.
  static let missing: Comment = "make verify-kernels unpacks the trees that this test reads"
}

/// A copy of what a tree is evaluated by, whose files may be edited.
final class EditedTree {
  private let directory: TemporaryDirectory
  var path: String { directory.file("tree") }
  /// Where to build.
  var cache: String { directory.file("cache") }

  init(copyOf version: String) throws {
    directory = try TemporaryDirectory()
    // A link to a tree is not what is edited.
    let source = URL(fileURLWithPath: Trees.path(version)).resolvingSymlinksInPath().path
    try FileManager.default.copyItem(atPath: source, toPath: path)
  }

  func text(_ file: String) throws -> String {
    try String(contentsOfFile: path + "/" + file, encoding: .utf8)
  }

  /// Replaces a text that must occur once.
  func replace(_ old: String, with new: String, in file: String) throws {
    let text = try text(file)
    try #require(text.components(separatedBy: old).count == 2, "\(file) has no '\(old)', or two")
    try write(text.replacing(old, with: new), to: file)
  }

  func write(_ text: String, to file: String) throws {
    let full = path + "/" + file
    try FileManager.default.removeItem(atPath: full)
    try text.write(toFile: full, atomically: true, encoding: .utf8)
  }
}

/// What a tree answers.
func evaluated(
  _ path: String, _ domain: MatrixDomain, cache: String? = nil, isReversed: Bool = false
) throws -> KernelVersion {
  let evaluation = try TreeEvaluation(
    tree: SourceTree(path: path), platforms: domain.platforms, cacheDirectory: cache)
  let latest = try #require(KernelVersion.all.last)
  let policy = evaluation.existence(basedOn: latest.policy)
  return KernelVersion(
    recorded: "tree", summary: "", policy: policy,
    answers: try evaluation.answers(to: domain, policy: policy, jobs: 2, isReversed: isReversed))
}

/// A part of the matrix with every kind of request.
func reducedDomain(_ platforms: [Platform]) -> MatrixDomain {
  var domain = MatrixDomain()
  domain.platforms = platforms
  domain.iommuModes = domain.iommuModes.filter { $0 != .lazy && $0 != .strict }
  domain.machines = [.sixtyFourGiB]
  return domain
}
