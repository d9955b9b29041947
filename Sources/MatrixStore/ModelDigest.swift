import DMAModel
import Foundation
import Support

/// The identity of the model: a digest over axes, policies and answers.
///
/// Two databases with the same digest were made from the same axes, the same machines and
/// the same policy for each kernel, by builds that answer alike: the rules are code, and
/// count by what they answer to the questions of ``AnswerProbe``.
public enum ModelDigest {
  /// SHA-256, in hexadecimal, of the model of the posted kernels and the matrix' machines.
  public static func digest() -> String { standard }

  private static let standard = digest(of: KernelVersion.all, machines: Machine.standard)

  /// SHA-256, in hexadecimal, of the model of the given kernels and machines.
  public static func digest(of kernels: [KernelVersion], machines: [Machine]) -> String {
    hexadecimal(SHA256.hash(Data(text(kernels, machines).utf8)))
  }

  /// What a kernel answers, as a number of 16 digits; nil for a recorded one, whose
  /// answers are no rules of the model.
  package static func answers(of kernel: KernelVersion, machines: [Machine]) -> String? {
    guard kernel.recorded == nil else { return nil }
    let digits = String(AnswerProbe(kernel.policy, on: machines).value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
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
    return hexadecimal(SHA256.hash(Data(text.utf8)))
  }

  /// SHA-256 of bytes, in hexadecimal.
  public static func digest(ofBytes bytes: [UInt8]) -> String {
    hexadecimal(SHA256.hash(bytes))
  }

  /// SHA-256 of a file, in hexadecimal.
  public static func digest(ofFile path: String) throws -> String {
    let file = FileHandle(fileDescriptor: try InputFile.open(path), closeOnDealloc: true)
    defer { try? file.close() }
    let hash = SHA256()
    while let data = try file.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data) }
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
    lines += machines.map { "machine \($0.name) \($0.descriptionText)" }
    let answers = concurrently(kernels) {
      Self.answers(of: $0, machines: machines) ?? "recorded"
    }
    for (kernel, answers) in zip(kernels, answers) {
      lines += Knob.all.map { "\(kernel.name) \($0.id) \($0.value(in: kernel.policy))" }
      lines.append("\(kernel.name) answers \(answers)")
    }
    return lines.joined(separator: "\n")
  }
}

extension Machine {
  /// RAM as ranges of hexadecimal addresses, end exclusive, and firmware's limit for DMA.
  var ramText: String {
    (ram.map(\.text) + (firmwareDMALimit.map { ["dma=" + $0.hexadecimal] } ?? []))
      .joined(separator: ",")
  }

  /// ``ramText`` with the CPUs, where they are not the four of the matrix: they set the
  /// number of a pool's areas, and so what fits into one.
  public var descriptionText: String {
    cpus == Machine.twoGiB.cpus ? ramText : ramText + ",cpus=\(cpus)"
  }
  /// The machine of a ``descriptionText``, with the devices that its name says; nil for
  /// another text, and for addresses past those that `--machine` takes.
  public init?(name: MachineName, description: some StringProtocol) {
    var (ranges, limit): ([PhysicalRange], UInt64?) = ([], nil)
    var cpus = Machine.twoGiB.cpus
    for part in description.split(separator: ",", omittingEmptySubsequences: false) {
      if part.hasPrefix("dma="), let address = UInt64(hexadecimal: part.dropFirst(4)) {
        limit = address
      } else if part.hasPrefix("cpus="), let count = Int(part.dropFirst(5)),
        (1...4096).contains(count)
      {
        cpus = count
      } else if let range = PhysicalRange(text: part), range.end <= 1 << 52 {
        ranges.append(range)
      } else {
        return nil
      }
    }
    self.init(name: name, ram: ranges, cpus: cpus)
    firmwareDMALimit = limit
    guard descriptionText == description,
      let device = DeviceParameters(suffix: name.name.drop { $0 != "+" })
    else { return nil }
    self.device = device
  }
}
