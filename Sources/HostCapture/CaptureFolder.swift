import Foundation
import Support

/// Reads a capture from a folder, or from the running system.
///
/// A link is followed as far as it stays in the folder, as `iommu_group` does on a running
/// system; of one that leads out only the driver's name is read.
struct CaptureFolder {
  /// The folder's path without links, which ends with a slash.
  private let base: String
  private let root: String
  private var result = CaptureFiles()
  private var size = 0

  /// The files below a root: `/`, or a folder that a capture was unpacked to.
  ///
  /// - Throws: ``Support/InputError/unreadable(file:reason:)`` for no folder, and for
  ///   more devices or bytes than are accepted.
  static func read(root: String, includingTrace: Bool = true) throws(InputError) -> CaptureFiles {
    var folder = try CaptureFolder(root)
    try folder.read(includingTrace: includingTrace)
    return folder.result
  }

  private init(_ root: String) throws(InputError) {
    let real = realpath(root, nil)
    defer { free(real) }
    var status = stat()
    guard let real, stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .unreadable(file: root, reason: "is no folder; expected the root of a system")
    }
    let path = String(cString: real)
    base = path.hasSuffix("/") ? path : path + "/"
    self.root = root
  }

  private mutating func read(includingTrace: Bool) throws(InputError) {
    for path in CaptureFiles.rootFiles + CaptureFiles.poolFiles.map({ CaptureFiles.pool + $0 }) {
      try add(path, limit: CaptureFiles.mayBeLarge(Substring(path)) ? Self.logLimit : nil)
    }
    if base == "/", result.files["dmesg"] == nil, let log = KernelLog.read() {
      result.files["dmesg"] = log[...]
    }
    // debugfs and tracefs may be mounted at either place.
    if includingTrace {
      let trace = CaptureFiles.trace
      try add(trace, limit: HostCapture.byteLimit)
      if result.files[trace] == nil {
        try add(trace, from: "sys/kernel/debug/tracing/trace", limit: HostCapture.byteLimit)
      }
    }
    let names =
      ((try? FileManager.default.contentsOfDirectory(atPath: base + CaptureFiles.devices)) ?? [])
      .filter { PCIAddress($0) != nil }
    if names.count > CaptureFiles.deviceLimit {
      throw .unreadable(
        file: root, reason: "more than \(CaptureFiles.deviceLimit) PCI devices")
    }
    for name in names {
      for attribute in CaptureFiles.deviceFiles where attribute != "driver" {
        try add(CaptureFiles.devices + name + "/" + attribute)
      }
      let driver = CaptureFiles.devices + name + "/driver"
      result.links[driver] = try? FileManager.default.destinationOfSymbolicLink(
        atPath: base + driver)
    }
  }

  /// Bytes of a boot log or of a list of memory.
  private static let logLimit = 64 << 20

  /// Adds a regular file that is not too large.
  private mutating func add(
    _ name: String, from place: String? = nil, limit: Int? = nil
  ) throws(InputError) {
    let bytes = InputFile.contents(
      of: base + (place ?? name), below: base, limit: limit ?? CaptureFiles.smallLimit)
    guard let bytes else { return }
    size += bytes.count
    guard size <= HostCapture.byteLimit else {
      throw .unreadable(
        file: root, reason: "more than \(HostCapture.byteLimit >> 20) MiB in files of a capture")
    }
    result.files[name] = bytes[...]
  }
}
