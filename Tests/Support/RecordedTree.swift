import DMAModel

/// A kernel whose answers were recorded, for a part of what it could be asked.
public struct RecordedTree {
  public let kernel: KernelVersion
  /// What it answers on the boot that was recorded; nothing else was.
  public let answers: [DeviceRequest: AnswerResult]

  public static let platform = Platform.x86SME47
  public static let iommu = IOMMUMode.none
  public static let swiotlb = SwiotlbMode.noforce
  public static let machine = Machine.sixtyFourGiB
  public static let masks = [24, 31, 32, 47, 48, 64].compactMap(DMAMask.init(bits:))
  public static let buffers = [Buffer.dma32, .high]

  /// A tree that refuses what every policy serves: maps of RAM without an IOMMU by
  /// coherent devices, for some masks and buffers.
  public init(named name: String) {
    var builder = RecordedBoot.Builder()
    var answers: [DeviceRequest: AnswerResult] = [:]
    let refused = Answer(
      result: .error, encoding: .none, memoryState: .none, warnings: [], decision: .ownCode,
      address: nil)
    let cycle = LifeCycle(answer: refused, after: LifeAnswer(), usesPool: false)
    let index = builder.add([cycle]) ?? 0
    for buffer in Self.buffers {
      for mask in Self.masks {
        let request = DeviceRequest(
          mask: mask, coherentMask: .same, busLimit: .none, coherence: .coherent,
          facing: .internal, operation: .map, attributes: .none, buffer: buffer)
        builder.record(index, to: request)
        answers[request] = .error
      }
    }
    var recorded = RecordedAnswers()
    recorded.set(
      builder.boot(pool: SwiotlbPool()), platform: Self.platform, iommu: Self.iommu,
      swiotlb: Self.swiotlb, machine: Self.machine.name)
    var policy = KernelVersion.latest.policy
    policy.platforms = PlatformSet([Self.platform])
    kernel = KernelVersion(recorded: name, summary: "a tree", policy: policy, answers: recorded)
    self.answers = answers
  }
}
