import Foundation

/// An open file that bytes are written to, without what Foundation adds: it waits for the
/// disk after each file, and has no words for some of the system's errors (EFBIG).
package struct OutputFile: Sendable {
  package let descriptor: Int32

  /// - Parameter descriptor: Open for writing; whoever opened it closes it.
  package init(descriptor: Int32) { self.descriptor = descriptor }

  /// Writes all bytes.
  package func write(contentsOf bytes: some ContiguousBytes) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Makes a file, or empties it, and writes its content; a link is not followed.
  ///
  /// For files of a run that ends with it: no disk is waited for.
  package static func write(_ bytes: some ContiguousBytes, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    defer { close(descriptor) }
    try OutputFile(descriptor: descriptor).write(contentsOf: bytes)
  }
}
