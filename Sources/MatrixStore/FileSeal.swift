import CLinux
import CZlib
import Foundation
import GRDB
import GRDBSQLite

/// A checksum of the bytes of a finished database, verified whenever it is opened.
///
/// It finds what damages a file by accident: it is a CRC-32, which finds every flipped
/// bit, and no signature.  The row `file_checksum` of `provenance` holds `CRC-MARK`; the
/// CRC covers the whole file with its own eight digits as zeros.  The mark is the file
/// change counter in the header (sqlite.org, "Database File Format", 1.3.7 and 1.3.13),
/// which every program that writes the file counts up: then the checksum says nothing
/// any more, and `info --check` remains.
enum FileSeal {
  /// The row of `provenance`, which the content digest leaves out.
  static let key = "file_checksum"

  /// The upper half of every mark: "dm", more transactions than any file has seen.
  private static let magic: UInt32 = 0x646d
  /// Where the header counts changes: the counter, and what it was when the header's
  /// page count was valid.
  private static let counters = [24, 92]

  /// Makes room for the checksum; `digest` is that of the content.
  static func reserve(in database: Database, digest: String) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO provenance VALUES (?, ?)",
      arguments: [key, "00000000-" + text(mark(digest))])
  }

  /// Writes mark and checksum into a file that nobody has open.
  static func seal(_ file: Int32, digest: String) throws(StoreError) {
    var big = mark(digest).bigEndian
    for offset in counters {
      guard pwrite(file, &big, 4, off_t(offset)) == 4 else { throw failure(errno) }
    }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure(errno) }
    let found = scan(Int(status.st_size)) { pread(file, $0, $1, off_t($2)) == $1 }
    guard let found, !found.slots.isEmpty else { throw failure(EIO) }
    let digits = Array(text(found.checksum).utf8)
    for slot in found.slots {
      guard pwrite(file, digits, 8, off_t(slot)) == 8 else { throw failure(errno) }
    }
  }

  private static func failure(_ code: Int32) -> StoreError {
    .cannotWrite(path: "database", reason: String(cString: strerror(code)))
  }

  /// What is wrong with the bytes of an open database; nil where nothing is, and where
  /// another program wrote it since it was sealed.
  static func fault(in database: Database) throws -> String? {
    var file: UnsafeMutablePointer<sqlite3_file>?
    sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
    guard let file, let methods = file.pointee.pMethods?.pointee, let xRead = methods.xRead else {
      return "its file cannot be read"
    }
    var length: sqlite3_int64 = 0
    _ = methods.xFileSize?(file, &length)
    func read(_ buffer: UnsafeMutableRawPointer, _ count: Int, _ offset: Int) -> Bool {
      xRead(file, buffer, Int32(count), sqlite3_int64(offset)) == SQLITE_OK
    }
    var header = [UInt8](repeating: 0, count: 100)
    guard header.withUnsafeMutableBytes({ $0.baseAddress.map { read($0, 100, 0) } ?? false }) else {
      return "its header cannot be read"
    }
    let found = counters.map { offset in
      header[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    guard found.contains(where: { $0 >> 16 == magic }) else { return nil }
    guard found[0] == found[1] else { return "its header counts changes in two ways" }
    let rows = try Row.fetchAll(
      database, sql: "SELECT key, value FROM provenance WHERE key IN (?, ?)",
      arguments: [key, ContentDigest.key])
    let values = Dictionary(
      try rows.map { (try $0.text(0), try $0.text(1)) }, uniquingKeysWith: { first, _ in first })
    guard let seal = values[key] else { return "its checksum is missing" }
    // Either of both may be what is damaged.
    let marks = [seal.suffix(8).lowercased(), values[ContentDigest.key].map { text(mark($0)) }]
    guard marks.contains(text(found[0])) else { return nil }
    guard let (checksum, _) = scan(Int(length), read) else { return "its pages cannot be read" }
    let sum = text(checksum)
    return seal == "\(sum)-\(text(found[0]))"
      ? nil : "checksum \(sum), but \(String(seal.prefix(8)).printable) stored"
  }

  private static func mark(_ digest: String) -> UInt32 {
    magic << 16 | (UInt32(digest.prefix(4), radix: 16) ?? 0)
  }

  private static func text(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The checksum of a file with the digits of its checksum as zeros, and where they are.
  ///
  /// Space that is free may hold an older row: every one counts as zeros.
  private static func scan(
    _ length: Int, _ read: (UnsafeMutableRawPointer, _ count: Int, _ offset: Int) -> Bool
  ) -> (checksum: UInt32, slots: [Int])? {
    let key = Array(Self.key.utf8)
    let (chunk, kept) = (1 << 20, key.count + 8)
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: chunk + kept, alignment: 16)
    defer { buffer.deallocate() }
    var (sum, slots) = (crc32(0, nil, 0), [Int]())
    var (position, held) = (0, 0)
    while position + held < length {
      let count = min(chunk, length - position - held)
      guard read(buffer + held, count, position + held) else { return nil }
      let filled = held + count
      let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: filled)
      var start = 0
      while let match = memmem(buffer + start, filled - start, key, key.count) {
        let digits = buffer.distance(to: match) + key.count
        if digits + 9 <= filled, bytes[digits + 8] == UInt8(ascii: "-"),
          bytes[digits..<digits + 8].allSatisfy(isHexDigit)
        {
          slots.append(position + digits)
          for index in digits..<digits + 8 { bytes[index] = UInt8(ascii: "0") }
        }
        start = digits
      }
      // A row across the end of what was read is seen with the next bytes.
      let done = position + filled == length ? filled : filled - kept
      sum = crc32(sum, buffer.assumingMemoryBound(to: UInt8.self), UInt32(done))
      held = filled - done
      memmove(buffer, buffer + done, held)
      position += done
    }
    return (UInt32(truncatingIfNeeded: sum), slots)
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
