/// What may happen to a request beside its scenario: a full pool, a coherent mask
/// that changes, memory that cannot be decrypted.
public struct Circumstance: Hashable, Sendable {
  public var maskChange: MaskChange
  public var conditions: BootConditions

  public init(
    maskChange: MaskChange = .none, dynamicPools: DynamicPools = .off, fill: PoolFill = .empty,
    decryptFailure: DecryptFailure = .none
  ) {
    self.maskChange = maskChange
    conditions = BootConditions(
      dynamicPools: dynamicPools, fill: fill, decryptFailure: decryptFailure)
  }

  /// Nothing happens: the circumstance of the mapping matrix.
  public static let ordinary = Circumstance()

  /// Every circumstance that is told apart, the ordinary one first, one thing at a
  /// time.  With an empty pool CONFIG_SWIOTLB_DYNAMIC alters nothing.
  public static let all: [Circumstance] =
    [
      ordinary, Circumstance(maskChange: .up), Circumstance(maskChange: .down),
      Circumstance(fill: .exhausted), Circumstance(dynamicPools: .on, fill: .exhausted),
      Circumstance(dynamicPools: .on, fill: .grown),
    ]
    + DecryptFailure.allCases.filter { $0 != .none }.map { Circumstance(decryptFailure: $0) }

  /// Those that are told apart where a user names them.
  public static let extended: [Circumstance] = [Circumstance(fill: .atomicPools)]

  /// Whether the circumstance can alter a request: a full or private pool only what
  /// uses the pool, and so on.
  ///
  /// Atomic pools that do not come about and a pool that was added leave other pages free,
  /// so that allocations get other addresses.
  ///
  /// `usesPool` says whether the request finds swiotlb slots in the ordinary circumstance,
  /// for any mask.
  public func mayAlter(_ operation: Operation, usesPool: @autoclosure () -> Bool) -> Bool {
    if maskChange != .none { return !operation.isMapping }
    switch conditions.decryptFailure {
    case .none:
      // No mapping takes memory of an atomic pool while the default pool has slots.
      if conditions.fill == .atomicPools { return !operation.isMapping }
      return conditions.fill == .grown && !operation.isMapping || usesPool()
    case .defaultPool: return usesPool()
    case .restrictedPool: return true
    case .atomicPool, .page: return !operation.isMapping
    }
  }

  /// The names of the axes, in the order of ``names``.
  public static let axes = [
    MaskChange.axis, DynamicPools.axis, PoolFill.axis, DecryptFailure.axis,
  ]

  /// The spelling of each axis' value.
  public var names: [String] {
    [
      maskChange.name, conditions.dynamicPools.name, conditions.fill.name,
      conditions.decryptFailure.name,
    ]
  }

  /// What happens, in one sentence.
  public var summary: String {
    var parts: [String] = []
    if maskChange != .none { parts.append("coherent mask: " + maskChange.summary) }
    if conditions.dynamicPools != .off { parts.append(conditions.dynamicPools.summary) }
    if conditions.fill != .empty { parts.append(conditions.fill.summary) }
    if conditions.decryptFailure != .none {
      parts.append("set_memory_decrypted() fails " + conditions.decryptFailure.summary)
    }
    return parts.isEmpty ? "nothing is full and nothing fails" : parts.joined(separator: "; ")
  }

  /// What a scenario's key is followed by: `;fill=exhausted`, empty for ``ordinary``.
  public var suffix: String {
    zip(Self.axes, zip(names, Self.ordinary.names))
      .filter { $0.1.0 != $0.1.1 }.map { ";\($0.0)=\($0.1.0)" }.joined()
  }

  /// The scenario and circumstance that a key with its suffix names, or nil.
  public static func parsed(key: some StringProtocol) -> (Scenario, Circumstance)? {
    let parts = key.split(separator: ";")
    guard let first = parts.first, let scenario = Scenario(key: first) else { return nil }
    var circumstance = Circumstance()
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2 else { return nil }
      switch String(pair[0]) {
      case MaskChange.axis:
        guard let value = MaskChange(name: pair[1]) else { return nil }
        circumstance.maskChange = value
      case DynamicPools.axis:
        guard let value = DynamicPools(name: pair[1]) else { return nil }
        circumstance.conditions.dynamicPools = value
      case PoolFill.axis:
        guard let value = PoolFill(name: pair[1]) else { return nil }
        circumstance.conditions.fill = value
      case DecryptFailure.axis:
        guard let value = DecryptFailure(name: pair[1]) else { return nil }
        circumstance.conditions.decryptFailure = value
      default: return nil
      }
    }
    return (scenario, circumstance)
  }
}

/// A request from its answer to its end.
public struct LifeCycle: Hashable, Sendable {
  public let answer: Answer
  public let after: LifeAnswer
  /// Whether slots of a swiotlb pool were found on the way.
  public let usesPool: Bool

  public init(answer: Answer, after: LifeAnswer, usesPool: Bool) {
    self.answer = answer
    self.after = after
    self.usesPool = usesPool
  }
}
