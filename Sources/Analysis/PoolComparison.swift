import DMAModel

/// A default pool that kernels size or place otherwise: an outcome of the boot, which is
/// there although every answer is the same.
public struct PoolChange: Sendable {
  public let platform: Platform
  public let memory: MachineName
  /// The modes of IOMMU and swiotlb in which the pools are these.
  public private(set) var modes: [(iommu: IOMMUMode, swiotlb: SwiotlbMode)]
  /// One pool per kernel, in their order.
  public let pools: [SwiotlbPool]

  /// The changes between kernels over the boots that all of them know.
  public static func all(_ kernels: [KernelVersion], domain: MatrixDomain) -> [PoolChange] {
    var changes: [PoolChange] = []
    let boots = domain.boots(on: kernels.map(\.policy)).filter { boot in
      kernels.allSatisfy { $0.answers(boot) }
    }
    // The modes of a machine stand together.
    for platform in domain.platforms {
      for machine in domain.machines {
        for boot in boots where boot.platform == platform && boot.machine.name == machine.name {
          let pools = kernels.map { $0.booted(boot).pool }
          guard Set(pools.map(Place.init)).count > 1 else { continue }
          let same = changes.firstIndex {
            $0.platform == platform && $0.memory == machine.name
              && $0.pools.map(Place.init) == pools.map(Place.init)
          }
          if let same {
            changes[same].modes.append((boot.iommu, boot.swiotlb))
          } else {
            changes.append(
              PoolChange(
                platform: platform, memory: machine.name, modes: [(boot.iommu, boot.swiotlb)],
                pools: pools))
          }
        }
      }
    }
    return changes
  }

  /// Whether the last kernel's pool is smaller than the first one's, or gone.
  public var shrinks: Bool {
    guard let first = pools.first, let last = pools.last else { return false }
    return Self.shrinks(from: first, to: last)
  }

  /// Whether a pool is smaller than another, or gone.
  static func shrinks(from old: SwiotlbPool, to new: SwiotlbPool) -> Bool {
    func size(_ pool: SwiotlbPool) -> UInt64 { pool.isActive ? pool.end - pool.start : 0 }
    return size(new) < size(old)
  }

  /// Where a pool lies; all that does not lie anywhere is the same.
  private struct Place: Hashable {
    let start, end: UInt64

    init(_ pool: SwiotlbPool) {
      start = pool.isActive ? pool.start : 0
      end = pool.isActive ? pool.end : 0
    }
  }
}
