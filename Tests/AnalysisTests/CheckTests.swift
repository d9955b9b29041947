import DMAHardware
import DMAModel
import Testing

@testable import Analysis

@Suite struct CheckTests {
  private var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.platforms = [.x86SME47, .sev, .arm64]
    domain.machines = [.sixtyFourGiB]
    domain.busLimits = [.none]
    domain.masks = [24, 31, 32, 40, 47, 48, 64].compactMap(DMAMask.init(bits:))
    return domain
  }

  private func kernel(_ name: String) throws -> KernelVersion {
    try #require(KernelVersion.named(name))
  }

  /// A review asks what differs from the kernels in use; a user, what a change does.
  @Test func whatAReviewComparesWith() throws {
    for (name, base) in [
      ("6.12", "6.1"), ("7.2", "6.12"), ("v4", "7.2"), ("v6+P03", "7.2"), ("7.3", "7.2"),
    ] {
      #expect(try kernel(name).reviewBase?.name == base)
    }
    #expect(try kernel("6.1").reviewBase == nil)
    let variant = try #require(
      KernelVersion(
        variant: "mine", basedOn: kernel("v6"), summary: "-", link: nil, settings: []))
    #expect(variant.reviewBase?.name == "v6")
  }

  /// The lints against a reference that asks the model one scenario at a time; those
  /// about the end of requests have a test of their own.
  @Test(arguments: ["7.2", "v6", "7.3"])
  func violationsAreThoseOfANaiveWalk(name: String) throws {
    let version = try kernel(name)
    let base = try kernel("6.12")
    let check = Check(version, base: base, domain: domain)
    var expected: [Lint: Int] = [:]
    for platform in domain.platforms {
      for iommu in domain.iommuModes {
        for swiotlb in domain.swiotlbModes
        where version.policy.bootExclusion(platform, iommu, swiotlb) == nil {
          let booted = [version, base].map { kernel in
            BootedKernel(
              policy: kernel.policy, platform: platform, iommu: iommu, swiotlb: swiotlb,
              machine: .sixtyFourGiB)
          }
          walk(
            booted, &expected, hasBase: base.policy.bootExclusion(platform, iommu, swiotlb) == nil)
        }
      }
    }
    for (lint, outcome) in check.outcomes where !lint.isAboutLife && !lint.isAboutBoots {
      var found = check.excused.filter {
        $0.finding.lint == lint && !$0.finding.isByCircumstance
      }.reduce(0) {
        $0 + $1.finding.scenarios
      }
      if case .violated(let findings) = outcome {
        found += findings.filter { !$0.isByCircumstance }.reduce(0) { $0 + $1.scenarios }
      }
      #expect(found == expected[lint, default: 0], "\(lint.rawValue)")
    }
  }

  private func walk(_ booted: [BootedKernel], _ count: inout [Lint: Int], hasBase: Bool) {
    let kernel = booted[0]
    let lines = domain.requests(
      on: .sixtyFourGiB, kernel.platform, kernel.iommu, policies: [kernel.policy])
    let requests = lines.flatMap { line in
      domain.masks.map { mask in
        var request = line
        request.mask = mask
        return request
      }
    }
    requests.forEach { request in
      func judged(_ request: DeviceRequest, _ kernel: BootedKernel) -> JudgedAnswer {
        JudgedAnswer(kernel.platform, request, kernel.answer(to: request))
      }
      let own = judged(request, kernel)
      let served = own.verdict == .ok || own.verdict == .bounced
      func violate(_ lint: Lint, _ condition: Bool) {
        if condition { count[lint, default: 0] += 1 }
      }
      violate(.noSilentCorruption, !served && own.verdict != .refused)
      violate(
        .maskMonotone,
        own.verdict == .refused
          && domain.masks.contains { mask in
            var narrower = request
            narrower.mask = mask
            return mask < request.mask && judged(narrower, kernel).verdict.isServed
          })
      let isRAM = [.low, .dma32, .high, .small, .large].contains(request.buffer)
      let isMap = request.operation == .map || request.operation == .mapSG
      violate(
        .forceMeansBounce,
        kernel.swiotlb == .force && !kernel.iommu.usesDMAIOMMU && isMap && isRAM
          && own.answer.result != .bounce)
      violate(
        .loudRefusal,
        isMap && isRAM && request.attributes == .none && own.verdict == .refused
          && [[], [.memoryEncryption]].contains(own.answer.warnings))
      if request.operation == .mapSG {
        var map = request
        map.operation = .map
        let other = judged(map, kernel)
        violate(
          .mapSGAgrees,
          own.verdict != other.verdict || own.answer.encoding != other.answer.encoding)
      }
      if request.operation == .alloc || request.operation == .allocAtomic {
        var pages = request
        pages.operation = request.operation == .alloc ? .allocPages : .allocPagesAtomic
        let other = judged(pages, kernel).verdict
        violate(
          .allocAgrees,
          served != other.isServed || (own.verdict == .refused) != (other == .refused))
      }
      if request.operation == .map, request.attributes == .none, isRAM {
        let promised = own.answer.maxMapping
        violate(
          .maxMappingSizeIsHonest,
          request.buffer == .large && own.verdict == .refused && promised >= 512 << 10)
        violate(
          .addressingLimitedIsHonest,
          [.low, .dma32, .high].contains(request.buffer) && kernel.pool.isActive
            && !kernel.pool.forceBounce && !kernel.iommu.usesDMAIOMMU
            && (own.answer.result == .bounce || own.verdict == .refused)
            && !kernel.reach(of: ExactRequest(request)).isAddressingLimited)
      }
      guard hasBase,
        booted[1].policy.requestExclusion(
          request.operation, request.attributes, request.buffer, on: .sixtyFourGiB) == nil
      else { return }
      let base = judged(request, booted[1])
      violate(.servedStaysServed, base.verdict.isServed && !served)
      violate(
        .noNewExposure,
        base.verdict.isServed && base.exposure == .none && served && own.exposure != .none)
    }
  }

  @Test func comparingLintsNeedABase() throws {
    let check = Check(try kernel("v6"), base: nil, lints: [.servedStaysServed], domain: domain)
    guard case .skipped = check.outcomes[0].outcome else {
      Issue.record("without a base the lint is skipped")
      return
    }
  }

  /// Every bounce of an SME host without dma-iommu: v6 refuses, v7 does not.
  @Test func v7RepairsTheForcedBounces() throws {
    var domain = domain
    domain.platforms = [.x86SME47]
    domain.swiotlbModes = [.force]
    domain.operations = [.map]
    domain.attributes = [.none]
    let lost = { (name: String) throws in
      Check(
        try self.kernel(name), base: try self.kernel("7.2"), lints: [.servedStaysServed],
        domain: domain
      ).findings
    }
    #expect(try lost("v6").contains { $0.headline.contains("pool state does not match") })
    // Full pools and failing decryption are another matter.
    #expect(try lost("v7").allSatisfy(\.isByCircumstance))
  }
}

