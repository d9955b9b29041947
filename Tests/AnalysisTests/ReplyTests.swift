import Analysis
import DMAModel
import TestSupport
import Testing

/// What alternatives mend, against counts of every scenario one by one.
@Suite struct ReplyTests {
  /// Maps of RAM on an SME host with iommu=pt: what the review argued about.
  private var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.passthrough]
    domain.operations = [.map]
    domain.attributes = [.none]
    domain.machines = [.sixtyFourGiB]
    return domain
  }

  private func reply(_ name: String) throws -> Reply {
    Reply(
      try #require(KernelVersion.named(name)), of: try #require(KernelVersion.named("v6")),
      base: try #require(KernelVersion.named("7.2")), domain: domain)
  }

  /// Scenarios that the base served and a version refuses, counted one by one.
  private func refused(_ version: KernelVersion, by base: KernelVersion) throws -> Int {
    var count = 0
    for boot in domain.boots(on: [version.policy, base.policy]) {
      let kernels = [base, version].map { BootedKernel($0.policy, boot) }
      for var request in domain.requests(on: boot, policies: [version.policy, base.policy]) {
        for mask in domain.masks {
          request.mask = mask
          let verdicts = kernels.map {
            JudgedAnswer(boot.platform, request, $0.answer(to: request)).verdict
          }
          if verdicts[0].isServed, verdicts[1] == .refused { count += 1 }
        }
      }
    }
    return count
  }

  @Test(arguments: ["v6+P03", "v6+P09", "v6+P11", "v6+P03+P07"])
  func countsAreThoseOfEachScenario(name: String) throws {
    let reply = try reply(name)
    #expect(
      reply.after.scenarios(of: .breaks) == (try refused(reply.alternative, by: reply.base)))
    #expect(reply.before.scenarios(of: .breaks) == (try refused(reply.start, by: reply.base)))
  }

  /// P11 gives every device a DMA domain, so that nothing bounces (the solver's front for
  /// this part of the matrix has it, reports/solve-v6.md); v6 itself mends nothing.
  @Test func theVerdictFollowsFromTheCounts() throws {
    let mends = try reply("v6+P11")
    #expect(mends.verdict == .mends && mends.after.worseScenarios == 0)
    #expect(mends.before.worseScenarios > 0)
    #expect(try reply("v6").verdict == .doesNotMend)
    let part = try reply("v6+P09")
    #expect(part.after.worseScenarios < part.before.worseScenarios)
    #expect(part.verdict == .mendsInPart)
  }
}
