import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Programs of Tests/Attack in the jail: what they get is what README says.
@Suite struct JailAttackTests {
  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Attack").path

  private let directory: TemporaryDirectory
  private let compiler: Compiler
  private let launcher: String

  init() throws {
    directory = try TemporaryDirectory()
    compiler = try Compiler()
    launcher = try BuildCache(directory: directory.file("cache")).launcher(compiler)
  }

  /// Builds a program as a tree's are, and runs it.
  private func jailed(
    _ program: String, _ arguments: [String] = []
  ) throws -> (status: Int32, output: String) {
    let path = directory.file(program)
    if access(path, X_OK) != 0 {
      let (status, output) = try Command(
        compiler.path, ["-static", "-O1", "\(Self.sources)/\(program).c", "-o", path]
      ).run()
      try #require(status == 0, "\(output)")
    }
    return try Command(
      launcher, ["jail", "10", "256", "\(getpid())", "--", path] + arguments,
      environment: ["SECRET": "value"]
    ).run()
  }

  /// The same, with a launcher that says why beside the program's own words.
  private func reason(_ attack: String, seconds: Int) throws -> (said: String, reason: String?) {
    _ = try attempt("environment")
    let run = try Command(
      launcher,
      ["jail", "\(seconds)", "256", "\(getpid())", "-e", "--", directory.file("jail"), attack]
    ).runLauncher()
    return (run.output, run.reason)
  }

  /// Why a program was ended it can neither say nor hide, nor does it get what that is
  /// written to.
  @Test func reasonsAreTheLaunchersOwn() throws {
    let lie = "more than 9 MB of memory\n"
    let spun = try reason("lie-and-spin", seconds: 1)
    #expect(spun.said == lie + lie)
    // On a busy machine its time on the clock is over first.
    #expect(["more than 1 s of CPU time", "no end after 4 s"].contains(spun.reason))
    #expect(
      try reason("lie-and-crash", seconds: 9)
        == (lie + lie, "ended by signal 11 (Segmentation fault)"))
    #expect(try reason("read-only", seconds: 9) == ("", "more than 320 MB of memory"))
    #expect(try reason("descriptors", seconds: 9) == ("none\n", nil))
  }

  private func attempt(_ arguments: String...) throws -> String {
    try jailed("jail", arguments).output
  }

  /// Every number that the kernel may know, and x32's: all are refused but the calls
  /// that launcher.c.in has a reason for, as far as any argument is allowed.
  @Test func systemCallsByNumber() throws {
    #if arch(x86_64)
      let allowed = [
        "read": 0, "write": 1, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
        "sigaltstack": 131, "set_tid_address": 218, "set_robust_list": 273, "getrandom": 318,
        "rseq": 334,
      ]
    #else
      let allowed = [
        "read": 63, "write": 64, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "sigaltstack": 132, "set_tid_address": 96, "set_robust_list": 99, "getrandom": 278,
        "rseq": 293,
      ]
    #endif
    let (status, output) = try jailed("syscalls")
    let lines = output.split(separator: "\n")
    #expect(status == 0 && lines.last == "end")
    #expect(lines.dropLast().compactMap { Int($0) }.sorted() == allowed.values.sorted())
  }

  #if arch(x86_64)
    /// The 32-bit entry has other numbers: whoever uses it is ended.
    @Test func theOtherEntryEnds() throws {
      let (status, output) = try jailed("jail", ["i386"])
      #expect(status == 128 + SIGSYS && output.hasPrefix("ended by signal \(SIGSYS)"))
    }
  #endif

  /// Mappings that RLIMIT_DATA does not count are none.
  @Test(arguments: ["shared", "grows-down", "huge", "fixed", "locked", "executable"])
  func mappingsThatNothingCounts(kind: String) throws {
    #expect(try attempt(kind) == "refused\n")
  }

  @Test func memoryHasABound() throws {
    let text = try attempt("private")
    let got = try #require(Int(text.split(separator: " ")[0]))
    #expect((128...256).contains(got))
    // 256 GiB are reserved for the simulated memory, and nothing near 4096.
    let reserved = try #require(Int(try attempt("reserve").split(separator: " ")[0]))
    #expect((250...257).contains(reserved))
  }

  /// Pages that were written and made read-only are no data for the kernel's limit.
  @Test func readOnlyMemoryIsSeen() throws {
    let (status, output) = try jailed("jail", ["read-only"])
    #expect(status == 124 && output == "more than 320 MB of memory\n")
  }

  /// One process: the bounds are those of the sum.
  @Test func thereIsOneProcess() throws {
    #expect(try attempt("fork") == "refused\n")
  }

  @Test(arguments: ["/etc/passwd", "/proc/self/environ", "/dev/null", "."])
  func noFileIsOpened(path: String) throws {
    #expect(try attempt("open", path) == "refused\n")
  }

  @Test func nothingElseIsThere() throws {
    #expect(try attempt("execute", "/bin/true") == "refused\n")
    #expect(try attempt("descriptors") == "none\n")
    #expect(try attempt("environment") == "none\n")
  }

  /// Neither a signal nor a limit, which would be one, reaches another process.
  @Test func otherProcessesAreOutOfReach() throws {
    let victim = Process()
    victim.executableURL = URL(fileURLWithPath: "/bin/sleep")
    victim.arguments = ["60"]
    try takingSignals { try victim.run() }
    for attack in ["kill", "limit", "ask-limit"] {
      #expect(try attempt(attack, "\(victim.processIdentifier)") == "refused\n", "\(attack)")
      #expect(victim.isRunning)
    }
    #expect(try attempt("own-limit") == "refused\n")
    victim.terminate()
    victim.waitUntilExit()
    #expect(victim.terminationReason == .uncaughtSignal && victim.terminationStatus == SIGTERM)
  }
}
