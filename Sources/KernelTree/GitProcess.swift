import CLinux
import Foundation
import Support

/// Runs of git that end with this process, however it ends, and that may be waited for so
/// long and no longer: a repository may have a FIFO where an object or a ref should be.
enum GitProcess {
  /// For how many seconds git may give no byte: the longest that it thinks of a kernel's
  /// history is some 20 s.
  static let patience = 120

  /// Starts git in a session of its own.
  ///
  /// - Returns: Nil where it is no program.
  static func start(
    _ git: String, _ arguments: [String], environment: [String: String],
    descriptors: (input: Int32, output: Int32, error: Int32)
  ) throws(TreeError) -> ChildProcess? {
    guard access(git, X_OK) == 0 else { return nil }
    var arguments: [UnsafeMutablePointer<CChar>?] = ([git] + arguments).map { strdup($0) }
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") }
    defer { for text in arguments + variables { free(text) } }
    arguments.append(nil)
    variables.append(nil)
    let three = [descriptors.input, descriptors.output, descriptors.error]
    let (words, settings) = (UncheckedVector(arguments), UncheckedVector(variables))
    let (process, code) = Starter.run {
      let process = linux_start_bound(git, words.all, settings.all, three)
      return (process, process < 0 ? errno : 0)
    }
    guard process > 0 else {
      throw .cannotRun(
        reason: "'\(git.printable)' cannot be started (\(String(cString: strerror(code))))")
    }
    return ChildProcess(identifier: process)
  }

  /// Runs git to its end; the output is both its streams.
  ///
  /// - Throws: ``TreeError/git(_:)`` where it gives no byte for `patience` seconds.
  static func run(
    _ git: String, _ arguments: [String], environment: [String: String],
    outputLimit: Int = 1 << 20, patience: Int = patience
  ) throws(TreeError) -> (status: Int32, output: String) {
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard nothing >= 0 else {
      throw .cannotRun(reason: "/dev/null cannot be opened (\(String(cString: strerror(errno))))")
    }
    defer { close(nothing) }
    let pipe = try ProgramPipe()
    let started = try start(
      git, arguments, environment: environment,
      descriptors: (nothing, pipe.writing, pipe.writing))
    pipe.closeWriting()
    guard let started else { throw .git("'\(git.printable)' is no program") }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      guard hasBytes(pipe.reading, patience: patience) else {
        end(started)
        let command = arguments.first { !$0.hasPrefix("-") && $0.contains("-") } ?? "git"
        throw silent("'git \(command)' was run", patience)
      }
      let got = read(pipe.reading, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      output += buffer[..<min(got, outputLimit - output.count)]
    }
    return (started.wait(), String(decoding: output, as: UTF8.self))
  }

  /// Waits until something can be read, or the end; false where nothing comes.
  static func hasBytes(_ descriptor: Int32, patience: Int) -> Bool {
    let end = monotonicSeconds() + Double(patience)
    while true {
      var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = end - monotonicSeconds()
      let found = poll(&polled, 1, Int32(max(0, left * 1000).rounded(.up)))
      if found > 0 { return true }
      if found == 0 || errno != EINTR { return false }
    }
  }

  /// Ends a git and whatever it has started.
  static func end(_ process: ChildProcess) {
    kill(-process.identifier, SIGKILL)
    kill(process.identifier, SIGKILL)
    _ = process.wait()
  }

  static func silent(_ what: String, _ patience: Int) -> TreeError {
    .git(
      "git gave no answer for \(patience) s while \(what); accepted: a repository whose files can "
        + "be read, none of them a FIFO or a device")
  }

  private static func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }
}

/// Pointers that another thread reads while this one waits.
private struct UncheckedVector: @unchecked Sendable {
  let all: [UnsafeMutablePointer<CChar>?]

  init(_ all: [UnsafeMutablePointer<CChar>?]) { self.all = all }
}

/// The thread that starts what is to end with this process: the kernel ends it with the
/// thread that started it, and any other thread may end before.
private final class Starter: Sendable {
  private static let shared = Starter()
  private typealias Job = @Sendable () -> (pid_t, Int32)

  private let state = Locked<
    (jobs: [(Job, DispatchSemaphore, Locked<(pid_t, Int32)>)], isThere: Bool)
  >(
    ([], false))
  private let waiting = DispatchSemaphore(value: 0)

  /// Runs a job there; here where no thread is to be had.
  static func run(_ job: @escaping @Sendable () -> (pid_t, Int32)) -> (pid_t, Int32) {
    guard shared.isThere else { return job() }
    let (done, result) = (DispatchSemaphore(value: 0), Locked<(pid_t, Int32)>((-1, EAGAIN)))
    shared.state.withLock { $0.jobs.append((job, done, result)) }
    shared.waiting.signal()
    done.wait()
    return result.withLock { $0 }
  }

  /// Whether the thread runs, which it does once it was asked for.
  private var isThere: Bool {
    state.withLock { state in
      guard !state.isThere else { return true }
      var thread = pthread_t()
      let code = pthread_create(
        &thread, nil,
        { _ in
          Starter.shared.work()
          return nil
        }, nil)
      state.isThere = code == 0
      return state.isThere
    }
  }

  private func work() {
    while true {
      waiting.wait()
      let next = state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
      guard let (job, done, result) = next else { continue }
      let its = job()
      result.withLock { $0 = its }
      done.signal()
    }
  }
}
