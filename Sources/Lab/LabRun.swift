import Conformance
import Foundation
import Observations
import Support

/// What became of one boot.
public enum LabOutcome: Sendable, Equatable {
  /// The probe answered all its questions: so many lines.
  case complete(lines: Int)
  /// The log of an earlier run is whole.
  case resumed(lines: Int)
  case panicked(String)
  case hung(seconds: Int)
  case noProbe(String)

  /// Why there are no observations, empty where there are.
  public var failure: String {
    switch self {
    case .complete, .resumed: ""
    case .panicked(let line): line
    case .hung(let seconds): "stopped after \(seconds) s without an end"
    case .noProbe(let reason): reason
    }
  }

  public var isComplete: Bool {
    switch self {
    case .complete, .resumed: true
    case .panicked, .hung, .noProbe: false
    }
  }
}

/// Boots machines one after the other, each with a log of its own.
public struct LabRun: Sendable {
  public let files: LabFiles
  /// Where logs are kept: RELEASE-NAME.log when whole,
  /// RELEASE-NAME.failed.log otherwise.
  public let directory: String
  /// How long a boot may take.
  public let secondsPerBoot: Int
  /// Called before each boot with what must go if the process is killed: files,
  /// then their directory; and with QEMU's number as soon as it has one.
  public let building: @Sendable (_ files: [String], _ process: pid_t?) -> Void

  public init(
    files: LabFiles, directory: String, secondsPerBoot: Int,
    building: @escaping @Sendable ([String], pid_t?) -> Void = { _, _ in }
  ) {
    self.files = files
    self.directory = directory
    self.secondsPerBoot = secondsPerBoot
    self.building = building
  }

  /// The log of a boot, so named that kernels can share a directory.
  public func log(of boot: LabBoot) -> String { "\(stem(of: boot)).log" }
  /// What is kept of a boot that gave no observations.
  public func failedLog(of boot: LabBoot) -> String { "\(stem(of: boot)).failed.log" }

  private func stem(of boot: LabBoot) -> String {
    "\(directory)/" + (files.release.map { "\($0)-" } ?? "") + boot.name
  }

  /// Boots a machine, unless its log is there and whole.
  public func run(_ boot: LabBoot) throws(LabError) -> LabOutcome {
    let log = log(of: boot)
    if let lines = wholeLog(boot) { return .resumed(lines: lines) }
    let failed = failedLog(of: boot)
    unlink(failed)
    let temporary: TemporaryFiles
    do {
      temporary = try TemporaryFiles(beside: log, stages: ["part"])
    } catch {
      throw .cannotWrite(path: log, reason: error.reason)
    }
    defer { temporary.remove() }
    let scratch = try scratchDirectory()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let outcome = try start(boot, writing: temporary, scratch: scratch)
    do throws(TemporaryFiles.Failure) {
      try temporary.commit("part", as: outcome.isComplete ? log : failed)
    } catch {
      throw .cannotWrite(path: log, reason: error.reason)
    }
    return outcome
  }

  /// The lines of the probe in a log that is whole and of this kernel with this
  /// command line, or nil.
  private func wholeLog(_ boot: LabBoot) -> Int? {
    let path = log(of: boot)
    guard FileManager.default.fileExists(atPath: path),
      let boots = try? ProbeLog.read(path: path),
      boots.allSatisfy({ $0.boot.commandLine == commandLine(boot) }),
      files.release == nil || boots.allSatisfy({ $0.boot.release == files.release }),
      boots.allSatisfy({ $0.boot.busLimitBits == files.busLimit }),
      boots.allSatisfy({ run in
        files.masks == run.observations.filter { $0.operation == .setMask }.map(\.maskBits)
      })
    else { return nil }
    return boots.reduce(0) { $0 + $1.observations.count }
  }

  /// no_timer_check: an emulated timer may be late on a busy host, which is a panic
  /// otherwise (arch/x86/kernel/apic/io_apic.c `check_timer()`).
  private func commandLine(_ boot: LabBoot) -> String {
    let words = ["console=ttyS0", "panic=-1", "loglevel=7", "init_on_alloc=0", "no_timer_check"]
    return (words + boot.parameters).joined(separator: " ")
  }

