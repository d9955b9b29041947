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
  mutating func note(
    _ function: StaticString,
    _ condition: StaticString,
    _ taken: Bool,
    _ knob: StaticString
  )
}

/// Records nothing; the compiler removes it.
struct NoTrace: Tracer {
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
