import Foundation

/// A git repository of a test, which is removed with it.
public final class GitTestRepository: Sendable {
  private let directory: TemporaryDirectory
  public var path: String { directory.file("repository") }

  /// Why a test is skipped.
  public static let isThere = access("/usr/bin/git", X_OK) == 0

  public init(_ options: [String] = []) throws {
    directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try git(["init", "-q", "-b", "main"] + options)
    try git(["config", "user.name", "A U Thor"])
    try git(["config", "user.email", "author@example.com"])
    try git(["config", "commit.gpgSign", "false"])
  }

  /// Beside the repository, and removed with it.
  public func file(_ name: String) -> String { directory.file(name) }

  /// What git says to its end, without the last line break.
  @discardableResult public func git(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/git")
    process.arguments = ["-C", path] + arguments
    process.environment = [
      "PATH": "/usr/bin:/bin", "HOME": directory.path, "GIT_CONFIG_NOSYSTEM": "1",
    ].merging(environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(command: arguments.joined(separator: " "), status: process.terminationStatus)
    }
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
  }

  public struct Failure: Error {
    public let command: String
    public let status: Int32
  }

  public func write(_ text: String, to file: String) throws {
    let url = URL(fileURLWithPath: path + "/" + file)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  public func read(_ file: String) throws -> String {
    try String(contentsOfFile: path + "/" + file, encoding: .utf8)
  }

  /// Commits all that is there; returns the commit.
  @discardableResult public func commit(_ subject: String, at seconds: Int = 1_700_000_000) throws
    -> String
  {
    try git(["add", "-A", "-f"])
    try git(
      ["commit", "-q", "--allow-empty", "-m", subject],
      environment: ["GIT_AUTHOR_DATE": "@\(seconds) +0000"])
    return try git(["rev-parse", "HEAD"])
  }
}
