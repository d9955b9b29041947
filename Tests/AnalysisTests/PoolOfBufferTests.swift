import Analysis
import DMAModel
import TestSupport
import Testing

/// RAM that the boot gave to the swiotlb pool is no driver's: `is_swiotlb_buffer()`
/// (kernel/dma/swiotlb.c) would take it for a bounce.
struct PoolOfBufferTests {
  /// A buffer in a pool is told by any of its bytes; no buffer of the matrix lies in one.
  @Test(arguments: ["6.1", "6.12", "7.2", "7.3"])
  func onlyWhatLiesInThePoolIsSaidTo(name: String) throws {
    let kernel = try #require(KernelVersion.named(name))
    let mask = try #require(DMAMask(bits: 64))
    var (seen, inside) = (0, 0)
    var domain = MatrixDomain()
    domain.kernels = [kernel]
    domain.iommuModes = IOMMUMode.allCases
    domain.forEachBoot { boot in
      func isInPool(_ buffer: Buffer) -> Bool? {
        let scenario = Scenario(
          platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
          memory: boot.machine.name, mask: mask, operation: .map, buffer: buffer)
        let explained = Explanation.explain(scenario, on: boot.machine, by: kernel)
        return (try? explained.get()).map { $0.poolOfBuffer != nil }
      }
      for buffer in Buffer.allCases where !buffer.isForAllocation && !buffer.isDeviceMemory {
        guard let isInPool = isInPool(buffer) else { continue }
        seen += 1
        #expect(!isInPool, "\(boot.names) \(buffer.name)")
      }
      let its = boot.kernel().pool
      guard its.isActive else { return }
      for (start, length, expected) in [
        (its.start, 1, true), (its.end - 1, 1, true), (its.end - 4096, 8192, true),
        (its.start - 4096, 4097, true), (its.start - 4096, 4096, false),
      ] as [(UInt64, UInt64, Bool)] {
        guard let buffer = Buffer(at: start, length: length), let found = isInPool(buffer) else {
          continue
        }
        inside += 1
        #expect(found == expected, "\(boot.names) \(buffer.name)")
      }
    }
    #expect(seen > 500 && inside > 100)
  }
}
