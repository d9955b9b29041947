import DMAModel
import Foundation
import Testing

@testable import Observations

/// Observations of booted kernels beside the model.
@Suite struct AgreementTests {
  /// Every line of the sample agrees, on the machine that its boot log describes.
  @Test(arguments: Logs.names)
  func everySampleAgrees(name: String) throws {
    var summary = ObservationSummary()
    for boot in try Logs.boots(name) {
      let version = try #require(KernelVersion.named(boot.boot.kernel))
      #expect(boot.boot.release == String(name.split(separator: "-amd64")[0]) + "-amd64")
      summary.add(boot, version: version)
    }
    #expect(summary.findings.isEmpty)
    let total = summary.total
    #expect(total.boots == 1 && total.differ == 0 && total.agree >= 120)
    #expect(total.rows == total.agree + total.limited + total.absent)
  }

  /// Every row of 404 boots that are here agrees or is counted under a named limit
  /// (../shared/spec/boot.md).
  @Test(.enabled(if: !sharedBoots.isEmpty, "../shared/vectors is not here"))
  func everyBootOfTheVectorsAgrees() throws {
    for file in sharedBoots {
      let read = try ObservationFile.read(path: file)
      #expect(read.kind == .csv)
      var summary = ObservationSummary()
      for boot in read.boots {
        summary.add(boot, version: try #require(KernelVersion.named(boot.boot.kernel)))
      }
      #expect(summary.findings.isEmpty, "\(file)")
      #expect(summary.total.rows > 10_000)
      // A limit must not become a way to look away.
      #expect(summary.total.limited * 50 < summary.total.rows, "\(file)")
      #expect(summary.limits[.unmodelled] == nil && summary.limits[.secondEntry] == nil)
    }
  }

  /// An observation that is changed in one column is seen to differ in that one.
  @Test func aChangedColumnDiffers() throws {
    let boots = try Logs.names.flatMap { try Logs.boots($0) }
    typealias Change = (name: String, change: (inout Observation) -> Bool)
    let changes: [Change] = [
      (
        "dma",
        { row in
          guard row.result == .direct, !row.operation.isAllocation else { return false }
          row.dmaAddress? += 4096
          return true
        }
      ),
      (
        "dma",
        { row in
          guard row.result == .bounce else { return false }
          row.dmaAddress = 4096
          return true
        }
      ),
      (
        "copy_in",
        { row in
          guard row.copiedIn == true else { return false }
          row.copiedIn = false
          return true
        }
      ),
      (
        "copy_out",
        { row in
          guard row.copiedOut == true else { return false }
          row.copiedOut = false
          return true
        }
      ),
      (
        "tlb_used_delta",
        { row in
          guard row.result == .bounce else { return false }
          row.slots? += 1
          return true
        }
      ),
      (
        "max_mapping",
        { row in
          guard row.operation == .setMask else { return false }
          row.maxMapping = 4096
          return true
        }
      ),
      (
        "required_mask",
        { row in
          guard row.operation == .setMask else { return false }
          row.requiredMask = 4095
          return true
        }
      ),
      (
        "set_mask_rc",
        { row in
          guard row.operation == .setMask, row.setMaskError == 0 else { return false }
          row.setMaskError = -22
          return true
        }
      ),
      (
        "result",
        { row in
          guard row.result == .error, row.operation == .mapPage else { return false }
          row.result = .direct
          return true
        }
      ),
    ]
    for (name, change) in changes {
      func applies(_ row: Observation) -> Bool {
        var row = row
        return change(&row)
      }
      var changed = try #require(boots.first { $0.observations.contains(where: applies) })
      let version = try #require(KernelVersion.named(changed.boot.kernel))
      let index = try #require(changed.observations.firstIndex(where: applies))
      _ = change(&changed.observations[index])
      var summary = ObservationSummary()
      summary.add(changed, version: version)
      let columns = summary.findings.flatMap { $0.outcome.differences.map(\.column) }
      #expect(columns.contains(name), "\(name): \(columns)")
    }
  }

  /// What a log says about its machine.
  @Test func theMachineIsThatOfTheLog() throws {
    let direct = try #require(try Logs.boots(Logs.names[3]).first).boot
    #expect(direct.platforms == [.x86] && direct.iommu == .none && direct.swiotlb == .force)
    #expect(direct.machine.ram.map(\.start) == [0, 1 << 20, 1 << 32])
    #expect(direct.machine.observedPool == direct.pool && direct.poolForcesBounce)
    let external = try #require(try Logs.boots(Logs.names[1]).first).boot
    #expect(external.facing == .external && external.domain == "dma" && external.iommu == .strict)
    let lazy = try #require(try Logs.boots(Logs.names[2]).first).boot
    #expect(lazy.facing == .internal && lazy.domain == "dma-fq" && lazy.iommu == .lazy)
  }

  /// The scenario that a row is joined by is answered alike: same result on the
  /// machine of the boot, whatever the exact address.
  @Test(arguments: Logs.names)
  func scenarioKeysNameTheSameQuestion(name: String) throws {
    var keys: Set<String> = []
    for boot in try Logs.boots(name) {
      let version = try #require(KernelVersion.named(boot.boot.kernel))
      let kernel = BootedKernel(
        policy: version.policy, platform: .x86, iommu: boot.boot.iommu,
        swiotlb: boot.boot.swiotlb, machine: boot.boot.machine)
      for row in boot.observations {
        guard let scenario = row.scenario(on: boot.boot) else { continue }
        keys.insert(scenario.key)
        #expect(Scenario(key: scenario.key) == scenario)
        let answer = kernel.answer(to: scenario.deviceRequest)
        #expect(ProbeResult(answer.result) == row.result || row.operation.isAllocation, "\(row)")
        #expect(scenario.mask.highestAddress == row.dmaMask)
      }
    }
    #expect(keys.count > 20)
  }

  /// The C-bit that a log does not name is that of the addresses.
  @Test func addressesTellTheCBit() throws {
    let text = try Logs.text(Logs.names[0])
      .replacing("dmaprobe: loading", with: "Memory Encryption Features active: AMD SME")
    let log = text + "\nMemory Encryption Features active: AMD SME\n"
    let open = try ProbeLog.read(name: "log", text: log)
    #expect(open.map(\.boot.platforms) == [[.x86SME47, .x86SME51]])
    let lines = try log.split(separator: "\n").map { text -> String in
      guard text.contains("result=direct") else { return String(text) }
      let mark = try #require(text.range(of: " dma=0x"))
      let digits = text[mark.upperBound...].prefix { $0.isHexDigit }
      let address = try #require(UInt64(digits, radix: 16)) | 1 << 51
      return try line(
        String(text), replacing: " dma=0x\(digits)", with: " dma=0x\(String(address, radix: 16))")
    }
    let shown = try ProbeLog.read(name: "log", text: lines.joined(separator: "\n"))
    #expect(shown.map(\.boot.platforms) == [[.x86SME51]])
  }
}
