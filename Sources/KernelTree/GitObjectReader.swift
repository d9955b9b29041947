import Foundation
import Support

/// An object as `git cat-file --batch` gives it.
struct GitObject: Sendable {
  let name: String
  let type: String
  /// Nil where it is larger than was asked for.
  let bytes: [UInt8]?
}

/// A `git cat-file --batch` that is asked for one object after the other.
final class GitObjectReader: Sendable {
  private let process: ChildProcess
  private let state: Locked<Connection>

  fileprivate struct Connection: Sendable {
    /// A socket, which a program that has ended sends no signal of.
    let requests: Int32
    let output: Int32
    let patience: Int
    /// Whether git gave nothing for so long.
    var isSilent = false
    var buffer: [UInt8] = []
    var start = 0
    var isOpen = true
  }

  /// No object is read to its end above.
  private static let limit = 64 << 20

  /// - Parameter patience: For how many seconds git may give no byte.
  init(
    _ git: String, _ arguments: [String], environment: [String: String], patience: Int
  ) throws(TreeError) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
      throw .cannotRun(reason: "no socket can be made (\(String(cString: strerror(errno))))")
    }
    defer { close(ends[1]) }
    do throws(TreeError) {
      let output = try ProgramPipe()
      let nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
      defer { if nothing >= 0 { close(nothing) } }
      guard
        let process = try GitProcess.start(
          git, arguments, environment: environment,
          descriptors: (ends[1], output.writing, nothing))
      else { throw .git("'\(git.printable)' is no program") }
      output.closeWriting()
      self.process = process
      let reading = fcntl(output.reading, F_DUPFD_CLOEXEC, 0)
      state = Locked(Connection(requests: ends[0], output: reading, patience: patience))
    } catch {
      close(ends[0])
      throw error
    }
  }

  /// An object; nil where there is none of that name.
  ///
  /// - Parameters:
  ///   - name: Without line breaks.
  ///   - limit: The bytes of larger ones are not kept.
  /// - Throws: ``TreeError/git(_:)`` where git has ended.
  func object(_ name: String, limit: Int) throws(TreeError) -> GitObject? {
    let result = state.withLock { connection -> Result<GitObject?, TreeError> in
      do throws(TreeError) {
        return .success(try Self.ask(name, limit, &connection))
      } catch {
        connection.isOpen = false
        return .failure(
          connection.isSilent
            ? GitProcess.silent("'\(name.printable)' was read", connection.patience) : error)
      }
    }
    return try result.get()
  }

  private static func ask(
    _ name: String, _ limit: Int, _ connection: inout Connection
  ) throws(TreeError) -> GitObject? {
    // As older gits do where a partial clone lacks an object that they may not fetch.
    let ended = TreeError.git(
      "git cat-file has ended while '\(name.printable)' was read; a partial clone may lack it, "
        + "of which nothing is fetched here")
    guard connection.isOpen, !name.utf8.contains(0x0a) else { throw ended }
    var rest = Array((name + "\n").utf8)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        send(connection.requests, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if sent < 0, errno == EINTR { continue }
      guard sent > 0 else { throw ended }
      rest = rest.dropFirst(sent)
    }
    guard let line = connection.line() else { throw ended }
    let words = line.split(separator: " ")
    // Any other answer ends with what is wrong with the name.
    guard words.count == 3, let size = Int(words[2]), size >= 0,
      ["blob", "tree", "commit", "tag"].contains(words[1])
    else {
      guard let last = words.last, ["missing", "ambiguous"].contains(last) else { throw ended }
      return nil
    }
    guard size <= Self.limit else {
      throw .git("object \(words[0]) has \(size) bytes; accepted: up to \(Self.limit >> 20) MiB")
    }
    guard let bytes = connection.bytes(size, isKept: size <= limit),
      connection.bytes(1, isKept: true) == [0x0a]
    else { throw ended }
    return GitObject(
      name: String(words[0]), type: String(words[1]), bytes: size <= limit ? bytes : nil)
  }

  deinit {
    state.withLock { connection in
      close(connection.requests)
      if connection.output >= 0 { close(connection.output) }
    }
    // It may hang at a file that is none, and has nothing to lose.
    GitProcess.end(process)
  }
}

extension GitObjectReader.Connection {
  /// Reads more; whether there was any.
  private mutating func fill() -> Bool {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      guard GitProcess.hasBytes(output, patience: patience) else {
        isSilent = true
        return false
      }
      let got = read(output, &chunk, chunk.count)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return false }
      buffer += chunk[..<got]
      return true
    }
  }

  /// The next line, without its end: at most 4 KiB of it.
  fileprivate mutating func line() -> String? {
    while true {
      if let end = buffer[start...].firstIndex(of: 0x0a) {
        defer { start = end + 1 }
        return String(decoding: buffer[start..<end], as: UTF8.self)
      }
      guard buffer.count - start <= 4096, fill() else { return nil }
    }
  }

  /// So many bytes; none are returned where they are not kept.
  fileprivate mutating func bytes(_ count: Int, isKept: Bool) -> [UInt8]? {
    var kept: [UInt8] = []
    if isKept { kept.reserveCapacity(count) }
    var rest = count
    while rest > 0 {
      if start == buffer.count, !fill() { return nil }
      let part = min(rest, buffer.count - start)
      if isKept { kept += buffer[start..<start + part] }
      start += part
      rest -= part
    }
    return kept
  }
}
