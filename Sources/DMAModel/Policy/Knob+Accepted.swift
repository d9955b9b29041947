extension Knob {
  /// The knobs of devices that a guest accepted (TDISP, T=1), which posted series and
  /// mails turn and no modelled release has.
  static let acceptedDevices: [Knob] = [
    Knob(
      "T1", "acceptedUnforced", "force_dma_unencrypted() is false for accepted devices on",
      "arch/*/mm/mem_encrypt.c", "force_dma_unencrypted", \.acceptedUnforced),
    Knob(
      "T2", "acceptedSwiotlb", "accepted devices and swiotlb",
      "include/linux/swiotlb.h", "is_swiotlb_force_bounce", \.acceptedSwiotlb),
    Knob(
      "T3", "acceptedAddress", "addresses of accepted devices on x86",
      "arch/x86/include/asm/dma-direct.h", "phys_to_dma", \.acceptedAddress),
  ]
}
