import DMAModel
import Testing

@testable import Analysis
@testable import KernelTree

/// The trees that are there; without any the tests show as skipped.
private let versions = ["6.1", "6.12", "7.2", "7.3"].filter(Trees.exists)

/// Values of axes beside the matrix, asked of kernels' own code.
@Suite(.serialized) struct ExtendedTreeTests {
  private func expectAgreement(
    _ tree: KernelVersion, _ model: String, _ domain: MatrixDomain, atLeast scenarios: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let model = try #require(KernelVersion.named(model))
    let found = Agreement(model: model, code: tree, domain: domain, limit: 20)
    #expect(found.isComplete, "\(found.disagreements.prefix(3))", sourceLocation: sourceLocation)
    #expect(found.scenarios >= scenarios, sourceLocation: sourceLocation)
  }

  private var accepted: MatrixDomain {
    var domain = reducedDomain([.sev, .tdx, .arm64CCA])
    domain.facings = [.ccAccepted]
    domain.coherentMasks = [.same, .bits32]
    domain.busLimits = [.none]
    return domain
  }

  /// No release asks whether a device was accepted.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func releasesKnowNoAcceptedDevice(version: String) throws {
    try expectAgreement(
      try evaluated(Trees.path(version), accepted), version, accepted, atLeast: 15_000)
  }

  /// dma_alloc_attrs() with a caller's DMA_ATTR_CC_SHARED: ignored by 7.2, refused by 7.3;
  /// older trees have no such attribute and no such scenario.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func aCallersSharedAllocation(version: String) throws {
    var domain = reducedDomain([.x86, .x86SME47, .sev, .tdx, .arm64, .arm64CCA, .s390PV])
    domain.operations = [.allocCCShared]
    let tree = try evaluated(Trees.path(version), domain)
    let hasAttribute = version.hasPrefix("7")
    #expect(domain.hasScenarios(on: tree) == hasAttribute)
    try expectAgreement(tree, version, domain, atLeast: hasAttribute ? 20_000 : 0)
  }

  private func buffers(_ offsets: [UInt64], _ lengths: [UInt64]) -> [Buffer] {
    offsets.flatMap { offset in
      lengths.compactMap { Buffer(at: (8 << 30) + offset, length: $0) }
    }
  }

  /// dma_iova_link() of the matrix' buffers: 7.2 and 7.3 have it; 6.1 and 6.12 have no such
  /// scenario.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func aBufferIsLinked(version: String) throws {
    var domain = reducedDomain([.x86, .x86SME47, .sev, .arm64, .arm64CCA, .s390, .ppc64])
    domain.operations = [.iovaLink]
    domain.busLimits = [.none]
    let tree = try evaluated(Trees.path(version), domain)
    let hasCall = version.hasPrefix("7")
    #expect(domain.hasScenarios(on: tree) == hasCall)
    try expectAgreement(tree, version, domain, atLeast: hasCall ? 50_000 : 0)
  }

  /// Unaligned ends of an untrusted device's buffers and of kmalloc() objects, with devices
  /// whose slots keep the offset in a page, some of it, or nothing.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func unalignedEndsBounce(version: String) throws {
    guard version.hasPrefix("7") else { return }
    var domain = reducedDomain([.x86, .x86SME47, .sev, .arm64])
    domain.operations = [.iovaLink]
    domain.attributes = [.none, .ccShared, .requireCoherent]
    domain.coherentMasks = [.same]
    domain.iommuModes = [.translated]
    domain.masks = [31, 32, 40, 64].compactMap(DMAMask.init(bits:))
    domain.machines = ([0, 0x1ff, 0xfff] as [UInt64]).map { minAlign in
      var device = DeviceParameters()
      device.minAlignMask = minAlign
      return Machine.sixtyFourGiB.with(device)
    }
    domain.buffers = buffers([0, 0x48, 0x200, 0xe00], [24, 200, 4096, 4097, 8192, 12_300])
    let tree = try evaluated(Trees.path(version), domain)
    try expectAgreement(tree, version, domain, atLeast: 20_000)
  }

  /// The harness sees what becomes of the ends: 7.3 without the bounce of one of them is
  /// another kernel.
  @Test(.enabled(if: Trees.exists("7.3"), Trees.missing), arguments: ["start", "end"])
  func whoForgetsAnEndIsFound(end: String) throws {
    let tree = try EditedTree(copyOf: "7.3")
    let file = "drivers/iommu/dma-iommu.c"
    let condition = end == "start" ? "\tif (iova_start_pad) {\n" : "\tif (iova_end_pad) {\n"
    try tree.replace(condition, with: "\tif (0) {\n", in: file)
    var domain = reducedDomain([.x86])
    (domain.operations, domain.attributes) = ([.iovaLink], [.none])
    domain.iommuModes = [.translated]
    (domain.facings, domain.masks) = ([.external], [.allCases[40]])
    var device = DeviceParameters()
    device.minAlignMask = 0xfff
    domain.machines = [Machine.sixtyFourGiB.with(device)]
    domain.buffers = buffers(end == "start" ? [0x200] : [0], [end == "start" ? 0xe00 : 5000])
    let code = try evaluated(tree.path, domain, cache: tree.cache)
    let model = try #require(KernelVersion.named("7.3"))
    let found = Agreement(model: model, code: code, domain: domain, limit: 1)
    #expect(found.scenarios > 0 && !found.isComplete)
  }

  /// dma_alloc_noncontiguous(), of a page and of more.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func aListOfPagesIsAllocated(version: String) throws {
    var domain = reducedDomain([.x86, .x86SME47, .sev, .arm64, .arm64CCA, .s390PV, .ppc64SVM])
    domain.operations = [.allocNoncontiguous]
    domain.buffers = [.none] + [8192, 1 << 20].compactMap { Buffer(allocating: $0) }
    let tree = try evaluated(Trees.path(version), domain)
    try expectAgreement(tree, version, domain, atLeast: 20_000)
  }

  /// An allocation that needs an atomic pool, and finds all full.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func atomicPoolsAreFull(version: String) throws {
    var domain = reducedDomain([.x86SME47, .sev, .arm64, .arm64CCA, .s390PV])
    domain.operations = [.alloc, .allocAtomic, .allocPagesAtomic]
    domain.busLimits = [.none]
    let empty = try evaluated(Trees.path(version), domain)
    domain.conditions = BootConditions(fill: .atomicPools)
    let tree = try evaluated(Trees.path(version), domain)
    try expectAgreement(tree, version, domain, atLeast: 5_000)
    domain.conditions = .ordinary
    #expect(!Agreement(model: empty, code: tree, domain: domain, limit: 1).isComplete)
  }

  /// A bounce whose address is checked no more is one that the device cannot reach.
  ///
  /// Source: kernel/dma/swiotlb.c swiotlb_map() (6.12): the pool of 64G lies below 4 GiB.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aPoolBeyondTheMaskIsNotReached() throws {
    let tree = try EditedTree(copyOf: "6.12")
    try tree.replace(
      "if (unlikely(!dma_capable(dev, dma_addr, size, true))) {", with: "if (0) {",
      in: "kernel/dma/swiotlb.c")
    var domain = reducedDomain([.x86])
    (domain.iommuModes, domain.swiotlbModes) = ([.none], [.force])
    let answers = try evaluated(tree.path, domain, cache: tree.cache)
    let boot = try #require(answers.recorded?.boot(.x86, .none, .force, .sixtyFourGiB))
    for (bits, verdict) in [(UInt8(24), Verdict.unreachable), (32, .bounced)] {
      let request = DeviceRequest(
        mask: try #require(domain.masks.first { $0.bits == bits }), coherentMask: .same,
        busLimit: .none, coherence: .coherent, facing: .internal, operation: .map,
        attributes: .none, buffer: .low)
      let answer = try #require(boot.cycle(of: request)).answer
      #expect(answer.result == .bounce)
      let judged = hardwareVerdict(platform: .x86, request: request, answer: answer)
      #expect(judged == verdict, "\(bits)")
    }
  }

  /// 7.3 edited as the proposals say: the model of each agrees with the code.
  @Test(
    .enabled(if: Trees.exists("7.3"), Trees.missing), arguments: ["7.3+P25", "7.3+P26", "7.3+P27"])
  func proposalsDecideAsTheirCode(name: String) throws {
    let tree = try EditedTree(copyOf: "7.3")
    let declared = "\tbool device_cc_accepted(struct device *dev);\n\n"
    let spared = declared + "\tif (device_cc_accepted(dev))\n\t\treturn false;\n"
    let bounce = "\treturn mem && mem->force_bounce;"
    try tree.replace(bounce, with: spared + bounce, in: "include/linux/swiotlb.h")
    if name == "7.3+P26" {
      let guest = "\tif (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))\n\t\treturn "
      try tree.replace(
        guest + "true;", with: declared + guest + "!device_cc_accepted(dev);",
        in: "arch/x86/mm/mem_encrypt.c")
      let file = "include/linux/dma-direct.h"
      let private_ = "\treturn dma_addr_encrypted(__phys_to_dma(dev, paddr));"
      try tree.write(
        try tree.text(file).replacing(
          private_,
          with: """
            #ifndef CONFIG_ARM64
            \tbool device_cc_accepted(struct device *dev);

            \tif (device_cc_accepted(dev))
            \t\treturn dma_addr_unencrypted(__phys_to_dma(dev, paddr));
            #endif

            """ + private_), to: file)
    } else {
      let realm = "\treturn is_realm_world()"
      try tree.replace(realm, with: spared + realm, in: "arch/arm64/include/asm/mem_encrypt.h")
    }
    if name == "7.3+P27" {
      let active = "\treturn mem && mem->nslabs;"
      try tree.replace(active, with: spared + active, in: "kernel/dma/swiotlb.c")
      let alloc = "\treturn dev->dma_io_tlb_mem->for_alloc;"
      try tree.replace(alloc, with: spared + alloc, in: "include/linux/swiotlb.h")
      let pool = "\treturn !gfpflags_allow_blocking(gfp) && !is_swiotlb_for_alloc(dev);"
      try tree.replace(pool, with: spared + pool, in: "kernel/dma/direct.c")
    }
    let answers = try evaluated(tree.path, accepted, cache: tree.cache)
    try expectAgreement(answers, name, accepted, atLeast: 15_000)
    let release = try #require(KernelVersion.named("7.3"))
    #expect(!Agreement(model: release, code: answers, domain: accepted, limit: 1).isComplete)
  }
}
