import DMAModel

/// Something that one line of a boot log says, and that line.
public struct Fact: Sendable, Equatable {
  public let value: Value
  /// The line, from 1.
  public let line: Int
  /// What the kernel wrote there, at most 200 characters.
  public let text: String

  /// What a line can say about DMA.
  public enum Value: Sendable, Equatable {
    /// The release of the banner: `6.12.117+deb13-amd64`.
    case release(String)
    /// The release in a stack trace.
    case oopsRelease(String)
    case commandLine(String)
    case architecture(Architecture)
    case processor(Processor)
    case encryption(Encryption)
    /// `CPUID_ISOLATION_CONFIG` of Hyper-V: EAX and EBX.
    case isolation(UInt64, UInt64)
    case hypervisor(String)
    case xenPV
    /// The machine of a powerpc kernel.
    case powerMachine(PowerMachine)
    /// arch/x86/kernel/amd_gart_64.c serves what a mask does not reach.
    case gart
    /// RAM by the firmware's or the hypervisor's map.
    case firmwareRAM(PhysicalRange)
    /// RAM as mm/mm_init.c `free_area_init()` lists it.
    case nodeRAM(PhysicalRange)
    /// The firmware's map was cut by mem= or memmap=: the lines that follow replace it
    /// (arch/x86/kernel/e820.c `e820__finish_early_params()`).
    case userMap
    /// Where RAM ends at most: arch/s390/kernel/setup.c `setup_memory_end()`.
    case endOfRAM(UInt64)
    /// A zone and its range, nil for an empty one.
    case zone(String, PhysicalRange?)
    case pool(LoggedPool)
    /// Why there is no pool.
    case noPool(String)
    case areas(Int)
    /// `nr_cpu_ids`.
    case processors(Int)
    case group(device: String, number: Int)
    /// How a device is mapped, as kernels before 5.8 say of each.
    case deviceDomain(device: String, mode: IOMMUMode)
    /// A driver speaks about its device.
    case device(String)
    /// A line that only an IOMMU in use prints.
    case activeIOMMU
    /// An IOMMU's driver, which says nothing about the devices behind it.
    case presentIOMMU
    /// An IOMMU is to be started: its devices join their groups after the default
    /// domain's line.
    case expectedIOMMU
    case defaultDomain(String)
    /// A line that shows how far the boot went.
    case reached(BootStage)
    /// The domain that dmaprobe found its device in.
    case probedDomain(String)
    case failure(FailingLine)
  }

  /// How far a boot went, by the levels of include/linux/init.h.
  public enum BootStage: Int, Sendable, Comparable {
    /// subsys_initcall: the default domain's line, before or after the PCI devices.
    case defaultDomain
    /// subsys_initcall: PCI devices are listed.
    case enumeration
    /// rootfs_initcall and later: the IOMMUs of x86 were started
    /// (arch/x86/kernel/pci-dma.c `pci_iommu_init()`), drivers are at work.
    case drivers
    /// After the initcalls.
    case userspace

    public static func < (left: BootStage, right: BootStage) -> Bool {
      left.rawValue < right.rawValue
    }
  }

  /// The architectures that kernels name, beyond those that are modelled.
  public enum Architecture: Sendable, Equatable {
    case x86, arm64, s390, ppc64
    /// A powerpc kernel of 32 or 64 bits.
    case powerpc
    /// Kernels of 32 bits, and architectures that are not modelled.
    case other(String)
  }

  public enum Processor: String, Sendable { case amd = "AMD", intel = "Intel" }

  /// What a kernel says about encrypted memory.
  public enum Encryption: Sendable, Equatable {
    case sme, sev, tdx, realm, protectedKVM, secureVM
    /// "Memory encryption is active", of whatever kind.
    case some
  }

  /// The kinds of powerpc machines, which set up DMA differently.
  public enum PowerMachine: String, Sendable {
    case powerNV = "PowerNV", pSeries = "pSeries", freescale = "Freescale"
    /// A PowerMac, Microwatt or another.
    case other = "another powerpc machine"
  }

  /// The range of a pool as a kernel prints it.
  public struct LoggedPool: Sendable, Equatable {
    /// The two numbers of the line, as they stand there.
    public let first, last: UInt64

    /// The range: `mem->end` is one past the last byte; older kernels printed the last.
    public var range: PhysicalRange { PhysicalRange(first, last % 2 == 0 ? last : last + 1) }
  }
}

extension Fact {
  /// The name of what is said, for a list of facts.
  public var what: String {
    switch value {
    case .release, .oopsRelease: "kernel"
    case .commandLine: "command line"
    case .architecture, .xenPV, .powerMachine: "platform"
    case .processor: "processor"
    case .encryption, .isolation: "memory encryption"
    case .hypervisor: "hypervisor"
    case .gart: "GART"
    case .firmwareRAM, .nodeRAM, .endOfRAM, .userMap: "RAM"
    case .zone: "zone"
    case .pool, .noPool, .areas: "swiotlb"
    case .processors: "CPUs"
    case .group, .deviceDomain: "IOMMU group"
    case .device: "device"
    case .activeIOMMU, .presentIOMMU, .expectedIOMMU: "IOMMU"
    case .defaultDomain: "default domain"
    case .reached: "how far the boot went"
    case .probedDomain: "dmaprobe"
    case .failure: "failure"
    }
  }
}
