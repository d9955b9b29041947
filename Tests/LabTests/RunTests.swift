import Foundation
import TestSupport
import Testing

@testable import Lab

/// The lab with a QEMU that is a script: what it does with every end of a boot.
@Suite final class RunTests {
  private let temporary: TemporaryDirectory
  private var directory: String { temporary.path }
  private let boot: LabBoot

  init() throws {
    temporary = try TemporaryDirectory()
    boot = try #require(LabBoot.all(iommus: ["none"], swiotlb: [.standard], memories: ["6G"]).first)
    try FileManager.default.createDirectory(
      atPath: directory + "/logs", withIntermediateDirectories: false)
    try write("bzImage", Self.kernel(release: "6.1.0-53-amd64"))
    try write("dmaprobe.ko", Self.module(release: "6.1.0-53-amd64"))
    try write("busybox", Self.elf(type: 2))
  }

  private func write(_ name: String, _ data: Data) throws {
    try data.write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
  }

  /// The header of a bzImage (Documentation/arch/x86/boot.rst).
  private static func kernel(release: String) -> Data {
    var image = Data(count: 0x400)
    image.replaceSubrange(0x202..<0x206, with: Data("HdrS".utf8))
    image[0x20e] = 0x00
    image[0x20f] = 0x01
    image.replaceSubrange(0x300..<0x300 + release.utf8.count, with: Data(release.utf8))
    return image
  }

  private static func elf(type: UInt8) -> Data {
    var file = Data(count: 128)
    file.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
    file[16] = type
    file[54] = 56
    return file
  }

  private static func module(release: String) -> Data {
    elf(type: 1) + Data("dmaprobe: v%d\0vermagic=\(release) SMP\0".utf8)
  }

  /// A real log of 6.1 as the script's output.
  private var sample: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(
        "ObservationsTests/Logs/6.1.0-53-amd64-none-default-6G.log.gz"
      ).path
  }

  private func qemu(_ script: String) throws {
    let path = directory + "/qemu-system-x86_64"
    try "#!/bin/sh\necho started >>'\(directory)/starts'\n\(script)\n"
      .write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private func files(busLimit: Int = 0) throws -> LabFiles {
    try LabFiles(
      kernel: directory + "/bzImage", module: directory + "/dmaprobe.ko",
      busybox: directory + "/busybox", busLimit: busLimit, masks: [0, 24, 32, 64],
      path: directory)
  }

  private func lab(seconds: Int = 60) throws -> LabRun {
    LabRun(files: try files(), directory: directory + "/logs", secondsPerBoot: seconds)
  }

  private var logs: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory + "/logs")) ?? []).sorted()
  }

  private var starts: Int {
    ((try? String(contentsOfFile: directory + "/starts", encoding: .utf8)) ?? "")
      .split(separator: "\n").count
  }

  private let log = "6.1.0-53-amd64-none-default-6G.log"
  private let failed = "6.1.0-53-amd64-none-default-6G.failed.log"

  @Test func aWholeLogIsKeptAndNotMadeAgain() throws {
    try qemu("zcat '\(sample)'")
    #expect(try lab().run(boot) == .complete(lines: 164))
    #expect(logs == [log])
    #expect(try lab().run(boot) == .resumed(lines: 164))
    #expect(starts == 1)
    // Of another kernel or with other options it would be another log.
    let other = LabRun(
      files: try files(busLimit: 28), directory: directory + "/logs", secondsPerBoot: 60)
    _ = try other.run(boot)
    #expect(starts == 2)
    // A log that was cut is made again.
    let path = "\(directory)/logs/\(log)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try String(text.prefix(text.count / 2)).write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try lab().run(boot) == .complete(lines: 164))
    #expect(starts == 3 && logs == [log])
  }

  /// Somebody else may write the directory, and puts a link or a file where the
  /// unfinished log was: neither is written, judged or given the log's name.
  @Test(arguments: [true, false])
  func aLogThatWasSwappedIsNotTaken(isLink: Bool) throws {
    try qemu("zcat '\(sample)'")
    try write("victim", Data("treasure".utf8))
    let victim = directory + "/victim"
    let lab = LabRun(
      files: try files(), directory: directory + "/logs", secondsPerBoot: 60,
      building: { files, process in
        guard process == nil, let part = files.first(where: { $0.hasSuffix(".part.tmp") }) else {
          return
        }
        #expect(unlink(part) == 0)
        #expect((isLink ? symlink(victim, part) : link(victim, part)) == 0)
      })
    #expect(throws: LabError.self) { _ = try lab.run(boot) }
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "treasure")
    #expect(logs == [])
  }

  @Test func aPanicIsAnOutcomeAndItsLogIsKept() throws {
    try qemu(
      "zcat '\(sample)' | head -n 60; echo '[ 4.2] Kernel panic - not syncing: VFS: no root'")
    let outcome = try lab().run(boot)
    #expect(outcome == .panicked("Kernel panic - not syncing: VFS: no root"))
    #expect(!outcome.isComplete && logs == [failed])
    // The next run has the boot again, and replaces what failed.
    try qemu("zcat '\(sample)'")
    #expect(try lab().run(boot) == .complete(lines: 164))
    #expect(logs == [log])
  }

  @Test func aHangIsStopped() throws {
    try qemu("zcat '\(sample)' | head -n 60; exec sleep 600")
    let outcome = try lab(seconds: 1).run(boot)
    #expect(outcome == .hung(seconds: 1) && logs == [failed])
    let text = try String(contentsOfFile: "\(directory)/logs/\(failed)", encoding: .utf8)
    #expect(text.contains("dmaprobe: v1 0 begin"))
  }

  @Test func aModuleThatDoesNotLoadIsSaid() throws {
    try qemu("echo 'Linux version 6.1.0'; echo 'dmaprobe-lab: the module does not load'")
    #expect(try lab().run(boot) == .noProbe("dmaprobe-lab: the module does not load"))
    try qemu("echo 'Linux version 6.1.0'")
    guard case .noProbe(let reason) = try lab().run(boot) else {
      Issue.record("a log without lines is no answer")
      return
    }
    #expect(reason.contains("holds no line of dmaprobe"))
  }

  @Test func aQEMUThatFailsLeavesNothing() throws {
    try qemu("echo 'qemu: unknown option' >&2; exit 1")
    #expect(throws: LabError.cannotStart(reason: "qemu: unknown option")) {
      _ = try lab().run(boot)
    }
    #expect(logs == [])
  }

  @Test func whatIsMissingIsNamedWithItsPackage() throws {
    #expect(throws: LabError.noQEMU) { _ = try files() }
    #expect(LabError.noQEMU.description.contains("package qemu-system-x86"))
    try qemu("true")
    try write("busybox", Data("#!/bin/sh".utf8))
    #expect(throws: LabError.noBusybox(path: directory + "/busybox")) { _ = try files() }
    try write("busybox", Self.elf(type: 2))
    try write("dmaprobe.ko", Self.module(release: "7.3.4+deb13-amd64"))
    #expect(throws: LabError.self) { _ = try files() }
    try write("dmaprobe.ko", Data("text".utf8))
    #expect(throws: LabError.notModule(file: directory + "/dmaprobe.ko")) { _ = try files() }
    try write("bzImage", Data("text".utf8))
    #expect(throws: LabError.notKernel(file: directory + "/bzImage")) { _ = try files() }
  }

  /// No network, no disk, no monitor; the only files are its own.
  @Test func qemuGetsNothingOfTheHost() throws {
    try qemu("true")
    let lab = try lab()
    for boot in LabBoot.all() {
      let arguments = lab.arguments(boot)
      let text = arguments.joined(separator: " ")
      #expect(text.contains("-nic none") && text.contains("-nodefaults"))
      #expect(text.contains("-monitor none") && text.contains("-sandbox on"))
      #expect(text.contains("-accel tcg") && !text.contains("kvm"))
      for option in ["-drive", "-hda", "-fsdev", "-virtfs", "-netdev", "-chardev", "-blockdev"] {
        #expect(!arguments.contains(option))
      }
      #expect(text.contains("intel-iommu") == (boot.vendor == .intel))
      #expect(text.contains("edu,bus=outer") == boot.isUntrusted)
    }
  }
}

