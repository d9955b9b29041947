import Foundation
import Support
import TestSupport
import Testing

@testable import HostCapture

/// Folders of somebody who means harm, where a capture is expected.
@Suite struct FolderAttackTests {
  private let directory: TemporaryDirectory
  private var root: String { directory.file("root") }
  private static let device = "sys/bus/pci/devices/0000:00:01.0/"

  init() throws {
    directory = try TemporaryDirectory()
    var test = TestCapture()
    test.add("0000:00:01.0", masks: (63, 32), domain: "DMA-FQ")
    for (path, text) in test.files { try write(text, to: "root/" + path) }
    for (path, target) in test.links { try link(path, to: target) }
  }

  private func write(_ text: String, to path: String) throws {
    let url = URL(fileURLWithPath: directory.file(path))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func link(_ path: String, to target: String) throws {
    unlink(root + "/" + path)
    try FileManager.default.createSymbolicLink(
      atPath: root + "/" + path, withDestinationPath: target)
  }

  private func read() throws -> CaptureFiles { try CaptureFolder.read(root: root) }

  /// What every capture of a folder may have.
  private static let names =
    CaptureFiles.rootFiles + CaptureFiles.poolFiles.map { CaptureFiles.pool + $0 }
    + [CaptureFiles.trace]
    + CaptureFiles.deviceFiles.filter { !$0.hasPrefix("driver") }.map { device + $0 }

  @Test func aFolderIsReadAsItsArchive() throws {
    let host = try HostCapture(root: root)
    #expect(host.devices.map(\.streamingBits) == [63] && host.devices.map(\.driver) == ["nvme"])
    #expect(try HostCapture(root: directory.file("root/../root")).devices == host.devices)
  }

  /// A pipe, a device, a folder or a link out in the place of each file: not read, and
  /// nothing is waited for.
  @Test func whatIsNoFileOfTheFolderIsNotRead() throws {
    try write("outside\n", to: "outside")
    try write("outside\n", to: "rootbeside")
    for name in Self.names {
      try write("inside\n", to: "root/" + name)
      #expect(try read().files[name].map { String(decoding: $0, as: UTF8.self) } == "inside\n")
      let path = root + "/" + name
      unlink(path)
      #expect(mkfifo(path, 0o600) == 0)
      #expect(try read().files[name] == nil, "\(name)")
      unlink(path)
      #expect(mkdir(path, 0o700) == 0)
      #expect(try read().files[name] == nil, "\(name)")
      rmdir(path)
      let up = String(repeating: "../", count: name.split(separator: "/").count)
      for target in [
        "/dev/zero", "/dev/null", "/etc/passwd", "/proc/self/environ", directory.file("outside"),
        up + "outside", directory.file("rootbeside"), "/dev/stdin", path,
      ] {
        try link(name, to: target)
        #expect(try read().files[name] == nil, "\(name) -> \(target)")
      }
      // One that stays is followed, as those of sysfs are.
      try write("target\n", to: "root/target")
      try link(name, to: up.dropFirst(3) + "target")
      #expect(try read().files[name].map { String(decoding: $0, as: UTF8.self) } == "target\n")
      unlink(path)
    }
  }

  /// A folder of the path that is a link out.
  @Test func foldersAreNoWayOut() throws {
    try FileManager.default.moveItem(atPath: root + "/sys", toPath: directory.file("sys"))
    try link("sys", to: directory.file("sys"))
    let files = try read().files
    #expect(files["proc/version"] != nil && !files.keys.contains { $0.hasPrefix("sys/") })
  }

  /// Each file has a bound, and so has the sum; a file with holes is as long as it says.
  @Test func sizesAreBounded() throws {
    for (name, limit) in [("proc/cmdline", 64 << 10), ("proc/iomem", 64 << 20)] {
      #expect(truncate(root + "/" + name, limit) == 0)
      #expect(try read().files[name]?.count == limit)
      #expect(truncate(root + "/" + name, limit + 1) == 0)
      #expect(try read().files[name] == nil)
      #expect(truncate(root + "/" + name, 5 << 30) == 0)
      #expect(try read().files[name] == nil)
    }
    try write("", to: "root/" + CaptureFiles.trace)
    #expect(truncate(root + "/" + CaptureFiles.trace, HostCapture.byteLimit) == 0)
    let error = #expect(throws: InputError.self) { try read() }
    #expect(error?.description.contains("more than 768 MiB in files of a capture") == true)
  }
}
