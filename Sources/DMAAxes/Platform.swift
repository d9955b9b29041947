/// What encrypts memory, and who may see it.
///
/// The matrix has two SME hosts, with the C-bit where processors put it; hosts with
/// the bit at another place, 40 to 51, are finer values of the axis.
///
/// Source: the review's axes; for each platform the architecture's
/// `cc_platform_has()` and `asm/mem_encrypt.h`.
public struct Platform: AxisValue {
  /// What the kernel tells apart; the raw value is the position in the axis.
  public enum Kind: UInt8, CaseIterable, Sendable {
    case x86, x86SME47, x86SME51, sev, snpVTOM, tdx
    case arm64, arm64CCA, arm64PKVM
    case ppc64, ppc64SVM
    case s390, s390PV
    case xenPV
  }

  /// The kind of an SME host with the C-bit elsewhere is ``Kind/x86SME51``.
  public let kind: Kind
  /// Where the C-bit is, if the kind does not say so; 0 if it does.
  @usableFromInline let cBit: UInt8

  @inlinable init(_ kind: Kind, cBit: UInt8 = 0) {
    self.kind = kind
    self.cBit = cBit
  }

  /// Where CPUID Fn8000_001F may put the C-bit, above any buffer of the matrix and
  /// within a page table entry's address.
  static let cBits: ClosedRange<UInt8> = 40...51

  @inlinable public static var x86: Platform { Platform(.x86) }
  @inlinable public static var x86SME47: Platform { Platform(.x86SME47) }
  @inlinable public static var x86SME51: Platform { Platform(.x86SME51) }
  @inlinable public static var sev: Platform { Platform(.sev) }
  @inlinable public static var snpVTOM: Platform { Platform(.snpVTOM) }
  @inlinable public static var tdx: Platform { Platform(.tdx) }
  @inlinable public static var arm64: Platform { Platform(.arm64) }
  @inlinable public static var arm64CCA: Platform { Platform(.arm64CCA) }
  @inlinable public static var arm64PKVM: Platform { Platform(.arm64PKVM) }
  @inlinable public static var ppc64: Platform { Platform(.ppc64) }
  @inlinable public static var ppc64SVM: Platform { Platform(.ppc64SVM) }
  @inlinable public static var s390: Platform { Platform(.s390) }
  @inlinable public static var s390PV: Platform { Platform(.s390PV) }
  @inlinable public static var xenPV: Platform { Platform(.xenPV) }

  public static let axis = "platform"
  public static let allCases: [Platform] = Kind.allCases.map { Platform($0) }
  public static let finerForms = ["x86-smeN with the C-bit at N, 40 to 51"]

  public init?(name: some StringProtocol) {
    if let platform = Self.standard(name) {
      self = platform
      return
    }
    guard name.hasPrefix("x86-sme"), let bit = UInt8(name.dropFirst(7)), Self.cBits.contains(bit)
    else { return nil }
    self.init(.x86SME51, cBit: bit)
    guard self.name == name else { return nil }
  }

  public var name: String {
    if cBit != 0 { return "x86-sme\(cBit)" }
    return switch kind {
    case .x86: "x86"
    case .x86SME47: "x86-sme47"
    case .x86SME51: "x86-sme51"
    case .sev: "sev"
    case .snpVTOM: "snp-vtom"
    case .tdx: "tdx"
    case .arm64: "arm64"
    case .arm64CCA: "arm64-cca"
    case .arm64PKVM: "arm64-pkvm"
    case .ppc64: "ppc64"
    case .ppc64SVM: "ppc64-svm"
    case .s390: "s390"
    case .s390PV: "s390-pv"
    case .xenPV: "xen-pv"
    }
  }

