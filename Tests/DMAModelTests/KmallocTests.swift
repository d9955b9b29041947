import DMAModel
import Testing

/// Which kmalloc() buffers of non-coherent devices are bounced, for every length up to
/// 600 bytes.
///
/// Source: mm/slab_common.c `__kmalloc_minalign()`, `new_kmalloc_cache()` and
/// `kmalloc_size_roundup()`, include/linux/dma-map-ops.h `dma_kmalloc_size_aligned()`
/// of 6.12 and 7.3.
@Suite struct KmallocTests {
  @Test(arguments: KernelVersion.known)
  func unalignedObjectsNeedAPool(version: KernelVersion) throws {
    for platform in version.policy.platforms.platforms where platform.family == .arm64 {
      for swiotlb in SwiotlbMode.allCases {
        for machine in Machine.standard
        where version.policy.bootExclusion(platform, .none, swiotlb) == nil {
          let kernel = version.booted(platform, .none, swiotlb, machine)
          // A restricted pool is the device's own: the default one is there beside it.
          let hasPool =
            swiotlb != .noforce
            && (version.name != "6.1" || machine.top > 4 << 30 || swiotlb == .force)
          for length in 1...600 as ClosedRange<UInt64> {
            let buffer = try #require(Buffer(at: 0x4000_0048, length: length))
            let safe = kernel.answer(to: request(buffer, .coherent))
            let asked = kernel.answer(to: request(buffer, .noncoherent))
            if version.name == "6.1" || isAligned(length, smallCaches: hasPool) {
              #expect(asked == safe, "\(version.name) \(platform.name) \(swiotlb.name) \(length)")
            } else {
              #expect(asked.result == .bounce || asked.result == .error)
              #expect(asked.result != .error || !asked.warnings.contains(.overflow))
            }
          }
        }
      }
    }
  }

  /// A cache's object, as the boot makes the caches one after the other.
  private func isAligned(_ length: UInt64, smallCaches: Bool) -> Bool {
    if length >= 256 { return true }
    let sizes: [UInt64] = [8, 16, 32, 64, 96, 128, 192, 256]
    var object: [UInt64: UInt64] = [:]
    for size in sizes {
      let aligned = smallCaches ? size : (size + 63) / 64 * 64
      object[size] = sizes.first { $0 >= aligned }
    }
    guard let cache = sizes.first(where: { length <= $0 }), let size = object[cache] else {
      return false
    }
    return size.isMultiple(of: 64)
  }

  private func request(_ buffer: Buffer, _ coherence: Coherence) -> DeviceRequest {
    DeviceRequest(
      mask: DMAMask.allCases[40], coherentMask: .same, busLimit: .none, coherence: coherence,
      facing: .internal, operation: .map, attributes: .none, buffer: buffer)
  }
}
