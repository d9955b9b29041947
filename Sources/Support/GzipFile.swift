import CZlib
import Foundation

/// Reads a file that may be compressed by gzip, by zlib's own detection.
package enum GzipFile {
  /// The decompressed bytes of a file.
  ///
  /// - Parameter limit: How many bytes are accepted: a small file may hold any number.
  /// - Throws: ``InputError/unreadable(file:reason:)`` for a missing file, a
  ///   directory, a broken or truncated gzip stream, or too many bytes.
  package static func contents(
    of path: String, limit: Int = 1 << 30
  ) throws(InputError) -> [UInt8] {
    let descriptor: Int32
    do throws(InputFile.Failure) {
      descriptor = try InputFile.open(path)
    } catch {
      let expected =
        error.reason.hasPrefix("is ") ? "; expected a file, plain or compressed by gzip" : ""
      throw .unreadable(file: path, reason: error.reason + expected)
    }
    guard let file = gzdopen(descriptor, "rb") else {
      close(descriptor)
      throw .unreadable(file: path, reason: "cannot be opened: " + String(cString: strerror(errno)))
    }
    defer { gzclose(file) }

    var bytes: [UInt8] = []
    let chunk = 1 << 20
    while true {
      let start = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: chunk))
      let count = bytes.withUnsafeMutableBytes { buffer in
        gzread(file, buffer.baseAddress.map { $0 + start }, UInt32(chunk))
      }
      var status: Int32 = Z_OK
      _ = gzerror(file, &status)
      guard count >= 0, status == Z_OK || status == Z_STREAM_END else {
        throw .unreadable(
          file: path, reason: "broken or truncated gzip data; fetch the file again")
      }
      bytes.removeLast(chunk - Int(count))
      if count == 0 { return bytes }
      guard bytes.count <= limit else {
        throw .unreadable(file: path, reason: "more than \(limit >> 20) MiB when decompressed")
      }
    }
  }

  /// The decompressed bytes of gzip data, all its members.
  ///
  /// - Parameter limit: How many bytes are accepted: few may hold any number.
  /// - Throws: ``InputError/unreadable(file:reason:)`` for a broken or truncated stream,
  ///   or too many bytes.
  package static func contents(in data: Data, limit: Int) throws(InputError) -> [UInt8] {
    let input = [UInt8](data)
    // zlib remembers where it is: it must not move.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer {
      stream.deinitialize(count: 1)
      stream.deallocate()
    }
    // 32: the header says what it is.
    guard inflateInit2_(stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw .unreadable(file: "gzip data", reason: "zlib cannot start") }
    defer { inflateEnd(stream) }
    var bytes: [UInt8] = []
    var consumed = 0
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
      let size = min(input.count - consumed, 1 << 20)
      var status = Z_OK
      let (left, made) = input.withUnsafeBufferPointer { source in
        part.withUnsafeMutableBufferPointer { target in
          // zlib does not write to its input.
          let start = source.baseAddress.map { $0 + consumed }
          stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
          stream.pointee.avail_in = UInt32(size)
          stream.pointee.next_out = target.baseAddress
          stream.pointee.avail_out = UInt32(target.count)
          status = inflate(stream, Z_NO_FLUSH)
          return (Int(stream.pointee.avail_in), target.count - Int(stream.pointee.avail_out))
        }
      }
      bytes += part.prefix(made)
      consumed += size - left
      if status == Z_STREAM_END {
        // Another member, or padding.
        guard consumed < input.count, input[consumed] == 0x1f else { break }
        inflateReset(stream)
      } else if status != Z_OK || (size == left && made == 0) {
        throw .unreadable(file: "gzip data", reason: "broken or truncated gzip data")
      }
    }
    guard bytes.count <= limit else {
      throw .unreadable(
        file: "gzip data", reason: "more than \(limit >> 20) MiB when decompressed")
    }
    return bytes
  }

  /// The first bytes of a file, decompressed: at most `count`.
  package static func head(of path: String, count: Int) throws(InputError) -> [UInt8] {
    guard let file = gzopen(path, "rb") else {
      throw .unreadable(file: path, reason: "cannot be opened: " + String(cString: strerror(errno)))
    }
    defer { gzclose(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let read = bytes.withUnsafeMutableBytes { gzread(file, $0.baseAddress, UInt32(count)) }
    guard read >= 0 else {
      throw .unreadable(
        file: path, reason: "broken or truncated gzip data; fetch the file again")
    }
    bytes.removeLast(count - Int(read))
    return bytes
  }
}
