import DMAModel

/// What a state of a kernel changes against another one, by effect.
public struct StepEffects: Sendable {
  public typealias Effect = Comparison.Effect

  /// One side of a change, in the words of reports.
  struct Side: Hashable, Sendable {
    let verdict: Verdict
    let result: AnswerResult
    let exposure: Exposure
    let warnings: Warnings
    let after: LifeAnswer
  }

  /// The scenarios of one effect.
  public struct Part: Sendable {
    public let effect: Effect
    public let scenarios: Int
    /// Of them those with no parameter: swiotlb=default, iommu none or translated.
    public let defaultBoots: Int
    public let platforms: [String]
    /// Values of iommu and swiotlb, where not all of them occur.
    public let boots: [String]
    /// One of the most frequent change's from what was served, or of the most frequent one's
    /// where nothing was; without attributes, in RAM and with no parameter where there is one.
    public let example: Scenario
    /// Its key.
    public var witness: String { example.key }
    /// Its `refused -> bounced`.
    public let change: String
    /// When it happens, exactly; empty where that was not asked for.
    public let conditions: [Condition]
    /// Scenarios that change in the same way, the most frequent first.
    public let changes: [Change]
  }

  /// Scenarios of an effect that change in the same way.
  public struct Change: Sendable {
    public let scenarios: Int
    /// One of them.
    public let example: Scenario
  }

  /// The worst first.
  public let parts: [Part]
  public let scenarios: Int

  public var differing: Int { parts.reduce(0) { $0 + $1.scenarios } }
  public var worst: Part? { parts.first }

  /// Compares two states.
  ///
  /// - Parameters:
  ///   - last: The state behind a series that begins at `old`: then only scenarios count that
  ///     are worse in `new` than in both.
  ///   - findsConditions: Whether ``Part/conditions`` are wanted.
  public init(
    from old: KernelVersion, to new: KernelVersion, domain: MatrixDomain,
    within last: KernelVersion? = nil, findsConditions: Bool = false
  ) {
    var domain = domain
    if let one = old.recorded, let two = new.recorded {
      let others = one.platforms(thatDifferFrom: two)
      domain.platforms = domain.platforms.filter { others.contains($0) }
    }
    guard !domain.platforms.isEmpty else {
      (parts, scenarios) = ([], 0)
      return
    }
    let kernels = [old, new] + (last.map { [$0] } ?? [])
    let space = ScenarioSpace(kernels: kernels, domain: domain)
    func key(_ lives: [LifeCycle], _ platform: Platform, _ request: DeviceRequest) -> Key? {
      guard lives.count == kernels.count else { return nil }
      let sides = lives.map { Self.side($0, platform, request) }
      guard let effect = Self.effect(platform, sides[0], sides[1], lives[0], lives[1]) else {
        return nil
      }
      if last != nil {
        // Worse here, and not at the end.
        let final = Self.effect(platform, sides[0], sides[2], lives[0], lives[2])
        guard effect.isWorse, final?.isWorse != true else { return nil }
      }
      return Key(effect: effect, old: sides[0], new: sides[1])
    }
    var classes = ClassNumbers<Key>()
    let diagram = space.diagram(lives: { point in
      key(point.lives.compactMap { $0 }, point.platform, point.request)
        .map { classes.number(of: $0) } ?? 0
    })
    var conditions: [Effect: [Condition]] = [:]
    if findsConditions {
      // One class an effect.
      let numbers = Effect.allCases
      let byEffect = space.diagram(lives: { point in
        let effect = key(point.lives.compactMap { $0 }, point.platform, point.request)?.effect
        return effect.flatMap { numbers.firstIndex(of: $0) }.map { Int32($0 + 1) } ?? 0
      })
      let all = space.conditions(for: numbers.indices.map { Int32($0 + 1) }, in: byEffect)
      conditions = Dictionary(uniqueKeysWithValues: zip(numbers, all))
    }
    let counts = diagram.counts()
    scenarios = counts.values.reduce(0, +)
    let defaults = Comparison.defaultBoots(of: space)
    let all = Box(space.axes.map(\.all))
    let keys = classes.keys
    let boxes = Self.boxes(of: space)
    var parts: [Part] = []
    for effect in Effect.allCases {
      let numbers = keys.indices.filter { keys[$0].effect == effect }.map { Int32($0 + 1) }
      let served = numbers.filter { keys[Int($0) - 1].old.verdict.isServed }
      guard
        let largest = (served.isEmpty ? numbers : served).max(by: {
          (counts[$0] ?? 0) < (counts[$1] ?? 0)
        }),
        let point = boxes.lazy.compactMap({ diagram.firstPoint(of: largest, in: $0) }).first
      else { continue }
      func occurring(_ axis: Int) -> [String] {
        space.axes[axis].values.indices.filter { value in
          var slice = all
          slice.sets[axis] = 1 << UInt64(value)
          return numbers.contains { diagram.firstPoint(of: $0, in: slice) != nil }
        }.map { space.axes[axis].values[$0] }
      }
      parts.append(
        Part(
          effect: effect, scenarios: numbers.reduce(0) { $0 + (counts[$1] ?? 0) },
          defaultBoots: numbers.reduce(0) { $0 + diagram.count(of: $1, in: defaults) },
          platforms: occurring(0),
          boots: [1, 2].compactMap { axis in
            let values = occurring(axis)
            return values == space.axes[axis].values
              ? nil : "\(space.axes[axis].name)=\(values.joined(separator: "|"))"
          },
          example: space.scenario(point),
          change: Self.change(space, point),
          conditions: conditions[effect] ?? [],
          changes: numbers.compactMap { number in
            boxes.lazy.compactMap { diagram.firstPoint(of: number, in: $0) }.first.map {
              Change(scenarios: counts[number] ?? 0, example: space.scenario($0))
            }
          }.sorted { $0.scenarios > $1.scenarios }))
    }
    self.parts = parts
  }

