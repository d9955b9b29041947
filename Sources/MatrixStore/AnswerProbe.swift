import DMAModel

/// What a kernel answers to a fixed sample of questions, as one number.
///
/// The sample is that of ``ProbeSample``. Scenarios that do not exist, and why, are part
/// of the number: those rules are the model's too.
struct AnswerProbe {
  /// The answers so far, mixed in their order: the same number in every process.
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Asks a kernel whose answers are computed, on each of some machines.
  init(_ policy: Policy, on machines: [Machine]) {
    noteExclusions(policy, machines)
    ProbeSample.forEachBoot(of: policy, on: machines) { kernel, requests in
      note(kernel.pool)
      for (request, maskChange) in requests {
        note(kernel.lifeCycle(of: request, maskChange: maskChange), request, kernel)
      }
    }
  }

  private mutating func noteExclusions(_ policy: Policy, _ machines: [Machine]) {
    for boot in ProbeSample.domain(machines.prefix(1)).boots {
      note(policy.exclusion(of: boot))
      for coherence in Coherence.allCases {
        for facing in Facing.known {
          note(Policy.deviceExclusion(boot.platform, boot.iommu, coherence, facing))
        }
      }
    }
    for machine in machines {
      for operation in ProbeSample.operations {
        for attributes in Attributes.allCases {
          for buffer in ProbeSample.buffers {
            note(policy.requestExclusion(operation, attributes, buffer, on: machine))
          }
        }
      }
    }
  }

  private mutating func note(_ rule: Exclusion?) {
    mix(rule.map { UInt64($0.rawValue) } ?? .max)
  }

  private mutating func note(_ pool: SwiotlbPool) {
    mix(pool.start)
    mix(pool.end << 3 | (pool.isActive ? 4 : 0) | (pool.ccShared ? 2 : 0))
    mix(UInt64(pool.memory.rawValue) << 32 | (pool.size?.areas ?? 0))
  }

  /// What a database stores of an answer, its end and what happens on the bus.
  private mutating func note(_ cycle: LifeCycle, _ request: DeviceRequest, _ kernel: BootedKernel) {
    let (answer, after) = (cycle.answer, cycle.after)
    let judged = JudgedAnswer(
      kernel.platform, request, answer, addressLines: kernel.machine.device.addressLines)
    mix(
      answer.result.rawValue, answer.encoding.rawValue, answer.memoryState.rawValue,
      answer.pte.rawValue, answer.decision.rawValue, judged.verdict.rawValue,
      judged.exposure.rawValue,
      exposureAfter(platform: kernel.platform, after: after).rawValue)
    mix(
      after.poolKind.rawValue, after.transientFrom.rawValue, after.unmapCopy.rawValue,
      after.slots.rawValue, after.state.rawValue, after.owner.rawValue,
      after.atomicCall.rawValue, cycle.usesPool ? 1 : 0)
    mix(UInt64(answer.warnings.rawValue) << 32 | UInt64(after.warnings.rawValue))
    mix(answer.hasPrintableAddress ? answer.address ?? 1 : 1)
    mix(answer.maxMapping)
  }

  private mutating func mix(
    _ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, _ e: UInt8, _ f: UInt8, _ g: UInt8, _ h: UInt8
  ) {
    let low = UInt64(a) | UInt64(b) << 8 | UInt64(c) << 16 | UInt64(d) << 24
    let high = UInt64(e) | UInt64(f) << 8 | UInt64(g) << 16 | UInt64(h) << 24
    mix(low | high << 32)
  }

  private mutating func mix(_ number: UInt64) {
    value = (value ^ number) &* 0x9e37_79b9_7f4a_7c15
    value ^= value >> 29
  }
}
