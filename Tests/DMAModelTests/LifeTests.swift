import DMAModel
import Foundation
import Support
import Testing

@Suite struct LifeTests {
  private func booted(
    _ name: String, _ platform: Platform, iommu: IOMMUMode = .none,
    swiotlb: SwiotlbMode = .standard, conditions: BootConditions = .ordinary
  ) throws -> BootedKernel {
    let kernel = try #require(KernelVersion.named(name))
    return BootedKernel(
      policy: kernel.policy, platform: platform, iommu: iommu, swiotlb: swiotlb,
      machine: .sixtyFourGiB, conditions: conditions)
  }

  private func request(
    _ operation: DMAModel.Operation, mask: Int = 64, coherentMask: CoherentMask = .same,
    coherence: Coherence = .coherent, buffer: Buffer = .none
  ) throws -> DeviceRequest {
    DeviceRequest(
      mask: try #require(DMAMask(bits: mask)), coherentMask: coherentMask, busLimit: .none,
      coherence: coherence, facing: .internal, operation: operation, attributes: .none,
      buffer: buffer)
  }

  /// kernel/dma/swiotlb.c swiotlb_alloc_pool(): a transient pool is as long as the
  /// mapping. An atomic pool of 128 KiB (1 GiB of RAM, kernel/dma/pool.c) has no room
  /// for more; pages of the allocator have.
  @Test(
    arguments: [
      (4096, true), (128 << 10, true), ((128 << 10) + 1, false), (256 << 10, false),
    ] as [(UInt64, Bool)])
  func aTransientPoolIsAsLongAsTheMapping(length: UInt64, fits: Bool) throws {
    let machine = try #require(
      Machine(name: MachineName("1G"), ram: [PhysicalRange(0, 1 << 30)]))
    let buffer = try #require(Buffer(at: 512 << 20, length: length))
    func life(_ platform: Platform, force: Bool) throws -> LifeCycle {
      let kernel = try #require(KernelVersion.named("6.12"))
      let booted = BootedKernel(
        policy: kernel.policy, platform: platform, iommu: .none,
        swiotlb: force ? .force : .standard, machine: machine,
        conditions: BootConditions(dynamicPools: .on, fill: .exhausted))
      return booted.lifeCycle(of: try request(.map, mask: 32, buffer: buffer))
    }
    let guest = try life(.sev, force: false)
    #expect((guest.answer.result == .bounce) == fits)
    #expect(fits || guest.answer.warnings.contains(.swiotlbFull))
    #expect(guest.after.transientFrom == (fits ? .atomicPool : .none))
    let host = try life(.x86, force: true)
    #expect(host.answer.result == .bounce && host.after.transientFrom == .buddy)
    #expect(try #require(host.answer.address) + length <= 1 << 30)
  }

  /// F1: kernel/dma/direct.c dma_direct_free_pages(): the linear address misses pools
  /// that are remapped, which are arm64's alone.
  @Test(arguments: [
    ("7.2", OwnerAfter.poolPageToBuddy, StateAfter.poolPrivate),
    ("v4", .poolPageToBuddy, .poolPrivate), ("v5", .ok, .same), ("7.3", .ok, .same),
  ])
  func atomicPagesOfARealm(name: String, owner: OwnerAfter, state: StateAfter) throws {
    let life = try booted(name, .arm64CCA).lifeCycle(of: request(.allocPagesAtomic))
    #expect(life.answer.result == .pool)
    #expect(life.after.owner == owner && life.after.state == state)
    let guest = try booted(name, .sev).lifeCycle(of: request(.allocPagesAtomic))
    #expect(guest.answer.result == .pool && guest.after.owner == .ok)
  }

  /// F3 and A8: before v4 a restricted pool's page is encrypted when it is freed,
  /// unless it was remapped.
  @Test func restrictedPagesOfARealm() throws {
    let old = try booted("7.2", .arm64CCA, swiotlb: .restricted)
    #expect(try old.lifeCycle(of: request(.alloc)).after.state == .poolPrivate)
    #expect(
      try old.lifeCycle(of: request(.alloc, coherence: .noncoherent)).after.state == .same)
    let new = try booted("v4", .arm64CCA, swiotlb: .restricted)
    #expect(try new.lifeCycle(of: request(.alloc)).after.state == .same)
  }

  /// force_dma_unencrypted() of an SME host is asked again at free.
  @Test(arguments: KernelVersion.all.map(\.name))
  func aChangedMaskLeavesMemoryShared(name: String) throws {
    let host = try booted(name, .x86SME47)
    let page = try request(.alloc, mask: 32)
    #expect(host.lifeCycle(of: page).after.state == .same)
    let up = host.lifeCycle(of: page, maskChange: .up).after
    #expect(up.state == .leftShared && up.owner == .ok)
    #expect(exposureAfter(platform: .x86SME47, after: up) == .plaintextDRAM)
    let down = try host.lifeCycle(of: request(.alloc), maskChange: .down).after
    #expect(down.state == .same && down.warnings.isEmpty)
    // Without a kernel mapping the address is then taken for a struct page.
    let nomap = try host.lifeCycle(
      of: request(.allocNoKernelMapping, mask: 32), maskChange: .up
    ).after
    #expect(nomap.owner == .notFreed && nomap.warnings == .cookieCrash)
  }

  /// M13 and F4, on a host that is not forced unencrypted.
  @Test(arguments: [
    ("6.12", TransientSource.buddy, AtomicCall.setMemory), ("7.2", .buddy, .setMemory),
    ("v7", .atomicPool, .none), ("7.3", .atomicPool, .none),
  ])
  func transientPoolsOfASMEHost(
    name: String, source: TransientSource, call: AtomicCall
  ) throws {
    let full = BootConditions(dynamicPools: .on, fill: .exhausted)
    let host = try booted(name, .x86SME47, swiotlb: .force, conditions: full)
    let life = try host.lifeCycle(of: request(.map, mask: 64, buffer: .dma32))
    #expect(life.answer.result == .bounce && life.after.poolKind == .transient)
    #expect(life.after.transientFrom == source && life.after.atomicCall == call)
    #expect(life.answer.warnings.contains(.atomicSetMemory) == (call == .setMemory))
    #expect(life.after.unmapCopy == .copied && life.after.slots == .ok)
  }

  /// A full pool that cannot grow: swiotlb_find_slots() fails.
  @Test func aFullPoolRefuses() throws {
    for (name, dynamic) in [("6.1", DynamicPools.on), ("7.3", .off)] {
      let full = BootConditions(dynamicPools: dynamic, fill: .exhausted)
      let host = try booted(name, .x86, swiotlb: .force, conditions: full)
      let answer = try host.answer(to: request(.map, buffer: .dma32))
      #expect(answer.result == .error && answer.warnings.contains(.swiotlbFull), "\(name)")
    }
  }

  /// S6: kernel/dma/swiotlb.c swiotlb_update_mem_attributes(): ignored until v4.
  @Test func aDefaultPoolThatStaysPrivate() throws {
    let failing = BootConditions(decryptFailure: .defaultPool)
    let map = try request(.map, buffer: .dma32)
    let old = try booted("7.2", .sev, conditions: failing).answer(to: map)
    #expect(old.result == .bounce && old.memoryState == .private)
    #expect(hardwareVerdict(platform: .sev, request: map, answer: old) == .blocked)
    let new = try booted("7.3", .sev, conditions: failing).answer(to: map)
    #expect(new.result == .error && new.warnings.contains(.swiotlbFull))
  }

  /// A14: the page leaks; of 7.3 dma_direct_alloc_pages() alone says so.
  @Test func aPageThatCannotBeDecrypted() throws {
    let failing = BootConditions(decryptFailure: .page)
    for (name, warns) in [("7.2", false), ("7.3", true)] {
      let guest = try booted(name, .sev, conditions: failing)
      for (operation, speaks) in [(DMAModel.Operation.alloc, false), (.allocPages, warns)] {
        let life = try guest.lifeCycle(of: request(operation))
        #expect(life.answer.result == .error && life.after.owner == .notFreed)
        #expect(life.answer.warnings.contains(.decryptLeak) == speaks, "\(name)")
      }
    }
    // A plain platform has nothing that could fail.
    #expect(
      try booted("7.3", .x86, conditions: failing).answer(to: request(.alloc)).result == .page)
  }

  /// The short way of mappings without a bounce gives what the whole way gives.
  @Test func theShortWayIsTheWholeWay() throws {
    var domain = MatrixDomain()
    domain.masks = [24, 32, 47, 64].compactMap(DMAMask.init(bits:))
    for name in ["6.12", "v6", "7.3"] {
      for platform in [Platform.x86SME47, .arm64, .arm64CCA, .xenPV] {
        let kernel = try #require(KernelVersion.named(name))
        guard kernel.policy.platforms.contains(platform) else { continue }
        for swiotlb in [SwiotlbMode.standard, .force] {
          let booted = try booted(name, platform, swiotlb: swiotlb)
          let requests = domain.requests(
            on: .sixtyFourGiB, platform, .none, policies: [kernel.policy])
          for var request in requests {
            for mask in domain.masks {
              request.mask = mask
              #expect(booted.lifeCycle(of: request).after == booted.explainUndo(of: request).after)
            }
          }
        }
      }
    }
  }

  @Test func circumstancesHaveKeys() throws {
    let scenario = "x86-sme47/none/default/2G/32/same/none/1/0/alloc/none/-"
    for circumstance in Circumstance.all {
      let (parsed, read) = try #require(Circumstance.parsed(key: scenario + circumstance.suffix))
      #expect(parsed.key == scenario && read == circumstance)
    }
    #expect(Circumstance.parsed(key: scenario + ";fill=brimful") == nil)
    #expect(Circumstance.parsed(key: scenario + ";colour=red") == nil)
  }

  @Test func circumstancesAreOneAtATimeAndWhereTheyMatter() throws {
    let policy = try #require(KernelVersion.named("7.3")).policy
    let old = try #require(KernelVersion.named("6.1")).policy
    let alloc = try request(.alloc, mask: 32)
    func rule(
      _ circumstance: Circumstance, _ platform: Platform = .x86SME47,
      policy: Policy, _ request: DeviceRequest
    ) -> Exclusion? {
      policy.circumstanceExclusion(circumstance, platform, .standard, request)
    }
    #expect(rule(Circumstance(maskChange: .up), policy: policy, alloc) == nil)
    #expect(
      rule(Circumstance(maskChange: .down), policy: policy, alloc) == .maskChangeNeedsMask)
    #expect(rule(Circumstance(maskChange: .up), .sev, policy: policy, alloc) == .maskChangeIsSME)
    #expect(
      rule(Circumstance(maskChange: .up), policy: policy, try request(.map, buffer: .dma32))
        == .maskChangeIsAlloc)
    #expect(
      rule(Circumstance(maskChange: .up, fill: .exhausted), policy: policy, alloc)
        == .oneCircumstance)
    #expect(rule(Circumstance(dynamicPools: .on), policy: old, alloc) == .dynamicUnknown)
    #expect(rule(Circumstance(fill: .grown), policy: policy, alloc) == .grownNeedsDynamic)
    #expect(
      rule(Circumstance(decryptFailure: .page), .x86, policy: policy, alloc)
        == .decryptNeedsEncryption)
    #expect(
      rule(Circumstance(decryptFailure: .restrictedPool), policy: policy, alloc)
        == .decryptNeedsRestricted)
  }
}

