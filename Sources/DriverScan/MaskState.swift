/// What a variable may hold at one place, as far as masks and results depend on it.
enum FlowValue: Hashable, Sendable {
  /// Not read before.
  case unbound
  case unknown
  case int(CInteger)
  /// Any value but 0.
  case nonzero
  /// A negative number or error pointer that is not known.
  case failed
  /// Not negative.
  case succeeded

  static let zero = FlowValue.int(.int(0))
  static let one = FlowValue.int(.int(1))

  /// Whether it was read.
  var isBound: Bool { self != .unbound && self != .unknown }

  /// Whether it is an error number or pointer.
  var isError: Bool {
    switch self {
    case .failed: true
    case .int(let number): number.isNegative
    default: false
    }
  }

  /// Whether C takes it for true; nil where it may be either.
  var truth: Bool? {
    switch self {
    case .int(let number): !number.isZero
    case .failed, .nonzero: true
    default: nil
    }
  }

  /// `op self` where that is no number: an error's negative is positive.
  func unary(_ op: String) -> FlowValue {
    switch (op, self) {
    case ("+", _): self
    case ("-", .failed), ("-", .nonzero): .nonzero
    default: .unknown
    }
  }

  /// Whether `self op other` holds; nil where it may be either.
  func compared(_ op: String, _ other: FlowValue) -> Bool? {
    if case .int(let one) = self, case .int(let two) = other {
      return one.binary(op, two).map { !$0.isZero }
    }
    guard case .int(let two) = other, !two.isNegative else { return nil }
    if self == .failed {
      // An error is below all that are not.
      return ["!=", "<", "<="].contains(op) ? true : ["==", ">", ">="].contains(op) ? false : nil
    }
    guard two.isZero else { return nil }
    switch (self, op) {
    case (.nonzero, "=="): return false
    case (.nonzero, "!="): return true
    case (.succeeded, "<"): return false
    case (.succeeded, ">="): return true
    default: return nil
    }
  }
}

extension FlowValue {
  /// Whether it may be what a `case` names.
  func mayEqual(_ value: FlowValue) -> Bool {
    guard value == .failed else { return compared("==", value) != false }
    switch self {
    case .int(let number): return number.isNegative
    case .succeeded: return false
    default: return true
    }
  }
}

extension CInteger {
  var isNegative: Bool { isSigned && Int64(bitPattern: value) < 0 }
}

/// One of a device's masks.
enum FlowMask: Hashable, Sendable {
  /// As the bus or others left it.
  case unset
  case known(UInt64)
  case unknown

  init(_ value: FlowValue) {
    if case .int(let number) = value { self = .known(number.value) } else { self = .unknown }
  }

  /// What reading it gives.
  var value: FlowValue {
    switch self {
    case .unset: .int(.unsigned64(Driver.defaultMask.value))
    case .known(let value): .int(.unsigned64(value))
    case .unknown: .unknown
    }
  }
}

/// The masks of a device.
struct FlowMasks: Hashable, Sendable {
  /// A mask that was tried, and whether the kernel took it.
  struct Trial: Hashable, Sendable {
    let mask: UInt64
    let succeeded: Bool
  }

  var streaming = FlowMask.unset
  var coherent = FlowMask.unset
  /// Whether dma_coerce_mask_and_coherent() made dev->dma_mask point to the coherent mask.
  var areOne = false
  /// Each mask once, the lowest first: both functions ask dma_supported(), which answers
  /// the same for the same mask (kernel/dma/mapping.c).
  private(set) var trials: [Trial] = []

  /// How many trials are remembered: a driver has five at most.
  private static let trialLimit = 16

  /// Whether nothing set a mask.
  var isUntouched: Bool { streaming == .unset && coherent == .unset }

  /// The outcome of an earlier trial of a mask.
  func outcome(of mask: FlowValue) -> Bool? {
    guard case .int(let number) = mask else { return nil }
    return trials.first { $0.mask == number.value }?.succeeded
  }

  mutating func note(_ mask: FlowValue, succeeded: Bool) {
    guard case .int(let number) = mask, outcome(of: mask) == nil,
      trials.count < Self.trialLimit
    else { return }
    let place = trials.firstIndex { $0.mask > number.value } ?? trials.count
    trials.insert(Trial(mask: number.value, succeeded: succeeded), at: place)
  }
}

/// Where a function may be: the masks of the device, and its variables.
struct FlowState: Hashable, Sendable {
  var masks = FlowMasks()
  var variables: [FlowValue]
}

/// A state behind an expression, and what the expression is there.
struct FlowOutcome: Hashable, Sendable {
  var state: FlowState
  var value: FlowValue
}

/// Elements each once, in the order in which they came.
struct OrderedSet<Element: Hashable> {
  private(set) var elements: [Element] = []
  private var known: Set<Element> = []

  init() {}

  init(_ elements: some Sequence<Element>) { formUnion(elements) }

  var isEmpty: Bool { elements.isEmpty }
  var count: Int { elements.count }

  @discardableResult mutating func insert(_ element: Element) -> Bool {
    guard known.insert(element).inserted else { return false }
    elements.append(element)
    return true
  }

  mutating func formUnion(_ others: some Sequence<Element>) {
    for other in others { insert(other) }
  }

  func contains(_ element: Element) -> Bool { known.contains(element) }
}

typealias FlowStates = OrderedSet<FlowState>

/// A place that sets a mask, as the flow of its function meets it.
struct MaskSite: Sendable {
  /// The name that is called or stored to.
  let token: Int
  let mask: Range<Int>
  let streaming: Bool
  let coherent: Bool
  /// Whether it is a store, which never fails.
  let isStore: Bool
  /// The function around it; nil outside of all.
  let function: Int?
  /// Its number among the calls of the file.
  let call: Int
}
