import DMAHardware
import DMAModel
import TestSupport
import Testing

@testable import Reporting

/// Every cell of the circumstances in `report lifecycle` against the model, asked scenario
/// by scenario over what the report says is fixed: 64G, one coherent mask, no bus limit,
/// coherent devices.  The counts of the lints are held by LifeLintTests.
@Suite struct LifecycleCellTests {
  private typealias Table = (columns: [String], rows: [[String]])

  private func tables(_ blocks: [Document.Block]) -> [Table] {
    blocks.compactMap {
      if case .table(let columns, let rows) = $0 { (columns, rows) } else { nil }
    }
  }

  /// Every answer in a circumstance, beside the one where nothing happens.
  private func walk(
    _ kernel: KernelVersion, _ platform: Platform, _ circumstance: Circumstance,
    _ body: (DeviceRequest, LifeCycle, LifeCycle) -> Void
  ) {
    // lazy and strict decide as translated does; the default matrix has it alone.
    var domain = MatrixDomain()
    (domain.kernels, domain.platforms, domain.machines) = ([kernel], [platform], [.sixtyFourGiB])
    (domain.coherentMasks, domain.busLimits) = ([.same], [.none])
    domain.coherences = [.coherent]
    domain.forEachScenario(in: [circumstance]) { boot, circumstance, request in
      body(
        request, boot.kernel().lifeCycle(of: request),
        boot.kernel(circumstance).lifeCycle(of: request))
    }
  }

  @Test func aFullPoolIsAnsweredAsTheModelAnswers() throws {
    let kernels = ["6.1", "6.12", "v4", "7.3"].compactMap(KernelVersion.named)
    let table = try #require(tables(fullPoolBlocks(kernels)).first)
    #expect(table.columns == ["platform"] + kernels.map(\.name))
    #expect(Set(table.rows.map { $0[0] }) == Set(Platform.names).subtracting(["xen-pv"]))
    let full = Circumstance(dynamicPools: .on, fill: .exhausted)
    for row in table.rows {
      let platform = try #require(Platform(name: row[0]))
      for (kernel, cell) in zip(kernels, row.dropFirst()) {
        var seen: Set<String> = []
        var bounces = 0
        walk(kernel, platform, full) { request, usual, life in
          guard request.operation == .map, usual.after.poolKind == .standard else { return }
          bounces += 1
          switch life.after.transientFrom {
          case .none: seen.insert("-")
          case .atomicPool: seen.insert("atomic")
          case .buddy: seen.insert(life.after.atomicCall == .none ? "buddy" : "buddy*")
          }
        }
        let expected =
          !kernel.policy.platforms.contains(platform)
          ? "no platform"
          : kernel.policy.transientPools == .none
            ? "-" : bounces == 0 ? "no pool" : seen.sorted().joined(separator: " ")
        #expect(cell == expected, "\(kernel.name) \(platform.name)")
      }
    }
  }

  @Test func failingDecryptionIsCountedAsTheModelAnswers() throws {
    let kernels = ["6.12", "v4", "7.3"].compactMap(KernelVersion.named)
    let failures = DecryptFailure.allCases.filter { $0 != .none }
    let tables = tables(decryptFailureBlocks(kernels))
    #expect(tables.count == failures.count)
    for (failure, table) in zip(failures, tables) {
      #expect(table.columns == ["kernel", "refused", "leaked", "wrong"])
      for (kernel, row) in zip(kernels, table.rows) {
        var counts = [0, 0, 0]
        for platform in Platform.allCases where kernel.policy.platforms.contains(platform) {
          walk(kernel, platform, Circumstance(decryptFailure: failure)) { request, usual, life in
            let before = JudgedAnswer(platform, request, usual.answer)
            let after = JudgedAnswer(platform, request, life.answer)
            guard before.verdict.isServed, before != after else { return }
            if after.verdict == .refused {
              let isWhole = life.after.owner == .ok && life.after.slots == .ok
              counts[isWhole ? 0 : 1] += 1
            } else if !after.verdict.isServed {
              counts[2] += 1
            }
          }
        }
        #expect(row == [kernel.name] + counts.map(String.init), "\(failure.name)")
      }
    }
  }
}
