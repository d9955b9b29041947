import Foundation
import Support

/// The C compiler on PATH, run with bounds.
struct Compiler: Sendable {
  /// The absolute path.
  let path: String
  /// What `--version` says first: part of the cache's key.
  let version: String
  /// Whether it can fill variables of the stack that code does not (gcc 12, clang 16).
  let fillsStack: Bool
  /// What each of its processes may use: CPU time in seconds, and memory in MiB.
  var limits = (seconds: 60, megabytes: 4096)

  /// Finds cc, gcc or clang on PATH.
  init() throws(TreeError) {
    for candidate in ProgramPath.programs(["cc", "gcc", "clang"]) {
      let said = try Command(candidate, ["--version"]).run()
      guard said.status == 0 else { continue }
      path = candidate
      version = said.output.split(separator: "\n").first.map(String.init) ?? candidate
      fillsStack =
        try Command(
          candidate, [Self.fill("zero"), "-E", "-x", "c", "/dev/null", "-o", "/dev/null"]
        ).run().status == 0
      return
    }
    throw .noCompiler
  }

  /// For the kernel's code: no C library, the kernel's dialect, and what the
  /// kernel's own build makes an error.
  static let kernelFlags = [
    "-std=gnu11", "-Og", "-g0", "-ffreestanding", "-nostdinc", "-fno-strict-aliasing", "-fwrapv",
    "-fno-common", "-ffunction-sections", "-fdata-sections", "-fno-delete-null-pointer-checks",
    "-fno-stack-protector", "-Werror=implicit-function-declaration", "-Werror=int-conversion",
    "-Werror=incompatible-pointer-types", "-Wno-unused", "-Wno-attributes", "-Wno-pragmas",
  ]

  /// The arguments that make one text of a build directory's main.c, in that directory.
  ///
  /// It is what decides about the program: nothing of the tree is read after it.
  static let preprocessing =
    kernelFlags + ["-I", "include", "-I", ".", "-E", "main.c", "-o", "main.i"]

  private static func fill(_ value: String) -> String { "-ftrivial-auto-var-init=\(value)" }

  /// What variables of the stack hold that the kernel's code leaves as they are, and whether
  /// its blocks say that they run.
  enum Variant {
    /// A pattern of bytes, as gcc and clang have it.
    case pattern
    /// Zeros, and blocks that say so.
    case tracedZeros
  }

  private func flags(of variant: Variant) -> [String] {
    switch variant {
    case .pattern: fillsStack ? [Self.fill("pattern")] : []
    case .tracedZeros:
      // Each statement has blocks of its own, which an optimizer would share.
      ["-O0", "-g1", "-fsanitize-coverage=trace-pc"] + (fillsStack ? [Self.fill("zero")] : [])
    }
  }

  /// The arguments that compile and link a build directory, one after the other, in
  /// that directory.  Linked statically, the program needs no file to start.
  func building(_ variant: Variant) -> [[String]] {
    [
      Self.kernelFlags + flags(of: variant) + ["-c", "main.i", "-o", "main.o"],
      ["-O2", "-I", ".", "-c", "host.c", "-o", "host.o"],
      ["-O2", "-c", "predicates.c", "-o", "predicates.o"],
    ]
      // Without the C library: a name that a tree uses and has not is none of the library's.
      + (variant == .pattern
        ? [
          ["-O2", "-I", ".", "-c", "lent.c", "-o", "lent.o"],
          [
            "-static", "-no-pie", "-nostdlib", "main.o", "lent.o", "predicates.o",
            // The compiler's own helpers alone.
            "-lgcc", "-Wl,--gc-sections", "-Wl,-e,main", "-o", "own",
          ],
        ] : []) + [
        ["-static", "-no-pie", "main.o", "host.o", "predicates.o", "-Wl,--gc-sections"]
          // Calls that never happen are left in it; the other variant has shown that.
          + (variant == .tracedZeros ? ["-Wl,--unresolved-symbols=ignore-all"] : [])
          + ["-o", "program"]
      ]
  }

