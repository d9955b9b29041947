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

  /// A program runs by its name: with one bit turned it may answer otherwise, and what it
  /// answers is kept.
  @Test func aDamagedProgramIsMadeAnew() throws {
    let directory = try TemporaryDirectory()
    let cache = try BuildCache(directory: directory.file("cache"))
    func place(_ bytes: Data, as key: String) throws {
      let path = "\(cache.directory)/\(key)"
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(chmod(path, 0o700) == 0)
    }
    let code = Data("#!/bin/sh\nexit 7\n".utf8)
    try place(code, as: "without")
    #expect(!cache.has("without"))
    let program = try cache.program("without") { () throws(TreeError) in
      do { try place(code, as: "made") } catch { throw .cannotRun(reason: "\(error)") }
      return "\(cache.directory)/made"
    }
    #expect(cache.has("without"))
    let whole = try Data(contentsOf: URL(fileURLWithPath: program))
    #expect(whole.starts(with: code) && whole.count == code.count + 32)
    try place(whole, as: "copied")
    #expect(cache.has("copied"))
    for index in [0, code.count - 2, code.count + 5] {
      var turned = whole
      turned[index] ^= 4
      try place(turned, as: "turned-\(index)")
      #expect(!cache.has("turned-\(index)"))
    }
  }

  /// Blank lines and comments, also those that a literal only seems to begin.
  ///
  /// Source: C11, 5.1.1.2 and 6.4.9.
  @Test func linesWithoutCodeAreKnown() {
    let text = """
      /* one */

      int a; /* two
       * three */
      \t// four
      char *b = "/*";
      char c = '"'; /* five */
      /* six */ int d;
      """
    #expect(SeriesCoverage.silentLines(of: Array(text.utf8)) == [1, 2, 4, 5])
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

  /// A file of the cache that a disk has damaged is noticed and made again.
  @Test(
    .enabled(if: Trees.exists("6.12"), Trees.missing),
    arguments: ["code-", "files-", "text-", "blocks-", "answers-"])
  func whatIsDamagedIsMadeAgain(kind: String) throws {
    let directory = try TemporaryDirectory()
    let cache = directory.file("cache")
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    let answers = try AnswerCache(cacheDirectory: cache)
    func ask() throws -> (KernelVersion, Set<Int>) {
      let evaluation = try TreeEvaluation(
        tree: SourceTree(path: Trees.path("6.12")), platforms: [.x86], cacheDirectory: cache)
      let kernel = try evaluation.kernel(
        called: "tree", summary: "", domain, basedOn: KernelVersion.latest.policy, jobs: 2,
        from: kind == "answers-" ? AnswerCache(cacheDirectory: cache) : answers
      ).kernel
      let look = try evaluation.secondLook(at: kernel, domain, jobs: 2, from: answers)
      let lines = try evaluation.executed(in: look).ran["kernel/dma/direct.c"] ?? []
      return (kernel, lines)
    }
    func kept() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: cache).filter { $0.hasPrefix(kind) }
        .map { cache + "/" + $0 }
    }
    let first = try ask()
    #expect(!first.1.isEmpty)
    let files = try kept()
    #expect(!files.isEmpty)
    for file in files {
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      bytes[bytes.count / 2] ^= 0x01
      try Data(bytes).write(to: URL(fileURLWithPath: file))
    }
    let damaged = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    let second = try ask()
    #expect(Agreement(model: first.0, code: second.0, domain: domain, limit: 0).isComplete)
    #expect(first.1 == second.1)
    // What is whole stands there again.
    let mended = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(zip(damaged, mended).allSatisfy { $0 != $1 })
  }

  @Test func whatIsAnothersIsRefused() throws {
    let directory = try TemporaryDirectory()
    // An administrator can give one away; everybody else finds one of root's.
    let path = geteuid() == 0 ? directory.path : "/usr"
    if geteuid() == 0 { #expect(chown(path, 65534, 65534) == 0) }
    #expect(reason(path)?.contains("belongs to another user") == true)
  }
}
