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
    case .unreachable: "the address does not fit the mask or limit"
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
/// - Plain platforms: right iff the address fits.
@inlinable public func hardwareVerdict(
  platform: Platform,
  request: DeviceRequest,
  answer: Answer
) -> Verdict {
  if answer.result == .error { return .refused }
  guard addressFits(request: request, answer: answer) else { return .unreachable }

  let selected = selectedAlias(of: answer)
  switch platform.sharedMemoryReader {
  case .nobody:
    break
  case .dram:
    let state =
      request.buffer.isDeviceMemory && answer.memoryState == .none
      ? MemoryState.shared : answer.memoryState
    if selected != state { return .garbled }
  case .host:
    if answer.memoryState == .private { return .blocked }
    if selected == .private { return .blocked }
  }
  switch answer.result {
  case .bounce, .iovaBounce: return .bounced
  default: return .ok
  }
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
@inlinable func selectedAlias(of answer: Answer) -> MemoryState {
  switch answer.encoding {
  case .none: return .none
  case .plain: return .plain
  case .private: return .private
  case .shared: return .shared
  case .iova: return answer.pte
  }
}

/// Whether the device can emit the whole range of the address.
///
/// The model knows no value for an IOVA (address 0); an IOVA is allocated below
/// the limit by construction.
@inlinable func addressFits(request: DeviceRequest, answer: Answer) -> Bool {
  guard answer.encoding != .iova, answer.address != 0 else { return true }
  let limit = request.operation.isMapping ? request.streamingLimit : request.coherentLimit
  let length = request.operation.isMapping ? request.buffer.length : 4096
  let (last, overflow) = answer.address.addingReportingOverflow(length - 1)
  return !overflow && last <= limit
}

/// An answer with what the hardware makes of it.
public struct JudgedAnswer: Hashable, Sendable {
  public let answer: Answer
  public let verdict: Verdict
  public let exposure: Exposure

  /// Judges an answer.
  @inlinable public init(_ platform: Platform, _ request: DeviceRequest, _ answer: Answer) {
    self.answer = answer
    verdict = hardwareVerdict(platform: platform, request: request, answer: answer)
    exposure = DMAHardware.exposure(platform: platform, answer: answer, verdict: verdict)
  }
}
