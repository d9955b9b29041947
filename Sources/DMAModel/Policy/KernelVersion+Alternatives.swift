extension KernelVersion {
  /// The alternatives argued about in the review, as small changes of a version.
  ///
  /// `v6+P03` is proposal P03 on top of v6.  A proposal that fits several versions
  /// exists on each of those it was argued about for.
  public static let alternatives: [KernelVersion] =
    bouncePolicies + poolPolicies + passthroughPolicies + mmioPolicies + pkvmPolicies
    + acceptedPolicies

  static func alternative(
    _ name: String, on base: KernelVersion, _ summary: String, messageID: String,
    mail: ProposalMail, expected: String, _ changes: [PolicyChange]
  ) -> KernelVersion {
    // P06 builds on P03: `v6+P06`, not `v6+P03+P06`.
    KernelVersion(
      "\(base.name.prefix { $0 != "+" })+\(name)", basedOn: base, summary, messageID: messageID,
      mail: mail, expectation: expected,
      changes: changes)
  }

  // MARK: - Who is forced, and what a bounce asks

  private static let p03 = alternative(
    "P03", on: seriesV6,
    "guests alone have the state check and take the pool's state; on hosts, CC_SHARED is set "
      + "exactly when force_dma_unencrypted(dev) is true",
    messageID: "yq5ao6gtoncp.fsf@kernel.org",
    mail: ProposalMail(
      "AKV", "2026-06-29", "guest-only state check",
      "CC_ATTR_GUEST_MEM_ENCRYPT in swiotlb_tbl_map_single()"),
    expected: "low-mask devices of a host get an unencrypted address; the check no longer trips",
    [
      PolicyChange(\.poolStateCheck, .guestMatchesForced, "swiotlb_tbl_map_single"),
      PolicyChange(\.attributesAfterBounce, .guestPoolElseForced, "swiotlb_tbl_map_single"),
    ])

  private static let bouncePolicies: [KernelVersion] = [
    alternative(
      "P01", on: seriesV6, "swiotlb=force makes every x86 device forced unencrypted",
      messageID: "2ecfa1a8-6202-4319-9692-a6ffeb5a3dbf@amd.com",
      mail: ProposalMail(
        "AK", "2026-06-18", "swiotlb_force_bounce",
        "force_dma_unencrypted() returns true for swiotlb=force"),
      expected: "mem_encrypt=on iommu=pt swiotlb=force boots (observed)",
      [
        PolicyChange(
          \.forceUnencryptedX86, .guestOrLowMaskHostOrSwiotlbForce, "force_dma_unencrypted")
      ]),
    alternative(
      "P02", on: seriesV6, "devices of an SME host whose pool bounces everything are forced",
      messageID: "yq5aqzm4dz25.fsf@kernel.org",
      mail: ProposalMail(
        "AKV", "2026-06-18", "is_swiotlb_force_bounce(dev) for hosts", "what swiotlb=force means"),
      expected: "SME hosts boot with swiotlb=force",
      [PolicyChange(\.forceUnencryptedX86, .guestOrLowMaskOrForcedHost, "force_dma_unencrypted")]),
    p03,
    alternative(
      "P04", on: seriesV6, "SME hosts have no state check, and every bounce address is unencrypted",
      messageID: "yq5ah5mloesz.fsf@kernel.org",
      mail: ProposalMail(
        "AKV", "2026-06-29", "Return unencrypted DMA addresses for SME bounce buffers",
        "0275ed870ff8"),
      expected: "all SME bounces get an unencrypted address whatever the mask",
      [
        PolicyChange(\.poolStateCheck, .guestMatchesForced, "swiotlb_tbl_map_single"),
        PolicyChange(\.attributesAfterBounce, .guestPoolHostShared, "swiotlb_tbl_map_single"),
      ]),
    alternative(
      "P04b", on: seriesV6, "the form of P04 that v7 took: an SME host's pool must be shared",
      messageID: "yq5abjcro17x.fsf@kernel.org",
      mail: ProposalMail("AKV", "2026-07-01", "special case for host memory encryption"),
      expected: "the only code path that needs a special case for host memory encryption",
      [PolicyChange(\.poolStateCheck, .guestMatchesForcedHostShared, "swiotlb_tbl_map_single")]),
    alternative(
      "P06", on: p03, "force_dma_unencrypted() split in two for guests and hosts; decides as P03",
      messageID: "20260630174216.GK7525@ziepe.ca",
      mail: ProposalMail(
        "JG", "2026-06-30", "force_dma_cc_shared", "force_host_decrypted",
        "rename cc_shared back to unencrypted"), expected: "clarity: two very different things",
      []),
    alternative(
      "P09", on: seriesV6, "SME hosts: the limit in use decides, for devices without dma-iommu",
      messageID: "20260619140616.GB1068655@ziepe.ca",
      mail: ProposalMail(
        "JG", "2026-06-19", "dev_cannot_reach_memory", "phys_to_dma(0) beyond the limit"),
      expected: "low-mask devices are handled once the mask is set; every host device can "
        + "use the pool",
      [PolicyChange(\.forceUnencryptedX86, .limitInUse, "dev_cannot_reach_memory")]),
    alternative(
      "P09b", on: seriesV6, "P09 with SME hosts exempt from the state check (not posted)",
      messageID: "20260619140616.GB1068655@ziepe.ca",
      mail: ProposalMail("JG", "2026-06-19", "dev_cannot_reach_memory"), expected: "as P09",
      [
        PolicyChange(\.forceUnencryptedX86, .limitInUse, "dev_cannot_reach_memory"),
        PolicyChange(\.poolStateCheck, .matchesForcedExceptHost, "swiotlb_tbl_map_single"),
      ]),
    alternative(
      "P23", on: seriesV6, "dma-iommu refuses shared allocations",
      messageID: "yq5aa4t1myw4.fsf@kernel.org",
      mail: ProposalMail("AKV", "2026-06-11", "dma_alloc_attrs() refuses CC_SHARED for an IOMMU"),
      expected: "no shared allocation through an IOMMU",
      [PolicyChange(\.dmaIOMMUSharedAlloc, .refused, "iommu_dma_alloc")]),
    alternative(
      "P20", on: seriesV4, "attributes by reference in v4; the pool decides",
      messageID: "yq5a8q9fs7ud.fsf@kernel.org",
      mail: ProposalMail("AKV", nil, "attributes by reference"),
      expected: "a device that needs shared memory bounces a private source through the pool",
      [PolicyChange(\.attributesAfterBounce, .poolDecides, "swiotlb_tbl_map_single")]),
  ]

  // MARK: - Pools

  private static let poolPolicies: [KernelVersion] =
    [
      alternative(
        "P05", on: seriesV6, "only guests have a shared default pool",
        messageID: "yq5aldcaejos.fsf@kernel.org",
        mail: ProposalMail("AKV", "2026-06-19", "cc_shared only under CC_ATTR_GUEST_MEM_ENCRYPT"),
        expected: "an SME host's pool is encrypted, so that swiotlb=force works for capable "
          + "devices; the low-mask case still needs an unencrypted pool",
        [
          PolicyChange(
            \.defaultPoolState, .guestMemoryEncryption, "swiotlb_update_mem_attributes")
        ]),
      alternative(
        "P10", on: seriesV6,
        "SME hosts: nobody is forced, and the pool is unencrypted unless the IOMMU translates",
        messageID: "fd135adc-a8a4-48e5-b649-2a29789b22d8@amd.com",
        mail: ProposalMail(
          "AK", "2026-07-02", "should not look at the mask",
          "force_dma_unencrypted() ignores the mask", "swiotlb unencrypted only with iommu=pt"),
        expected: "pt: unencrypted bounces for all; translated: an encrypted pool",
        [
          PolicyChange(\.forceUnencryptedX86, .guest, "force_dma_unencrypted"),
          PolicyChange(
            \.defaultPoolState, .memoryEncryptionExceptTranslatedHost,
            "swiotlb_update_mem_attributes"),
          PolicyChange(\.poolStateCheck, .matchesForcedExceptHost, "swiotlb_tbl_map_single"),
        ]),
      alternative(
        "P13b", on: seriesV6, "an SME host's pool is private; a device that cannot use it fails",
        messageID: "20260706195208.GD118978@ziepe.ca",
        mail: ProposalMail("JG", "2026-07-06", "using swiotlb with an incapable device fails"),
        expected: "bounces of incapable devices fail, all others are encrypted",
        [
          PolicyChange(
            \.defaultPoolState, .memoryEncryptionExceptHost, "swiotlb_update_mem_attributes")
        ]),
    ]
    + [seriesV6, seriesV7].flatMap { base in
      [
        alternative(
          "P13", on: base, "two pools on SME hosts: a device has the shared one only if it must",
          messageID: "20260706195208.GD118978@ziepe.ca",
          mail: ProposalMail("JG", "2026-07-06", "two SWIOTLBs", "bounce from the encrypted pools"),
          expected: "swiotlb=force: capable devices a private pool with C-bit addresses, "
            + "low-mask devices the decrypted one",
          [
            PolicyChange(
              \.defaultPoolState, .memoryEncryptionExceptHost, "swiotlb_update_mem_attributes"),
            PolicyChange(\.hostPools, .privateAndShared, "swiotlb_init_remap"),
          ] + (base == seriesV7 ? [twoPoolCheck] : [])),
        alternative(
          "P14", on: base, "forced allocations come from the swiotlb pool, which is shared already",
          messageID: "20260630161805.GJ7525@ziepe.ca",
          mail: ProposalMail(
            "JG", "2026-06-30", "dma_alloc_coherent() from the swiotlb pool", "2M smashing"),
          expected: "no splitting of large pages of the linear mapping",
          [PolicyChange(\.forcedAllocSource, .swiotlb, "dma_direct_alloc")]),
      ]
    }

  /// With two pools shared == forced can always be had, so that the host's check
  /// of v7 (the one pool is shared) becomes the guests'.
  private static let twoPoolCheck = PolicyChange(
    \.poolStateCheck, .matchesForced, "swiotlb_tbl_map_single")

  // MARK: - iommu=pt

  private static let passthroughPolicies: [KernelVersion] =
    [
      alternative(
        "P07", on: seriesV6, "swiotlb=force is dropped on SME hosts with iommu=pt, with a warning",
        messageID: "yq5ao6gtoncp.fsf@kernel.org",
        mail: ProposalMail(
          "AKV", "2026-06-29", "x86/dma: Disable forced SWIOTLB bouncing for SME IOMMU passthrough",
          "what swiotlb=force means"),
        expected: "capable devices direct with the C-bit, low-mask devices bounce; boots",
        [
          PolicyChange(
            \.defaultPoolForceBounce, .commandLineUnlessHostPassthrough, "swiotlb_init_remap")
        ])
    ]
    + [seriesV6, seriesV7].flatMap { base in
      [
        alternative(
          "P11", on: base, "mem_encrypt=on together with iommu=pt: a DMA domain all the same",
          messageID: "9f20ce61-1edd-411e-a7c3-be541fb89cb4@amd.com",
          mail: ProposalMail("AK", "2026-06-22", "refuse mem_encrypt=on together with iommu=pt"),
          expected: "simple; somebody may still have a use for the combination",
          [PolicyChange(\.hostPassthrough, .translated, "iommu_subsys_init")]),
        alternative(
          "P12", on: base, "iommu=pt: a DMA domain for each device that cannot reach the C-bit",
          messageID: "20260630161805.GJ7525@ziepe.ca",
          mail: ProposalMail(
            "JG", "2026-06-30", "switch away from identity when the mask cannot reach DRAM"),
          expected: "much cleaner, but the IOMMU layer does not know the mask before a driver "
            + "binds",
          [PolicyChange(\.hostPassthrough, .lowMaskTranslated, "iommu_get_default_domain_type")]),
      ]
    }

  // MARK: - MMIO

  private static let mmioPolicies: [KernelVersion] = [
    alternative(
      "P15", on: seriesV7, "MMIO without CC_SHARED keeps its physical address",
      messageID: "ak42F240d-53QeFN@arm.com",
      mail: ProposalMail("CM", "2026-07-08", "keep dma_addr as the physical address"),
      expected: "no C-bit on MMIO of SME hosts",
      [PolicyChange(\.mmioEncoding, .physicalUnlessCCShared, "dma_direct_map_phys")]),
    alternative(
      "P16a", on: seriesV7, "MMIO gets CC_SHARED on SME hosts and for forced devices",
      messageID: "yq5apl0xgy89.fsf@kernel.org",
      mail: ProposalMail("AKV", "2026-07-08", "host or forced sets CC_SHARED for MMIO"),
      expected: "SME as before the series, guests as v7",
      [PolicyChange(\.mmioPreprocessing, .hostOrForcedSetsCCShared, "dma_direct_map_phys")]),
    alternative(
      "P16b", on: seriesV7, "MMIO gets CC_SHARED on SME hosts only",
      messageID: "20260710161945.GO118978@ziepe.ca",
      mail: ProposalMail("JG", "2026-07-10", "host alone sets CC_SHARED for MMIO"),
      expected: "what 7.3 does",
      [PolicyChange(\.mmioPreprocessing, .hostSetsCCShared, "dma_direct_map_phys")]),
    alternative(
      "P16c", on: seriesV7, "MMIO is private unless the caller says CC_SHARED",
      messageID: "20260710161945.GO118978@ziepe.ca",
      mail: ProposalMail("JG", "2026-07-10", "DMA_ATTR_MMIO is private", "p2pdma provider flags"),
      expected: "callers are fixed: providers of peer memory say which it is",
      [PolicyChange(\.mmioPreprocessing, .none, "dma_direct_map_phys")]),
  ]

  // MARK: - pKVM

  private static let pkvmPolicies: [KernelVersion] = [
    alternative(
      "P17", on: seriesV4, "restricted pools are always decrypted",
      messageID: "yq5apl2y5f96.fsf@kernel.org",
      mail: ProposalMail(
        "AKV", "2026-05-14", "decrypt the restricted pool unconditionally", "if (true)"),
      expected: "pKVM guests boot (observed)",
      [PolicyChange(\.restrictedPoolState, .always, "rmem_swiotlb_device_init")]),
    alternative(
      "P18", on: seriesV4, "pKVM guests have CC_ATTR_MEM_ENCRYPT and every device is forced",
      messageID: "agXaby-7L7yS3Vva@google.com",
      mail: ProposalMail("MS", nil, "cc_platform_has() for pKVM"),
      expected: "pKVM guests boot with the series unmodified",
      [
        PolicyChange(adding: [.arm64PKVM], to: \.memoryEncryption, "cc_platform_has"),
        PolicyChange(adding: [.arm64PKVM], to: \.forceUnencrypted, "force_dma_unencrypted"),
      ]),
    alternative(
      "P19", on: seriesV4,
      "pKVM guests encrypt but nobody is forced; requests to a shared restricted pool say CC_SHARED",
      messageID: "agxDxdxynp4KEovA@google.com",
      mail: ProposalMail("MS", nil, "CC_SHARED set where the pool is for_alloc"),
      expected: "pKVM guests boot again",
      [
        PolicyChange(adding: [.arm64PKVM], to: \.memoryEncryption, "cc_platform_has"),
        PolicyChange(\.restrictedPoolRequests, .ccShared, "dma_direct_map_phys"),
      ]),
  ]
}

