import Support

/// Reads a capture out of a tar archive in memory.
///
/// Formats: ustar, GNU (long names, numbers in base 256) and pax, as busybox, GNU tar
/// and bsdtar write them.  Names that leave the root, damaged headers, an archive that
/// was cut, and more than a machine can have are errors; nothing touches the disk.
struct TarArchive {
  /// Entries of an archive: those of ``CaptureFiles/deviceLimit`` devices and some.
  static let entryLimit = 262_144
  /// Bytes of a name.
  static let nameLimit = 1024

  private let file: String
  private let bytes: [UInt8]
  private var position = 0
  private var entries = 0
  private var devices: Set<PCIAddress> = []
  private var result = CaptureFiles()

  /// - Parameters:
  ///   - file: The archive's name, for errors.
  ///   - bytes: The archive, decompressed.
  init(file: String, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
  }

  /// Whether bytes begin with the header of a tar archive.
  static func isArchive(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.count >= 512 && Array(bytes.dropFirst(257).prefix(5)) == Array("ustar".utf8)
  }

  private func bad(_ reason: String) -> InputError { .unreadable(file: file, reason: reason) }

  /// The files of a capture.
  ///
  /// - Throws: ``Support/InputError/unreadable(file:reason:)``.
  mutating func read() throws(InputError) -> CaptureFiles {
    var longName: String?
    var longLink: String?
    while let header = try nextHeader() {
      entries += 1
      if entries > Self.entryLimit {
        throw bad("more than \(Self.entryLimit) entries; a capture has a few for each device")
      }
      let start = position
      guard header.size <= UInt64(bytes.count - start) else {
        throw bad("the archive is cut: '\(header.name.printable)' goes beyond its end")
      }
      let size = Int(header.size)
      position += (size + 511) & ~511
      let content = bytes[start..<start + size]
      switch header.type {
      case UInt8(ascii: "L"): longName = try name(in: content)
      case UInt8(ascii: "K"): longLink = try name(in: content)
      case UInt8(ascii: "x"):
        let records = try paxRecords(content)
        longName = records["path"] ?? longName
        longLink = records["linkpath"] ?? longLink
        if records["size"] != nil { throw bad("a pax header gives a size; no capture needs one") }
      case UInt8(ascii: "g"): break
      default:
        let path = try path(of: longName ?? header.name)
        try add(path, header, link: longLink ?? header.link, content)
        (longName, longLink) = (nil, nil)
      }
    }
    if entries == 0 { throw bad("no tar archive, or an empty one") }
    return result
  }

  private mutating func add(
    _ path: Substring, _ header: Header, link: String, _ content: ArraySlice<UInt8>
  ) throws(InputError) {
    switch header.type {
    case UInt8(ascii: "5"): return
    case UInt8(ascii: "0"), 0, UInt8(ascii: "7"), UInt8(ascii: "2"): break
    case UInt8(ascii: "1"):
      throw bad("'\(path.printable)' is a hard link; a capture has files and symbolic links")
    default:
      throw bad(
        "'\(path.printable)' is no file, folder or symbolic link; a capture has those alone")
    }
    guard CaptureFiles.isNeeded(path) else {
      result.others += 1
      return
    }
    try countDevice(of: path)
    if header.type == UInt8(ascii: "2") {
      result.links[String(path)] = link
    } else {
      if content.count > CaptureFiles.smallLimit, !CaptureFiles.mayBeLarge(path) {
        throw bad(
          "'\(path.printable)' has \(content.count) bytes; at most \(CaptureFiles.smallLimit) "
            + "are accepted")
      }
      result.files[String(path)] = content
    }
  }

  private mutating func countDevice(of path: Substring) throws(InputError) {
    guard path.hasPrefix(CaptureFiles.devices),
      let address = PCIAddress(
        path.dropFirst(CaptureFiles.devices.utf8.count).prefix { $0 != "/" })
    else { return }
    devices.insert(address)
    if devices.count > CaptureFiles.deviceLimit {
      throw bad("more than \(CaptureFiles.deviceLimit) PCI devices")
    }
  }

