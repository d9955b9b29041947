import DMAModel
import Observations

/// A machine that the lab can boot: QEMU's q35 with `edu`.
public struct LabBoot: Sendable, Hashable {
  /// The IOMMU of the machine.
  public enum Vendor: String, CaseIterable, Sendable { case none, intel, amd }

  /// How the kernel is told to use it.
  public enum Mode: String, CaseIterable, Sendable { case standard, off, soft, pt, lazy, strict }

  public let vendor: Vendor
  public let mode: Mode
  /// Whether the device sits behind an external-facing port.
  public let isUntrusted: Bool
  public let swiotlb: SwiotlbMode
  /// RAM, as QEMU's -m spells it.
  public let memory: String

  /// The IOMMU's label: `none`, `none_iommuoff`, `intel_pt`, `amd_untrusted`.
  public var iommuName: String {
    var name = vendor.rawValue
    switch mode {
    case .standard: break
    case .off: name += "_iommuoff"
    case .soft, .pt, .lazy, .strict: name += "_\(mode.rawValue)"
    }
    return name + (isUntrusted ? "_untrusted" : "")
  }

  /// The boot's name, which is also that of its log.
  public var name: String { "\(iommuName)-\(swiotlb.name)-\(memory)" }

  /// Every IOMMU label that there is.
  public static let iommuNames = Array(iommus.map(\.iommuName))

  private static let iommus: [LabBoot] = {
    func boot(_ vendor: Vendor, _ mode: Mode, _ isUntrusted: Bool = false) -> LabBoot {
      LabBoot(
        vendor: vendor, mode: mode, isUntrusted: isUntrusted, swiotlb: .standard, memory: "6G")
    }
    return [
      boot(.none, .standard), boot(.none, .off), boot(.none, .soft),
      boot(.none, .standard, true), boot(.intel, .pt), boot(.intel, .lazy), boot(.intel, .strict),
      boot(.intel, .standard, true), boot(.intel, .pt, true), boot(.intel, .off), boot(.amd, .pt),
      boot(.amd, .strict), boot(.amd, .standard, true), boot(.amd, .pt, true),
    ]
  }()

  /// The sizes of RAM that are booted unless others are named: below and above 4 GiB.
  public static let memories = ["2G", "6G"]
  /// The sizes of RAM that can be named.
  public static let knownMemories = ["2G", "2200M", "3G", "6G", "12G"]
  /// The swiotlb modes that a command line can ask for.
  public static let swiotlbModes: [SwiotlbMode] = [.standard, .force, .noforce]

  /// Every boot with these labels, modes and sizes.
  public static func all(
    iommus names: [String] = iommuNames, swiotlb modes: [SwiotlbMode] = swiotlbModes,
    memories: [String] = memories
  ) -> [LabBoot] {
    iommus.filter { names.contains($0.iommuName) }.flatMap { boot in
      modes.flatMap { mode in
        memories.map { memory in
          LabBoot(
            vendor: boot.vendor, mode: boot.mode, isUntrusted: boot.isUntrusted, swiotlb: mode,
            memory: memory)
        }
      }
    }
  }

  /// What the kernel is told about IOMMU and swiotlb.
  public var parameters: [String] {
    var words: [String] = []
    if vendor == .intel, mode != .off { words.append("intel_iommu=on") }
    switch mode {
    case .standard: break
    case .off: words.append("iommu=off")
    case .soft: words.append("iommu=soft")
    case .pt: words.append("iommu=pt")
    case .lazy: words.append("iommu.strict=0")
    case .strict: words.append("iommu.strict=1")
    }
    if swiotlb != .standard { words.append("swiotlb=\(swiotlb.name)") }
    return words
  }

  /// How the model sees the machine.
  public func booted(_ kernel: KernelVersion) -> BootedKernel? {
    guard
      var machine = Machine(
        name: MachineName(memory), ram: Q35.ram(Self.bytes(memory)), cpus: 1)
    else { return nil }
    machine.wantsPool = mode == .soft
    return BootedKernel(
      policy: kernel.policy, platform: .x86, iommu: iommu, swiotlb: swiotlb, machine: machine)
  }

  /// The device's domain: an untrusted one has a strict DMA domain even with
  /// iommu=pt (drivers/iommu/iommu.c `iommu_get_default_domain_type()`), and
  /// QEMU's AMD IOMMU is always strict.
  var iommu: IOMMUMode {
    switch (vendor, mode) {
    case (_, .off): .off
    case (.none, _): .none
    case (_, .pt): isUntrusted ? .strict : .passthrough
    case (.intel, .lazy): .lazy
    case (_, _): .strict
    }
  }

  static func bytes(_ memory: String) -> UInt64 {
    (UInt64(memory.dropLast()) ?? 0) << (memory.hasSuffix("G") ? 30 : 20)
  }
}