/// A proposal of the review without behaviour of its own.
public struct UnmodelledProposal: Sendable {
  public let id: String
  public let summary: String
  public let reason: String
  let messageID: String
  let mail: ProposalMail
  /// The mail in the archive.
  public var link: String { "https://lore.kernel.org/r/\(messageID)" }

  public static let all: [UnmodelledProposal] = [
    UnmodelledProposal(
      id: "P08", summary: "declare mem_encrypt=on iommu=pt swiotlb=force unsupported",
      reason: "documentation only: the answers are those of v6",
      messageID: "yq5ao6h6enhm.fsf@kernel.org",
      mail: ProposalMail("AKV", "2026-06-19", "unsupported")),
    UnmodelledProposal(
      id: "P21", summary: "a device-tree property decides each pool's state",
      reason: "the property's value is firmware's: v4 with either value of S2 (v4, v4+P17)",
      messageID: "agSKQrSIhizCXKwx@google.com",
      mail: ProposalMail("MS", nil, "device-tree property", "firmware decides")),
    UnmodelledProposal(
      id: "P22", summary: "swiotlb does not ask who is forced; callers pass the attribute",
      reason: "callers would or the same condition in: the answers are those of v4",
      messageID: "CAFgf54o4ZnvnJ3369bHb10tvJJVP+5YWq=ec4Jh5K6S6U9uNEA@mail.gmail.com",
      mail: ProposalMail("MS", nil, "swiotlb must not test force")),
    UnmodelledProposal(
      id: "P24", summary: "a public attribute for shared allocations",
      reason: "no scenario passes that attribute; alloc_cc_shared passes CC_SHARED (A2)",
      messageID: "yq5acxxxn0gp.fsf@kernel.org",
      mail: ProposalMail("AKV", nil, "DMA_ATTR_ALLOC_CC_SHARED")),
  ]
}
