import DMAModel
import Testing

/// Where the pools lie: facts measured on kernel code (vectors' machine facts).
@Suite struct MachineTests {
  private func pool(
    _ kernel: String, _ platform: Platform, _ swiotlb: SwiotlbMode, _ machine: Machine,
    iommu: IOMMUMode = .none
  ) throws -> SwiotlbPool {
    let version = try #require(KernelVersion.named(kernel))
    return BootedKernel(
      policy: version.policy, platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine
    ).pool
  }

  @Test func x86PoolsEndWhereLowMemoryEnds() throws {
    let large = try pool("7.3", .x86, .standard, .sixtyFourGiB)
    #expect(large.start == 0xbc00_0000 && large.end == 0xc000_0000)
    #expect(try pool("7.3", .x86, .force, .twoGiB).end == 0x8000_0000)
    // No RAM above 4 GiB, no need: no pool.
    #expect(try !pool("7.3", .x86, .standard, .twoGiB).isActive)
  }

  @Test func guestsGetSixPercentRoundedUp() throws {
    let large = try pool("6.12", .sev, .standard, .sixtyFourGiB)
    #expect(large.start == 0x8000_0000 && large.end == 0xc000_0000)
    let small = try pool("6.12", .tdx, .standard, .twoGiB)
    #expect(small.start == 0x7800_0000 && small.end == 0x8000_0000)
  }

  @Test func arm64KeepsASmallPoolForKmallocSince612() throws {
    #expect(try !pool("6.1", .arm64, .standard, .twoGiB).isActive)
    #expect(try pool("6.12", .arm64, .standard, .twoGiB).isActive)
    let small = try pool("7.3", .arm64CCA, .standard, .twoGiB)
    #expect(small.end - small.start == 2 << 20)
    let realm = try pool("7.2", .arm64CCA, .standard, .twoGiB)
    #expect(realm.end - realm.start == 64 << 20)
  }

  /// `swiotlb_adjust_nareas()`, `round_up_default_nslabs()`, `limit_nareas()`, against a
  /// reference that is written down here again.
  @Test func theSizeFollowsSlotsAndAreas() throws {
    for slots in [UInt64(0), 128, 384, 512, 4096, 32768, 65536, 100_096] {
      for areas in [nil, UInt64(1), 3, 64] as [UInt64?] {
        for cpus in [1, 4, 6, 512] {
          var machine = Machine.sixtyFourGiB
          (machine.poolSlots, machine.poolAreas, machine.cpus) = (slots, areas, cpus)
          var (wantedAreas, wanted): (UInt64, UInt64) = (1, 1)
          while wantedAreas < areas ?? UInt64(cpus) { wantedAreas *= 2 }
          while wanted < max(slots, 128 * wantedAreas) { wanted *= 2 }
          let pool = try pool("7.3", .x86, .standard, machine)
          #expect(pool.end - pool.start == wanted * 2048, "\(slots) \(areas ?? 0) \(cpus)")
          #expect(pool.size?.slots == wanted && pool.size?.areas == wantedAreas)
        }
      }
    }
  }

  /// `swiotlb_init_remap()` halves the size until memblock has it below 4 GiB, and gives up
  /// below 1 MiB.
  @Test func aPoolThatDoesNotFitIsHalved() throws {
    var machine = Machine.sixtyFourGiB
    machine.poolSlots = 1 << 21
    let halved = try pool("7.3", .x86, .standard, machine)
    #expect(halved.end - halved.start == 2 << 30 && halved.size?.beforeHalving == 1 << 21)
    machine.ram = [PhysicalRange(0, 512 << 10), PhysicalRange(4 << 30, 5 << 30)]
    #expect(try !pool("7.3", .x86, .standard, machine).isActive)
    // What begins below 1 MiB is tried once.
    (machine.poolSlots, machine.poolAreas) = (128, 1)
    #expect(try pool("7.3", .x86, .standard, machine).end == 512 << 10)
  }

  /// The command line decides before the rules of guests and of arm64.
  @Test func theCommandLineDecidesTheSize() throws {
    var machine = Machine.twoGiB
    machine.poolSlots = 65536
    for (platform, swiotlb) in [(Platform.sev, SwiotlbMode.standard), (.arm64, .standard)] {
      let pool = try pool("7.3", platform, swiotlb, machine)
      #expect(pool.end - pool.start == 128 << 20 && pool.size?.rule == .commandLine)
    }
  }

  @Test func s390PoolMovesUpIn73() throws {
    #expect(try pool("v7", .s390PV, .standard, .sixtyFourGiB).end == 0x8000_0000)
    #expect(try pool("7.3", .s390PV, .standard, .sixtyFourGiB).start == 0xf_fc00_0000)
    #expect(try !pool("7.3", .s390, .force, .sixtyFourGiB).isActive)
  }

  @Test func powerpcStartsAt32MiBAndOnlyWhenForced() throws {
    #expect(try pool("7.3", .ppc64, .force, .sixtyFourGiB).start == 32 << 20)
    #expect(try !pool("7.3", .ppc64SVM, .standard, .sixtyFourGiB).isActive)
  }

  @Test func noforceMeansNoPoolAnywhere() throws {
    for kernel in KernelVersion.all {
      for platform in kernel.policy.platforms.platforms {
        let pool = try pool(kernel.name, platform, .noforce, .sixtyFourGiB)
        #expect(!pool.isActive && !pool.forceBounce)
      }
    }
  }

  /// 6.12 on pKVM: restricted and atomic pools are decrypted, the default is not.
  @Test func pkvmKeepsItsDefaultPoolPrivateIn612() throws {
    #expect(try pool("6.12", .arm64PKVM, .standard, .sixtyFourGiB).memory == .private)
    #expect(try pool("6.12", .arm64PKVM, .restricted, .sixtyFourGiB).memory == .shared)
    #expect(try pool("v4", .arm64PKVM, .restricted, .sixtyFourGiB).memory == .private)
  }

  @Test func aDescribedMachineIsEvaluatedLikeTheStandardOnes() throws {
    let machine = try #require(
      Machine(
        name: MachineName("6G"), ram: [PhysicalRange(0, 2 << 30), PhysicalRange(4 << 30, 8 << 30)]))
    let pool = try pool("6.12", .x86, .standard, machine)
    #expect(pool.end == 2 << 30)
  }

  @Test func anObservedPoolIsUsedAsItIs() throws {
    let observed = PhysicalRange(0x7bee_2000, 0x7fee_2000)
    let machine = try #require(
      Machine(
        name: MachineName("6G"), ram: [PhysicalRange(0, 2 << 30), PhysicalRange(4 << 30, 8 << 30)],
        observedPool: observed))
    #expect(try pool("6.12", .x86, .standard, machine).start == observed.start)
  }

  @Test func impossibleMachinesAreRefused() {
    let name = MachineName("odd")
    #expect(Machine(name: name, ram: []) == nil)
    #expect(Machine(name: name, ram: [PhysicalRange(0, 100)]) == nil)
    #expect(Machine(name: name, ram: [PhysicalRange(4096, 4096)]) == nil)
    #expect(
      Machine(name: name, ram: [PhysicalRange(0, 8192), PhysicalRange(4096, 16384)]) == nil)
    #expect(Machine(name: name, ram: [PhysicalRange(0, 8192)], cpus: 0) == nil)
  }
}
