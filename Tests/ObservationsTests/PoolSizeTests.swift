import BootInputs
import DMAModel
import Foundation
import Support
import Testing

@testable import Observations

/// The size of the default pool as the model computes it, beside what booted kernels had.
///
/// A pool lies as high as memblock finds room below its limit.  What was reserved there
/// before (initrd, CMA, the kernel's own data) is not modelled: a pool may lie that much
/// lower, and no mask between them may tell the two places apart.
@Suite struct PoolSizeTests {
  /// More than anything that these machines reserve: an initrd and 64 MiB of CMA.
  private static let reserved: UInt64 = 128 << 20

  private func expect(
    _ pool: SwiotlbPool, is seen: PhysicalRange?, _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let name = Comment(rawValue: name)
    #expect(pool.isActive == (seen != nil), name, sourceLocation: sourceLocation)
    guard let seen, pool.isActive else { return }
    #expect(pool.end - pool.start == seen.length, name, sourceLocation: sourceLocation)
    #expect(pool.size?.slots == seen.length / 2048, name, sourceLocation: sourceLocation)
    #expect(
      seen.end <= pool.end && pool.end - seen.end < Self.reserved, name,
      sourceLocation: sourceLocation)
    for bits in 24...63 {
      let mask = (UInt64(1) << bits) - 1
      #expect(
        (pool.end - 1 <= mask) == (seen.end - 1 <= mask), "\(name.rawValue) \(bits)",
        sourceLocation: sourceLocation)
    }
  }

  /// ../shared/vectors/boot-6.12.csv.gz: boots of q35 with 512 MiB to 12 GiB of RAM and
  /// all command lines.
  @Test(.enabled(if: !sharedBoots.isEmpty, "no ../shared/vectors beside the checkout"))
  func everySharedBootHasThePoolThatWasSeen() throws {
    var seen = 0
    for path in sharedBoots {
      for boot in try BootCSV.read(path: path).map(\.boot) {
        let version = try #require(KernelVersion.named(boot.kernel))
        let line = try KernelCommandLine(
          boot.commandLine, prefixes: version.matchesSwiotlbByPrefix)
        var machine = boot.machine
        machine.observedPool = nil
        machine.cpus = 1
        machine.wantsPool = line.wantsPool
        (machine.poolSlots, machine.poolAreas) = (line.poolSlots, line.poolAreas)
        let booted = version.booted(.x86, line.iommu ?? boot.iommu, line.swiotlb, machine)
        let name = "\(boot.kernel) \(machine.name.name) \(boot.commandLine)"
        expect(booted.pool, is: boot.pool, name)
        if boot.pool != nil {
          #expect(booted.pool.forceBounce == boot.poolForcesBounce, Comment(rawValue: name))
        }
        seen += 1
      }
    }
    #expect(seen > 90)
  }

  /// `observe` compares the size: another one than the kernel makes is a difference.
  @Test func anotherSizeIsADifference() throws {
    for name in Logs.names {
      for boots in try Logs.boots(name) {
        var boot = boots.boot
        let version = try #require(KernelVersion.named(boot.kernel))
        #expect(ObservationCheck(boot, version: version).bootDifferences.isEmpty, "\(name)")
        guard let pool = boot.pool else { continue }
        boot.pool = PhysicalRange(pool.start, pool.end + (1 << 20))
        #expect(
          ObservationCheck(boot, version: version).bootDifferences.map(\.column) == ["pool_size"],
          "\(name)")
        // A size that was asked for is the right one.
        boot.pool = PhysicalRange(pool.start, pool.start + (1 << 20))
        boot.commandLine += " swiotlb=512"
        #expect(ObservationCheck(boot, version: version).bootDifferences.isEmpty, "\(name)")
      }
    }
  }

  /// The lab's logs of 6.1, 6.12, 7.2 and 7.3.
  @Test(arguments: Logs.names)
  func everyLabLogHasThePoolThatWasPrinted(name: String) throws {
    try check(log: try Logs.text(name), name)
  }

  /// Captured machines: x86, arm64 with and without dma-ranges, domain 0 of Xen.
  @Test(.enabled(if: !sharedCaptures.isEmpty, "no ../shared/captures beside the checkout"))
  func everyCaptureHasThePoolThatWasPrinted() throws {
    for path in sharedCaptures {
      let bytes = try GzipFile.contents(of: path, limit: 64 << 20)
      // A tar's members are padded with zeros; the log is the longest run of text.
      let text = bytes.split(separator: 0).filter { part in
        part.count > 1000
          && String(decoding: part.prefix(4000), as: UTF8.self).contains("Linux version ")
      }.max { $0.count < $1.count }
      let log = try #require(text, Comment(rawValue: path))
      try check(log: String(decoding: log, as: UTF8.self), path)
    }
  }

  /// Computes the pool from a log without what it says about the pool, and compares.
  private func check(log text: String, _ name: String) throws {
    let full = BootFacts(try BootLog(text))
    let marks = ["software IO TLB: mapped", "software IO TLB: area num"]
    let kept = text.split(separator: "\n").filter { line in
      !marks.contains { line.contains($0) }
    }
    let blind = BootFacts(try BootLog(kept.joined(separator: "\n")))
    let note = Comment(rawValue: name)
    let version = try #require(
      KernelVersion.all.first {
        $0.sourcePackage != nil && blind.version?.hasPrefix($0.name + ".") == true
      }, note)
    let platform = try #require(blind.platform.platforms.first, note)
    let line = try KernelCommandLine(
      blind.commandLine ?? "quiet", family: platform.family,
      prefixes: version.matchesSwiotlbByPrefix)
    var machine = try #require(blind.memory.machine, note)
    machine.wantsPool = line.wantsPool
    (machine.poolSlots, machine.poolAreas) = (line.poolSlots, line.poolAreas)
    let iommu = blind.iommu.possibilities.first?.mode ?? .none
    let pool = version.booted(platform, iommu, line.swiotlb, machine).pool
    expect(pool, is: full.memory.pool?.range, name)
    let areas = text.firstRange(of: "area num ").map {
      text[$0.upperBound...].prefix { $0.isNumber }
    }
    if pool.isActive, let areas { #expect(pool.size?.areas == UInt64(areas), note) }
  }
}

/// The captures of ../shared, where a checkout has them beside it.
private let sharedCaptures: [String] = {
  let directory = "../shared/captures"
  let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  return names.filter { $0.hasSuffix(".tar.gz") }.sorted().map { "\(directory)/\($0)" }
}()
