extension Knob {
  /// The knobs of dynamic pools and of undoing a request.
  static let life: [Knob] = [
    Knob(
      "M13", "transientPools", "transient pools come from an atomic pool",
      "kernel/dma/swiotlb.c", "swiotlb_alloc_tlb", \.transientPools),
    Knob(
      "A14", "pageDecryptFailure", "logged where an allocation leaks a page",
      "kernel/dma/direct.c", "dma_set_decrypted", \.pageDecryptFailure),
    Knob(
      "F1", "poolPageLookup", "atomic pool page is found at free",
      "kernel/dma/direct.c", "dma_direct_free_pages", \.poolPageLookup),
    Knob(
      "F2", "swiotlbFreeTest", "restricted pool page is found at free",
      "kernel/dma/direct.c", "dma_direct_free", \.swiotlbFreeTest),
    Knob(
      "F3", "freeEncrypts", "what a free encrypts again",
      "kernel/dma/direct.c", "dma_direct_free", \.freeEncrypts),
    Knob(
      "F4", "transientFree", "transient pool is freed",
      "kernel/dma/swiotlb.c", "swiotlb_del_pool", \.transientFree),
  ]
}
