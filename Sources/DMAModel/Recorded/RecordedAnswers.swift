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

  /// Adds the answers of other booted machines.
  public mutating func merge(_ other: RecordedAnswers) { boots.merge(other.boots) { $1 } }

  /// Whether a booted machine of one platform or more answers otherwise, or is missing.
  public func platforms(thatDifferFrom other: RecordedAnswers) -> PlatformSet {
    var platforms: [Platform] = []
    for key in Set(boots.keys).union(other.boots.keys) {
      if let one = boots[key], let two = other.boots[key], one === two || one.isEqual(to: two) {
        continue
      }
      platforms.append(key.platform)
    }
    return PlatformSet(platforms)
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
  let cycles: [LifeCycle]
  let keys: LineKeys
  /// By device and request, where the line's answers start in ``indices``.
  let lines: [UInt64: Int]
  /// Indices into ``cycles``, one for each mask from 0 to 64 bits of a line.
  let indices: [UInt16]

  private static let absent = UInt16.max
  static let masks = 65

  init(
    pool: SwiotlbPool, cycles: [LifeCycle], keys: LineKeys, lines: [UInt64: Int],
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
    guard request.mask.isWholeBits, let line = keys[request].flatMap({ lines[$0] }) else {
      return nil
    }
    let index = indices[line + Int(request.mask.bits)]
    return index == Self.absent ? nil : cycles[Int(index)]
  }

  /// The masks at both ends of each run of equal answers to a device and a request, in the
  /// order of `masks`.
  public func runEnds(of request: DeviceRequest, among masks: [DMAMask]) -> [DMAMask] {
    guard let line = keys[request].flatMap({ lines[$0] }) else { return [] }
    let known = masks.filter(\.isWholeBits).map { ($0, indices[line + Int($0.bits)]) }
    return known.indices.filter { at in
      known[at].1 != Self.absent
        && (at == 0 || at == known.count - 1 || known[at - 1].1 != known[at].1
          || known[at + 1].1 != known[at].1)
    }.map { known[$0].0 }
  }

  /// Whether a device and a request were recorded for all of some masks.
  public func has(_ request: DeviceRequest, masks: [DMAMask]) -> Bool {
    guard let line = keys[request].flatMap({ lines[$0] }) else { return false }
    return masks.allSatisfy {
      $0.isWholeBits && indices[line + Int($0.bits)] != Self.absent
    }
  }

  /// Devices and requests without the mask, each as one number.
  struct LineKeys: Sendable, Equatable {
    /// The matrix' values, then others.
    var buffers = Buffer.allCases
    var coherentMasks = CoherentMask.allCases
    var busLimits = BusLimit.allCases

    /// The key, or nil for a buffer, mask or limit that none was made for.
    subscript(_ request: DeviceRequest) -> UInt64? {
      guard
        let buffer = request.buffer.position ?? buffers.firstIndex(of: request.buffer),
        let coherentMask = coherentMasks.firstIndex(of: request.coherentMask),
        let busLimit = busLimits.firstIndex(of: request.busLimit)
      else { return nil }
      var key = UInt64(buffer)
      key = key << 12 | UInt64(coherentMask)
      key = key << 12 | UInt64(busLimit)
      key = key << 1 | UInt64(request.coherence.rawValue)
      key = key << 2 | UInt64(request.facing.rawValue)
      key = key << 4 | UInt64(request.operation.rawValue)
      return key << 4 | UInt64(request.attributes.rawValue)
    }

    /// The key of a request, which is one from now on; nil above 4096 values of an axis.
    mutating func make(_ request: DeviceRequest) -> UInt64? {
      if let key = self[request] { return key }
      func add<Value: Equatable>(_ value: Value, to values: inout [Value]) {
        if !values.contains(value), values.count < 4096 { values.append(value) }
      }
      add(request.buffer, to: &buffers)
      add(request.coherentMask, to: &coherentMasks)
      add(request.busLimit, to: &busLimits)
      return self[request]
    }
  }

  /// Collects the answers of one booted machine.
  public struct Builder {
    private var cycles: [LifeCycle] = []
    private var keys = LineKeys()
    private var lines: [UInt64: Int] = [:]
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
    /// - Parameters:
    ///   - index: Which of the answers that were added.
    ///   - request: Its mask has whole bits; others are not recorded.
    public mutating func record(_ index: Int, to request: DeviceRequest) {
      guard request.mask.isWholeBits, let line = line(of: request) else { return }
      indices[line + Int(request.mask.bits)] = UInt16(index)
    }

    /// Records the answers to a request with some masks instead of its own, in their order.
    public mutating func record(
      _ answers: some Collection<Int>, to request: DeviceRequest, masks: [DMAMask]
    ) {
      guard let line = line(of: request) else { return }
      for (mask, index) in zip(masks, answers) where mask.isWholeBits {
        indices[line + Int(mask.bits)] = UInt16(index)
      }
    }

    /// Where a request's line begins, which is there from now on.
    private mutating func line(of request: DeviceRequest) -> Int? {
      guard let key = keys.make(request) else { return nil }
      if let known = lines[key] { return known }
      let line = indices.count
      lines[key] = line
      indices += [UInt16](repeating: RecordedBoot.absent, count: RecordedBoot.masks)
      return line
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
  /// The policy says which scenarios exist and decides nothing; the link is where the tree
  /// or series is described.
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

extension LifeCycle {
  /// What stands for an answer where none was recorded: an error that says so.
  static let notRecorded = LifeCycle(
    answer: Answer(
      result: .error, encoding: .none, memoryState: .none, warnings: [],
      decision: .notRecorded, address: nil),
    after: LifeAnswer(), usesPool: false)
}

extension BootedKernel {
  /// Whether the kernel answers a device and a request for all of some masks.
  public func answers(_ request: DeviceRequest, masks: [DMAMask]) -> Bool {
    isRecorded ? recorded?.has(request, masks: masks) ?? false : true
  }
}
