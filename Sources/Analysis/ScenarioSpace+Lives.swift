import DMAModel

/// A device and a request in one circumstance, with its lives for every mask.
struct LifeLine {
  let platform: Platform
  /// The request; its mask is none of the line's.
  let request: DeviceRequest
  let masks: [DMAMask]
  /// For each kernel and mask; nil where the circumstance cannot happen.
  let lives: [[LifeCycle?]]
  /// The same in the ordinary circumstance.
  let ordinary: [[LifeCycle?]]
}

/// The scenarios of a space with what may happen to them.
extension ScenarioSpace {
  /// Classifies every scenario in every circumstance, line by line.
  func diagram(lives classify: @escaping (LifeLine) -> [Int32]) -> Diagram {
    Diagram(axes: axes) { choice in
      self.exists(choice)
    } classes: { choice in
      let lives = self.lives(choice)
      let line = LifeLine(
        platform: self.domain.platforms[choice[0]], request: self.request(choice),
        masks: self.domain.masks, lives: lives, ordinary: self.ordinaryLives?.lives ?? lives)
      return zip(classify(line), line.lives[0]).map { $1 == nil ? Diagram.absent : $0 }
    }
  }

  /// The lives of a line on every kernel.
  private func lives(_ choice: [Int]) -> [[LifeCycle?]] {
    let circumstance = circumstance(choice)
    let line = Array(choice[0..<11])
    let isOrdinary = circumstance == .ordinary
    // The ordinary circumstance comes first: its values are the first of each axis.
    if !isOrdinary, let (known, lives) = ordinaryLives, known == line,
      !circumstance.mayAlter(
        domain.operations[choice[8]],
        usesPool: lives.contains { $0.contains { $0?.usesPool == true } })
    {
      return lives
    }
    let kernels = bootedKernels(choice)
    let request = request(choice)
    let lives = kernels.map { kernel in
      kernel.lifeCycles(of: request, masks: domain.masks, circumstance.maskChange) { request in
        exists(circumstance, choice, request)
      }
    }
    if isOrdinary { ordinaryLives = (line, lives) }
    return lives
  }

  /// The key of the scenario at a point, with its circumstance.
  func key(_ point: [Int]) -> String {
    scenario(point).key + circumstance(point).suffix
  }

  /// The circumstance of a choice; the ordinary one before its axes are chosen.
  func circumstance(_ choice: [Int]) -> Circumstance {
    guard maskLevel == 15, choice.count >= 15 else { return circumstances[0] }
    return combinations[place(choice)] ?? circumstances[0]
  }

  /// The place of a choice in ``combinations``.
  private func place(_ choice: [Int]) -> Int {
    (11..<15).reduce(0) { $0 * axes[$1].values.count + choice[$1] }
  }

  /// Every combination of the circumstances' axes, in mixed radix; nil where the
  /// space does not have it.
  static func combinations(of circumstances: [Circumstance]) -> [Circumstance?] {
    let axes = axes(of: circumstances)
    let radices = axes.map(\.values.count)
    return (0..<radices.reduce(1, *)).map { index in
      var rest = index
      var names: [String] = []
      for (axis, radix) in zip(axes, radices).reversed() {
        names.insert(axis.values[rest % radix], at: 0)
        rest /= radix
      }
      return circumstances.first { $0.names == names }
    }
  }

  /// The axes of circumstances, with the values that occur.
  static func axes(of circumstances: [Circumstance]) -> [Axis] {
    let all = [MaskChange.names, DynamicPools.names, PoolFill.names, DecryptFailure.names]
    let names = circumstances.map(\.names)
    return Circumstance.axes.indices.map { index in
      let values = all[index].filter { value in names.contains { $0[index] == value } }
      return Axis(Circumstance.axes[index], values)
    }
  }

  /// Whether a circumstance is one of the space's and can happen for some mask.
  func circumstanceExists(_ choice: [Int]) -> Bool {
    guard let circumstance = combinations[place(choice)] else { return false }
    if circumstance == .ordinary { return true }
    var request = request(choice)
    guard circumstance.maskChange != .none else { return exists(circumstance, choice, request) }
    return domain.masks.contains { mask in
      request.mask = mask
      return exists(circumstance, choice, request)
    }
  }

  /// Whether a circumstance can happen to a request on every kernel.
  private func exists(
    _ circumstance: Circumstance, _ choice: [Int], _ request: DeviceRequest
  ) -> Bool {
    // Recorded answers are those of the ordinary circumstance.
    kernels.allSatisfy {
      $0.recorded == nil
        && $0.policy.circumstanceExclusion(
          circumstance, domain.platforms[choice[0]], domain.swiotlbModes[choice[2]], request) == nil
    }
  }
}

extension BootedKernel {
  /// The life of each of some masks; nil where a change of the coherent mask, which asks
  /// for a mask, cannot happen.
  func lifeCycles(
    of request: DeviceRequest, masks: [DMAMask], _ maskChange: MaskChange,
    where exists: (DeviceRequest) -> Bool
  ) -> [LifeCycle?] {
    guard maskChange != .none else { return lifeCycles(of: request, masks: masks) }
    var request = request
    let happens = masks.map { mask in
      request.mask = mask
      return exists(request)
    }
    let some = zip(masks, happens).filter(\.1).map(\.0)
    var cycles = lifeCycles(of: request, masks: some, maskChange: maskChange).makeIterator()
    return happens.map { $0 ? cycles.next() : nil }
  }
}
