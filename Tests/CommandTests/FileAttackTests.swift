import Foundation
import TestSupport
import Testing

/// Files, names and limits that a command does not expect: one sentence, nothing left
/// behind, and nothing that waits for ever.
@Suite struct FileAttackTests {
  private let commands: CommandTests
  private var directory: String { commands.directory }
  private static let small = ["generate", "--platform", "x86", "--kernel", "7.3", "--op", "map"]

  init() throws {
    commands = try CommandTests()
    #expect(try commands.run(Self.small).status == 0)
  }

  private func refused(_ arguments: [String], _ sentence: String) throws {
    let before = commands.contents
    let run = try commands.run(arguments)
    #expect(run.status == 2 && run.output.isEmpty, "\(arguments): \(run.status)")
    #expect(run.error.contains(sentence), "\(arguments): \(run.error)")
    #expect(run.error.split(separator: "\n").count == 1)
    #expect(commands.contents == before)
  }

  /// Runs a line of shell in the directory, `$T` being the tool; what it printed.
  private func shell(_ line: String) throws -> (status: Int32, text: String) {
    let status = try commands.shell(
      "(cd '\(directory)' && T='\(tool.path)' && { \(line); } >text 2>&1)")
    defer { unlink(directory + "/text") }
    return (status, (try? String(contentsOfFile: directory + "/text", encoding: .utf8)) ?? "")
  }

  @Test func aDatabaseInWALModeIsRefused() throws {
    guard try commands.shell("command -v sqlite3") == 0 else { return }
    #expect(try shell("sqlite3 matrix.db 'PRAGMA journal_mode = WAL'").status == 0)
    for command in [["query", "SELECT 1"], ["info"], ["report", "html", "-o", "x"], Self.small] {
      try refused(command, "is in WAL mode, in which every reader leaves files beside it")
    }
    #expect(commands.contents == ["matrix.db"])
  }

  /// Names that SQLite would read as something else are names.
  @Test func namesAreFiles() throws {
    for name in ["file:x.db", "file:x.db?mode=memory", ":memory:", "a b%20.db"] {
      try FileManager.default.copyItem(
        atPath: directory + "/matrix.db", toPath: directory + "/" + name)
      let run = try commands.run(["query", "SELECT name FROM kernel", "-d", name, "--no-header"])
      #expect(run.output == "7.3\n" && run.status == 0, "\(name): \(run.error)")
    }
    try refused(["query", "SELECT 1", "-d", "file:matrix.db"], "file:matrix.db: no such database")
  }

  @Test func aPipeWithoutAWriterIsRefused() throws {
    #expect(mkfifo(directory + "/pipe", 0o600) == 0)
    for (arguments, sentence) in [
      (["query", "SELECT 1", "-d", "pipe"], "is not a regular file"),
      (["info", "-d", "pipe"], "is not a regular file"),
      (
        ["check", "--kernel", "v6", "--baseline", "pipe"], "is a pipe into which no program writes"
      ),
      (["observe", "--dry-run", "pipe"], "is a pipe into which no program writes"),
      (["conform", "pipe"], "is a pipe into which no program writes"),
      (["explain", "--kernel", "v6", "--dmesg", "pipe"], "is a pipe into which no program writes"),
      (["compare", "v6", "x", "--policy", "pipe"], "is a pipe into which no program writes"),
      (["report", "2026-07-02", "-o", "pipe"], "is not a regular file"),
      (["generate", "-d", "pipe"], "is not a regular file"),
    ] { try refused(arguments, sentence) }
    #expect(mkfifo(directory + "/matrix.db-journal", 0o600) == 0)
    try refused(Self.small, "another program changes it")
  }

