/// Devices that the guest accepted (TDISP, T=1): what `device_cc_accepted()` of posted
/// series decides.
///
/// No modelled release asks for it, so that such a device is any other to it. Sources of
/// the knobs: "coco: arm64: dma: Update force_dma_unencrypted for accepted devices"
/// (20251117140007.122062-11-aneesh.kumar@kernel.org), patches 4 to 6 of 9 of
/// 20260225053806.3311234-1-aik@amd.com, and yq5acy1mu0mw.fsf@kernel.org.
extension AskedRequest {
  /// Whether `force_dma_unencrypted()` is false because the device was accepted (T1).
  @inline(__always)
  func isSparedForce(on kernel: BootedKernel) -> Bool {
    isAccepted && kernel.policy.acceptedUnforced.contains(kernel.platform)
  }

  /// The pool of an accepted device (T2).
  func acceptedPool(on kernel: BootedKernel) -> SwiotlbPool {
    switch kernel.policy.acceptedSwiotlb {
    case .asOthers: return kernel.pool
    case .notForced:
      var unforced = kernel.pool
      unforced.forceBounce = false
      return unforced
    case .none: return SwiotlbPool()
    case .privatePool: return kernel.acceptedPool ?? SwiotlbPool()
    }
  }
}

extension Traced {
  /// Whether T2 decides about the device's pool.
  @inline(__always)
  var hasAcceptedPool: Bool {
    request.isAccepted && kernel.policy.acceptedSwiotlb != .asOthers
  }

  /// `dma_direct_use_pool()`: an accepted device without swiotlb uses no atomic pool
  /// either (T2).
  @inline(__always)
  mutating func mayUseAtomicPool() -> Bool {
    guard request.isAccepted, kernel.policy.acceptedSwiotlb == .none else { return true }
    return !asks("dma_direct_use_pool", "the guest accepted the device: no pool", true, knob: "T2")
  }

  /// `phys_to_dma_direct()` of the request's device: shared or private encoding; without
  /// the C-bit for an accepted one (T3).
  @inline(__always)
  mutating func phys_to_dma_direct(_ address: UInt64, unencrypted: Bool) -> UInt64 {
    if Trace.isRecording, request.isAccepted, !unencrypted, kernel.encryptionBit != 0 {
      trace.note("phys_to_dma", "the guest accepted the device: no C-bit", hidesCBit, "T3")
    }
    return kernel.phys_to_dma_direct(address, unencrypted: unencrypted || hidesCBit)
  }

  /// Whether no address of the device has the C-bit (T3), which x86 alone has.
  @inline(__always)
  var hidesCBit: Bool {
    request.isAccepted && kernel.encryptionBit != 0
      && kernel.policy.acceptedAddress == .withoutCBit
  }
}