  private static let scratchFiles = ["initramfs", "port.aml", "stderr"]

  private func scratchDirectory() throws(LabError) -> String {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("dmamatrix-lab-\(UUID().uuidString)").path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      try OutputFile.write(files.initramfs, to: "\(path)/initramfs")
      try OutputFile.write(ExternalPortTable.bytes, to: "\(path)/port.aml")
    } catch {
      throw .cannotWrite(path: path, reason: error.systemReason)
    }
    return path
  }

  /// The arguments of QEMU: no network, no disk, no monitor; the kernel, the
  /// initramfs and the table, which lie where it runs, are the only files of the host.
  func arguments(_ boot: LabBoot) -> [String] {
    var arguments = [
      "-M", boot.vendor == .none ? "q35" : "q35,kernel-irqchip=split", "-cpu", "max",
      "-accel", "tcg", "-smp", "1", "-m", boot.memory, "-nodefaults", "-no-user-config", "-nic",
      "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-kernel",
      files.kernel, "-initrd", "initramfs",
    ]
    switch boot.vendor {
    case .none: break
    case .intel: arguments += ["-device", "intel-iommu"]
    case .amd: arguments += ["-device", "amd-iommu"]
    }
    if boot.isUntrusted {
      arguments += [
        "-acpitable", "file=port.aml", "-device",
        "pcie-root-port,id=outer,slot=1,addr=\(ExternalPortTable.port)", "-device",
        "edu,bus=outer",
      ]
    } else {
      arguments += ["-device", "edu"]
    }
    return arguments + ["-append", commandLine(boot)]
  }

  private func start(
    _ boot: LabBoot, writing temporary: TemporaryFiles, scratch: String
  ) throws(LabError) -> LabOutcome {
    let output = FileHandle(fileDescriptor: temporary.descriptor("part"), closeOnDealloc: false)
    let errors = "\(scratch)/stderr"
    let made = temporary.all + Self.scratchFiles.map { "\(scratch)/\($0)" } + [scratch]
    building(made, nil)
    try? OutputFile.write(Data(), to: errors)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: files.qemu)
    process.arguments = arguments(boot)
    process.environment = ["PATH": "/usr/bin:/bin"]
    process.currentDirectoryURL = URL(fileURLWithPath: scratch)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: errors)
    do {
      try process.run()
    } catch {
      throw .cannotStart(reason: error.systemReason)
    }
    building(made, process.processIdentifier)
    defer { building([], nil) }
    let deadline = ContinuousClock.now + .seconds(secondsPerBoot)
    while process.isRunning, ContinuousClock.now < deadline {
      Thread.sleep(forTimeInterval: 0.05)
    }
    let isHung = process.isRunning
    if isHung { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    if !isHung, process.terminationStatus != 0 {
      let reason = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
      throw .cannotStart(
        reason: reason.split(separator: "\n").last.map { String($0).printable }
          ?? "status \(process.terminationStatus)")
    }
    // What was written, whatever the name leads to by now.
    try? output.seek(toOffset: 0)
    return judge((try? output.read(upToCount: 256 << 20)) ?? Data(), isHung: isHung)
  }

  /// What a log says about its boot.
  private func judge(_ log: Data, isHung: Bool) -> LabOutcome {
    let text = String(decoding: log, as: UTF8.self)
    if let panic = text.firstRange(of: "Kernel panic - not syncing") {
      let line = text[panic.lowerBound...].prefix { !$0.isNewline }
      return .panicked(String(line).printable)
    }
    if isHung { return .hung(seconds: secondsPerBoot) }
    do {
      let boots = try ProbeLog.read(name: "the log", text: text)
      return .complete(lines: boots.reduce(0) { $0 + $1.observations.count })
    } catch {
      let lines = text.split(whereSeparator: \.isNewline)
      let last = lines.last { $0.contains("dmaprobe-lab:") && !$0.contains("done") }
      return .noProbe(last.map { String($0).printable } ?? "\(error)")
    }
  }
}
