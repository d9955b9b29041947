import DMAAxes

/// What then happens on the bus.
///
/// Computed from the platform, the request and the answer alone: this module
/// cannot import a policy, so no intention of the kernel can leak into it.
public enum Verdict: UInt8, AxisValue {
  case ok, bounced, refused, garbled, blocked, unreachable

  public static let axis = "verdict"

  public var name: String {
    switch self {
    case .ok: "ok"
    case .bounced: "bounced"
    case .refused: "refused"
    case .garbled: "garbled"
    case .blocked: "blocked"
    case .unreachable: "unreachable"
    }
  }

  public var summary: String {
    switch self {
    case .ok: "the device reaches the intended bytes, directly or by IOVA"
    case .bounced: "the device reaches a copy of them in a bounce buffer, correctly"
    case .refused: "the kernel returned an error: a clean failure"
    case .garbled: "encoding and memory state differ on a host: silent corruption"
    case .blocked: "a guest handed out private memory that the device cannot access"
    case .unreachable:
      "the device does not reach what was named: the address does not fit the mask or limit, or "
        + "peer memory was copied"
    }
  }

  /// The sign of the verdict on a map: one character, legible without colour.
  public var sign: String {
    switch self {
    case .ok: "."
    case .bounced: "b"
    case .refused: "x"
    case .garbled: "!"
    case .blocked: "#"
    case .unreachable: "?"
    }
  }

  /// Whether the device gets at the right bytes.
  @inlinable public var isServed: Bool {
    switch self {
    case .ok, .bounced: true
    case .refused, .garbled, .blocked, .unreachable: false
    }
  }

  /// Whether the device gets at wrong bytes, or at none, without an error.
  @inlinable public var isSilentlyWrong: Bool { !isServed && self != .refused }
}

/// What a success cost.
public enum Exposure: UInt8, AxisValue {
  case none, plaintextDRAM, hostVisible

  public static let axis = "exposure"

  public var name: String {
    switch self {
    case .none: "none"
    case .plaintextDRAM: "plaintext_dram"
    case .hostVisible: "host_visible"
    }
  }

  public var summary: String {
    switch self {
    case .none: "nothing"
    case .plaintextDRAM: "the data lie decrypted in DRAM"
    case .hostVisible: "the data lie in memory shared with the host"
    }
  }
}

/// Judges an answer by what the hardware does.
///
/// - Encrypting hosts (SME): an access is right iff the C-bit of the address,
///   or of the IOMMU's PTE, equals the state of the memory. Device memory is
///   never encrypted, so that its C-bit must be clear.
/// - Secure guests with an untrusted device: right iff the memory is shared and
///   the address, or the PTE, names the shared alias where there are two.
/// - Secure guests with a device that they accepted (TDISP, T=1): right iff the alias that
///   the access ends up with is the state of the memory (`acceptedAlias(of:on:)`).
/// - Plain platforms: right iff the address fits.
/// - A copy of RAM in a bounce buffer is as good as the RAM. A copy of a peer's memory is
///   not: what was asked for is access to the peer itself, whose registers and memory
///   the CPU reads at the map and writes at the unmap instead.  The peer is unreachable,
///   and the kernel says nothing, so that lints take it for silently wrong.
@inlinable public func hardwareVerdict(
  platform: Platform,
  request: DeviceRequest,
  answer: Answer,
  addressLines: UInt8 = 64
) -> Verdict {
  if answer.result == .error { return .refused }
  guard addressFits(request: request, answer: answer, addressLines: addressLines) else {
    return .unreachable
  }

  let selected = selectedAlias(of: answer, on: platform)
  switch platform.sharedMemoryReader {
  case .nobody:
    break
  case .dram:
    let state =
      request.buffer.isDeviceMemory && answer.memoryState == .none
      ? MemoryState.shared : answer.memoryState
    if selected != state { return .garbled }
  case .host where request.isAccepted:
    if acceptedAlias(of: answer, on: platform) != answer.memoryState { return .blocked }
  case .host:
    if answer.memoryState == .private { return .blocked }
    if selected == .private { return .blocked }
  }
  switch answer.result {
  case .bounce, .iovaBounce: return request.buffer.isDeviceMemory ? .unreachable : .bounced
  case .iovaEnds: return middleVerdict(platform: platform, request: request, answer: answer)
  default: return .ok
  }
}