  /// A pipe whose writer is slow, has ended, or comes late is read to its end.
  @Test func aPipeWithAWriterIsRead() throws {
    let ask = "$T explain --kernel v6 --dmesg"
    for line in [
      "(sleep 3; echo text) | \(ask) /dev/stdin", "echo text | \(ask) -",
      "mkfifo p; (sleep 0.5; echo text >p) & \(ask) p; unlink p", "\(ask) - <matrix.db",
    ] {
      let (status, text) = try shell(line)
      #expect(
        text.contains("log") && !text.contains("no program writes"), "\(line): \(status) \(text)")
    }
  }

  @Test func whatIsNoFileToWriteIsRefused() throws {
    try refused(
      ["report", "2026-07-02", "-o", "x/"], "x/: names a directory; expected the name of a file")
    try refused(["export", "csv", "-o", "matrix.db/"], "names a directory")
    try refused(Self.small + ["-d", "x/"], "names a directory; expected the name of a database")
  }

  /// The permissions of what is replaced stay, those without writing too.
  @Test(arguments: [0o444, 0o400, 0o640])
  func permissionsStay(mode: Int) throws {
    for (file, command) in [
      ("matrix.db", Self.small), ("r.md", ["report", "2026-07-02", "-o", "r.md"]),
    ] {
      #expect(try commands.run(command).status == 0)
      #expect(chmod(directory + "/" + file, mode_t(mode)) == 0)
      #expect(try commands.run(command).status == 0)
      let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/" + file)
      #expect(attributes[.posixPermissions] as? Int == mode)
    }
    #expect(commands.contents == ["matrix.db", "r.md"])
  }

  @Test func aBinaryBaselineIsRefused() throws {
    for bytes in [[0x7f, 0x45, 0x4c, 0x46, 0], [0xff, 0xfe, 0x41], [0x41, 0x1b, 0x5b]] as [[UInt8]]
    {
      try Data(bytes).write(to: URL(fileURLWithPath: directory + "/b"))
      try refused(["check", "--kernel", "v6", "--baseline", "b"], "'b' is not text; expected what")
    }
    try refused(
      ["check", "--kernel", "v6", "--baseline", "matrix.db"], "is not text; expected what")
  }

  /// Work that is done is done where nobody can read of it; a result that is lost is not.
  @Test func standardOutputMayBeClosed() throws {
    let log = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("ObservationsTests/Logs/6.1.0-53-amd64-none-default-6G.log.gz").path
    let works = [
      "generate --platform x86 --kernel 7.3 --op map -d new.db", "observe -d new.db '\(log)'",
      "merge -o all.db 1.db 2.db", "drivers --tree tree --name t --store new.db",
      "solve --from v6 --base 7.2 --platform x86-sme47 --mask 64 --max-changes 1 "
        + "--emit-policy p.yaml",
    ]
    for part in 1...2 {
      #expect(
        try commands.run(Self.small + ["-d", "\(part).db", "--shard", "\(part)/2"]).status == 0)
    }
    try DriverTree.write(to: directory + "/tree")
    for work in works {
      let (status, said) = try shell("$T \(work)")
      guard status == 0 else {
        Issue.record("\(work): \(said)")
        continue
      }
      // Nothing is missed by whoever closed it; a full one loses what was to be read.
      let closed = try shell("$T \(work) >&-")
      #expect(closed.status == 0 && closed.text.isEmpty, "\(work): \(closed)")
      let full = try shell("$T \(work) >/dev/full")
      #expect(
        full.status == 0 && full.text.hasPrefix("dmamatrix: done, and stored; what it says")
          && full.text.contains("No space left on device"), "\(work): \(full)")
    }
    #expect(try shell("$T info --check -d new.db").status == 0)
    #expect(try shell("$T report 2026-07-02 -o r.md >&- 2>&- <&-").status == 0)
    #expect(access(directory + "/r.md", F_OK) == 0)
  }

  /// A command whose result is what it prints has failed without that, in one sentence.
  @Test(arguments: [
    "query 'SELECT 1'", "query --list", "info", "info --check", "kernels", "compare v6 v7",
    "explain --kernel v6 --platform x86", "report 2026-07-02", "report versions", "policy show v6",
    "policy knobs", "lab plan", "manual", "export csv --mask 32",
    "check --kernel v6 --platform x86",
    "host --script", "claims C001", "--help", "query --help", "--version", "",
    "--generate-completion-script bash",
  ])
  func aLostResultIsAFailure(command: String) throws {
    for (output, reason) in [
      ("&-", "Bad file descriptor"), ("/dev/full", "No space left on device"),
    ] {
      let (status, text) = try shell("$T \(command) >\(output)")
      #expect(status == 2, "\(command): \(text)")
      #expect(
        text == "dmamatrix: standard output: cannot be written (\(reason))\n", "\(command): \(text)"
      )
    }
  }

  @Test func fewOpenFilesAreSaid() throws {
    for count in [6, 8, 10, 16, 63] {
      for command in ["$T query 'SELECT 1'", "$T generate -d n.db", "$T report 2026-07-02 -o r"] {
        let (status, text) = try shell("(ulimit -n \(count); \(command))")
        #expect(status == 2 && text.contains("only \(count) files can be open at once"), "\(text)")
      }
    }
    #expect(try shell("(ulimit -n 64; $T query 'SELECT 1')").status == 0)
    #expect(commands.contents == ["matrix.db"])
  }

  /// Reports into a directory in which somebody swaps what is unfinished for a link.
  @Test func aSwappingProcessReachesNoOtherFile() throws {
    let (status, text) = try shell(
      """
      chmod 777 . && echo treasure >victim
      (while [ -d . ]; do for f in *.part.tmp *.loose.tmp *.packed.tmp; do
        [ -f "$f" ] && ln -sf victim "$f"; done; done) 2>/dev/null & swapper=$!
      for i in 1 2 3 4 5; do $T report 2026-07-02 -o r$i.md
        $T generate --platform x86 --kernel 7.3 --op map -d g$i.db; done
      kill $swapper; cat victim
      """)
    #expect(status == 0 && text.hasSuffix("treasure\n"), "\(text)")
  }

  /// Foundation's atomic writes, of which createFile() is one, go through `.dat.nosync*`,
  /// which a killed run leaves and no later one removes.
  @Test func foundationMakesNoTemporaryFiles() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")
    let files = try #require(FileManager.default.enumerator(atPath: sources.path))
    var count = 0
    for case let file as String in files where file.hasSuffix(".swift") {
      count += 1
      let text = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
      for word in [/createFile\(/, /atomically:\s*true/, /\.atomic\b/] {
        #expect(text.firstMatch(of: word) == nil, "\(file)")
      }
      // It waits for the disk after each file, of which a series can have 10000.
      #expect(text.firstMatch(of: /\.write\(to: URL/) == nil, "\(file)")
    }
    #expect(count > 100)
  }
}
