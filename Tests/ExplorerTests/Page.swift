import DMAModel
import TestSupport

@testable import Explorer

/// What a reader of the page sees, by the rules of `Web/data.js`.
struct Page {
  let content: ExplorerData.Content
  private let lines: [UInt16]
  private var altered: [[UInt32: UInt16]] = []
  private var boots: [[String]: Int] = [:]
  private var devices: [[String]: Int] = [:]
  private var requests: [[String]: Int] = [:]
  private var circumstances: [String: Int] = [:]

  struct Cell {
    let outcome: [String]
    /// The page's number of the path, or -1.
    let number: Int
    /// Whether the circumstance has cells of its own here.
    let isAltered: Bool
    fileprivate let content: ExplorerData.Content

    /// nil where none is recorded.
    var path: [Step]? {
      guard number >= 0 else { return nil }
      return content.paths[number].map { Step(content.steps[$0 / 2], taken: $0 % 2 == 1) }
    }
  }

  /// One decision of a path.
  struct Step: Equatable {
    let function: String
    let condition: String
    let knob: String
    let taken: Bool

    init(_ step: TraceStep) {
      (function, condition, knob) = (step.function, step.condition, step.knob)
      taken = step.taken
    }

    init(_ step: ExplorerData.Step, taken: Bool) {
      (function, condition, knob) = (step.function, step.condition, step.knob)
      self.taken = taken
    }
  }

  init(_ data: ExplorerData) {
    content = data.content
    lines = data.lines
    var rest = data.altered[...]
    for count in content.alteredLines {
      altered.append(
        Dictionary(uniqueKeysWithValues: rest.prefix(count).map { ($0.line, $0.profile) }))
      rest = rest.dropFirst(count)
    }
    let content = content
    func name(_ axis: String, _ place: Int) -> String { content.axes[axis]?[place].name ?? "" }
    for (index, boot) in content.boots.enumerated() {
      let names = zip(ExplorerData.bootAxes, boot.dropFirst()).map { name($0, $1) }
      boots[[content.kernels[boot[0]].name] + names] = index
    }
    for (index, device) in content.devices.enumerated() {
      devices[zip(ExplorerData.deviceAxes, device).map { name($0, $1) }] = index
    }
    for (index, request) in content.requests.enumerated() {
      requests[zip(ExplorerData.requestAxes, request).map { name($0, $1) }] = index
    }
    for (index, value) in content.circumstances.enumerated() { circumstances[value.name] = index }
  }

  /// The cells of a scenario: none where the page says that it does not exist.
  func cells(
    _ boot: DomainBoot, _ circumstance: Circumstance, _ request: DeviceRequest
  ) -> [Cell] {
    let suffix = circumstance.suffix.dropFirst()
    guard let boot = boots[boot.names],
      let device = devices[
        [
          request.coherentMask.name, request.busLimit.name, request.coherence.name,
          request.facing.name,
        ]],
      let asked = requests[
        [request.operation.name, request.attributes.name, request.buffer.name]],
      let circumstance = circumstances[suffix.isEmpty ? "ordinary" : String(suffix)]
    else { return [] }
    let line = (boot * content.devices.count + device) * content.requests.count + asked
    let own = circumstance > 0 ? altered[circumstance][UInt32(line)] : nil
    let profile = own ?? lines[line]
    guard profile > 0 else { return [] }
    let mask = Int(request.mask.bits)
    let spans = content.profiles[Int(profile) - 1]
    return stride(from: 0, to: spans.count, by: 4).compactMap { start in
      guard spans[start] <= mask, mask <= spans[start + 1] else { return nil }
      return Cell(
        outcome: content.outcomes[spans[start + 2]], number: spans[start + 3],
        isAltered: own != nil, content: content)
    }
  }

  /// How many masks of how many lines have an ordinary cell.
  var ordinaryCells: Int {
    lines.reduce(0) { sum, profile in
      guard profile > 0 else { return sum }
      let spans = content.profiles[Int(profile) - 1]
      return sum
        + stride(from: 0, to: spans.count, by: 4).reduce(0) { $0 + spans[$1 + 1] - spans[$1] + 1 }
    }
  }
}
