extension KernelVersion {
  /// Proposals about devices that the guest accepted (TDISP, T=1), tried on the last posted
  /// version and on the release that merged it.  Without such devices they change nothing.
  static let acceptedPolicies: [KernelVersion] = [seriesV7, linux7_3].flatMap { base in
    [
      alternative(
        "P25", on: base,
        "Realms: accepted devices are not forced unencrypted, nor bounced by force",
        messageID: "20251117140007.122062-11-aneesh.kumar@kernel.org",
        mail: ProposalMail(
          "AKV", "2025-11-17",
          "coco: arm64: dma: Update force_dma_unencrypted for accepted devices",
          "device_cc_accepted()", "TDISP", "T=1"),
        expected: "accepted devices work in private memory alone",
        [
          PolicyChange(adding: [.arm64CCA], to: \.acceptedUnforced, "force_dma_unencrypted"),
          PolicyChange(\.acceptedSwiotlb, .notForced, "is_swiotlb_force_bounce"),
        ]),
      alternative(
        "P26", on: base,
        "x86 guests: accepted devices are not forced unencrypted, and their addresses have no "
          + "C-bit",
        messageID: "20260225053806.3311234-1-aik@amd.com",
        mail: ProposalMail(
          "AK", "2026-02-25", "dma/swiotlb: Stop forcing SWIOTLB for TDISP devices",
          "x86/mm: Stop forcing decrypted page state for TDISP devices",
          "x86/dma-direct: Stop changing encrypted page state for TDISP devices", "T=1"),
        expected: "TDISP devices reach encrypted guest memory, the IOMMU decides on encryption",
        [
          PolicyChange(adding: [.sev, .tdx], to: \.acceptedUnforced, "force_dma_unencrypted"),
          PolicyChange(\.acceptedSwiotlb, .notForced, "is_swiotlb_force_bounce"),
          PolicyChange(\.acceptedAddress, .withoutCBit, "phys_to_dma"),
        ]),
      alternative(
        "P27", on: base,
        "Realms: accepted devices are not forced and use neither swiotlb nor atomic pools",
        messageID: "yq5acy1mu0mw.fsf@kernel.org",
        mail: ProposalMail(
          "AKV", "2026-03-02", "a TDISP-capable device will never require SWIOTLB bouncing",
          "T=1"),
        expected: "a simpler allocation path for T=1",
        [
          PolicyChange(adding: [.arm64CCA], to: \.acceptedUnforced, "force_dma_unencrypted"),
          PolicyChange(\.acceptedSwiotlb, .none, "is_swiotlb_active"),
        ]),
      alternative(
        "P28", on: base,
        "accepted devices are not forced, and bounce through a private pool of their own",
        messageID: "20260513172450.GR7702@ziepe.ca",
        mail: ProposalMail(
          "JG", "2026-05-13", "bounces it with SWIOTLB to an encrypted low address page",
          "T=1 device tries to DMA from a decrypted page", "TDISP"),
        expected: "a device that can do private access does not use a shared pool; shared memory "
          + "may bounce into private",
        [
          PolicyChange(
            adding: [.sev, .tdx, .arm64CCA], to: \.acceptedUnforced, "force_dma_unencrypted"),
          PolicyChange(\.acceptedSwiotlb, .privatePool, "swiotlb_find_slots"),
          PolicyChange(\.acceptedAddress, .withoutCBit, "phys_to_dma"),
        ]),
    ]
  }
}