  /// Where an example is looked for, in this order: what most drivers do comes first.
  private static func boxes(of space: ScenarioSpace) -> [Box] {
    func narrowed(_ box: Box, _ name: String, _ isMeant: (String) -> Bool) -> Box {
      guard let at = space.axes.firstIndex(where: { $0.name == name }) else { return box }
      var box = box
      box.sets[at] = space.axes[at].values.enumerated().reduce(0) { set, value in
        isMeant(value.element) ? set | 1 << UInt64(value.offset) : set
      }
      return box
    }
    let all = Box(space.axes.map(\.all))
    let plain = [all, Comparison.defaultBoots(of: space)].map {
      narrowed($0, Attributes.axis) { $0 == Attributes.none.name }
    }
    let memory = Set(space.domain.buffers.filter { !$0.isDeviceMemory }.map(\.name))
    let inMemory = plain.map { narrowed($0, Buffer.axis, memory.contains) }
    return [inMemory[1], inMemory[0], plain[1], plain[0], all]
  }

  private struct Key: Hashable {
    let effect: Effect
    let old: Side
    let new: Side
  }

  private static func side(
    _ life: LifeCycle, _ platform: Platform, _ request: DeviceRequest
  ) -> Side {
    let judged = JudgedAnswer(platform, request, life.answer)
    return Side(
      verdict: judged.verdict, result: life.answer.result, exposure: judged.exposure,
      warnings: life.answer.warnings, after: life.after)
  }

  /// What a change means; nil where nothing differs.
  private static func effect(
    _ platform: Platform, _ old: Side, _ new: Side, _ one: LifeCycle, _ other: LifeCycle
  ) -> Effect? {
    if OutcomeColumns(one, other).isEmpty { return nil }
    let sides = [old, new].map {
      Comparison.Side(verdict: $0.verdict, result: $0.result, exposure: $0.exposure)
    }
    let sizes = [one.answer.maxMapping, other.answer.maxMapping]
    let effect = Effect(sides[0], sides[1], sizes: sizes)
    if effect != .other { return effect }
    let left = [old, new].map { exposureAfter(platform: platform, after: $0.after) }
    if left[0] != left[1] {
      if left[0] == .none { return .exposes }
      if left[1] == .none { return .safer }
    }
    if !new.warnings.isSubset(of: old.warnings) { return .warnsAnew }
    return OutcomeColumns(one.answer, other.answer).isEmpty ? .endsOtherwise : .other
  }

  /// What differs in the scenario at a point: the columns of the first two kernels.
  private static func change(_ space: ScenarioSpace, _ point: [Int]) -> String {
    let scenario = space.scenario(point)
    let (request, platform) = (space.request(point), scenario.platform)
    let lives = space.bootedKernels(point).prefix(2).map { $0.lifeCycle(of: request) }
    guard lives.count == 2 else { return "" }
    var texts: [String] = []
    let columns = lives.map { $0.columns(platform, request) }
    for (old, new) in zip(columns[0], columns[1]) where old.value != new.value {
      let (one, two) = (
        old.value.isEmpty ? "none" : old.value, new.value.isEmpty ? "none" : new.value
      )
      texts.append("\(old.name) \(one) -> \(two)")
    }
    return texts.joined(separator: ", ")
  }
}

extension LifeCycle {
  /// Every column of an answer, of what the hardware makes of it, and of its end.
  public func columns(
    _ platform: Platform, _ request: DeviceRequest
  ) -> [(name: String, value: String)] {
    let judged = JudgedAnswer(platform, request, answer)
    return [("verdict", judged.verdict.name), ("exposure", judged.exposure.name)]
      + Array(zip(Answer.columnNames, answer.columns))
      + Array(zip(LifeAnswer.columnNames, after.columns))
      + [("atomic_call", after.atomicCall.name)]
  }
}
