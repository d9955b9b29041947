import Foundation
import Testing

/// Limits that a user or an administrator set: one sentence, and neither a crash nor a
/// command that does not end.
@Suite struct LimitsAttackTests {
  private let commands: CommandTests
  private var directory: String { commands.directory }
  /// Commands that read, write, compute on all CPUs and run programs.
  private static let works = [
    "query 'SELECT 1'", "info", "info --check", "generate --platform x86 --kernel 7.3 -d new.db",
    "compare v6 v7 --platform x86", "check --kernel v6 --platform x86", "report 2026-07-02 -o r.md",
    "export csv --mask 32 -o x.csv", "kernels", "report html -o x.html",
  ]

  init() throws {
    commands = try CommandTests()
    let small = ["generate", "--platform", "x86", "--kernel", "7.3", "--op", "map", "--quiet"]
    #expect(try commands.run(small).status == 0)
  }

  private func shell(_ line: String) throws -> (status: Int32, text: String) {
    let status = try commands.shell("(cd '\(directory)' && { \(line); } >text 2>&1)")
    defer { unlink(directory + "/text") }
    return (status, (try? String(contentsOfFile: directory + "/text", encoding: .utf8)) ?? "")
  }

  /// No process may be started any more. libdispatch would try it for ever.
  @Test func aLimitOfProcessesIsSaid() throws {
    guard try commands.shell("command -v prlimit && command -v setpriv") == 0 else {
      try Test.cancel("prlimit and setpriv of util-linux are not installed")
    }
    // The limit does not hold for root, who becomes somebody else.
    var user = ""
    if geteuid() == 0 {
      user = "setpriv --reuid=65534 --regid=65534 --clear-groups "
      try FileManager.default.copyItem(atPath: tool.path, toPath: directory + "/tool")
      for (path, mode) in [("", 0o777), ("/tool", 0o755), ("/matrix.db", 0o666)] {
        #expect(chmod(directory + path, mode_t(mode)) == 0)
      }
    }
    let program = user.isEmpty ? tool.path : directory + "/tool"
    guard try shell("\(user)'\(program)' kernels").status == 0 else {
      try Test.cancel("another user cannot run programs in \(directory)")
    }
    for work in Self.works {
      let (status, text) = try shell("timeout 60 \(user)prlimit --nproc=1:1 '\(program)' \(work)")
      #expect(status == 2, "\(work): \(status) \(text)")
      #expect(
        text.hasPrefix("dmamatrix: only 0 threads can be started (Resource temporarily")
          && text.hasSuffix("('ulimit -u')\n") && text.split(separator: "\n").count == 1, "\(text)")
    }
  }

  /// Swift reads the command line from /proc; without it a command is not taken for none.
  @Test func withoutProcNothingIsAssumed() throws {
    let hidden = "unshare -rm sh -c 'mount -t tmpfs none /proc && exec \"$0\" \"$@\"'"
    guard try shell("\(hidden) true").status == 0 else {
      try Test.cancel("unshare cannot hide /proc here")
    }
    let (status, text) = try shell("\(hidden) '\(tool.path)' kernels")
    #expect(status == 2)
    #expect(text.hasPrefix("dmamatrix: the command line cannot be read;"), "\(text)")
  }

  /// No file may be as long as what is written: the system's own words, and nothing left.
  @Test(arguments: [0, 4096, 65536])
  func aLimitOfFileSizesIsSaid(bytes: Int) throws {
    guard try commands.shell("command -v prlimit") == 0 else {
      try Test.cancel("prlimit of util-linux is not installed")
    }
    let before = commands.contents
    for work in [
      "generate --platform x86 --kernel 7.3 -d new.db", "export csv --mask 32 -o x.csv",
      "report 2026-07-02 -o r.md", "check --kernel v6 --platform x86 --write-baseline b",
    ] where bytes == 0 || ["generate", "export"].contains(work.prefix { $0 != " " }) {
      // The text itself goes through a pipe, which has no size.
      let (status, text) = try shell(
        "(timeout 120 prlimit --fsize=\(bytes):\(bytes) '\(tool.path)' \(work); echo $?) 2>&1 | cat"
      )
      #expect(status == 0 && text.hasSuffix("\n2\n"), "\(work): \(text)")
      #expect(text.contains("cannot be written ("), "\(work): \(text)")
      #expect(
        text.contains("File too large") || text.contains("disk I/O error"), "\(work): \(text)")
      #expect(text.split(separator: "\n").count == 2, "\(work): \(text)")
    }
    #expect(commands.contents == before)
  }
}