  /// The path below the root, without `./`.
  private func path(of name: String) throws(InputError) -> Substring {
    guard name.utf8.count <= Self.nameLimit else {
      throw bad("a name of \(name.utf8.count) bytes; at most \(Self.nameLimit) are accepted")
    }
    guard !name.hasPrefix("/"),
      !name.split(separator: "/", omittingEmptySubsequences: false).contains("..")
    else { throw bad("the name '\(name.printable)' leaves the archive's root") }
    var path = Substring(name)
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    while path.hasSuffix("/") { path = path.dropLast() }
    return path
  }

  // MARK: - Headers

  private struct Header {
    var name: String
    var link: String
    var size: UInt64
    var type: UInt8
  }

  /// The next header, or nil at the end: a block of zeros, or no bytes more.
  private mutating func nextHeader() throws(InputError) -> Header? {
    guard position < bytes.count else { return nil }
    guard position + 512 <= bytes.count else { throw bad("the archive is cut within a header") }
    let block = bytes[position..<position + 512]
    if block.allSatisfy({ $0 == 0 }) { return nil }
    guard let sum = Self.octal(block.dropFirst(148).prefix(8)), sum == Self.checksum(of: block)
    else {
      throw bad(
        entries == 0 ? "no tar archive" : "a damaged header after \(entries) entries")
    }
    guard let size = Self.number(block.dropFirst(124).prefix(12)) else {
      throw bad("a header whose size is no number, after \(entries) entries")
    }
    position += 512
    let type = block[block.startIndex + 156]
    var name = Self.text(block.prefix(100))
    // GNU archives have other fields where ustar has the prefix.
    if block[block.startIndex + 262] == 0, Self.isUstar(block) {
      let prefix = Self.text(block.dropFirst(345).prefix(155))
      if !prefix.isEmpty { name = prefix + "/" + name }
    }
    // Links and folders have no content, whatever the field says.
    let hasContent = ![UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "5")].contains(type)
    return Header(
      name: name, link: Self.text(block.dropFirst(157).prefix(100)),
      size: hasContent ? size : 0, type: type)
  }

  private static func isUstar(_ block: ArraySlice<UInt8>) -> Bool {
    Array(block.dropFirst(257).prefix(5)) == Array("ustar".utf8)
  }

  private static func checksum(of block: ArraySlice<UInt8>) -> UInt64 {
    var sum: UInt64 = 0
    for (offset, byte) in block.enumerated() {
      sum += (148..<156).contains(offset) ? 0x20 : UInt64(byte)
    }
    return sum
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func octal(_ field: ArraySlice<UInt8>) -> UInt64? {
    let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
    guard !digits.isEmpty, digits.count <= 20 else { return nil }
    return digits.reduce(0) { $0 << 3 | UInt64($1 - 0x30) }
  }

  /// A number in octal, or in base 256 where the first bit is set (GNU).
  private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
    guard let first = field.first, first & 0x80 != 0 else { return octal(field) }
    guard first == 0x80, field.dropFirst().prefix(3).allSatisfy({ $0 == 0 }) else { return nil }
    return field.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func name(in content: ArraySlice<UInt8>) throws(InputError) -> String {
    guard content.count <= Self.nameLimit + 1 else {
      throw bad("a name of \(content.count) bytes; at most \(Self.nameLimit) are accepted")
    }
    return Self.text(content)
  }

  /// `length key=value` lines.
  private func paxRecords(_ content: ArraySlice<UInt8>) throws(InputError) -> [String: String] {
    guard content.count <= CaptureFiles.smallLimit else {
      throw bad(
        "a pax header of \(content.count) bytes; at most \(CaptureFiles.smallLimit) are accepted")
    }
    var records: [String: String] = [:]
    var rest = content
    while !rest.isEmpty {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard digits.count <= 6, let length = Int(String(decoding: digits, as: UTF8.self)),
        length > digits.count + 1, length <= rest.count
      else { throw bad("a damaged pax header") }
      let record = rest.prefix(length).dropFirst(digits.count + 1).dropLast()
      if let equals = record.firstIndex(of: UInt8(ascii: "=")) {
        records[String(decoding: record[..<equals], as: UTF8.self)] =
          String(decoding: record[(equals + 1)...], as: UTF8.self)
      }
      rest = rest.dropFirst(length)
    }
    return records
  }
}

extension Substring {
  fileprivate var printable: String { String(self).printable }
}
