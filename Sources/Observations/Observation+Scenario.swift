import DMAModel

extension Observation {
  /// The scenario of the matrix that asks the same of that machine, or nil.
  ///
  /// The matrix names classes of buffers by one address each; an observation is of
  /// such a class if it lies on the same side of the mask as that address.  Requests
  /// that the matrix does not ask (narrower masks, a buffer across two pages) have no
  /// key.
  public func scenario(on boot: ObservedBoot) -> Scenario? {
    guard operation != .setMask, result != .absent,
      let platform = boot.platforms.first, boot.platforms.count == 1,
      let mask = DMAMask.allCases.first(where: { $0.highestAddress == dmaMask }),
      let busLimit = boot.busLimitBits == 0 ? BusLimit.none : BusLimit(bits: boot.busLimitBits),
      let asked = operationOfMatrix,
      let attributes = attributesOfMatrix, let buffer = buffer(asked, boot)
    else { return nil }
    return Scenario(
      platform: platform, iommu: boot.iommu, swiotlb: boot.swiotlb, memory: boot.machine.name,
      mask: mask, busLimit: busLimit, facing: boot.facing, operation: asked,
      attributes: attributes, buffer: buffer)
  }

  private var operationOfMatrix: Operation? {
    let isAtomic = region == "gfp_atomic"
    switch operation {
    case .setMask, .mapCross: return nil
    case .mapPage, .mapPhys, .mapSmall, .mapBig, .mapResource: return .map
    // The matrix' scatter list has one page of RAM.
    case .mapSG: return nil
    case .allocPages: return length == 4096 ? (isAtomic ? .allocPagesAtomic : .allocPages) : nil
    case .allocCoherent:
      guard length == 4096 else { return nil }
      if attributes.contains("NO_KERNEL_MAPPING") {
        return isAtomic ? nil : .allocNoKernelMapping
      }
      return isAtomic ? .allocAtomic : .alloc
    }
  }

  private var attributesOfMatrix: Attributes? {
    guard let deciding = ProbeAttributes(attributes)?.deciding else { return nil }
    var set = deciding
    if operation == .mapResource { set.insert(.mmio) }
    switch set {
    case []: return Attributes.none
    case .ccShared: return .ccShared
    case .mmio: return .mmio
    case [.mmio, .ccShared]: return .mmioCCShared
    case .requireCoherent: return .requireCoherent
    default: return nil
    }
  }

  private func buffer(_ asked: Operation, _ boot: ObservedBoot) -> Buffer? {
    guard asked.isMapping else { return Buffer.none }
    guard let physical = physicalAddress, let length else { return nil }
    let limit = boot.busLimitBits == 0 ? dmaMask : min(dmaMask, bitMask(UInt8(boot.busLimitBits)))
    func isAlike(_ buffer: Buffer) -> Bool {
      (physical + length - 1 <= limit)
        == (buffer.physicalAddress + buffer.length - 1 <= limit)
    }
    let candidates: [Buffer]
    if operation == .mapResource || region.hasPrefix("bar") {
      candidates = length == 4096 ? [physical < 1 << 32 ? .mmio32 : .mmio64] : []
    } else if region == "kmalloc" {
      candidates = length == 24 ? [.small] : []
    } else if length == 4096, physical % 4096 == 0 {
      candidates = [physical < 16 << 20 ? .low : physical < 1 << 32 ? .dma32 : .high]
    } else if length == 512 << 10, physical < 1 << 32 {
      candidates = [.large]
    } else {
      candidates = []
    }
    return candidates.first(where: isAlike)
  }
}
