import CLinux
import Foundation
import Support

/// A program that was started, with a group of this process, and must be waited for.
///
/// No thread is needed, which a process at its limit could not have.
struct ChildProcess {
  let identifier: pid_t

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - environment: All its variables.
  ///   - descriptors: What becomes its standard input, output and error.
  ///   - reasons: What becomes its descriptor 3, of the launcher alone.
  ///   - isDetached: It gets a session of its own, which no key of the terminal reaches.
  /// - Throws: ``TreeError/cannotRun(reason:)`` with the system's words; nil is returned
  ///   for a file that is no program.
  static func start(
    _ executable: String, _ arguments: [String], environment: [String: String],
    descriptors: (input: Int32, output: Int32, error: Int32), reasons: Int32? = nil,
    isDetached: Bool = false
  ) throws(TreeError) -> ChildProcess? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let all =
      [descriptors.input, descriptors.output, descriptors.error] + (reasons.map { [$0] } ?? [])
    for (number, descriptor) in all.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // No program finds a file that it would obey beside the user's.
    _ = linux_change_directory(&actions, "/")
    var arguments: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") }
    defer { for text in arguments + variables { free(text) } }
    arguments.append(nil)
    variables.append(nil)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    if isDetached { posix_spawnattr_setflags(&attributes, 0x80 /* POSIX_SPAWN_SETSID */) }
    var process: pid_t = 0
    let code = posix_spawn(&process, executable, &actions, &attributes, arguments, variables)
    switch code {
    case 0: return ChildProcess(identifier: process)
    case ENOENT, EACCES, ENOEXEC, ENOTDIR: return nil
    default:
      throw .cannotRun(
        reason: "'\(executable.printable)' cannot be started (\(String(cString: strerror(code))))")
    }
  }

  /// Waits for its end: its status, or 128 and the signal's number, as a shell says it.
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 {
      guard errno == EINTR else { return 127 }
    }
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
  }
}

/// A pipe of which each end is closed once.
final class ProgramPipe {
  let reading: Int32
  private(set) var writing: Int32
  private var isOpen = true

  init() throws(TreeError) {
    var ends: [Int32] = [-1, -1]
    guard linux_pipe(&ends, O_CLOEXEC) == 0 else {
      throw .cannotRun(reason: "no pipe can be made (\(String(cString: strerror(errno))))")
    }
    (reading, writing) = (ends[0], ends[1])
  }

  func closeWriting() {
    if writing >= 0 { close(writing) }
    writing = -1
  }

  func closeReading() {
    if isOpen { close(reading) }
    isOpen = false
  }

  /// What was written, to its end: at most `limit` bytes of it are kept.
  func contents(upTo limit: Int) -> [UInt8] {
    closeWriting()
    var kept: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = read(reading, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return kept }
      kept += buffer[..<min(got, limit - kept.count)]
    }
  }

  /// Why the launcher failed or ended its program; nil where it says nothing.
  var reason: String? {
    Self.lastLine(of: contents(upTo: 4096))
  }

  /// The last line that is not empty, as far as a terminal may have it.
  static func lastLine(of bytes: some Sequence<UInt8>) -> String? {
    String(decoding: Array(bytes), as: UTF8.self).split(separator: "\n").last {
      $0.contains { !$0.isWhitespace }
    }.map { String($0).printable(upTo: 200) }
  }

  deinit {
    closeWriting()
    closeReading()
  }
}

/// What a program writes, of which there may be no end: its output as it is asked for, and
/// the end of what it says beside.
///
/// Both are read at once: a program that fills one pipe would wait for it to be read.
final class ProgramOutput {
  private let output: ProgramPipe
  private let errors: ProgramPipe
  /// The end of what stands on its standard error.
  private var complaints: [UInt8] = []
  private var areErrorsOpen = true
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  /// How much of the complaints is kept, in bytes.
  private static let kept = 1 << 16

  /// The last that it said, or nil: what the shim says stands behind what a tree says.
  var lastComplaint: String? { ProgramPipe.lastLine(of: complaints) }

  init(output: ProgramPipe, errors: ProgramPipe) {
    (self.output, self.errors) = (output, errors)
  }

  /// The next bytes of the output; fewer, or none, where it ends before.
  func next(_ count: Int) -> Data {
    var data = Data()
    while data.count < count {
      if areErrorsOpen {
        var polled = [
          pollfd(fd: output.reading, events: Int16(POLLIN), revents: 0),
          pollfd(fd: errors.reading, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { break }
        if polled[1].revents != 0 { listen() }
        if polled[0].revents == 0 { continue }
      }
      let got = read(output.reading, &buffer, min(buffer.count, count - data.count))
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      data.append(contentsOf: buffer[..<got])
    }
    return data
  }

  /// Reads the complaints to their end.
  func finish() {
    output.closeReading()
    while areErrorsOpen { listen() }
  }

  private func listen() {
    let got = read(errors.reading, &buffer, buffer.count)
    if got < 0, errno == EINTR { return }
    guard got > 0 else {
      areErrorsOpen = false
      return
    }
    complaints += buffer[..<got]
    if complaints.count > 2 * Self.kept { complaints.removeFirst(complaints.count - Self.kept) }
  }
}

/// One run of a program, its output collected.
struct Command {
  private let executable: String
  private let arguments: [String]
  private let environment: [String: String]

  /// The status of a program that could not be started.
  static let notStarted: Int32 = 127

  /// - Parameter environment: Variables beside PATH and LC_ALL.
  init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  /// Runs it in `/` without input; the output is both its streams, at most 1 MiB of them.
  ///
  /// - Throws: ``TreeError/cannotRun(reason:)`` where the system has no process or
  ///   descriptor left.
  ///
  /// - Parameter outputLimit: Another limit, in bytes.
  func run(
    outputLimit: Int = 1 << 20
  ) throws(TreeError) -> (status: Int32, output: String) {
    try run(reasons: nil, outputLimit: outputLimit)
  }

  /// Runs the launcher, which is told to say why it ended its program.
  func runLauncher(
    outputLimit: Int = 1 << 20
  ) throws(TreeError) -> (status: Int32, output: String, reason: String?) {
    let reasons = try ProgramPipe()
    let (status, output) = try run(reasons: reasons, outputLimit: outputLimit)
    return (status, output, status == 0 ? nil : reasons.reason)
  }

  private func run(
    reasons: ProgramPipe?, outputLimit: Int
  ) throws(TreeError) -> (status: Int32, output: String) {
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard nothing >= 0 else {
      throw .cannotRun(reason: "/dev/null cannot be opened (\(String(cString: strerror(errno))))")
    }
    defer { close(nothing) }
    let pipe = try ProgramPipe()
    let started = try ChildProcess.start(
      executable, arguments,
      environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"].merging(environment) { $1 },
      descriptors: (nothing, pipe.writing, pipe.writing), reasons: reasons?.writing)
    reasons?.closeWriting()
    guard let started else { return (Self.notStarted, "\(executable): no program") }
    let output = String(decoding: pipe.contents(upTo: outputLimit), as: UTF8.self)
    return (started.wait(), output)
  }
}
