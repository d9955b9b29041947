import Analysis
import DMAModel
import Testing

/// The search against every combination, tried one by one.
@Suite struct SolverTests {
  /// SME hosts with iommu=pt: where the review of v6 found its bugs.
  private func question(_ names: [String], changes: Int) throws -> Solver.Question {
    var question = Solver.Question(
      from: try #require(KernelVersion.named("v6")), base: try #require(KernelVersion.named("7.2")))
    question.knobs = try names.map { try #require(Knob.named($0)) }
    question.maxChanges = changes
    question.domain.platforms = [.x86SME47]
    question.domain.iommuModes = [.passthrough, .translated]
    question.domain.swiotlbModes = SwiotlbMode.allCases.filter {
      ["default", "force"].contains($0.name)
    }
    question.domain.masks = [31, 32, 36, 47, 48, 64].compactMap { DMAMask(bits: $0) }
    return question
  }

  private struct Point: Hashable {
    let changes: Int
    let lost: Int
    let exposed: Int
  }

  /// Costs counted from the answers of both kernels, scenario by scenario.
  private func cost(
    _ policy: Policy, changes: Int, _ question: Solver.Question
  ) -> (point: Point, corrupted: Int) {
    var (lost, exposed, corrupted) = (0, 0, 0)
    let policies = [policy, question.base.policy]
    for platform in question.domain.platforms {
      for iommu in question.domain.iommuModes {
        for swiotlb in question.domain.swiotlbModes {
          for machine in question.domain.machines {
            let kernels = policies.map {
              BootedKernel(
                policy: $0, platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine)
            }
            let requests = question.domain.requests(
              on: machine, platform, iommu, policies: [question.from.policy, policies[1]])
            for var request in requests {
              for mask in question.domain.masks {
                request.mask = mask
                let answers = kernels.map {
                  JudgedAnswer(platform, request, $0.answer(to: request))
                }
                let (now, before) = (answers[0], answers[1])
                let wrong: Set<Verdict> = [.garbled, .blocked, .unreachable]
                if before.verdict.isServed, !now.verdict.isServed { lost += 1 }
                if before.verdict.isServed, now.verdict.isServed, before.exposure == .none,
                  now.exposure != .none
                {
                  exposed += 1
                }
                if wrong.contains(now.verdict), !wrong.contains(before.verdict) { corrupted += 1 }
              }
            }
          }
        }
      }
    }
    return (Point(changes: changes, lost: lost, exposed: exposed), corrupted)
  }

  /// The front of every combination of values of the knobs.
  private func bruteForce(_ question: Solver.Question) -> Set<Point> {
    let start = question.from.policy
    let knobs = question.knobs ?? []
    var policies: [(policy: Policy, changes: Int)] = [(start, 0)]
    for knob in knobs {
      policies += policies.flatMap { entry in
        knob.values.map(\.name).filter { $0 != knob.value(in: start) }.map { value in
          var policy = entry.policy
          _ = knob.set(value, in: &policy)
          return (policy, entry.changes + 1)
        }
      }
    }
    let limit = cost(start, changes: 0, question).corrupted
    let points = policies.filter { $0.changes <= question.maxChanges }
      .map { cost($0.policy, changes: $0.changes, question) }
      .filter { $0.corrupted <= limit }.map(\.point)
    return Set(
      points.filter { one in
        !points.contains { other in
          other != one && other.changes <= one.changes && other.lost <= one.lost
            && other.exposed <= one.exposed
        }
      })
  }

  @Test(arguments: [
    (["M9", "M10", "M11"], 3), (["M3", "M9", "P4"], 2), (["S1", "M9", "M1"], 3),
    (["P8", "M10", "M7", "M4"], 2),
  ])
  func theFrontIsThatOfBruteForce(knobs: [String], changes: Int) throws {
    let question = try question(knobs, changes: changes)
    let solver = Solver(question)
    let front = Set(
      solver.front.map {
        Point(changes: $0.cost.changes, lost: $0.cost.lost, exposed: $0.cost.exposed)
      })
    #expect(front == bruteForce(question))
    #expect(solver.counts.classes < solver.counts.lines)
  }

  /// v7's change of the state check mends v6 for RAM, and is found unaided among the
  /// changes of the whole registry (source: v7, patch 7/22).
  ///
  /// With peer memory it mends nothing: kernel/dma/direct.c dma_direct_map_sg() maps what
  /// is reached through the host bridge as if it were RAM, without DMA_ATTR_MMIO (7.2,
  /// 7.3), so that a forced bounce copies a BAR. v6's check refused that copy; with v7's
  /// it is silent, and a solution must not corrupt what its start did not.
  @Test func v7sTreatmentOfBounceBuffersIsFound() throws {
    var question = try question([], changes: 1)
    question.knobs = nil
    let treatment = "poolStateCheck: guestMatchesForcedHostShared"
    func solution(_ solver: Solver) -> Solver.Solution? {
      (solver.front + solver.further).first { solution in
        ([solution.steps] + solution.alike).contains { $0.map(\.text) == [treatment] }
      }
    }
    #expect(solution(Solver(question)) == nil)
    #expect(try corrupted(by: treatment, question) == ["map_sg_p2p"])
    question.domain.buffers.removeAll(where: \.isDeviceMemory)
    let solver = Solver(question)
    let found = try #require(solution(solver))
    #expect(found.cost.lost < solver.start.lost)
    #expect(try corrupted(by: treatment, question) == [])
    let v7 = try #require(KernelVersion.named("v7"))
    #expect(Knob.named("poolStateCheck")?.value(in: v7.policy) == "guestMatchesForcedHostShared")
  }

  /// The operations that a step makes silently wrong where neither start nor base is.
  private func corrupted(by step: String, _ question: Solver.Question) throws -> Set<String> {
    let parts = step.split(separator: ": ").map(String.init)
    let knob = try #require(Knob.named(parts[0]))
    var policy = question.from.policy
    #expect(knob.set(parts[1], in: &policy))
    let policies = [question.base.policy, question.from.policy, policy]
    var operations: Set<String> = []
    let domain = question.domain
    for platform in domain.platforms {
      for iommu in domain.iommuModes {
        for swiotlb in domain.swiotlbModes
        where policy.bootExclusion(platform, iommu, swiotlb) == nil {
          for machine in domain.machines {
            let kernels = policies.map {
              BootedKernel(
                policy: $0, platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine)
            }
            for var request in domain.requests(on: machine, platform, iommu, policies: policies) {
              for mask in domain.masks {
                request.mask = mask
                let wrong = kernels.map {
                  JudgedAnswer(platform, request, $0.answer(to: request)).verdict.isSilentlyWrong
                }
                if wrong == [false, false, true] { operations.insert(request.operation.name) }
              }
            }
          }
        }
      }
    }
    return operations
  }

  /// Requirements of which each can be met alone, and not all together.
  @Test func contradictionsAreSmallestAndWitnessed() throws {
    var question = try question(["S1", "M9"], changes: 2)
    question.required = [.servedStaysServed, .maskMonotone, .noNewExposure]
    let solver = Solver(question)
    #expect(solver.front.isEmpty)
    let contradiction = try #require(solver.contradiction)
    #expect(!contradiction.lints.isEmpty)
    for lint in contradiction.lints {
      let key = try #require(contradiction.witnesses[lint])
      #expect(Scenario(key: key)?.platform == .x86SME47)
    }
    // Without one of them the others are met, or it was alone.
    if contradiction.lints.count > 1 {
      for lint in contradiction.lints {
        question.required = contradiction.lints.filter { $0 != lint }
        #expect(!Solver(question).front.isEmpty)
      }
    }
  }

  /// Ends of requests are witnessed too: no change of the state check gives a Realm's
  /// page back to its pool (source: v5, patch 19/20, which changes F1).
  @Test func anEndIsWitnessed() throws {
    var question = try question(["M9"], changes: 1)
    question.domain.platforms = [.arm64CCA]
    question.domain.operations = [.allocPagesAtomic]
    question.domain.attributes = [.none]
    question.domain.buffers = [.none]
    question.from = try #require(KernelVersion.named("v4"))
    question.required = [.freedToItsOwner]
    let contradiction = try #require(Solver(question).contradiction)
    let key = try #require(contradiction.witnesses[.freedToItsOwner])
    let (scenario, circumstance) = try #require(Circumstance.parsed(key: key))
    let found = try #require(
      Lint.freedToItsOwner.isViolated(
        by: question.from.policy, in: scenario, circumstance, on: .sixtyFourGiB))
    #expect(found.isViolated)
  }

  /// A host with the C-bit elsewhere is of a kind that policies name.
  @Test func hostsWithTheCBitElsewhereComeAndGo() throws {
    let host = try #require(Platform(name: "x86-sme43"))
    let steps = PolicyStep.all(from: KernelVersion.all[5].policy, knobs: nil, platforms: [host])
    let other = PolicyStep.all(
      from: KernelVersion.all[5].policy, knobs: nil, platforms: [.x86SME51])
    #expect(steps == other)
    var domain = MatrixDomain()
    domain.platforms = [host]
    domain.iommuModes = [.passthrough]
    domain.machines = [.sixtyFourGiB]
    domain.operations = [.map]
    let reach = Reach(KernelVersion.all[7], domain: domain) { _ in }
    let gone = reach.changes.first { $0.knob.id == "P1" && $0.value == "-x86-sme51" }
    #expect((gone?.scenarios ?? 0) > 0)
  }

  @Test func factsAreNotChanged() {
    let steps = PolicyStep.all(
      from: KernelVersion.all[5].policy, knobs: nil, platforms: Platform.allCases)
    #expect(!steps.isEmpty && !steps.contains { PolicyStep.facts.contains($0.knob.id) })
  }
}
