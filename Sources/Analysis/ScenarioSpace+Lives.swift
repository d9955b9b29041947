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

/// The lives of a line, and where they may change from one mask to the next.
struct LineLives {
  /// For each kernel and mask.
  var lives: [[LifeCycle?]] = []
  /// For each mask whether a run of equal lives begins there, on any kernel.
  var starts: [Bool]
}

/// The scenarios of a space with what may happen to them.
extension ScenarioSpace {
  /// Classifies every scenario in every circumstance.
  ///
  /// - Parameter classify: The class of the mask at a position of a line, and of those
  ///   after it that are answered, judged and ended alike.
  func diagram(lives classify: @escaping (LifeLine, Int) -> Int32) -> Diagram {
    Diagram(axes: axes) { choice in
      self.exists(choice)
    } classes: { choice in
      let here = self.lives(choice)
      let ordinary = self.ordinaryLives?.lives ?? here
      let line = LifeLine(
        platform: self.domain.platforms[choice[0]], request: self.request(choice),
        masks: self.domain.masks, lives: here.lives, ordinary: ordinary.lives)
      var classes: [Int32] = []
      classes.reserveCapacity(line.masks.count)
      var current = Diagram.absent
      for index in line.masks.indices {
        if here.starts[index] || ordinary.starts[index] {
          current = line.lives[0][index] == nil ? Diagram.absent : classify(line, index)
        }
        classes.append(current)
      }
      return classes
    }
  }

  /// The lives of a line on every kernel.
  private func lives(_ choice: [Int]) -> LineLives {
    let circumstance = circumstance(choice)
    let line = Array(choice[0..<11])
    let isOrdinary = circumstance == .ordinary
    // The ordinary circumstance comes first: its values are the first of each axis.
    if !isOrdinary, let (known, lives) = ordinaryLives, known == line,
      !circumstance.mayAlter(
        domain.operations[choice[8]],
        usesPool: lives.lives.contains { $0.contains { $0?.usesPool == true } })
    {
      return lives
    }
    let kernels = bootedKernels(choice)
    let request = request(choice)
    var lives = LineLives(starts: Array(repeating: false, count: domain.masks.count))
    for kernel in kernels {
      kernel.addLives(
        of: request, masks: domain.masks, circumstance.maskChange, to: &lives
      ) { request in
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
    !hasRecorded
      && policies.allSatisfy {
        $0.circumstanceExclusion(
          circumstance, domain.platforms[choice[0]], domain.swiotlbModes[choice[2]], request) == nil
      }
  }
}

extension BootedKernel {
  /// Adds the life of each of some masks; nil where a change of the coherent mask, which
  /// asks for a mask, cannot happen.
  fileprivate func addLives(
    of request: DeviceRequest, masks: [DMAMask], _ maskChange: MaskChange,
    to lives: inout LineLives,
    where exists: (DeviceRequest) -> Bool
  ) {
    var own = [LifeCycle?](repeating: nil, count: masks.count)
    var places = Array(masks.indices)
    if maskChange != .none {
      var request = request
      places = places.filter { place in
        request.mask = masks[place]
        return exists(request)
      }
      // What cannot happen is told apart from what can.
      for place in masks.indices { lives.starts[place] = true }
    }
    let some = places.count == masks.count ? masks : places.map { masks[$0] }
    forEachRun(of: request, masks: some, maskChange: maskChange) { run in
      lives.starts[places[run.range.lowerBound]] = true
      for place in places[run.range] { own[place] = run.cycle }
    }
    if let first = lives.starts.indices.first { lives.starts[first] = true }
    lives.lives.append(own)
  }
}
