import Foundation
import TestSupport
import Testing

/// What is left of a `verify` that is ended while its compiler would go on for ten
/// minutes: no process and no file.
@Suite struct VerifyAttackTests {
  private static let tree =
    (ProcessInfo.processInfo.environment["DMAMATRIX_KERNELS"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".kernels").path) + "/6.12"
  private static let canRun =
    access(tree + "/kernel/dma/swiotlb.c", R_OK) == 0 && access("/usr/bin/script", X_OK) == 0
  private static let why: Comment =
    "it needs script(1) and the tree that make verify-kernels unpacks"

  /// The process itself, or ^C on its terminal.
  enum End: CaseIterable { case interruptKey, interrupt, terminate, kill }

  @Test(.enabled(if: canRun, why), arguments: End.allCases)
  func nothingIsLeft(end: End) throws {
    let directory = try TemporaryDirectory()
    let mark = "3\(Int.random(in: 100_000...999_999))"
    try FileManager.default.createDirectory(
      atPath: directory.file("bin"), withIntermediateDirectories: true)
    // A compiler that does what it should for the launcher, and else takes its time.
    try """
    #!/bin/sh
    case "$*" in
    --version | *launcher.c*) exec /usr/bin/cc "$@" ;;
    *) echo here >tmp/here; sleep \(mark) & sleep \(mark) ;;
    esac
    """.write(toFile: directory.file("bin/cc"), atomically: false, encoding: .utf8)
    chmod(directory.file("bin/cc"), 0o755)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.arguments = [
      "-qec",
      "exec \(tool.path) verify --tree \(Self.tree) --yes --against 6.12 --platform x86 "
        + "--cache \(directory.file("cache"))",
      "/dev/null",
    ]
    process.environment = [
      "PATH": directory.file("bin") + ":/usr/bin:/bin", "HOME": directory.path,
    ]
    let keys = Pipe()
    process.standardInput = keys
    process.standardOutput = FileHandle.nullDevice
    try takingSignals { try process.run() }
    #expect(try wait { try running("sleep \(mark)").count == 2 })

    let verify = try #require(try running("\(directory.file("cache"))").first { $0.isTool })
    switch end {
    case .interruptKey: try keys.fileHandleForWriting.write(contentsOf: Data([3]))
    case .interrupt: kill(verify.process, SIGINT)
    case .terminate: kill(verify.process, SIGTERM)
    case .kill: kill(verify.process, SIGKILL)
    }
    #expect(try wait { try running("sleep \(mark)").isEmpty })
    #expect(try wait { try running(directory.file("cache")).isEmpty })
    #expect(
      try wait {
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.file("cache"))
        return !files.contains { $0.hasPrefix("run.") }
      })
    try keys.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// The least that counts as a kernel tree, at a path that steers a terminal.
  private static let escape = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}H"

  private func shown(
    _ directory: TemporaryDirectory, _ arguments: String, answer: String = ""
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    process.arguments = ["-qec", "exec \(tool.path) verify \(arguments)", "/dev/null"]
    let (keys, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (keys, output)
    try process.run()
    try keys.fileHandleForWriting.write(contentsOf: Data(answer.utf8))
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }

  private func expectHarmless(_ text: String) {
    for part in ["\u{1b}[2J", "\u{1b}]", "\u{7}", "\u{9b}"] {
      #expect(
        !text.contains(part),
        "\(text.unicodeScalars.map { $0.value < 32 ? "?" : "\($0)" }.joined())")
    }
  }

  /// The question before a tree is compiled names its path, whatever is in that.
  @Test(.enabled(if: access("/usr/bin/script", X_OK) == 0, "it needs script(1)"))
  func theQuestionSteersNoTerminal() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("tree" + Self.escape)
    try FileManager.default.createDirectory(
      atPath: path + "/kernel/dma", withIntermediateDirectories: true)
    for file in ["mapping", "direct", "swiotlb"] {
      try "int a;\n".write(
        toFile: path + "/kernel/dma/\(file).c", atomically: false, encoding: .utf8)
    }
    for arguments in [
      "--tree tree*", "--tree tree* --name \"$(printf 'x\\033[2J')\"", "--tree tree*/x*",
    ] {
      let text = try shown(directory, arguments, answer: "n\n")
      #expect(text.contains("dmamatrix: "), "\(text)")
      expectHarmless(text)
    }
    let asked = try shown(directory, "--tree tree*", answer: "n\n")
    #expect(asked.contains("Continue? [y/N]") && asked.contains("tree?[2J?]0;title"))
  }

  /// A mail whose patch adds a line to the end of a compiled file.
  private static func mail(_ subject: String, appending line: String) throws -> String {
    let file = "kernel/dma/direct.c"
    let lines = try String(contentsOfFile: tree + "/" + file, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let last = lines.suffix(3).map { " \($0)\n" }.joined()
    return "From 0\nSubject: [PATCH] \(subject)\n\n---\n--- a/\(file)\n+++ b/\(file)\n"
      + "@@ -\(lines.count - 2),3 +\(lines.count - 2),4 @@\n\(last)+\(line)\n"
  }

  /// Subjects of mails, names of files and lines of hunks that do not apply.
  @Test(.enabled(if: canRun, why), arguments: ["text", "markdown"])
  func mailsSteerNoTerminal(format: String) throws {
    let directory = try TemporaryDirectory()
    // One applies, one does not.
    let mbox =
      try Self.mail(Self.escape + " a", appending: "/* \(Self.escape) */")
      + "--- a/README\n+++ b/README\n@@ -1 +1 @@\n-\(Self.escape)\n+y\n"
    try mbox.write(toFile: directory.file("mbox"), atomically: false, encoding: .utf8)
    let text = try shown(
      directory,
      "--tree \(Self.tree) --mbox mbox --yes --against 6.12 --platform x86 --iommu none --mask 32 "
        + "--cache cache --format \(format)")
    #expect(text.contains("not applied, and not compiled: README:1: "), "\(text)")
    #expect(text.contains("[PATCH] ?[2J"), "\(text)")
    expectHarmless(text)
  }

  /// A tree's own program that does not end goes with the tool, whatever ends that.
  @Test(.enabled(if: canRun, why), arguments: End.allCases)
  func noSpinningTreeIsLeft(end: End) throws {
    let directory = try TemporaryDirectory()
    let mbox = try Self.mail(
      "x",
      appending: "__attribute__((constructor, used)) static void spin(void) { for (;;) ; }")
    try mbox.write(toFile: directory.file("mbox"), atomically: false, encoding: .utf8)
    let cache = directory.file("cache")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.arguments = [
      "-qec",
      "exec \(tool.path) verify --tree \(Self.tree) --yes --mbox \(directory.file("mbox")) "
        + "--against 6.12 --platform x86 --iommu none --mask 32 --cache \(cache)",
      "/dev/null",
    ]
    let keys = Pipe()
    process.standardInput = keys
    process.standardOutput = FileHandle.nullDevice
    try takingSignals { try process.run() }
    // The launcher runs what was built of the copy; the cache names it by its text.
    #expect(
      try wait {
        try running(cache).contains { !$0.isTool && $0.program.contains(/\/[0-9a-f]{64}$/) }
      })
    let verify = try #require(try running(cache).first { $0.isTool })
    switch end {
    case .interruptKey: try keys.fileHandleForWriting.write(contentsOf: Data([3]))
    case .interrupt: kill(verify.process, SIGINT)
    case .terminate: kill(verify.process, SIGTERM)
    case .kill: kill(verify.process, SIGKILL)
    }
    #expect(try wait { try running(cache).isEmpty })
    #expect(
      try wait {
        let files = try FileManager.default.contentsOfDirectory(atPath: cache)
        return !files.contains { $0.hasPrefix("run.") }
      })
    try keys.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private struct Running {
    let process: pid_t
    let isTool: Bool
    let program: String
  }

  /// The processes whose arguments contain a text; script(1) itself is none of them.
  private func running(_ text: String) throws -> [Running] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
      guard let process = pid_t(name), process != getpid(),
        let data = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
      else { return nil }
      let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      guard words.joined(separator: " ").contains(text), words.first?.hasSuffix("script") == false
      else { return nil }
      return Running(
        process: process, isTool: words.first == tool.path, program: words.first ?? "")
    }
  }

  private func wait(until holds: () throws -> Bool) throws -> Bool {
    for _ in 0..<4000 {
      if try holds() { return true }
      usleep(50_000)
    }
    return false
  }
}
