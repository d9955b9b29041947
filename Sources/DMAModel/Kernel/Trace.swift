/// One decision on the way to an answer.
public struct TraceStep: Hashable, Sendable {
  /// The kernel function that decides.
  public let function: String
  /// What it asks.
  public let condition: String
  /// What it found.
  public let taken: Bool
  /// The id of the knob by which versions differ here, or empty.
  public let knob: String
}

/// Receives every decision of an evaluation.
protocol Tracer {
  /// Whether anything is done with what is noted.
  static var isRecording: Bool { get }
  mutating func note(
    _ function: StaticString,
    _ condition: StaticString,
    _ taken: Bool,
    _ knob: StaticString
  )
  /// Receives that a mask, or a limit made of it, was compared with an address.
  mutating func compare(_ mask: ComparedMask, with address: UInt64)
  /// Receives that the answer depends on something of the device beside its masks.
  mutating func read(_ axes: DeviceAxes)
}

extension Tracer {
  /// Most tracers have no use for it.
  @inline(__always)
  mutating func compare(_ mask: ComparedMask, with address: UInt64) {}

  /// Most tracers have no use for it.
  @inline(__always)
  mutating func read(_ axes: DeviceAxes) {}
}

/// One of a device's two masks.
enum ComparedMask { case streaming, coherent }

/// Records nothing; the compiler removes it.
struct NoTrace: Tracer {
  static var isRecording: Bool { false }

  @inline(__always)
  mutating func note(
    _ function: StaticString,
    _ condition: StaticString,
    _ taken: Bool,
    _ knob: StaticString
  ) {}
}

/// Records the path.
struct PathTrace: Tracer {
  static var isRecording: Bool { true }
  var steps: [TraceStep] = []

  mutating func note(
    _ function: StaticString,
    _ condition: StaticString,
    _ taken: Bool,
    _ knob: StaticString
  ) {
    steps.append(
      TraceStep(
        function: "\(function)",
        condition: "\(condition)",
        taken: taken,
        knob: "\(knob)"
      )
    )
  }
}

/// Mixes the path into a number: equal for equal paths within one process.
///
/// The strings are constants of the executable, so that their addresses name
/// them.
struct PathFingerprint: Tracer {
  static var isRecording: Bool { true }
  var value: UInt64 = 0xcbf2_9ce4_8422_2325

  @inline(__always)
  mutating func note(
    _ function: StaticString,
    _ condition: StaticString,
    _ taken: Bool,
    _ knob: StaticString
  ) {
    mix(UInt64(UInt(bitPattern: function.utf8Start)))
    mix(UInt64(UInt(bitPattern: condition.utf8Start)) << 1 | (taken ? 1 : 0))
    mix(UInt64(UInt(bitPattern: knob.utf8Start)))
  }

  @inline(__always)
  private mutating func mix(_ number: UInt64) {
    value = (value ^ number) &* 0x9e37_79b9_7f4a_7c15
    value ^= value >> 29
  }
}

/// What asks the kernel's questions and notes them.
protocol Traced {
  associatedtype Trace: Tracer
  var trace: Trace { get set }
  var request: AskedRequest { get }
  var kernel: BootedKernel { get }
  /// `dev->dma_io_tlb_mem`.
  var pool: SwiotlbPool { get }
  /// `use_dma_iommu(dev)`.
  var usesDMAIOMMU: Bool { get }
  /// `force_dma_unencrypted(dev)`.
  var forced: Bool { get }
  /// The facts that the path has already.
  var cited: Facts { get set }
}

extension Traced {
  /// Notes a decision of `function` and returns it.
  @inline(__always)
  mutating func asks(
    _ function: StaticString,
    _ condition: StaticString,
    _ taken: Bool,
    knob: StaticString = ""
  ) -> Bool {
    trace.note(function, condition, taken, knob)
    return taken
  }
}
