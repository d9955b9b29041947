extension Policy {
  /// The rule that excludes a circumstance, or nil.
  ///
  /// The request is the one that it happens to; its mask counts.
  public func circumstanceExclusion(
    _ circumstance: Circumstance, _ platform: Platform, _ swiotlb: SwiotlbMode,
    _ request: DeviceRequest
  ) -> Exclusion? {
    if circumstance == .ordinary { return nil }
    let conditions = circumstance.conditions
    let fills = conditions.fill != .empty || conditions.dynamicPools == .on
    let fails = conditions.decryptFailure != .none
    if circumstance.maskChange != .none ? fills || fails : fills && fails {
      return .oneCircumstance
    }
    if conditions.fill == .atomicPools {
      if conditions.dynamicPools == .on { return .oneCircumstance }
      if !coherentPoolConfigured.contains(platform) { return .atomicFillNeedsPools }
    }
    if conditions.dynamicPools == .on, transientPools == .none { return .dynamicUnknown }
    if conditions.fill == .grown, conditions.dynamicPools == .off { return .grownNeedsDynamic }
    if conditions.decryptFailure != .none {
      if !platform.encryptsMemory { return .decryptNeedsEncryption }
      if conditions.decryptFailure == .restrictedPool, swiotlb != .restricted {
        return .decryptNeedsRestricted
      }
    }
    guard let bits = circumstance.maskChange.bitsBefore else { return nil }
    if !hostMemoryEncryption.contains(platform) { return .maskChangeIsSME }
    if request.operation.isMapping { return .maskChangeIsAlloc }
    return request.coherentMaskAddress == bitMask(bits) ? nil : .maskChangeNeedsMask
  }

  /// Those of some masks for which a circumstance can happen to a request; of all
  /// circumstances a change of the coherent mask alone asks for the mask.
  public func masks(
    _ masks: [DMAMask], in circumstance: Circumstance, _ platform: Platform,
    _ swiotlb: SwiotlbMode, _ request: DeviceRequest
  ) -> [DMAMask] {
    var request = request
    func happens() -> Bool {
      circumstanceExclusion(circumstance, platform, swiotlb, request) == nil
    }
    guard circumstance.maskChange != .none else { return happens() ? masks : [] }
    return masks.filter { mask in
      request.mask = mask
      return happens()
    }
  }
}
