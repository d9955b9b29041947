import DMAModel
import HostCapture

/// What a recorded kernel changes for a machine's devices.
///
/// A recorded kernel was asked on the matrix's machines, not on this one. Each request is
/// compared on the machine of the matrix that is most alike, and only where the machine's
/// own kernel answers there as it does here: by the same rule, with the same result.
public struct TreeComparison: Sendable {
  /// The machine of the matrix.
  public let machine: Machine
  /// The changes, each with the index of its device in ``HostReport/rows``.
  public let changes: [(device: Int, change: DeviceChange)]
  /// How many requests were compared.
  public let compared: Int
  /// Requests that were not compared, by the reason: so many of how many devices.
  public let omitted: [(reason: Omission, requests: Int)]

  /// Why a request was not compared.
  public enum Omission: String, Sendable, CaseIterable {
    /// A mask, a bus limit or a platform that the matrix does not have.
    case notInMatrix = "the matrix has no such masks, bus limit, platform or boot"
    /// The matrix's machine is not alike in what decides.
    case answeredOtherwise = "the matrix's machine is answered otherwise than this one"
    /// The tree was stored in part.
    case notRecorded = "the tree was not asked"
  }

  /// Compares with a recorded kernel.
  ///
  /// - Parameter report: The machine under its own, modelled kernel.
  public init(_ report: HostReport, with kernel: KernelVersion) {
    let boot = report.boot
    let isLarge = boot.capture.machine.top > 4 << 30
    let machine = isLarge ? Machine.sixtyFourGiB : .twoGiB
    self.machine = machine
    let high = isLarge ? Buffer.high : .dma32
    let questions: [(name: String, operation: DMAModel.Operation, buffer: Buffer)] = [
      ("map low", .map, .low), ("map high", .map, high), ("alloc", .alloc, .none),
    ]
    var changes: [(device: Int, change: DeviceChange)] = []
    var omitted: [Omission: Int] = [:]
    var compared = 0
    for (index, row) in report.rows.enumerated() {
      guard let conditions = row.conditions, let answers = row.answers else { continue }
      let mode = boot.mode(of: row.device).inMatrix
      let base = boot.version.booted(boot.platform, mode, boot.swiotlb, machine)
      let tree = kernel.booted(boot.platform, mode, boot.swiotlb, machine)
      var alike: [(name: String, before: DeviceChange.Side, after: DeviceChange.Side)] = []
      for question in questions {
        guard let request = conditions.matrixRequest(question.operation, question.buffer),
          kernel.policy.platforms.contains(boot.platform)
        else {
          omitted[.notInMatrix, default: 0] += 1
          continue
        }
        let before = base.answer(to: request)
        let here = answers.all.first { $0.name == question.name }?.answer
        guard here?.result == before.result, here?.decision == before.decision else {
          omitted[.answeredOtherwise, default: 0] += 1
          continue
        }
        let after = tree.answer(to: request)
        guard after.decision != .notRecorded else {
          omitted[.notRecorded, default: 0] += 1
          continue
        }
        alike.append((question.name, .init(before, answers), .init(after, answers)))
        compared += 1
      }
      changes += DeviceChange.between(alike, of: answers).map { (index, $0) }
    }
    self.changes = changes
    self.compared = compared
    self.omitted = Omission.allCases.compactMap { reason in omitted[reason].map { (reason, $0) } }
  }
}

extension DeviceConditions {
  /// The request as a scenario of the matrix has it; nil where an axis lacks a value.
  fileprivate func matrixRequest(
    _ operation: DMAModel.Operation, _ buffer: Buffer
  ) -> DeviceRequest? {
    let mask = DMAMask(highestAddress: streamingMask)
    let coherent =
      coherentMask == streamingMask ? .same : CoherentMask(highestAddress: coherentMask)
    let limit = BusLimit(highestAddress: busLimit) ?? .none
    guard DMAMask.allCases.contains(mask), CoherentMask.allCases.contains(coherent),
      BusLimit.allCases.contains(limit), busOffset == 0
    else { return nil }
    return DeviceRequest(
      mask: mask, coherentMask: coherent, busLimit: limit, coherence: coherence,
      facing: .internal, operation: operation, attributes: .none, buffer: buffer)
  }
}
