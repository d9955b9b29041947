import DMAModel
import Foundation
import Testing
import TraceEvents

@testable import HostCapture
@testable import HostModel

@Suite struct TrafficTests {
  private static let device = "0000:00:01.0"

  private func check(
    _ lines: [String], masks: (Int, Int) = (64, 64), domain: String? = nil
  ) throws -> TrafficSummary {
    var test = TestCapture()
    test.add(Self.device, masks: masks, domain: domain)
    test.trace(lines)
    let capture = try test.read()
    let trace = TraceReader.read(try #require(capture.trace))
    #expect(trace.events.count == lines.count)
    return TrafficCheck(trace, with: try HostBoot(capture)).summary
  }

  private func map(_ dma: String, _ physical: String, _ size: Int = 4096) -> String {
    "dma_map_page: \(Self.device) dir=TO_DEVICE dma_addr=\(dma) size=\(size) "
      + "phys_addr=\(physical) attrs="
  }

  private func bounce(_ physical: String, _ mask: String = "ffffffff", _ size: Int = 4096)
    -> String
  {
    "swiotlb_bounced: dev_name: \(Self.device) dma_mask=\(mask) dev_addr=\(physical) "
      + "size=\(size) NORMAL"
  }

  /// kernel/dma/direct.h `dma_direct_map_page()`: what the mask reaches is given as it
  /// lies, the rest bounces into the pool.
  @Test func whatTheModelSaysAgrees() throws {
    let summary = try check(
      [
        map("1000000", "1000000"), bounce("100000000"), map("7b000000", "100000000"),
        "dma_unmap_page: \(Self.device) dir=TO_DEVICE dma_addr=7b000000 size=4096 attrs=",
        "dma_sync_single_for_cpu: \(Self.device) dir=TO_DEVICE dma_addr=1000000 size=64",
        """
        dma_alloc: \(Self.device) dir=BIDIRECTIONAL dma_addr=2000000 size=512 virt_addr=01 \
        flags=GFP_KERNEL attrs=
        """,
      ], masks: (32, 32))
    #expect(summary.total.agree == 6 && summary.total.events == 6)
    #expect(summary.devices[0].bouncedBytes == 4096 && summary.devices[0].causes == [.reach: 1])
  }

  /// Each fault of a trace is found, in its column.
  @Test func faultsDiffer() throws {
    func column(_ lines: [String], masks: (Int, Int) = (64, 64), domain: String? = nil) throws
      -> String?
    {
      try check(lines, masks: masks, domain: domain).differences.first?.difference.column
    }
    #expect(try column([map("1000000", "2000000")]) == "dma")
    #expect(try column([map("ffffffffffffffff", "2000000")]) == "result")
    #expect(
      try column([bounce("100000000"), map("1000000", "100000000")], masks: (32, 32)) == "dma")
    #expect(try column([map("100000000", "100000000")], masks: (32, 32)) == "result")
    #expect(try column([map("100000010", "3000000")], domain: "DMA") == "dma")
    #expect(
      try column([
        """
        dma_alloc: \(Self.device) dir=BIDIRECTIONAL dma_addr=f0000000 size=512 virt_addr=01 \
        flags=GFP_KERNEL attrs=
        """
      ]) == "dma")
  }

  /// What a trace does not show is a limit or unseen, no difference.
  @Test func whatIsNotInTheTraceIsNoFault() throws {
    let unmap = "dma_unmap_page: \(Self.device) dir=TO_DEVICE dma_addr=9000 size=1 attrs="
    #expect(try check([unmap]).total.unseen == 1)
    let full = try check(
      [bounce("100000000"), map("ffffffffffffffff", "100000000")], masks: (32, 32))
    #expect(full.limits == [.poolFill: 1] && full.total.differ == 0)
    let other = try check([
      "dma_map_page: usb1 dir=TO_DEVICE dma_addr=1000 size=1 phys_addr=1000 attrs="
    ])
    #expect(other.limits == [.unlistedDevice: 1])
    #expect(try check([bounce("100000000")], masks: (32, 32)).limits == [.unpairedBounce: 1])
  }

  /// The same traffic with another command line.
  @Test func trafficIsAskedAgain() throws {
    var test = TestCapture()
    test.add(Self.device)
    test.trace([map("1000000", "1000000"), map("100000000", "100000000", 100)])
    let capture = try test.read()
    let trace = TraceReader.read(try #require(capture.trace))
    let summary = TrafficCheck(trace, with: try HostBoot(capture)).summary
    let forced = try HostBoot(capture, commandLine: "swiotlb=force")
    let replay = TrafficReplay(trace, summary, under: forced)
    #expect(replay.devices[0].bouncedBytes == 4196 && replay.devices[0].failed == 0)
  }

  /// A mapping above what `swiotlb_max_mapping_size()` promises (256 KiB,
  /// kernel/dma/swiotlb.c) is taken as smaller ones, as drivers that ask make them; it
  /// did not fail in any kernel.
  @Test func mappingsAboveTheLargestAreSplit() throws {
    var test = TestCapture()
    test.add(Self.device)
    test.trace([map("100000000", "100000000", 512 << 10), map("1000000", "1000000")])
    let capture = try test.read()
    let trace = TraceReader.read(try #require(capture.trace))
    let summary = TrafficCheck(trace, with: try HostBoot(capture)).summary
    let forced = try HostBoot(capture, commandLine: "swiotlb=force")
    let device = TrafficReplay(trace, summary, under: forced).devices[0]
    #expect(device.split == 1 && device.splitSize == 256 << 10 && device.failed == 0)
    #expect(device.bouncedBytes == 516 << 10)
  }

  /// A pool of other parameters does not lie where the captured one lay.
  @Test func anotherPoolIsPlacedByTheModel() throws {
    let capture = try TestCapture().read()
    #expect(try HostBoot(capture).system.pool.start == 0x7b00_0000)
    let same = try HostBoot(capture, commandLine: "swiotlb=force")
    #expect(same.system.pool.start == 0x7b00_0000 && same.notes.isEmpty)
    let larger = try HostBoot(capture, commandLine: "swiotlb=131072").system.pool
    #expect(larger.end - larger.start == 256 << 20)
  }

  /// What a stored tree was not asked is not compared, and counted.
  @Test func aTreeIsComparedWhereItWasAsked() throws {
    var test = TestCapture()
    test.add(Self.device, masks: (32, 32))
    test.add("0000:00:02.0", masks: (63, 32))
    let report = HostReport(try HostBoot(try test.read()))
    var answers = RecordedAnswers()
    let kernel = KernelVersion(
      recorded: "mine", summary: "", policy: KernelVersion.latest.policy, answers: answers)
    let comparison = TreeComparison(report, with: kernel)
    #expect(comparison.changes.isEmpty && comparison.machine.name == .sixtyFourGiB)
    #expect(comparison.omitted.first { $0.reason == .notRecorded }?.requests == 6)
    answers = RecordedAnswers()
    // A high page that bounces on the kernel itself, and fails in the tree.
    var builder = RecordedBoot.Builder()
    let base = report.boot.version.booted(.x86, .none, .standard, .sixtyFourGiB)
    let request = DeviceRequest(
      mask: try #require(DMAMask(bits: 32)), coherentMask: .same, busLimit: .none,
      coherence: .coherent, facing: .internal, operation: .map, attributes: .none, buffer: .high)
    #expect(base.answer(to: request).result == .bounce)
    let refusing = report.boot.version.booted(.x86, .none, .noforce, .sixtyFourGiB)
    #expect(builder.add([refusing.lifeCycle(of: request)]) != nil)
    builder.record(0, to: request)
    answers.set(
      builder.boot(pool: base.pool), platform: .x86, iommu: .none, swiotlb: .standard,
      machine: .sixtyFourGiB)
    let tree = KernelVersion(
      recorded: "mine", summary: "", policy: KernelVersion.latest.policy, answers: answers)
    let changed = TreeComparison(report, with: tree).changes
    #expect(changed.map(\.device) == [0] && changed.map(\.change.effect) == [.breaks])
  }

  /// Real captures, where they lie beside the checkout.
  @Test(.enabled(if: !Self.captures.isEmpty, "no ../shared/captures"))
  func sharedCapturesAgree() throws {
    for path in Self.captures {
      let capture = try HostCapture(archive: path)
      let trace = TraceReader.read(try #require(capture.trace))
      let total = TrafficCheck.best(of: trace, with: try HostBoot(capture)).summary.total
      #expect(total.events == trace.events.count && total.events > 900, "\(path)")
      #expect(total.differ == 0, "\(path)")
      #expect(total.limited * 50 <= total.events, "\(path)")
    }
  }

  private static let captures: [String] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../shared/captures").standardized.path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".tar.gz") }.sorted().map { folder + "/" + $0 }
  }()
}

@Suite struct HostTests {
  /// What another command line changes is named by what it is to users.
  @Test func changesHaveTheirEffect() throws {
    var test = TestCapture()
    test.add("0000:00:01.0")
    test.add("0000:00:02.0", masks: (32, 32))
    let capture = try test.read()
    let before = HostReport(try HostBoot(capture))
    func effects(_ line: String) throws -> Set<String> {
      let after = HostReport(try HostBoot(capture, commandLine: line))
      return Set(
        before.changes(to: after).map {
          "\($0.device.address) \($0.change.request) \($0.change.effect)"
        })
    }
    #expect(try effects("quiet") == [])
    #expect(try effects("swiotlb=force").contains("0000:00:01.0 map high slower"))
    #expect(try effects("swiotlb=noforce").contains("0000:00:02.0 map high breaks"))
    #expect(try !effects("swiotlb=noforce").contains("0000:00:01.0 map high breaks"))
  }

  @Test func anUnknownReleaseIsAnsweredByAnOlderKernelAndSaid() throws {
    let boot = try HostBoot(try TestCapture(release: "6.18.2").read())
    #expect(boot.version.name == "6.12" && boot.notes.count == 1)
    #expect(throws: HostBoot.BootError.self) {
      try HostBoot(try TestCapture(release: "5.10.1").read())
    }
  }

  /// A device of an architecture that is not coherent, and one behind dma-ranges, show
  /// themselves in a trace; sysfs has neither.
  @Test func conditionsAreReadFromTheTrace() throws {
    var evidence = DeviceEvidence()
    let plain = DeviceConditions(streamingMask: .max, coherentMask: .max)
    evidence.unsafeKmalloc = 3
    #expect(evidence.refine(plain, zoneEnd: nil).conditions.coherence == .noncoherent)
    evidence.safeKmalloc = 1
    #expect(evidence.refine(plain, zoneEnd: nil).conditions.coherence == .coherent)
    evidence.lowestBeyond = 0x1_0000_0fff
    evidence.highestDirect = 0xbfff_0000
    let refined = evidence.refine(plain, zoneEnd: 0xc000_0000)
    #expect(refined.conditions.busLimit == 0xbfff_ffff && refined.inferred.count == 1)
  }
}
