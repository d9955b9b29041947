/// What is known of a boot's requests, for devices that cannot be told apart.
///
/// A request was evaluated for one device, and what it then depended on (``MaskRun/reads``)
/// decides for which others the result holds: those with the same values of these axes.
/// What the hardware makes of an answer is another thing for an accepted device, whose
/// results are its own.
public struct KnownLines: Sendable {
  private struct Line {
    let device: DeviceRequest
    let reads: DeviceAxes
    let number: Int
  }

  private let buffers: [Buffer]
  /// By operation, attributes and buffer.
  private var lines: [[Line]]

  public init(_ domain: MatrixDomain) {
    buffers = domain.buffers
    lines = Array(
      repeating: [],
      count: Operation.known.count * Attributes.allCases.count * (domain.buffers.count + 1))
  }

  /// The number of what is known of a request, whatever its mask; nil where nothing is.
  public subscript(request: DeviceRequest) -> Int? {
    for line in lines[place(request)] {
      let (reads, device) = (line.reads, line.device)
      // Buffers that the domain has not are in one place.
      if device.buffer == request.buffer,
        !reads.contains(.coherence) || device.coherence == request.coherence,
        device.facing == request.facing
          || !reads.contains(.facing) && !device.isAccepted && !request.isAccepted,
        !reads.contains(.coherentMask) || device.coherentMask == request.coherentMask,
        !reads.contains(.busLimit) || device.busLimit == request.busLimit
      {
        return line.number
      }
    }
    return nil
  }

  /// Keeps the number of a request's result, with what it depends on.
  public mutating func keep(_ number: Int, for request: DeviceRequest, _ reads: DeviceAxes) {
    lines[place(request)].append(Line(device: request, reads: reads, number: number))
  }

  /// Forgets all, for another boot.
  public mutating func removeAll() {
    for place in lines.indices { lines[place].removeAll(keepingCapacity: true) }
  }

  private func place(_ request: DeviceRequest) -> Int {
    (Int(request.operation.rawValue) * Attributes.allCases.count
      + Int(request.attributes.rawValue)) * (buffers.count + 1)
      + (buffers.firstIndex(of: request.buffer) ?? buffers.count)
  }
}
