import DMAModel

/// The scenarios of a space with what may happen to them.
extension ScenarioSpace {
  /// Classifies every scenario in every circumstance in which it can be.
  ///
  /// - Parameter classify: The class of scenarios that differ in the mask alone and live
  ///   alike.
  func diagram(lives classify: (LifePoint) -> Int32) -> Diagram {
    diagrams(1) { point, range, place, rows in
      rows.set(range, to: classify(point), at: place.combination)
      return []
    }[0]
  }

  /// Classifies every scenario in every circumstance in several ways.
  ///
  /// - Parameter classify: Sets the classes of scenarios that differ in the mask alone and
  ///   live alike, in each diagram; returns what of the device they depend on beside the
  ///   lives.
  func diagrams(
    _ count: Int, lives classify: (LifePoint, Range<Int>, LifePlace, inout ClassRows) -> DeviceAxes
  ) -> [Diagram] {
    diagrams(count) { choice, rows in
      let request = request(choice)
      // A change of the coherent mask happens to some masks alone.
      var reads: DeviceAxes =
        mayChangeMask && !request.operation.isMapping ? .coherentMask : []
      // The ordinary circumstance comes first: its values are the first of each axis.
      var ordinary: (place: Int, lives: [[LifeRun]], usesPool: Bool)?
      for place in happeningCombinations(choice) {
        let circumstance = combinations[place] ?? circumstances[0]
        if let ordinary,
          !circumstance.mayAlter(domain.operations[choice[8]], usesPool: ordinary.usesPool)
        {
          rows.set(place, as: ordinary.place)
          continue
        }
        let lives = bootedKernels(choice, circumstance.conditions).map { kernel in
          kernel.lifeRuns(of: request, masks: domain.masks, circumstance.maskChange) { request in
            // Others happen to all masks or to none, which was looked at.
            circumstance.maskChange == .none || exists(circumstance, choice, request)
          }
        }
        for life in lives.joined() { reads.formUnion(life.reads) }
        let line = LifeLine(
          platform: domain.platforms[choice[0]], request: request, masks: domain.masks,
          lives: lives, ordinary: ordinary?.lives)
        let here = LifePlace(choice: choice, circumstance: circumstance, combination: place)
        line.forEachRun { range, point in
          guard point.lives[0] != nil else { return }
          reads.formUnion(classify(point, range, here, &rows))
        }
        if circumstance == .ordinary {
          let usesPool = lives.contains { $0.contains { $0.life?.usesPool == true } }
          ordinary = (place, lives, usesPool)
        }
      }
      return reads
    }
  }

  /// The key of the scenario at a point, with its circumstance.
  func key(_ point: [Int]) -> String {
    scenario(point).key + circumstance(point).suffix
  }

  /// The point of a mask at a place of a walk.
  func point(_ place: LifePlace, _ mask: Int) -> [Int] {
    var rest = place.combination
    var inner: [Int] = []
    for axis in (11..<maskLevel).reversed() {
      inner.insert(rest % axes[axis].values.count, at: 0)
      rest /= axes[axis].values.count
    }
    return place.choice.prefix(11) + inner + [mask]
  }

  private var mayChangeMask: Bool { circumstances.contains { $0.maskChange != .none } }

  /// The circumstance of a point.
  func circumstance(_ point: [Int]) -> Circumstance {
    let place = (11..<maskLevel).reduce(0) { $0 * axes[$1].values.count + point[$1] }
    return combinations[place] ?? circumstances[0]
  }

  /// The places in ``combinations`` of what can happen to a request for some mask.
  private func happeningCombinations(_ choice: [Int]) -> [Int] {
    // Of the request, operation and coherent mask alone decide.
    let place =
      ((choice[0] * domain.swiotlbModes.count + choice[2]) * domain.operations.count + choice[8])
      * domain.coherentMasks.count + choice[6]
    if let known = happening[place] { return known }
    let found = combinations.indices.filter { circumstanceExists($0, choice) }
    happening[place] = found
    return found
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
    let all = [
      MaskChange.knownNames, DynamicPools.knownNames, PoolFill.knownNames,
      DecryptFailure.knownNames,
    ]
    let names = circumstances.map(\.names)
    return Circumstance.axes.indices.map { index in
      let values = all[index].filter { value in names.contains { $0[index] == value } }
      return Axis(Circumstance.axes[index], values)
    }
  }

  /// Whether the circumstance at a place can happen to a request for some mask.
  private func circumstanceExists(_ place: Int, _ choice: [Int]) -> Bool {
    guard let circumstance = combinations[place] else { return false }
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
