import CLinux
import Foundation

/// Files that a user names as input.
package enum InputFile {
  /// Why a file cannot be read, in the system's words or ours.
  package struct Failure: Error {
    package let reason: String
  }

  /// How long a named pipe may wait for a program that writes into it, in seconds.
  private static let patience = 2.0

  /// Opens a file, a pipe or a terminal for reading; the caller closes it.
  ///
  /// A pipe of a shell (`-`, `/dev/stdin`, `<(...)`) has its writer, and is waited for as
  /// long as that takes. A named pipe into which nobody writes would block for ever.
  ///
  /// - Throws: ``Failure`` for what is missing, a directory, a disk, or such a pipe.
  package static func open(_ path: String) throws(Failure) -> Int32 {
    let file = Foundation.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard file >= 0 else {
      throw Failure(reason: errno == ENOENT ? "no such file" : String(cString: strerror(errno)))
    }
    do throws(Failure) {
      try check(file)
    } catch {
      close(file)
      throw error
    }
    return file
  }

  /// The bytes of a regular file that lies below a directory; nil for what is none, is
  /// larger than a limit, or lies elsewhere by a link.
  ///
  /// What is opened is what is asked about: a name may lead elsewhere a moment later.
  /// Nothing but a regular file is opened for reading: to open a device can do something.
  ///
  /// - Parameters:
  ///   - root: The directory's path without symbolic links.
  ///   - accepting: Whether a path below it, without symbolic links, may be read.
  package static func contents(
    of path: String, below root: String, limit: Int, accepting: (Substring) -> Bool = { _ in true }
  ) -> [UInt8]? {
    let place = Foundation.open(path, dmamatrix_o_path | O_CLOEXEC)
    guard place >= 0 else { return nil }
    defer { close(place) }
    var status = stat()
    var name = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard fstat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size <= limit,
      readlink("/proc/self/fd/\(place)", &name, Int(PATH_MAX)) > 0
    else { return nil }
    let real = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let base = root.hasSuffix("/") ? root : root + "/"
    guard real.hasPrefix(base), accepting(real.dropFirst(base.count)) else { return nil }
    let file = Foundation.open("/proc/self/fd/\(place)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size))
    var buffer = [UInt8](repeating: 0, count: min(1 << 20, max(4096, Int(status.st_size) + 1)))
    while true {
      let got = read(file, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { return nil }
      if got == 0 { return bytes }
      bytes += buffer[..<got]
      // Files of /proc say that they are empty, others may grow.
      if bytes.count > limit { return nil }
    }
  }

  private static func check(_ file: Int32) throws(Failure) {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw Failure(reason: String(cString: strerror(errno))) }
    switch status.st_mode & S_IFMT {
    case S_IFREG, S_IFCHR: break
    case S_IFIFO: try requireWriter(file)
    case S_IFDIR: throw Failure(reason: "is a directory")
    default: throw Failure(reason: "is neither a file nor a pipe")
    }
    let flags = fcntl(file, F_GETFL)
    _ = fcntl(file, F_SETFL, flags & ~O_NONBLOCK)
  }

  /// Waits until a pipe holds something or has somebody who may write.
  private static func requireWriter(_ file: Int32) throws(Failure) {
    var copy: [Int32] = [-1, -1]
    guard pipe(&copy) == 0 else {
      throw Failure(reason: String(cString: strerror(errno)))
    }
    defer { for end in copy { close(end) } }
    let end = ContinuousClock.now + .seconds(patience)
    repeat {
      var wait = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      // Bytes, or a writer that has closed: the end of the file can be read.
      if poll(&wait, 1, 50) > 0 { return }
      // Copies a byte and takes none; nothing to copy is an error while somebody has it
      // open for writing, and the end of the file otherwise.
      if tee(file, copy[1], 1, dmamatrix_splice_nonblock) != 0 { return }
    } while ContinuousClock.now < end
    throw Failure(reason: "is a pipe into which no program writes")
  }
}