/// The verdict on a mapping whose ends are right: what lies between is the buffer itself.
@usableFromInline
func middleVerdict(platform: Platform, request: DeviceRequest, answer: Answer) -> Verdict {
  var middle = answer
  middle.result = .iova
  middle.memoryState =
    !platform.encryptsMemory ? .plain : request.attributes.isCCShared ? .shared : .private
  let verdict = hardwareVerdict(platform: platform, request: request, answer: middle)
  return verdict == .ok ? .bounced : verdict
}

/// What the success of an answer exposes.
///
/// It follows the memory that the device touches, whoever made it shared.
@inlinable public func exposure(platform: Platform, answer: Answer, verdict: Verdict) -> Exposure {
  guard verdict.isServed, answer.memoryState == .shared else { return .none }
  return platform.exposureOfSharedMemory
}

extension Platform {
  /// What memory that the kernel made shared exposes.
  @inlinable public var exposureOfSharedMemory: Exposure {
    switch sharedMemoryReader {
    case .nobody: .none
    case .dram: .plaintextDRAM
    case .host: .hostVisible
    }
  }
}

/// The alias that the access ends up with: the PTE's behind an IOMMU, else the
/// address' own.
///
/// A page table without a bit for encryption holds the physical address as it is.  Where
/// the shared alias is another address, that is the private one.  In a Realm the shared
/// alias has the top bit of the IPA, PROT_NS_SHARED: arch/arm64/include/asm/mem_encrypt.h
/// sets it in `dma_addr_unencrypted()`, of which dma-direct alone makes use (7.2, 7.3).
/// drivers/iommu/dma-iommu.c `__iommu_dma_map()` hands `phys` to `iommu_map()` as it is,
/// and `dma_info_to_prot()` knows no protection for shared memory (6.12, 7.2, 7.3).
@inlinable func selectedAlias(of answer: Answer, on platform: Platform) -> MemoryState {
  switch answer.encoding {
  case .none: return .none
  case .plain: return .plain
  case .private: return .private
  case .shared: return .shared
  case .iova: return answer.pte == .plain && platform.sharedBit != 0 ? .private : answer.pte
  }
}

/// The alias that an access of a device ends up with which the guest accepted (T=1).
///
/// It passes the same second-stage tables as the guest's own accesses, in which private and
/// shared memory are both mapped (20260228002808.GO44359@ziepe.ca).
/// - Arm CCA: the top bit of the IPA selects, as for the CPU.
/// - SEV: without tables of the guest's own the IOMMU's entry for the device (SDTE) decides,
///   private for an accepted device, whatever the address
///   (500e3174-9aa1-464a-b933-f0bcc2ddde68@amd.com); with them the C-bit of the PTE.
/// - TDX: the shared bit of the GPA selects, which no modelled kernel sets in an address for
///   a device (arch/x86 has no `dma_addr_unencrypted()` of TDX's; 7.2, 7.3): private.
@inlinable func acceptedAlias(of answer: Answer, on platform: Platform) -> MemoryState {
  if platform.sharedBit != 0 { return selectedAlias(of: answer, on: platform) }
  if answer.encoding == .iova, answer.pte != .plain { return answer.pte }
  return .private
}

/// Whether the device can emit the whole range of the address.
///
/// What has no known address fits: Xen's machine addresses are checked by swiotlb-xen
/// itself, and an IOVA is allocated below the limit by construction.
///
/// - Parameter addressLines: How many lines the device has. Of an IOVA the highest
///   that mask and bus limit allow counts: it is used once those below are taken.
@inlinable func addressFits(
  request: DeviceRequest, answer: Answer, addressLines: UInt8
) -> Bool {
  var limit = request.operation.isMapping ? request.streamingLimit : request.coherentLimit
  if answer.encoding == .iova { return addressLines >= 64 || limit <= bitMask(addressLines) }
  guard let address = answer.address else { return true }
  if addressLines < 64 { limit = min(limit, bitMask(addressLines)) }
  let length = request.buffer.length
  let (last, overflow) = address.addingReportingOverflow(length - 1)
  return !overflow && last <= limit
}

/// An answer with what the hardware makes of it.
public struct JudgedAnswer: Hashable, Sendable {
  public let answer: Answer
  public let verdict: Verdict
  public let exposure: Exposure

  /// Judges an answer.
  ///
  /// `addressLines` is how many address lines the device really drives.
  @inlinable public init(
    _ platform: Platform, _ request: DeviceRequest, _ answer: Answer, addressLines: UInt8 = 64
  ) {
    self.answer = answer
    verdict = hardwareVerdict(
      platform: platform, request: request, answer: answer, addressLines: addressLines)
    exposure = DMAHardware.exposure(platform: platform, answer: answer, verdict: verdict)
  }
}
