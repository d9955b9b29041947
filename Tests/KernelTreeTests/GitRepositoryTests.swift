import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// What is read of a git repository.
@Suite(.enabled(if: GitTestRepository.isThere)) struct GitRepositoryTests {
  private func reason<Value>(_ body: () throws(TreeError) -> Value) -> String {
    do throws(TreeError) {
      _ = try body()
      return ""
    } catch {
      return error.description
    }
  }

  private func text(_ file: String, _ repository: GitRepository, _ commit: String) throws -> String?
  {
    try repository.file(file, in: repository.commit(commit).tree).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test(arguments: [[], ["--bare"], ["--object-format=sha256"]])
  func filesOfCommits(options: [String]) throws {
    let made = try GitTestRepository(options.contains("--bare") ? [] : options)
    try made.write("one\n", to: "a/b/c")
    try made.write("x", to: "a.b")
    let first = try made.commit("first \u{1b}[31m", at: 1_234_567_890)
    try made.write("two\n", to: "a/b/c")
    try made.git(["rm", "-q", "a.b"])
    let second = try made.commit("second")
    var path = made.path
    if options.contains("--bare") {
      path = made.file("bare.git")
      try made.git(["clone", "-q", "--bare", made.path, path])
      try made.git(["-C", path, "gc", "-q"])
    }
    let repository = try GitRepository(path: path)
    #expect(try text("a/b/c", repository, first) == "one\n")
    #expect(try text("a/b/c", repository, "main") == "two\n")
    #expect(try text("a.b", repository, "main~1") == "x")
    for none in ["a.b", "a/b", "a", "a/b/c/d", "../x", ".git/config", "", "a//b"] {
      #expect(try text(none, repository, second) == nil, "\(none)")
    }
    let commit = try repository.commit(first)
    #expect(commit.id == first && commit.date == 1_234_567_890)
    #expect(commit.subject == "first ?[31m")
    let trees = (commit.tree, try repository.commit(second).tree)
    #expect(try repository.haveSameFiles(trees.0, trees.1, ["no", "a/no", "a/b/no/no"]))
    #expect(try !repository.haveSameFiles(trees.0, trees.1, ["a/b/c"]))
    #expect(try !repository.haveSameFiles(trees.0, trees.1, ["no", "a.b"]))
    #expect(try repository.haveSameFiles(trees.0, trees.0, ["a.b"]))
  }

  @Test func linksAndLargeFilesAreNone() throws {
    let made = try GitTestRepository()
    try FileManager.default.createSymbolicLink(
      atPath: made.path + "/link", withDestinationPath: "/etc/passwd")
    try made.write(String(repeating: "x", count: GitRepository.fileLimit + 1), to: "large")
    try made.write(String(repeating: "x", count: GitRepository.fileLimit), to: "most")
    try made.write("#!/bin/sh\n", to: "program")
    chmod(made.path + "/program", 0o755)
    let commit = try made.commit("c")
    let repository = try GitRepository(path: made.path)
    #expect(try text("link", repository, commit) == nil)
    #expect(try text("large", repository, commit) == nil)
    #expect(try text("most", repository, commit)?.count == GitRepository.fileLimit)
    #expect(try text("program", repository, commit) == "#!/bin/sh\n")
  }

  @Test func whatIsNoRevisionIsSaid() throws {
    let made = try GitTestRepository()
    try made.write("x", to: "x")
    let first = try made.commit("c")
    let repository = try GitRepository(path: made.path)
    for name in [
      "-n", "--output=x", "", "a\nb", "none", "HEAD:x", "a b", "HEAD..",
      String(repeating: "a", count: 2000),
    ] {
      #expect(
        reason { () throws(TreeError) in try repository.commit(name) }.contains("accepted:"),
        "\(name)")
    }
    #expect(try repository.commit("main").id == first)
    #expect(
      reason { () throws(TreeError) in try repository.commits(from: "HEAD", to: "HEAD") }
        .contains("holds no commit"))
    let none = try TemporaryDirectory()
    #expect(
      reason { () throws(TreeError) in try GitRepository(path: none.path) }
        .contains("is no git repository"))
    #expect(
      reason { () throws(TreeError) in try GitRepository(path: none.file("no")) }
        .contains("does not exist"))
  }

  /// A FIFO where git reads a file ends with a sentence, and no git is left.
  @Test(arguments: ["ref", "object"])
  func aFIFOIsNotWaitedFor(what: String) throws {
    let repository = try GitTestRepository()
    try repository.write("text\n", to: "file")
    let commit = try repository.commit("one")
    let place =
      what == "ref"
      ? "refs/heads/main" : "objects/\(commit.prefix(2))/\(commit.dropFirst(2))"
    let path = repository.path + "/.git/" + place
    #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
    do {
      let error = #expect(throws: TreeError.self) {
        _ = try GitRepository(path: repository.path, patience: 1)
          .commit(what == "ref" ? "main" : commit)
      }
      #expect(
        error?.description.contains("git gave no answer for 1 s while") == true,
        "\(error?.description ?? "none")")
    }
    #expect(Self.processes(in: repository.path).isEmpty)
  }

  /// The gits that were started for a repository, by their arguments.
  private static func processes(in repository: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { name in
      guard name.allSatisfy(\.isNumber),
        let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
      else { return false }
      let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.contains(repository) && words.contains("cat-file")
    }
  }

  /// Along first parents; the state before it comes first, whatever A is.
  @Test func rangesFollowFirstParents() throws {
    let made = try GitTestRepository()
    let root = try made.commit("root")
    try made.git(["checkout", "-q", "-b", "side"])
    let side = try made.commit("side")
    try made.git(["checkout", "-q", "main"])
    let one = try made.commit("one")
    try made.git(["merge", "-q", "--no-ff", "-m", "merge", "side"])
    let merge = try made.git(["rev-parse", "HEAD"])
    let two = try made.commit("two")
    let repository = try GitRepository(path: made.path)
    #expect(try repository.commits(from: root, to: "main").map(\.id) == [root, one, merge, two])
    #expect(try repository.commits(from: side, to: "main").map(\.id) == [root, one, merge, two])
    #expect(try repository.commits(from: merge, to: two).map(\.id) == [merge, two])
  }

  /// Nothing that a repository's configuration names is run, and nothing is fetched.
  @Test func nothingOfARepositoryIsRun() throws {
    let made = try GitTestRepository()
    try made.write("* filter=evil diff=evil\n", to: ".gitattributes")
    try made.write("text\n", to: "a")
    try made.write("missing\n", to: "b")
    let first = try made.commit("first")
    try made.write("other\n", to: "a")
    let second = try made.commit("second")
    let mark = made.file("run")
    let evil = made.file("evil")
    try "#!/bin/sh\ntouch \(mark)\nexit 1\n".write(toFile: evil, atomically: false, encoding: .utf8)
    chmod(evil, 0o755)
    let blob = try made.git(["rev-parse", "HEAD:b"])
    try made.git(["replace", second, first])
    for (key, value) in [
      ("core.fsmonitor", evil), ("core.pager", evil), ("core.sshCommand", evil),
      ("core.hooksPath", made.path), ("core.askPass", evil), ("core.gitProxy", evil),
      ("core.alternateRefsCommand", evil), ("filter.evil.smudge", evil),
      ("filter.evil.clean", evil), ("diff.evil.textconv", evil), ("diff.external", evil),
      ("alias.cat-file", "!" + evil), ("alias.rev-list", "!" + evil), ("gpg.program", evil),
      ("log.showSignature", "true"), ("credential.helper", "!" + evil),
      ("protocol.ext.allow", "always"), ("protocol.allow", "always"),
      ("remote.origin.url", "ext::" + evil), ("remote.origin.promisor", "true"),
      ("remote.origin.partialclonefilter", "blob:none"), ("core.repositoryformatversion", "1"),
      ("extensions.partialClone", "origin"), ("remote.origin.vcs", "evil"),
    ] { try made.git(["config", key, value]) }
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
      try? FileManager.default.removeItem(atPath: made.path + "/" + hook)
      try FileManager.default.copyItem(atPath: evil, toPath: made.path + "/" + hook)
    }
    try FileManager.default.removeItem(
      atPath: made.path + "/.git/objects/\(blob.prefix(2))/\(blob.dropFirst(2))")
    unlink(mark)
    let repository = try GitRepository(path: made.path)
    // What stands in for a commit is not taken.
    #expect(try text("a", repository, second) == "other\n")
    #expect(try repository.commits(from: first, to: second).map(\.subject) == ["first", "second"])
    let tree = try repository.commit(second).tree
    #expect(
      reason { () throws(TreeError) in try repository.file("b", in: tree) }
        .contains("lacks the object \(blob)"))
    #expect(access(mark, F_OK) != 0)
    // It would have: the test can fail.
    _ = try? made.git(["cat-file", "-p", blob])
    #expect(access(mark, F_OK) == 0)
  }

  @Test func treesThatAreDamagedHaveNoFiles() {
    let object = [UInt8](repeating: 7, count: 20)
    let good = Array("100644 a\0".utf8) + object + Array("40000 b\0".utf8) + object
    #expect(GitTreeEntry.find("a", in: good)?.isFile == true)
    #expect(GitTreeEntry.find("b", in: good)?.isTree == true)
    #expect(GitTreeEntry.find("c", in: good) == nil)
    for end in 0..<good.count { _ = GitTreeEntry.find("b", in: Array(good[..<end])) }
    for place in good.indices {
      var bad = good
      bad[place] ^= 0x20
      _ = GitTreeEntry.find("b", in: bad)
    }
    #expect(GitTreeEntry.find("a", in: Array("120000 a\0".utf8) + object)?.isFile == false)
  }
}