@Suite struct ImageTests {
  /// An ACPI table's bytes add up to 0, and its length is in its header (ACPI 6.5, 5.2.6).
  @Test func theTableIsSound() {
    let table = ExternalPortTable.bytes
    #expect(table.reduce(0, &+) == 0 && Array(table.prefix(4)) == Array("SSDT".utf8))
    let length = (0..<4).reduce(0) { $0 | Int(table[4 + $1]) << (8 * $1) }
    #expect(length == table.count)
    #expect(Data(table).range(of: Data("ExternalFacingPort\0".utf8)) != nil)
  }

  /// A newc archive read back by its own rules (buffer-format.rst).
  @Test func theInitramfsHoldsItsFiles() throws {
    let bytes = Initramfs(
      busybox: Data([1, 2, 3]), module: Data(repeating: 7, count: 5),
      moduleParameters: "masks=0,64"
    ).bytes
    var files: [String: [UInt8]] = [:]
    var position = 0
    while position < bytes.count {
      #expect(Array(bytes[position..<position + 6]) == Array("070701".utf8))
      func field(_ number: Int) throws -> Int {
        let start = position + 6 + 8 * number
        return try #require(
          Int(String(decoding: bytes[start..<start + 8], as: UTF8.self), radix: 16))
      }
      let (size, length) = (try field(6), try field(11))
      let name = String(decoding: bytes[position + 110..<position + 109 + length], as: UTF8.self)
      let start = (position + 110 + length + 3) / 4 * 4
      files[name] = Array(bytes[start..<start + size])
      position = (start + size + 3) / 4 * 4
    }
    #expect(files["bin/busybox"] == [1, 2, 3] && files["dmaprobe.ko"]?.count == 5)
    let script = String(decoding: try #require(files["init"]), as: UTF8.self)
    #expect(script.contains("insmod /dmaprobe.ko masks=0,64"))
    #expect(files["TRAILER!!!"] != nil)
  }
}
