import Foundation

/// The C compiler on PATH, run with bounds.
struct Compiler: Sendable {
  /// The absolute path.
  let path: String
  /// What `--version` says first: part of the cache's key.
  let version: String

  /// Finds cc, gcc or clang on PATH.
  init() throws(TreeError) {
    let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
      .split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    for name in ["cc", "gcc", "clang"] {
      for directory in directories {
        let candidate = directory + "/" + name
        guard access(candidate, X_OK) == 0 else { continue }
        let said = Command(candidate, ["--version"]).run()
        guard said.status == 0 else { continue }
        path = candidate
        version = said.output.split(separator: "\n").first.map(String.init) ?? candidate
        return
      }
    }
    throw .noCompiler
  }

  /// For the kernel's code: no C library, the kernel's dialect, and what the
  /// kernel's own build makes an error.
  static let kernelFlags = [
    "-std=gnu11", "-O2", "-g0", "-ffreestanding", "-nostdinc", "-fno-strict-aliasing", "-fwrapv",
    "-fno-common", "-ffunction-sections", "-fdata-sections", "-fno-delete-null-pointer-checks",
    "-fno-stack-protector", "-Werror=implicit-function-declaration", "-Werror=int-conversion",
    "-Werror=incompatible-pointer-types", "-Wno-unused", "-Wno-attributes", "-Wno-pragmas",
  ]

  /// The arguments that compile and link a build directory, one command after
  /// the other.
  func commands(in directory: String, as program: String) -> [[String]] {
    [
      [path] + Self.kernelFlags
        + ["-I", directory + "/include", "-I", directory, "-c", directory + "/main.c"]
        + ["-o", directory + "/main.o"],
      [path, "-O2", "-I", directory, "-c", directory + "/host.c", "-o", directory + "/host.o"],
      [path, directory + "/main.o", directory + "/host.o", "-Wl,--gc-sections", "-o", program],
    ]
  }

  /// The first error of a compiler's output: file, line and sentence.
  static func firstError(_ output: String) -> String {
    let lines = output.split(separator: "\n").map(String.init)
    let line =
      lines.first { $0.contains(": error: ") || $0.contains(": fatal error: ") }
      ?? lines.first { $0.contains("undefined reference") } ?? lines.last ?? "no message"
    return line.trimmingCharacters(in: .whitespaces).printable(upTo: 300)
  }
}

/// One run of a program, its output collected.
struct Command {
  private let executable: String
  private let arguments: [String]
  private let directory: String?
  private let environment: [String: String]

  /// The status of a program that could not be started.
  static let notStarted: Int32 = 127

  /// - Parameters:
  ///   - directory: Where it runs; where this process does without.
  ///   - environment: Variables beside PATH and LC_ALL.
  init(
    _ executable: String, _ arguments: [String], in directory: String? = nil,
    environment: [String: String] = [:]
  ) {
    self.executable = executable
    self.arguments = arguments
    self.directory = directory
    self.environment = environment
  }

  /// Runs it without input; the output is both its streams, at most 1 MiB of them.
  func run() -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C"]
      .merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    do {
      try process.run()
    } catch {
      return (Self.notStarted, "\(executable): \(error.localizedDescription)")
    }
    let data = pipe.fileHandleForReading.rest()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
