/// The values of one policy knob: what the kernel's code does at one place.
public protocol KnobValue: CaseIterable, Hashable, Sendable, RawRepresentable<String> {
  /// What the code does with this value, in one sentence.
  var summary: String { get }
}

// MARK: - Platform

/// P4: which devices `force_dma_unencrypted()` names on x86.
public enum ForceUnencryptedX86: String, KnobValue {
  case guestOrLowMaskHost
  case guestOrLowMaskHostWithoutDMAIOMMU
  case guestOrLowMaskHostOrSwiotlbForce
  case guestOrLowMaskOrForcedHost
  case limitInUse
  case guest

  public var summary: String {
    switch self {
    case .guestOrLowMaskHost:
      "guests; SME hosts where coherent mask or bus limit end below the C-bit"
    case .guestOrLowMaskHostWithoutDMAIOMMU:
      "guests; SME hosts where the coherent limit ends below the C-bit, not behind dma-iommu"
    case .guestOrLowMaskHostOrSwiotlbForce:
      "as guestOrLowMaskHost, and every x86 device under swiotlb=force"
    case .guestOrLowMaskOrForcedHost:
      "as guestOrLowMaskHost, and SME host devices whose pool bounces everything"
    case .limitInUse:
      "guests; SME hosts without dma-iommu where the limit in use ends below the C-bit: "
        + "the streaming mask for maps, the coherent mask for allocations"
    case .guest: "guests only"
    }
  }
}

// MARK: - swiotlb set-up

/// P8: what makes the default pool bounce everything.
public enum DefaultPoolForceBounce: String, KnobValue {
  case commandLineOrArchitecture
  case commandLine
  case commandLineUnlessHostPassthrough

  public var summary: String {
    switch self {
    case .commandLineOrArchitecture: "swiotlb=force, or the architecture's SWIOTLB_FORCE flag"
    case .commandLine: "swiotlb=force only; the SWIOTLB_FORCE flag does not exist"
    case .commandLineUnlessHostPassthrough: "swiotlb=force, but not on SME hosts with iommu=pt"
    }
  }
}

/// P10: when arm64 allocates a default pool, and how large.
public enum Arm64DefaultPool: String, KnobValue {
  case ramAboveLimit
  case alsoForKmalloc
  case alsoForRealm
  case always

  public var summary: String {
    switch self {
    case .ramAboveLimit: "where RAM lies above the DMA limit"
    case .alsoForKmalloc: "else a small one of RAM/1024 for unaligned kmalloc() buffers"
    case .alsoForRealm: "as alsoForKmalloc, and a full-size one in a Realm"
    case .always: "always; RAM/1024 where no RAM lies above the DMA limit, Realms included"
    }
  }
}

/// P11: where s390's default pool lies.
public enum S390PoolPlacement: String, KnobValue {
  case low
  case anywhere

  public var summary: String {
    switch self {
    case .low: "below 2 GiB"
    case .anywhere: "anywhere in RAM (SWIOTLB_ANY)"
    }
  }
}

/// S1, S2 and S3: what decides the state flag of a pool and of its memory.
public enum PoolState: String, KnobValue {
  case noFlagAlwaysDecrypt
  case memoryEncryption
  case guestMemoryEncryption
  case memoryEncryptionExceptHost
  case memoryEncryptionExceptTranslatedHost
  case always

  public var summary: String {
    switch self {
    case .noFlagAlwaysDecrypt: "no flag; set_memory_decrypted() is always called"
    case .memoryEncryption: "shared where CC_ATTR_MEM_ENCRYPT, and decrypted only then"
    case .guestMemoryEncryption: "shared where CC_ATTR_GUEST_MEM_ENCRYPT"
    case .memoryEncryptionExceptHost: "shared where CC_ATTR_MEM_ENCRYPT, private on SME hosts"
    case .memoryEncryptionExceptTranslatedHost:
      "shared where CC_ATTR_MEM_ENCRYPT, private on SME hosts with a translating IOMMU"
    case .always: "shared, on every platform"
    }
  }
}

/// S9: how many swiotlb pools an SME host has.
public enum HostPools: String, KnobValue {
  case one
  case privateAndShared

  public var summary: String {
    switch self {
    case .one: "one"
    case .privateAndShared:
      "a private one, and a shared one for devices that are forced unencrypted and not "
        + "behind dma-iommu"
    }
  }
}

/// X3: what iommu=pt means for the devices of an SME host.
public enum HostPassthrough: String, KnobValue {
  case asAsked
  case translated
  case lowMaskTranslated

  public var summary: String {
    switch self {
    case .asAsked: "an identity domain"
    case .translated: "a DMA domain all the same"
    case .lowMaskTranslated: "a DMA domain for devices whose mask ends below the C-bit"
    }
  }
}

/// S5: how `dma_alloc_from_pool()` chooses among the atomic pools.
public enum AtomicPoolSelection: String, KnobValue {
  case byZone
  case byZoneAndState

  public var summary: String {
    switch self {
    case .byZone: "by zone alone"
    case .byZoneAndState: "by zone, skipping pools whose state is not the requested one"
    }
  }
}

/// S7: which atomic pools `dma_atomic_pool_init()` creates.
public enum AtomicPoolCreation: String, KnobValue {
  case kernelAndDMA32Always
  case populatedZones

  public var summary: String {
    switch self {
    case .kernelAndDMA32Always:
      "kernel always, dma32 wherever configured, dma if its zone has memory"
    case .populatedZones: "one for each zone that has memory"
    }
  }
}