  public var summary: String {
    if cBit != 0 { return "AMD SME host, C-bit at bit \(cBit) of the DMA address" }
    return switch kind {
    case .x86: "x86 host without memory encryption"
    case .x86SME47: "AMD SME host, C-bit at bit 47 of the DMA address"
    case .x86SME51: "AMD SME host, C-bit at bit 51 of the DMA address"
    case .sev: "AMD SEV, SEV-ES or SEV-SNP guest, C-bit at bit 51"
    case .snpVTOM: "AMD SEV-SNP guest on Hyper-V with vTOM, no C-bit in the DMA address"
    case .tdx: "Intel TDX guest, shared bit not in the DMA address"
    case .arm64: "arm64 host without memory encryption"
    case .arm64CCA: "Arm CCA Realm, bit 47 of the IPA selects the shared alias"
    case .arm64PKVM: "arm64 protected KVM guest, one alias"
    case .ppc64: "powerpc host without memory encryption"
    case .ppc64SVM: "powerpc secure guest (ultravisor)"
    case .s390: "s390 host without memory encryption"
    case .s390PV: "s390 protected virtualization guest"
    case .xenPV: "Xen PV domain 0, machine addresses through swiotlb-xen"
    }
  }

  /// The family that shares boot code, IOMMU code and memory zones.
  public var family: Family {
    switch kind {
    case .x86, .x86SME47, .x86SME51, .sev, .snpVTOM, .tdx: .x86
    case .arm64, .arm64CCA, .arm64PKVM: .arm64
    case .ppc64, .ppc64SVM: .ppc64
    case .s390, .s390PV: .s390
    case .xenPV: .xen
    }
  }

  /// An architecture as far as DMA set-up is concerned.
  public enum Family: UInt8, Sendable { case x86, arm64, ppc64, s390, xen }

  /// The bit that selects private memory in a DMA address, 0 where there is none.
  ///
  /// Source: `sme_me_mask`, arch/x86/mm/mem_encrypt_identity.c.
  @inlinable public var encryptionBit: UInt64 {
    if cBit != 0 { return 1 << UInt64(cBit) }
    return switch kind {
    case .x86SME47: 1 << 47
    case .x86SME51, .sev: 1 << 51
    default: 0
    }
  }

  /// The bit that selects shared memory in a DMA address, 0 where there is none.
  ///
  /// Source: `PROT_NS_SHARED`, arch/arm64/include/asm/pgtable-prot.h.
  @inlinable public var sharedBit: UInt64 { kind == .arm64CCA ? 1 << 47 : 0 }

  /// Whether a page of this platform is either private or shared.
  @inlinable public var encryptsMemory: Bool {
    switch kind {
    case .x86, .arm64, .ppc64, .s390, .xenPV: false
    default: true
    }
  }

  /// Who looks at memory that the kernel made shared.
  public enum SharedMemoryReader: Sendable { case nobody, dram, host }

  /// Who sees shared memory: DRAM holds plaintext, or the host reads it.
  @inlinable public var sharedMemoryReader: SharedMemoryReader {
    switch kind {
    case .x86SME47, .x86SME51: .dram
    case .x86, .arm64, .ppc64, .s390, .xenPV: .nobody
    default: .host
    }
  }
}

/// A set of platforms: the value of a knob that is true on some of them.
///
/// It holds kinds of platforms: an SME host with the C-bit at 43 is in it if that
/// with the C-bit at 51 is.
public struct PlatformSet: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  public init(_ platforms: some Sequence<Platform>) {
    self.init(rawValue: platforms.reduce(0) { $0 | 1 << UInt16($1.kind.rawValue) })
  }

  @inlinable public func contains(_ platform: Platform) -> Bool {
    rawValue & (1 << UInt16(platform.kind.rawValue)) != 0
  }

  /// The members, in the order of the platform axis.
  public var platforms: [Platform] { Platform.allCases.filter(contains) }
}

extension Platform {
  /// Whether guests of the platform accept devices (TDISP): SEV-TIO, TDX Connect, and
  /// device assignment of Arm CCA.
  @inlinable public var acceptsDevices: Bool {
    self == .sev || self == .tdx || self == .arm64CCA
  }
}
