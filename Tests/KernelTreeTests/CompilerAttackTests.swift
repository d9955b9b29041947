import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// What a hostile text gets out of the C compiler, and a compiler that a text has taken
/// over.  Where the kernel has no Landlock, the question before the first run says so.
@Suite struct CompilerAttackTests {
  private static let hasLandlock = Confinement.isComplete
  private static let without: Comment = "this kernel has no Landlock"

  private let directory: TemporaryDirectory
  private let compiler: Compiler
  private let launcher: String
  /// The build directory.
  private let work: String

  init() throws {
    directory = try TemporaryDirectory()
    compiler = try Compiler()
    launcher = try BuildCache(directory: directory.file("cache")).launcher(compiler)
    work = directory.file("work")
    try FileManager.default.createDirectory(
      atPath: work + "/tmp", withIntermediateDirectories: true)
  }

  private func write(_ text: String, to path: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  private func compile(
    _ text: String, readable: [String] = []
  ) throws -> (status: Int32, output: String) {
    try write(text, to: work + "/main.c")
    let run = try compiler.run(
      ["-c", "main.c", "-o", "main.o"], in: work, readable: readable, launcher: launcher)
    return (run.status, run.output)
  }

  /// What has ended a compiler with few seconds and little memory.
  private func end(_ text: String, seconds: Int = 60, megabytes: Int = 4096) throws -> String? {
    var compiler = compiler
    compiler.limits = (seconds, megabytes)
    try write(text, to: work + "/main.c")
    return try compiler.run(["-c", "main.c", "-o", "main.o"], in: work, launcher: launcher).end
  }

  /// A text of few lines that is 100 million tokens long.
  private static let endless =
    "#define A0 +1\n"
    + (1...8).map { "#define A\($0)" + String(repeating: " A\($0 - 1)", count: 10) + "\n" }.joined()
    + "long v = 0 A8;\n"

  /// Each limit that ends a compiler is said, whatever part of it was ended, and also where
  /// the caller ignores signals as this process and the tool do.
  @Test func limitsAreSaid() throws {
    signal(SIGXFSZ, SIG_IGN)
    let limits = "the compiler was ended by its limits: "
    // On a busy machine its time on the clock is over first.
    let slow = try end(Self.endless, seconds: 1)
    #expect(["more than 1 s of CPU time", "no end after 4 s"].map { limits + $0 }.contains(slow))
    #expect(try end(Self.endless, megabytes: 100) == limits + "more than 100 MiB of memory")
    #expect(
      try end("__asm__(\".data\\n.skip 300000000, 1\");\n")
        == limits + "a file of more than 256 MiB")
    #expect(try end("int a;\n") == nil)
  }

  /// A tree cannot say that of itself.
  @Test(arguments: [
    "File size limit exceeded", "CPU time limit exceeded", "out of memory",
    "cc: fatal error: out of memory", "cc1: out of memory", "LLVM ERROR: out of memory",
    "cc: fatal error: File size limit exceeded signal terminated program as",
  ])
  func aTextIsNoLimit(words: String) throws {
    #expect(try end("#error \(words)\n") == nil)
    #expect(try end("#warning \(words)\nint a = b; /* \(words) */\n") == nil)
    #expect(try end("int a = b;\n/*\n\(words)\n*/ char *c = \"\n\(words)\n\";\n") == nil)
    #expect(try end("#line 1 \"\(words): \"\nint a = b;\n") == nil)
  }

  /// A shell where the compiler would be: what somebody gets who has taken it over.
  private func shell(_ script: String) throws -> (status: Int32, output: String) {
    try Command(
      launcher,
      ["compile", "60", "4096", "\(getpid())", "-x", "/usr", "-x", "/lib", "-x", "/lib64"]
        + ["-x", "/bin", "-w", "/dev/null", "-w", work, "-d", work]
        + ["--", "/bin/sh", "-c", script]
    ).run()
  }