  /// Runs it with limits in a directory, which is all that it may write.
  ///
  /// - Parameters:
  ///   - readable: What it may read beside its own files.
  ///   - tool: Another program of its toolchain.
  ///   - outputLimit: How much of what is said is kept, in bytes.
  /// - Returns: Its status, what it said, and what has ended it, if that was not itself.
  func run(
    _ arguments: [String], in directory: String, readable: [String] = [], launcher: String,
    tool: String? = nil, outputLimit: Int = 1 << 20
  ) throws(TreeError) -> (status: Int32, output: String, end: String?) {
    let rules =
      toolchain.flatMap { ["-x", $0] } + readable.flatMap { ["-r", $0] }
      + ["-w", "/dev/null", "-w", directory, "-d", directory]
    let (status, output, reason) = try Command(
      launcher,
      ["compile", String(limits.seconds), String(limits.megabytes), String(getpid()), "-e"] + rules
        + ["--", tool ?? path] + arguments,
      environment: ["TMPDIR": directory + "/tmp"]
    ).runLauncher(outputLimit: outputLimit)
    guard status != 0 else { return (status, output, nil) }
    return (status, output, reason.map(Self.end) ?? limit(in: output).map(Self.end))
  }

  /// What the launcher says, of the compiler.
  private static func end(_ reason: String) -> String {
    if reason.hasPrefix("ended by") { return "the compiler was \(reason)" }
    let limits = ["more than", "a file of", "no end after"]
    return limits.contains(where: reason.hasPrefix)
      ? "the compiler was ended by its limits: \(reason)" : "no compiler can be run: \(reason)"
  }

  /// Which limit has ended a part of the compiler, as gcc's driver, its parts and clang
  /// say it in a line of its own; any other line may quote the tree.
  private func limit(in output: String) -> String? {
    for line in output.split(separator: "\n") {
      if line.wholeMatch(of: /[^ :]+: [a-z ]+: CPU time limit .* terminated program [a-z0-9]+/)
        != nil
      {
        return "more than \(limits.seconds) s of CPU time"
      }
      if line.wholeMatch(of: /[^ :]+: [a-z ]+: File size limit .* terminated program [a-z0-9]+/)
        != nil
      {
        return "a file of more than 256 MiB"
      }
      if line.wholeMatch(of: /[^ :]+: out of memory allocating [0-9]+ bytes( after .* bytes)?/)
        != nil || line == "virtual memory exhausted: Cannot allocate memory"
        || line == "LLVM ERROR: out of memory"
      {
        return "more than \(limits.megabytes) MiB of memory"
      }
    }
    return nil
  }

  /// Where its own files and those of the C library are: of the system, and where
  /// the compiler itself was put, but never all of the user's files.
  private var toolchain: [String] {
    var paths = [
      "/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/ld.so.conf",
      "/etc/ld.so.conf.d", "/nix/store", "/gnu/store",
    ]
    if let real = realpath(path, nil) {
      let directory = (String(cString: real) as NSString).deletingLastPathComponent
      free(real)
      let prefix = (directory as NSString).deletingLastPathComponent
      let home = (ProcessInfo.processInfo.environment["HOME"] ?? "/") + "/"
      paths.append((home.hasPrefix(prefix + "/") || prefix == "/") ? directory : prefix)
    }
    return paths
  }

  /// The first error of a compiler's output: file, line and sentence.
  static func firstError(_ output: String) -> String { errors(output)[0] }

  /// The errors of a compiler's or linker's output, each once, at most 100: file, line and
  /// sentence; its last line where it has none.
  ///
  /// - Parameter trees: The paths that names of the tree's files are shown without.
  static func errors(_ output: String, in trees: [String] = []) -> [String] {
    var errors: [String] = []
    var last = "no message"
    for line in output.split(separator: "\n") {
      last = line.trimmingCharacters(in: .whitespaces)
      // What ld missed stands before what gcc says of ld.
      guard ["error: ", "undefined reference"].contains(where: line.contains), errors.count < 100,
        errors.isEmpty || !line.hasPrefix("collect2: ")
      else { continue }
      var text = trees.reduce(last) { $0.replacing($1 + "/", with: "") }
      // ld says no file and line: where it is used is found in the text.
      if let start = text.firstRange(of: "undefined reference") {
        text = String(text[start.lowerBound...])
      }
      text = text.printable(upTo: 300)
      if !errors.contains(text) { errors.append(text) }
    }
    return errors.isEmpty ? [last.printable(upTo: 300)] : errors
  }
}
