import Foundation
import Support

/// The files that every boot of a lab needs, checked before the first.
public struct LabFiles: Sendable {
  let kernel: String
  /// `uname -r` of that kernel, where its image says so.
  let release: String?
  let qemu: String
  let initramfs: [UInt8]
  /// Bits of the device's bus limit, 0 for none.
  let busLimit: Int
  /// Bits of the masks that the probe walks.
  let masks: [Int]

  /// The masks that dmaprobe walks unless others are named.
  static let defaultMasks = [
    0, 16, 20, 23, 24, 26, 28, 30, 31, 32, 33, 34, 36, 40, 47, 48, 52, 64,
  ]

  /// Finds and checks them.
  ///
  /// - Parameters:
  ///   - busLimit: Bits, 0 for none.
  ///   - masks: Bits of the masks that the probe walks, 0 for the device's own; empty
  ///     for the probe's list.
  ///   - path: Where programs are searched, as in PATH.
  public init(
    kernel: String, module: String, busybox: String? = nil, busLimit: Int = 0,
    masks: [Int] = [],
    path: String? = ProcessInfo.processInfo.environment["PATH"]
  ) throws(LabError) {
    guard let qemu = Self.find("qemu-system-x86_64", path) else { throw .noQEMU }
    self.qemu = qemu
    let image = try Self.read(kernel, expected: "a kernel image such as /boot/vmlinuz-*")
    // Documentation/arch/x86/boot.rst: the magic number at 0x202.
    guard image.count > 0x206, Array(image[0x202..<0x206]) == Array("HdrS".utf8) else {
      throw .notKernel(file: kernel)
    }
    // QEMU runs in a directory of its own.
    self.kernel = URL(fileURLWithPath: kernel).path
    release = Self.release(image)
    let object = try Self.read(module, expected: "dmaprobe.ko")
    guard Self.elfType(object) == 1, object.range(of: Data("dmaprobe: v".utf8)) != nil else {
      throw .notModule(file: module)
    }
    if let release, let built = Self.release(ofModule: object), built != release {
      throw .moduleForOther(file: module, built: built, kernel: release)
    }
    guard let shell = busybox ?? Self.find("busybox", (path ?? "") + ":/bin:/usr/bin") else {
      throw .noBusybox(path: nil)
    }
    let program = try Self.read(shell, expected: "a static busybox")
    guard Self.isStatic(program) else { throw .noBusybox(path: shell) }
    self.busLimit = busLimit
    self.masks = masks.isEmpty ? Self.defaultMasks : masks
    var parameters = "masks=" + self.masks.map(String.init).joined(separator: ",")
    if busLimit != 0 { parameters += " buslimit=\(busLimit)" }
    initramfs =
      Initramfs(busybox: program, module: object, moduleParameters: parameters).bytes
  }

  /// The program in a list of directories.
  static func find(_ name: String, _ path: String?) -> String? {
    (path ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func read(_ file: String, expected: String) throws(LabError) -> Data {
    guard let descriptor = try? InputFile.open(file) else {
      throw .unreadable(file: file, expected: expected)
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    defer { try? handle.close() }
    var data = Data()
    while data.count <= sizeLimit, let part = try? handle.read(upToCount: 1 << 20), !part.isEmpty {
      data.append(part)
    }
    guard !data.isEmpty, data.count <= sizeLimit else {
      let most = data.isEmpty ? "" : " of at most \(sizeLimit >> 20) MiB"
      throw .unreadable(file: file, expected: expected + most)
    }
    return data
  }

  /// Bytes of a kernel image, a module or a program.
  private static let sizeLimit = 512 << 20

  /// The version that the image's header points to (`kernel_version`,
  /// Documentation/arch/x86/boot.rst).
  static func release(_ image: Data) -> String? {
    guard image.count > 0x210 else { return nil }
    let start = (Int(image[0x20e]) | Int(image[0x20f]) << 8) + 0x200
    guard start > 0x200, start < image.count else { return nil }
    // It becomes part of a file's name.
    let text = image[start..<min(start + 64, image.count)].prefix {
      $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/")
    }
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }

  /// The release that a module was built for (`vermagic` in its .modinfo).
  static func release(ofModule object: Data) -> String? {
    guard let mark = object.range(of: Data("\0vermagic=".utf8)) else { return nil }
    let text = object[mark.upperBound...].prefix { $0 > 0x20 && $0 < 0x7f }
    return text.isEmpty ? nil : String(decoding: text.prefix(128), as: UTF8.self)
  }

  /// `e_type` of a 64-bit little-endian ELF file: 1 relocatable; nil for others.
  private static func elfType(_ data: Data) -> Int? {
    guard data.count > 64, Array(data[0..<6]) == [0x7f, 0x45, 0x4c, 0x46, 2, 1] else { return nil }
    return Int(data[16])
  }

  /// Whether an ELF file names no interpreter (PT_INTERP).
  private static func isStatic(_ data: Data) -> Bool {
    guard elfType(data) != nil else { return false }
    func number(_ offset: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(data[offset + $1]) << (8 * $1) }
    }
    let (offset, size, count) = (number(32, 4), number(54, 2), number(56, 2))
    guard size >= 56, offset + size * count <= data.count else { return false }
    return !(0..<count).contains { number(offset + $0 * size, 4) == 3 }
  }
}
