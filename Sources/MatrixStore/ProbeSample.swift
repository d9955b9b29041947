import DMAModel

/// The questions by which two builds of the model are told apart.
///
/// The sample has every boot of a kernel, and on each boot every second operation,
/// attribute and buffer, with a device and masks that differ from boot to boot. What may
/// happen beside is asked of a part of the boots, each circumstance of others. It is small
/// enough for `--version`; a test holds that each value of a knob, and each question that
/// the model asks, decides some of it.
package enum ProbeSample {
  /// Of how many boots one is made in a circumstance, or in a mode that decides as another
  /// does.
  private static let bootShare: UInt64 = 3
  /// Of how many requests one is asked; which ones differs from boot to boot.
  private static let requestShare = 2

  /// Masks of the matrix, and of those beside it one of each kind: never set, few bits,
  /// an address.
  private static let masks =
    DMAMask.allCases + [0, 0xfff, 0x3fff_ffff_ffff_f000].map(DMAMask.init(highestAddress:))
  private static let coherentMasks =
    CoherentMask.allCases
    + [0, 0xffff_ffff_ffff, 0x3fff_ffff_f000].map(CoherentMask.init(highestAddress:))
  private static let busLimits =
    BusLimit.allCases + [0xbfff_ffff, bitMask(40)].compactMap(BusLimit.init(highestAddress:))
  /// Those of the matrix, and the one that a knob of its own decides about (A2).  The others
  /// beside the matrix are answered by rules of its operations, and no database has them:
  /// with them or without, a digest names the same stored answers.
  static let operations = Operation.allCases + [.allocCCShared]
  static let buffers =
    Buffer.allCases
    + [Buffer(at: 0, length: 4096), Buffer(at: (1 << 30) + 0x200, length: 192)].compactMap { $0 }
    + [64 << 10, 8 << 20].compactMap { Buffer(allocating: $0) }

  private static let circumstances = Circumstance.all + Circumstance.extended

  private struct Request {
    let operation: Operation
    let attributes: Attributes
    let buffer: Buffer
  }

  /// Boots a kernel in every way, with the requests to ask there.
  package static func forEachBoot(
    of policy: Policy, on machines: [Machine],
    _ body: (BootedKernel, [(request: DeviceRequest, maskChange: MaskChange)]) -> Void
  ) {
    let requests = Dictionary(
      machines.map { ($0.name, Self.requests(policy, $0)) }, uniquingKeysWith: { one, _ in one })
    var turn: UInt64 = 0
    for boot in domain(machines).boots(on: [policy]) {
      // A machine of the user's may lack the RAM that the device tree reserves.
      if boot.swiotlb == .restricted, !boot.machine.contains(0x6000_0000, length: 32 << 20) {
        continue
      }
      // `lazy` and `strict` decide as `translated` does.
      let isSpecial = boot.iommu == .lazy || boot.iommu == .strict
      for circumstance in isSpecial ? [.ordinary] : circumstances {
        turn += 1
        if isSpecial || circumstance != .ordinary, turn % bootShare != 0 { continue }
        let chosen = questions(
          circumstance, policy, boot, requests[boot.machine.name] ?? [], turn: turn)
        if chosen.isEmpty { continue }
        body(BootedKernel(policy, boot, circumstance.conditions), chosen)
      }
    }
  }

  /// Every boot of some machines, all IOMMU modes included.
  static func domain(_ machines: some Sequence<Machine>) -> MatrixDomain {
    var domain = MatrixDomain()
    domain.iommuModes = IOMMUMode.allCases
    domain.machines = Array(machines)
    return domain
  }

  /// The requests that exist on a machine.
  private static func requests(_ policy: Policy, _ machine: Machine) -> [Request] {
    var requests: [Request] = []
    for operation in operations {
      for attributes in Attributes.allCases {
        for buffer in buffers
        where policy.requestExclusion(operation, attributes, buffer, on: machine) == nil {
          requests.append(Request(operation: operation, attributes: attributes, buffer: buffer))
        }
      }
    }
    return requests
  }

  /// The requests of one boot, each of a device that its number and the boot choose.
  private static func questions(
    _ circumstance: Circumstance, _ policy: Policy, _ boot: BootConfiguration,
    _ requests: [Request], turn: UInt64
  ) -> [(request: DeviceRequest, maskChange: MaskChange)] {
    let (platform, iommu) = (boot.platform, boot.iommu)
    let hasNoncoherent =
      Policy.deviceExclusion(platform, iommu, .noncoherent, .internal) == nil
    let facings = Facing.known.filter {
      Policy.deviceExclusion(platform, iommu, .coherent, $0) == nil
    }
    var questions: [(DeviceRequest, MaskChange)] = []
    for place in stride(
      from: Int(turn) % requestShare, to: requests.count, by: requestShare)
    {
      let request = requests[place]
      var choice = Choice(turn << 20 + UInt64(place))
      var question = DeviceRequest(
        mask: choice.pick(masks), coherentMask: choice.pick(coherentMasks),
        busLimit: choice.pick(busLimits),
        coherence: hasNoncoherent ? choice.pick(Coherence.allCases) : .coherent,
        facing: facings.count > 1 ? choice.pick(facings) : .internal,
        operation: request.operation, attributes: request.attributes, buffer: request.buffer)
      if let bits = circumstance.maskChange.bitsBefore {
        question.coherentMask = bits == 32 ? .bits32 : .bits64
      }
      if Policy.acceptedExclusion(question.facing, question.buffer) == nil,
        policy.circumstanceExclusion(circumstance, platform, boot.swiotlb, question) == nil
      {
        questions.append((question, circumstance.maskChange))
      }
    }
    return questions
  }
}

/// Values of several axes, chosen by a number: neighbours have nothing in common.
private struct Choice {
  private var bits: UInt64

  /// SplitMix64.
  init(_ number: UInt64) {
    bits = number &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
    bits ^= bits >> 31
  }

  mutating func pick<Value>(_ values: [Value]) -> Value {
    let (quotient, remainder) = bits.quotientAndRemainder(dividingBy: UInt64(values.count))
    bits = quotient
    return values[Int(remainder)]
  }
}
