import DMAModel
import Testing

@testable import Lab

@Suite struct SetCoverTests {
  /// The smallest choice, by trying all.
  private func smallest(_ sets: [Set<Int>]) -> Int {
    let all = sets.reduce(into: Set<Int>()) { $0.formUnion($1) }
    return (0..<1 << sets.count).filter { choice in
      sets.indices.reduce(into: Set<Int>()) {
        if choice >> $1 & 1 == 1 { $0.formUnion(sets[$1]) }
      } == all
    }.map(\.nonzeroBitCount).min() ?? 0
  }

  /// Every family of up to four sets over three elements, and larger ones that
  /// greed gets wrong.
  @Test func theChoiceIsSmallest() {
    func check(_ sets: [Set<Int>]) {
      let cover = SetCover(sets)
      let covered = cover.chosen.reduce(into: Set<Int>()) { $0.formUnion(sets[$1]) }
      #expect(covered == sets.reduce(into: Set<Int>()) { $0.formUnion($1) })
      #expect(cover.chosen.count == smallest(sets) && cover.isMinimal, "\(sets)")
    }
    for count in 0...4 {
      for family in 0..<1 << (3 * count) {
        check((0..<count).map { set in Set((0..<3).filter { family >> (3 * set + $0) & 1 == 1 }) })
      }
    }
    check([[1, 2, 3, 4], [1, 3, 5], [2, 4, 6], [5], [6], [1, 2, 5, 6]])
    check([[0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 8], [1, 3, 5, 7], [7, 8], [8]])
  }
}

@Suite struct PlanTests {
  /// What a boot shows, asked anew.
  private func answers(_ boots: [LabBoot], _ version: KernelVersion) throws -> Set<LabAnswer> {
    var answers: Set<LabAnswer> = []
    for boot in boots {
      let kernel = try #require(boot.booted(version))
      for named in LabRequests.all(kernel, isUntrusted: boot.isUntrusted) {
        answers.insert(LabAnswer(kernel, named.request, kernel.answer(to: named.request)))
      }
    }
    return answers
  }

  @Test(arguments: ["6.1", "6.12", "7.2", "7.3"])
  func aPlanShowsEveryAnswerWithFewBoots(name: String) throws {
    let version = try #require(KernelVersion.named(name))
    let all = LabBoot.all()
    let plan = LabPlan(kernels: [version], boots: all)
    let chosen = plan.choices.map(\.boot)
    #expect(try answers(chosen, version) == answers(all, version))
    #expect(try plan.answers == answers(all, version).count)
    #expect(plan.saved == all.count - chosen.count && plan.saved > 70 && plan.isMinimal)
    // Without one of them an answer is missing.
    for boot in chosen {
      let rest = try answers(chosen.filter { $0 != boot }, version)
      #expect(try rest != answers(all, version), "\(boot.name)")
    }
  }

  /// Where two kernels answer differently somewhere, a chosen boot shows it.
  @Test func twoKernelsAreToldApart() throws {
    let versions = try ["7.2", "7.3"].map { try #require(KernelVersion.named($0)) }
    let plan = LabPlan(kernels: versions, boots: LabBoot.all())
    #expect(plan.differences > 0)
    var differing: Set<String> = []
    for boot in plan.choices.map(\.boot) {
      let kernels = try versions.map { try #require(boot.booted($0)) }
      for named in LabRequests.all(kernels[0], isUntrusted: boot.isUntrusted) {
        let results = kernels.map { $0.answer(to: named.request).result }
        if Set(results).count > 1 { differing.insert("\(results)") }
      }
    }
    #expect(differing.count > 1)
    let same = LabPlan(kernels: [versions[0], versions[0]], boots: LabBoot.all())
    #expect(same.differences == 0)
  }

  @Test func namesAreDistinctAndParametersFollow() {
    let boots = LabBoot.all()
    #expect(Set(boots.map(\.name)).count == boots.count && boots.count == 84)
    for boot in boots {
      let words = boot.parameters
      #expect(words.contains("swiotlb=force") == (boot.swiotlb == .force))
      #expect(words.contains("intel_iommu=on") == (boot.vendor == .intel && boot.mode != .off))
    }
  }
}
