import DMAModel
import EmbeddedSchema
import Testing

@testable import Analysis

/// What the review says of devices that a guest accepted (T=1), judged.
@Suite struct AcceptedDeviceTests {
  private func check(
    _ kernel: String, _ facings: [Facing], _ platforms: [Platform] = [.arm64CCA]
  ) throws -> Check {
    var domain = MatrixDomain()
    domain.platforms = platforms
    domain.machines = [.sixtyFourGiB]
    domain.facings = facings
    return Check(
      try #require(KernelVersion.named(kernel)), base: nil, lints: [.guestPrivateStaysPrivate],
      domain: domain)
  }

  /// The lint asks for a device that can take private memory; the matrix has none.
  @Test func theLintNeedsAnAcceptedDevice() throws {
    guard case .skipped(let reason) = try check("7.3", Facing.allCases).outcomes[0].outcome else {
      Issue.record("decided without such a device")
      return
    }
    #expect(reason.contains("--external accepted"))
  }

  /// 7.3 bounces an accepted device's private memory through shared; P25 hands it out. A
  /// device with a restricted pool of its own is served from it by no proposal's check.
  @Test func exposingAnAcceptedDevicesMemoryIsAFinding() throws {
    guard case .violated(let findings) = try check("7.3", [.ccAccepted]).outcomes[0].outcome else {
      Issue.record("7.3 exposes nothing")
      return
    }
    #expect(findings.allSatisfy { $0.severity == .leaks && $0.scenarios > 0 })
    #expect(findings.contains { $0.decision == .swiotlbMapped })
    guard case .holds = try check("7.3+P25", [.ccAccepted]).outcomes[0].outcome else {
      Issue.record("P25 exposes memory")
      return
    }
  }

  private func judgement(_ id: String, _ kernel: String) throws -> Claim.Judgement {
    let claim = try #require(try Claim.read(Schema.claims).first { $0.id == id })
    return try #require(try claim.judge().first { $0.kernel.name == kernel }).judgement
  }

  /// Bounces into a private pool are P28's alone.
  @Test(arguments: ["C012", "C037"])
  func aPrivatePoolIsAskedFor(id: String) throws {
    guard case .refuted = try judgement(id, "7.3"), case .holds = try judgement(id, "7.3+P28"),
      case .holds = try judgement(id, "v7+P28")
    else {
      Issue.record("\(id)")
      return
    }
  }

  /// Realms: P25 needs no bounce and refuses one through the shared pool; x86 is P26's.
  @Test func sparedDevicesNeedNoBounce() throws {
    guard case .refuted = try judgement("C030", "7.3"),
      case .partly(_, _, let others) = try judgement("C030", "7.3+P25"),
      case .partly(let direct, _, _) = try judgement("C017", "7.3+P25"),
      case .partly(let before, _, _) = try judgement("C017", "7.3")
    else {
      Issue.record("C030 or C017 is judged otherwise")
      return
    }
    #expect(others.count == 1 && others[0].text == "platform!=arm64-cca")
    #expect(direct > before)
  }
}
