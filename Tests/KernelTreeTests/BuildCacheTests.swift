import Analysis
import DMAModel
import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Where programs are built that are then run by their name.
@Suite struct BuildCacheTests {
  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  private func reason(_ directory: String) -> String? {
    do {
      _ = try BuildCache(directory: directory)
      return nil
    } catch {
      return error.description
    }
  }

  @Test(arguments: [
    (["HOME": "/h"], "/h/.cache/dmamatrix"),
    (["HOME": "/h", "XDG_CACHE_HOME": "/x"], "/x/dmamatrix"),
    (["HOME": "/h", "XDG_CACHE_HOME": ""], "/h/.cache/dmamatrix"),
    (["HOME": "/h", "XDG_CACHE_HOME": "relative"], "/h/.cache/dmamatrix"),
    (["XDG_CACHE_HOME": "/x"], "/x/dmamatrix"),
    (["HOME": "/h", "DMAMATRIX_CACHE": "/d"], "/d"),
    (["HOME": "/h", "DMAMATRIX_CACHE": ""], "/h/.cache/dmamatrix"),
  ])
  func theUsualDirectory(environment: [String: String], directory: String) throws {
    #expect(try BuildCache.usual(environment) == directory)
  }

  @Test(arguments: [[:], ["HOME": ""], ["XDG_CACHE_HOME": "", "DMAMATRIX_CACHE": ""]])
  func withoutAHomeThereIsNone(environment: [String: String]) {
    let error = #expect(throws: TreeError.self) { try BuildCache.usual(environment) }
    #expect(error?.description.contains("accepted: one as --cache") == true)
  }

  /// Of its own making, whatever the umask, or found: nobody else may write there.
  @Test func whatOthersMayWriteToIsRefused() throws {
    let directory = try TemporaryDirectory()
    let made = directory.file("a/b")
    #expect(reason(made) == nil)
    #expect(try mode(made) == 0o700)
    let found = directory.file("found")
    #expect(mkdir(found, 0o700) == 0)
    for permissions: mode_t in [0o700, 0o755, 0o775, 0o757, 0o1777] {
      #expect(chmod(found, permissions) == 0)
      let isSafe = permissions & 0o022 == 0
      #expect(reason(found)?.contains("others may write to") == (isSafe ? nil : true))
      #expect(try mode(found) == Int(permissions))
    }
  }

  /// A file that only a macro names is part of the key, of the tree's files, and of the
  /// copy that a series changes: the answers are those of its text, though its size and
  /// time stay.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aFileThatAMacroNamesCounts() throws {
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    let copy = try EditedTree(copyOf: "6.12")
    let start = "size_t swiotlb_max_mapping_size(struct device *dev)\n{"
    try copy.replace(
      start,
      with: "#define NAME \"named.h\"\n#include NAME\n" + start + "\n\treturn MOST;",
      in: "kernel/dma/swiotlb.c")
    let header = copy.path + "/kernel/dma/named.h"
    func answers(_ most: Int) throws -> KernelVersion {
      try "#define MOST \(most)\n".write(toFile: header, atomically: false, encoding: .utf8)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: header)
      return try evaluated(copy.path, domain, cache: copy.cache)
    }
    func agree(_ first: KernelVersion, _ second: KernelVersion) -> Bool {
      Agreement(model: first, code: second, domain: domain, limit: 0).isComplete
    }
    let (small, large) = (try answers(4096), try answers(8192))
    #expect(!agree(small, large))
    #expect(agree(small, try answers(4096)))

    let tree = try SourceTree(path: copy.path)
    let evaluation = try TreeEvaluation(
      tree: tree, platforms: domain.platforms, cacheDirectory: copy.cache)
    #expect(evaluation.files.contains("kernel/dma/named.h"))
    let mail =
      "From 0\nSubject: [PATCH] x\n\n---\n--- a/kernel/dma/named.h\n+++ b/kernel/dma/named.h\n"
      + "@@ -1 +1 @@\n-#define MOST 4096\n+#define MOST 8192\n"
    let patched = try PatchedTree(
      PatchSeries(mbox: Data(mail.utf8)), to: tree, evaluated: evaluation.files,
      cacheDirectory: copy.cache)
    defer { patched.remove() }
    #expect(agree(large, try evaluated(patched.tree.path, domain, cache: copy.cache)))
  }

  @Test func whatIsAnothersIsRefused() throws {
    let directory = try TemporaryDirectory()
    // An administrator can give one away; everybody else finds one of root's.
    let path = geteuid() == 0 ? directory.path : "/usr"
    if geteuid() == 0 { #expect(chown(path, 65534, 65534) == 0) }
    #expect(reason(path)?.contains("belongs to another user") == true)
  }
}
