import Foundation
import Testing

/// What a run of the tool printed and how it ended.
struct Run {
  let status: Int32
  let output: String
  let error: String
}

/// The executable, built beside the test bundle.
let tool = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  .deletingLastPathComponent().appendingPathComponent("dmamatrix")

extension CommandTests {
  /// Starts the tool in the test's directory.
  func start(
    _ arguments: [String], output: FileHandle = .nullDevice, error: FileHandle = .nullDevice
  ) throws -> Process {
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = error
    try process.run()
    return process
  }

  /// Runs the tool to its end; output goes through files, so that no pipe fills.
  func run(_ arguments: [String], input: String? = nil) throws -> Run {
    let base = FileManager.default.temporaryDirectory
      .appendingPathComponent("dmamatrix-run-\(UUID().uuidString)").path
    let files = ["out", "err", "in"].map { "\(base).\($0)" }
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
    try Data((input ?? "").utf8).write(to: URL(fileURLWithPath: files[2]))
    let process = Process()
    process.executableURL = tool
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardInput = FileHandle(forReadingAtPath: files[2])
    process.standardOutput = FileHandle(forWritingAtPath: files[0])
    process.standardError = FileHandle(forWritingAtPath: files[1])
    try process.run()
    process.waitUntilExit()
    return Run(
      status: process.terminationStatus,
      output: try String(contentsOfFile: files[0], encoding: .utf8),
      error: try String(contentsOfFile: files[1], encoding: .utf8))
  }

  func shell(_ command: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command + " >/dev/null 2>&1"]
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