@Suite struct SyncTests {
  /// Source: the probe's boots of 6.12, columns copy_in and copy_out.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: "../shared/vectors/boot-6.12.csv.gz"),
      "../shared/vectors is not here"))
  func copiesAreThoseOfBootedKernels() throws {
    let unzip = Process()
    unzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    unzip.arguments = ["gzip", "-dc", "../shared/vectors/boot-6.12.csv.gz"]
    let pipe = Pipe()
    unzip.standardOutput = pipe
    try unzip.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    var lines = text.split(separator: "\n").makeIterator()
    let first = lines.next()
    let header = try #require(first).split(separator: ",").map(String.init)
    func column(_ name: String) throws -> Int { try #require(header.firstIndex(of: name)) }
    let (result, direction) = (try column("result"), try column("dir"))
    let (attributes, copyIn) = (try column("attr_names"), try column("copy_in"))
    let copyOut = try column("copy_out")
    var compared = 0
    while let line = lines.next() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      // -1: the probe did not look.
      guard fields[result].hasSuffix("bounce"), fields[copyIn] != "-1" else { continue }
      let named = try #require(Direction(name: fields[direction]))
      let skips = fields[attributes].contains("SKIP_CPU_SYNC")
      let copies = [SyncPoint.map, .unmap].map { SyncCopy(at: $0, named, skipsCPUSync: skips) }
      #expect(copies[0] == (fields[copyIn] == "1" ? .toBounceBuffer : .none))
      #expect(copies[1] == (fields[copyOut] == "1" ? .toBuffer : .none))
      compared += 1
    }
    #expect(compared == 4985)
  }

  /// Source: kernel/dma/swiotlb.c __swiotlb_sync_single_for_device() and _for_cpu().
  @Test func syncCopiesByDirection() {
    #expect(SyncCopy(at: .syncForDevice, .toDevice, skipsCPUSync: false) == .toBounceBuffer)
    #expect(SyncCopy(at: .syncForDevice, .fromDevice, skipsCPUSync: false) == .none)
    #expect(SyncCopy(at: .syncForCPU, .toDevice, skipsCPUSync: false) == .none)
    #expect(SyncCopy(at: .syncForCPU, .bidirectional, skipsCPUSync: false) == .toBuffer)
  }
}
