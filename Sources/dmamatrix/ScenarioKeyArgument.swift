import DMAModel
import Support

/// A scenario's key as reports print it, in place of the options of its axes.
///
/// Reports break a key behind a slash where a line ends, put "e.g." or a kernel before
/// it, write `*` for every mask, and a circumstance behind it:
/// `x86-sme47/none/default/2G/24/64/none/1/0/alloc/none/-;mask_change=up`.
struct ScenarioKeyArgument {
  private let kernel: String?
  /// By axis; the mask is missing where it is `*`.
  private var values: [String: String] = [:]
  private var changes: [String: String] = [:]

  /// - Parameter words: What stands on the command line, broken or not.
  init(_ words: [String]) throws {
    var words = words.flatMap { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    words.removeAll { $0 == "e.g." || $0 == "scenario" }
    let isKernel = words.count > 1 && !words[0].contains("/")
    kernel = isKernel ? words.removeFirst() : nil
    let key = words.joined()
    let parts = key.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
    let fields = parts[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard fields.count == Scenario.axes.count else {
      throw UsageError(
        description: "'\(key.printable)' is no scenario's key; accepted: "
          + Scenario.axes.map { $0.uppercased() }.joined(separator: "/"))
    }
    for (axis, value) in zip(Scenario.axes, fields) {
      if axis == DMAMask.axis, value == "*" { continue }
      guard Self.isKnown(value, axis) else {
        throw UsageError(description: "the key's \(axis) '\(value.printable)' is unknown")
      }
      values[axis] = value
    }
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2, Circumstance.axes.contains(pair[0]) else {
        throw UsageError(
          description: "the key's circumstance '\(part.printable)' is unknown; accepted: "
            + Circumstance.axes.map { "\($0)=..." }.joined(separator: ", "))
      }
      changes[pair[0]] = pair[1]
    }
  }

  private static func isKnown(_ value: String, _ axis: String) -> Bool {
    switch axis {
    case Platform.axis: Platform(name: value) != nil
    case IOMMUMode.axis: IOMMUMode(name: value) != nil
    case SwiotlbMode.axis: SwiotlbMode(name: value) != nil
    case DMAMask.axis: DMAMask(name: value) != nil
    case CoherentMask.axis: CoherentMask(name: value) != nil
    case BusLimit.axis: BusLimit(name: value) != nil
    case Coherence.axis: Coherence(name: value) != nil
    case Facing.axis: Facing(name: value) != nil
    case Operation.axis: Operation(name: value) != nil
    case Attributes.axis: Attributes(name: value) != nil
    case Buffer.axis: Buffer(name: value) != nil
    // A machine is looked up where the options' are.
    default: !value.isEmpty
    }
  }

  /// Sets the options of the key's axes; one that says something else is refused.
  func fill(_ filters: inout AxisFilters, _ circumstance: inout CircumstanceOptions) throws {
    func set(_ option: inout [String], _ axis: String) throws {
      guard let value = values[axis] else { return }
      try refuse(commaSeparated(option), unless: value, axis)
      option = [value]
    }
    if let kernel, filters.kernel.isEmpty { filters.kernel = [kernel] }
    try set(&filters.platform, Platform.axis)
    try set(&filters.iommu, IOMMUMode.axis)
    try set(&filters.swiotlb, SwiotlbMode.axis)
    try set(&filters.mem, MachineName.axis)
    try set(&filters.mask, DMAMask.axis)
    try set(&filters.coherentMask, CoherentMask.axis)
    try set(&filters.busLimit, BusLimit.axis)
    try set(&filters.coherent, Coherence.axis)
    try set(&filters.external, Facing.axis)
    try set(&filters.op, Operation.axis)
    try set(&filters.attrs, Attributes.axis)
    try set(&filters.buf, Buffer.axis)
    func change(_ option: inout String?, _ axis: String) throws {
      guard let value = changes[axis] else { return }
      try refuse([option].compactMap { $0 }, unless: value, axis)
      option = value
    }
    try change(&circumstance.maskChange, MaskChange.axis)
    try change(&circumstance.dynamic, DynamicPools.axis)
    try change(&circumstance.fill, PoolFill.axis)
    try change(&circumstance.decryptFails, DecryptFailure.axis)
  }

  private func refuse(_ given: [String], unless value: String, _ axis: String) throws {
    guard !given.isEmpty, given != [value] else { return }
    throw UsageError(
      description:
        "--\(axis.replacing("_", with: "-")) '\(given.joined(separator: ",").printable)' "
        + "contradicts the key, which says \(value.printable)")
  }
}
