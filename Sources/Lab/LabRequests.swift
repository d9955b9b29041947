import DMAModel

/// What dmaprobe asks, as the model is asked it: representative places of memory.
enum LabRequests {
  /// A request with a name that is the same on every machine.
  struct Named {
    let name: String
    let request: ExactRequest
  }

  /// The masks that dmaprobe walks, as far as the model has them.
  static let masks = LabFiles.defaultMasks.compactMap { DMAMask(bits: $0)?.bits }

  /// Every request that the kernel knows on the machine.
  static func all(_ kernel: BootedKernel, isUntrusted: Bool) -> [Named] {
    var named: [Named] = []
    func add(
      _ operation: Operation, _ attributes: ExactRequest.AttributeSet, _ address: UInt64,
      _ length: UInt64, isDevice: Bool = false
    ) {
      if operation.isMapping, !isDevice,
        !kernel.machine.contains(address, length: length)
      {
        return
      }
      for mask in masks {
        let request = ExactRequest(
          operation: operation, attributes: attributes,
          buffer: .init(physicalAddress: address, length: length, isDeviceMemory: isDevice),
          facing: isUntrusted ? .external : .internal, streamingMask: bitMask(mask),
          coherentMask: bitMask(mask))
        named.append(
          Named(
            name: "\(operation.name)/\(attributes.rawValue)/\(address)/\(length)/\(mask)",
            request: request))
      }
    }
    let knowsAttributes = kernel.policy.mappingInterface.mapsPhysicalAddresses
    let attributeSets: [ExactRequest.AttributeSet] =
      knowsAttributes ? [[], .requireCoherent, .ccShared] : [[]]
    for page: UInt64 in [4 << 20, 17 << 20, 1 << 30, (4 << 30) + (16 << 20)] {
      for attributes in attributeSets { add(.map, attributes, page, 4096) }
      add(.map, [], page + 0x28, 24)
      if knowsAttributes { add(.map, .requireCoherent, page + 0x28, 24) }
      add(.mapSG, [], page, 4096)
    }
    for big: UInt64 in [18 << 20, (4 << 30) + (32 << 20)] {
      add(.map, [], big + 0x800, 4096)
      for length: UInt64 in [262_144, 266_240] { add(.map, [], big, length) }
    }
    let bar: UInt64 = 0xfea0_0000
    add(.map, .mmio, bar, 4096, isDevice: true)
    if knowsAttributes { add(.map, [.mmio, .ccShared], bar, 4096, isDevice: true) }
    add(.alloc, [], 0, 4096)
    add(.allocAtomic, [], 0, 4096)
    add(.allocNoKernelMapping, [], 0, 4096)
    add(.allocPages, [], 0, 4096)
    if knowsAttributes { add(.alloc, .ccShared, 0, 4096) }
    return named
  }
}

/// One way in which the model answers: what a boot has to show.
public struct LabAnswer: Hashable, Sendable {
  public let operation: Operation
  public let attributes: ExactRequest.AttributeSet
  public let result: AnswerResult
  public let decision: Decision
  public let maxMapping: UInt64
  public let isAddressingLimited: Bool

  init(_ kernel: BootedKernel, _ request: ExactRequest, _ answer: Answer) {
    operation = request.operation
    attributes = request.attributes
    result = answer.result
    decision = answer.decision
    let reach = kernel.reach(of: request)
    maxMapping = reach.maxMapping
    isAddressingLimited = reach.isAddressingLimited
  }
}
