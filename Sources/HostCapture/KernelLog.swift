import Foundation

/// The log of the running kernel.
enum KernelLog {
  /// The lines as `dmesg` prints them, or nil where /dev/kmsg may not be read.
  static func read() -> [UInt8]? {
    let file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var log: [UInt8] = []
    // A record has at most PRINTKRB_RECORD_MAX, 2048 bytes of text, escaped.
    var record = [UInt8](repeating: 0, count: 16384)
    var missed = 0
    while log.count < 64 << 20, missed < 1000 {
      let count = Foundation.read(file, &record, record.count)
      if count < 0, errno == EPIPE || errno == EINTR {
        // The record was overwritten meanwhile; the next read gives the oldest that is left.
        missed += 1
        continue
      }
      guard count > 0 else { break }
      append(record[0..<count], to: &log)
    }
    return log.isEmpty ? nil : log
  }

  /// Adds a record, `priority,number,microseconds,flags;text` and lines that begin with a
  /// blank (Documentation/ABI/testing/dev-kmsg), as a line with its time.
  static func append(_ record: ArraySlice<UInt8>, to log: inout [UInt8]) {
    guard let semicolon = record.firstIndex(of: UInt8(ascii: ";")) else { return }
    let head = String(decoding: record[record.startIndex..<semicolon], as: UTF8.self)
    let fields = head.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count >= 3, let time = UInt64(fields[2]) else { return }
    let fraction = String(time % 1_000_000)
    let zeros = String(repeating: "0", count: 6 - fraction.count)
    log += Array("[\(time / 1_000_000).\(zeros)\(fraction)] ".utf8)
    log += record[(semicolon + 1)...].prefix { $0 != 0x0a }
    log.append(0x0a)
  }
}