@Suite struct PatchMailTests {
  private func version(_ mail: String) -> String? { PatchMail.version(of: mail)?.name }

  @Test func aMailIsKnownByItsThread() {
    let patch = "Message-ID: <20260604083959.1265923-8-aneesh.kumar@kernel.org>\nSubject: x\n\n"
    #expect(version(patch) == "v6")
    #expect(version("In-Reply-To:\n <20260701054926.825925-1-aneesh.kumar@kernel.org>\n\n") == "v7")
    #expect(version(patch.replacing("\n", with: "\r\n")) == "v6")
    #expect(version("Message-ID: <20260604083959.1265923-x-aneesh.kumar@kernel.org>\n\n") == nil)
    #expect(version("Message-ID: <20260604083959.1265923-8-somebody@example.org>\n\n") == nil)
  }

  /// Every patch number of every version; a number alone or another author is not it.
  @Test func everyMailOfTheSeriesIsKnown() throws {
    for version in KernelVersion.all {
      guard let cover = version.messageID else { continue }
      for number in 1...23 {
        let id = cover.replacing("-1-", with: "-\(number)-")
        #expect(self.version("Subject: [PATCH] x\nMessage-Id: <\(id)>\n\n") == version.name)
        // A patch in reply is somebody's own, a word on the series is not.
        let reply = "Message-ID: <a@b>\nIn-Reply-To: <\(id)>\nSubject: "
        #expect(self.version(reply + "[PATCH v2] swiotlb: mine\n\n") == nil)
        #expect(self.version(reply + "Re: [PATCH v2] swiotlb: yours\n\n") == version.name)
      }
    }
  }

  @Test func aCoverLetterIsKnownByItsTitle() {
    let title = "dma-mapping: Use DMA_ATTR_CC_SHARED through direct, pool and swiotlb paths"
    for name in ["v4", "v5", "v6", "v7"] {
      #expect(version("Subject: [PATCH \(name) 00/20] \(title)\n\n") == name)
      #expect(version("Subject: [RFC PATCH \(name) 00/20]\n \(title)\n\n") == name)
      for other in [
        "swiotlb: fix a typo", "dma-direct: pass attrs to dma_capable()", "dma-mapping: more",
        "net: fix a typo", "\(title) again", "",
      ] {
        #expect(version("Subject: [PATCH \(name) 07/20] \(other)\n\n") == nil)
      }
    }
    for name in ["v1", "v9", "v44", "7.3", "x86"] {
      #expect(version("Subject: [PATCH \(name) 00/20] \(title)\n\n") == nil)
    }
    #expect(version("Subject: [v5 00/20] \(title)\n\n") == nil)
    #expect(version("") == nil)
    // Only headers count.
    #expect(version("Subject: x\n\nSubject: [PATCH v5 0/20] \(title)\n") == nil)
  }
}
