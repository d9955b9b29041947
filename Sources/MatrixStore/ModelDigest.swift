import Crypto
import DMAModel
import Foundation

/// The identity of the model: a digest over axes and policies.
///
/// Two databases with the same digest were made from the same axes, the same
/// machines and the same policy for each kernel.
public enum ModelDigest {
  /// SHA-256, in hexadecimal, of the model of the given kernels and machines.
  public static func digest(
    of kernels: [KernelVersion] = KernelVersion.all, machines: [Machine] = Machine.standard
  ) -> String {
    hexadecimal(SHA256.hash(data: Data(text(kernels, machines).utf8)))
  }

  /// SHA-256, in hexadecimal, of the values of every axis of a domain.
  static func digest(of domain: MatrixDomain) -> String {
    let axes: [[String]] = [
      domain.kernels.map(\.name), domain.platforms.map(\.name), domain.iommuModes.map(\.name),
      domain.swiotlbModes.map(\.name), domain.machines.map(\.name.name),
      domain.masks.map(\.name), domain.coherentMasks.map(\.name), domain.busLimits.map(\.name),
      domain.coherences.map(\.name), domain.facings.map(\.name), domain.operations.map(\.name),
      domain.attributes.map(\.name), domain.buffers.map(\.name),
    ]
    let text = axes.map { $0.joined(separator: "|") }.joined(separator: "\n")
    return hexadecimal(SHA256.hash(data: Data(text.utf8)))
  }

  /// SHA-256 of bytes, in hexadecimal.
  public static func digest(ofBytes bytes: [UInt8]) -> String {
    hexadecimal(SHA256.hash(data: bytes))
  }

  /// SHA-256 of a file, in hexadecimal.
  public static func digest(ofFile path: String) throws -> String {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    var hash = SHA256()
    while let data = try file.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data: data) }
    return hexadecimal(hash.finalize())
  }

  /// The canonical text: one line per axis, machine, rule and knob value.
  private static func text(_ kernels: [KernelVersion], _ machines: [Machine]) -> String {
    func axis<Value: AxisValue>(_: Value.Type) -> String {
      "axis \(Value.axis) \(Value.names.joined(separator: "|"))"
    }
    var lines = [
      axis(Platform.self), axis(IOMMUMode.self), axis(SwiotlbMode.self), axis(DMAMask.self),
      axis(CoherentMask.self), axis(BusLimit.self), axis(Coherence.self), axis(Facing.self),
      axis(Operation.self), axis(Attributes.self), axis(Buffer.self), axis(AnswerResult.self),
      axis(AddressEncoding.self), axis(MemoryState.self), axis(Decision.self), axis(Verdict.self),
      axis(Exposure.self), axis(Exclusion.self),
      axis(MaskChange.self), axis(DynamicPools.self), axis(PoolFill.self),
      axis(DecryptFailure.self), axis(BouncePool.self), axis(TransientSource.self),
      axis(UnmapCopy.self), axis(SlotsAfter.self), axis(StateAfter.self), axis(OwnerAfter.self),
      axis(AtomicCall.self),
    ]
    lines += machines.map { "machine \($0.name) \($0.ramText)" }
    for kernel in kernels {
      lines += Knob.all.map { "\(kernel.name) \($0.id) \($0.value(in: kernel.policy))" }
    }
    return lines.joined(separator: "\n")
  }
}

extension Machine {
  /// RAM as ranges of hexadecimal addresses, end exclusive.
  var ramText: String {
    ram.map(\.text).joined(separator: ",")
  }
}