  @Test func ordinaryTextsCompile() throws {
    let (status, output) = try compile("#include <stdio.h>\nint main(void) { return 0; }\n")
    #expect(status == 0, "\(output)")
  }

  /// Files of the user and of the system, by the assembler and by the preprocessor.
  @Test(.enabled(if: hasLandlock, without))
  func filesAreNotReadByTexts() throws {
    let secret = directory.file("secret")
    try write("hidden text\n", to: secret)
    let link = work + "/link.h"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: secret)
    for path in [secret, "/etc/passwd", "/etc/shadow", "/proc/self/environ", link, "link.h"] {
      let byAssembler = try compile("__asm__(\".incbin \\\"\(path)\\\"\");\n")
      #expect(byAssembler.status != 0 && !byAssembler.output.contains("hidden text"), "\(path)")
      let byPreprocessor = try compile("#include \"\(path)\"\n")
      #expect(byPreprocessor.status != 0, "\(path)")
      #expect(!byPreprocessor.output.contains("unknown type name"), "\(path)")
    }
  }

  /// Of a tree what it shows: not its hidden files, nor where its links lead.
  @Test(.enabled(if: hasLandlock, without))
  func aTreeIsReadAsFarAsItIsOne() throws {
    let path = directory.file("tree")
    for file in ["mapping", "direct", "swiotlb"] {
      try write("int \(file);\n", to: path + "/kernel/dma/\(file).c")
    }
    try write("secret\n", to: path + "/.git/config")
    try write("secret\n", to: directory.file("outside/key.h"))
    try FileManager.default.createSymbolicLink(
      atPath: path + "/link", withDestinationPath: directory.file("outside"))
    try FileManager.default.createSymbolicLink(
      atPath: path + "/kernel/key.h", withDestinationPath: directory.file("outside/key.h"))
    let tree = try SourceTree(path: path)
    let seen = try compile(
      "#include \"\(tree.path)/kernel/dma/direct.c\"\n", readable: tree.entries)
    #expect(seen.status == 0, "\(seen.output)")
    for file in [".git/config", "kernel/../.git/config", "link/key.h", "kernel/key.h"] {
      let (status, output) = try compile(
        "#include \"\(tree.path)/\(file)\"\n", readable: tree.entries)
      #expect(status != 0 && !output.contains("secret"), "\(file): \(output)")
    }
  }

  /// Nothing around the compiler is obeyed: neither its variables nor files beside.
  @Test func surroundingsAreNotObeyed() throws {
    setenv("CPATH", directory.path, 1)
    setenv("GCC_EXEC_PREFIX", directory.path + "/", 1)
    setenv("COMPILER_PATH", directory.path, 1)
    setenv("LD_PRELOAD", directory.file("none.so"), 1)
    defer {
      for name in ["CPATH", "GCC_EXEC_PREFIX", "COMPILER_PATH", "LD_PRELOAD"] { unsetenv(name) }
    }
    try write("#define FOUND 1\n", to: directory.file("beside.h"))
    for name in ["specs", "as", "ld", "cc1", "collect2", ".gdbinit"] {
      try write("#!/bin/sh\ntouch \(work)/obeyed\n", to: work + "/" + name)
      chmod(work + "/" + name, 0o755)
    }
    let (status, output) = try compile(
      "#if __has_include(<beside.h>)\n#error obeyed\n#endif\nint a;\n")
    #expect(status == 0 && output.isEmpty, "\(output)")
    #expect(access(work + "/obeyed", F_OK) != 0)
  }

  @Test(.enabled(if: hasLandlock, without))
  func whoTakesTheCompilerOverWritesNowhereElse() throws {
    let outside = directory.file("outside")
    try write("old\n", to: outside)
    let (status, output) = try shell(
      "echo new > \(outside); echo new > \(directory.file("made")); rm -f \(outside); "
        + "ln -s /etc/passwd link; cat link; cat /etc/passwd; ls \(directory.path); "
        + "echo in > inside; cat inside")
    #expect(status == 0 && output.hasSuffix("in\n") && !output.contains("root:"), "\(output)")
    #expect(try String(contentsOfFile: outside, encoding: .utf8) == "old\n")
    #expect(!FileManager.default.fileExists(atPath: directory.file("made")))
  }

  /// Neither signals nor limits nor the network.
  @Test func whoTakesTheCompilerOverIsAlone() throws {
    let victim = Process()
    victim.executableURL = URL(fileURLWithPath: "/bin/sleep")
    victim.arguments = ["60"]
    try takingSignals { try victim.run() }
    let number = victim.processIdentifier
    if Self.hasSignalScope {
      #expect(try shell("kill -9 \(number)").status != 0)
    }
    #expect(try shell("/usr/bin/prlimit --cpu=0:0 --pid \(number)").status != 0)
    #expect(try shell("exec 3<>/dev/tcp/127.0.0.1/1").status != 0)
    #expect(victim.isRunning)
    victim.terminate()
    victim.waitUntilExit()
    #expect(victim.terminationStatus == SIGTERM)
  }
  private static let hasSignalScope = Confinement.landlockVersion >= 6

  /// A launcher whose caller has ended ends what it runs, whatever ended the caller. The
  /// caller is a shell, which SIGINT alone does not end before its child has: that
  /// signal is VerifyAttackTests'.
  @Test(arguments: [SIGTERM, SIGKILL])
  func nothingOutlivesTheCaller(signal: Int32) throws {
    let mark = "3\(Int.random(in: 100_000...999_999))"
    let caller = Process()
    caller.executableURL = URL(fileURLWithPath: "/bin/sh")
    caller.arguments = [
      "-c",
      "\(launcher) compile 60 4096 $$ -x / -- /bin/sh -c 'sleep \(mark) & sleep \(mark)'; true",
    ]
    try takingSignals { try caller.run() }
    func sleeping() throws -> Int {
      let (_, output) = try Command(
        "/bin/sh", ["-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]
      )
      .run()
      return output.components(separatedBy: "sleep \(mark) ").count - 1
    }
    func wait(until holds: (Int) -> Bool) throws -> Bool {
      for _ in 0..<200 {
        if holds(try sleeping()) { return true }
        usleep(50_000)
      }
      return false
    }
    #expect(try wait { $0 >= 2 })
    kill(caller.processIdentifier, signal)
    #expect(try wait { $0 == 0 })
    caller.waitUntilExit()
  }

  /// A directory goes with the process that built in it.
  @Test func nothingIsLeft() throws {
    let cache = try BuildCache(directory: directory.file("cache"))
    var workspace: Workspace? = try Workspace(in: cache, launcher: launcher)
    let path = try #require(workspace?.path)
    try write("x", to: path + "/a/b")
    workspace = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  /// ... and with one that is killed.
  @Test func nothingIsLeftOfTheKilled() throws {
    let other = directory.file("left")
    try write("x", to: other + "/a/b")
    let pipe = Pipe()
    let keeper = Process()
    keeper.executableURL = URL(fileURLWithPath: launcher)
    keeper.arguments = ["tidy", other]
    keeper.standardInput = pipe
    try keeper.run()
    // From then on it has a session of its own, and ignores what is sent.
    for _ in 0..<400 where getsid(keeper.processIdentifier) != keeper.processIdentifier {
      usleep(50_000)
    }
    kill(keeper.processIdentifier, SIGINT)
    kill(keeper.processIdentifier, SIGTERM)
    usleep(100_000)
    #expect(FileManager.default.fileExists(atPath: other + "/a/b"))
    try pipe.fileHandleForWriting.close()
    keeper.waitUntilExit()
    #expect(!FileManager.default.fileExists(atPath: other))
  }
}
