/// arch/*/include/asm/mem_encrypt.h, arch/x86/mm/mem_encrypt.c and
/// include/linux/dma-direct.h: addresses and who is forced unencrypted.
extension BootedKernel {
  /// `force_dma_unencrypted()` (P4, P5): whether the device's DMA must go to
  /// unencrypted memory.
  ///
  /// On SME hosts it looks at the *coherent* mask, whatever is being mapped.
  ///
  /// - Parameter limit: The limit in use, streaming or coherent; only one of the
  ///   alternatives looks at it.
  func force_dma_unencrypted(
    _ request: some DeviceReach, limit: UInt64, usesDMAIOMMU: Bool
  ) -> Bool {
    if policy.forceUnencrypted.contains(platform) { return true }
    guard platform.family == .x86 else { return false }
    if guestMemoryEncryption { return true }
    if policy.forceUnencryptedX86 == .guestOrLowMaskHostOrSwiotlbForce, swiotlb == .force {
      return true
    }
    guard hostMemoryEncryption else { return false }
    let belowEncryptionBit = request.coherentLimit < encryptionBit
    switch policy.forceUnencryptedX86 {
    case .guest: return false
    case .guestOrLowMaskHost, .guestOrLowMaskHostOrSwiotlbForce: return belowEncryptionBit
    case .guestOrLowMaskOrForcedHost: return belowEncryptionBit || pool.forceBounce
    case .limitInUse: return !usesDMAIOMMU && limit < encryptionBit
    case .guestOrLowMaskHostWithoutDMAIOMMU: return !usesDMAIOMMU && belowEncryptionBit
    }
  }

  /// `phys_to_dma_encrypted()`.
  func phys_to_dma_encrypted(_ address: UInt64) -> UInt64 {
    __phys_to_dma(address) | encryptionBit
  }

  /// `phys_to_dma_unencrypted()`.
  func phys_to_dma_unencrypted(_ address: UInt64) -> UInt64 {
    __phys_to_dma(address) | sharedBit
  }

  /// `__phys_to_dma()`: by the device's `dma_range_map`, where it has one.
  @inline(__always)
  private func __phys_to_dma(_ address: UInt64) -> UInt64 {
    hasRanges ? device.busAddress(of: address) : address
  }

  /// `phys_to_dma_direct()`: shared or private encoding.
  func phys_to_dma_direct(_ address: UInt64, unencrypted: Bool) -> UInt64 {
    unencrypted ? phys_to_dma_unencrypted(address) : phys_to_dma_encrypted(address)
  }

  /// `dma_to_phys()`; platforms with a bit for encryption have no range map.
  func dma_to_phys(_ address: UInt64) -> UInt64 {
    if hasRanges { return device.physicalAddress(of: address) }
    return address & ~(encryptionBit | sharedBit)
  }

  /// How an address is encoded; it follows from the address, not from intent.
  func encoding(of address: UInt64) -> AddressEncoding {
    if encryptionBit != 0 { return address & encryptionBit != 0 ? .private : .shared }
    if sharedBit != 0 { return address & sharedBit != 0 ? .shared : .private }
    return .plain
  }
}
