/// Answers that came from a kernel's own code instead of the model.
///
/// The matrix of a kernel tree: for each booted machine, a table from devices and
/// requests to answers.  A ``KernelVersion`` made of it can be compared, checked
/// and stored as any other.
public struct RecordedAnswers: Sendable {
  private var boots: [BootKey: RecordedBoot] = [:]

  public init() {}

  /// The answers of one booted machine; nil where none were recorded.
  public func boot(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: MachineName
  ) -> RecordedBoot? {
    boots[BootKey(platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine)]
  }

  /// Adds or replaces the answers of one booted machine.
  public mutating func set(
    _ boot: RecordedBoot, platform: Platform, iommu: IOMMUMode, swiotlb: SwiotlbMode,
    machine: MachineName
  ) {
    boots[BootKey(platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine)] = boot
  }

  /// How many booted machines there are.
  public var bootCount: Int { boots.count }

  private struct BootKey: Hashable {
    let platform: Platform
    let iommu: IOMMUMode
    let swiotlb: SwiotlbMode
    let machine: MachineName
  }
}

/// The recorded answers of one booted machine.
public final class RecordedBoot: Sendable {
  /// The pool that the device uses.
  public let pool: SwiotlbPool
  private let cycles: [LifeCycle]
  private let keys: LineKeys
  /// By device and request, where the line's answers start in ``indices``.
  private let lines: [UInt32: Int]
  /// Indices into ``cycles``, one for each mask from 24 to 64 bits of a line.
  private let indices: [UInt16]

  private static let absent = UInt16.max
  private static let masks = DMAMask.range.count

  init(
    pool: SwiotlbPool, cycles: [LifeCycle], keys: LineKeys, lines: [UInt32: Int],
    indices: [UInt16]
  ) {
    self.pool = pool
    self.cycles = cycles
    self.keys = keys
    self.lines = lines
    self.indices = indices
  }

  /// The answer to a request and what was left after it; nil where it was not recorded.
  public func cycle(of request: DeviceRequest) -> LifeCycle? {
    guard let line = keys[request].flatMap({ lines[$0] }) else { return nil }
    let index = indices[line + Int(request.mask.bits - DMAMask.range.lowerBound)]
    return index == Self.absent ? nil : cycles[Int(index)]
  }

  /// Whether a device and a request were recorded for all of some masks.
  public func has(_ request: DeviceRequest, masks: [DMAMask]) -> Bool {
    guard let line = keys[request].flatMap({ lines[$0] }) else { return false }
    return masks.allSatisfy {
      indices[line + Int($0.bits - DMAMask.range.lowerBound)] != Self.absent
    }
  }

  /// Devices and requests without the mask, each as one number.
  struct LineKeys: Sendable {
    /// Buffers beside those of the matrix.
    private var buffers: [Buffer] = []

    /// The key, or nil for a buffer that none was made for.
    subscript(_ request: DeviceRequest) -> UInt32? {
      if let position = request.buffer.position { return Self.key(request, position) }
      return buffers.firstIndex(of: request.buffer).map {
        Self.key(request, Buffer.allCases.count + $0)
      }
    }

    /// The key of a request, which is one from now on.
    mutating func make(_ request: DeviceRequest) -> UInt32 {
      if let key = self[request] { return key }
      buffers.append(request.buffer)
      return Self.key(request, Buffer.allCases.count + buffers.count - 1)
    }

    private static func key(_ request: DeviceRequest, _ buffer: Int) -> UInt32 {
      var key = UInt32(buffer)
      key = key << 2 | UInt32(request.coherentMask.rawValue)
      key = key << 6 | UInt32(request.busLimit.bits)
      key = key << 1 | UInt32(request.coherence.rawValue)
      key = key << 1 | UInt32(request.facing.rawValue)
      key = key << 4 | UInt32(request.operation.rawValue)
      return key << 4 | UInt32(request.attributes.rawValue)
    }
  }

  /// Collects the answers of one booted machine.
  public struct Builder {
    private var cycles: [LifeCycle] = []
    private var keys = LineKeys()
    private var lines: [UInt32: Int] = [:]
    private var indices: [UInt16] = []

    public init() {}

    /// Adds distinct answers and ends, at most 65535 in all.
    ///
    /// Returns the index of the first, or nil where there are too many.
    public mutating func add(_ more: [LifeCycle]) -> Int? {
      guard cycles.count + more.count <= Int(RecordedBoot.absent) else { return nil }
      defer { cycles += more }
      return cycles.count
    }

    /// Records the answer to a request.
    ///
    /// - Parameter index: Which of the answers that were added.
    public mutating func record(_ index: Int, to request: DeviceRequest) {
      let key = keys.make(request)
      let line: Int
      if let known = lines[key] {
        line = known
      } else {
        line = indices.count
        lines[key] = line
        indices += [UInt16](repeating: RecordedBoot.absent, count: RecordedBoot.masks)
      }
      indices[line + Int(request.mask.bits - DMAMask.range.lowerBound)] = UInt16(index)
    }

    /// The finished table.
    public func boot(pool: SwiotlbPool) -> RecordedBoot {
      RecordedBoot(pool: pool, cycles: cycles, keys: keys, lines: lines, indices: indices)
    }
  }
}

extension KernelVersion {
  /// A kernel whose answers were recorded.
  ///
  /// - Parameters:
  ///   - policy: Says which scenarios exist; decides nothing.
  ///   - link: Where the tree or series is described.
  public init(
    recorded name: String, summary: String, link: String? = nil, policy: Policy,
    answers: RecordedAnswers
  ) {
    self.init(name, recorded: answers, summary, userLink: link, policy: policy)
  }

  /// Boots the kernel on a machine.
  public func booted(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: Machine,
    _ conditions: BootConditions = .ordinary
  ) -> BootedKernel {
    BootedKernel(
      policy: policy, platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine,
      conditions: conditions, recorded: recorded?.boot(platform, iommu, swiotlb, machine.name),
      isRecorded: recorded != nil)
  }

  /// Whether a booted machine has answers: always, unless they are recorded.
  public func answers(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: Machine
  ) -> Bool {
    guard let recorded else { return true }
    return recorded.boot(platform, iommu, swiotlb, machine.name) != nil
  }
}

extension BootedKernel {
  /// Whether the kernel answers a device and a request for all of some masks.
  public func answers(_ request: DeviceRequest, masks: [DMAMask]) -> Bool {
    isRecorded ? recorded?.has(request, masks: masks) ?? false : true
  }
}
