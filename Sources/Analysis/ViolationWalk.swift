import DMAModel

/// Scenarios that violate a lint in the same way, since the same version.
struct ViolationClass: Hashable {
  let violation: ViolationKey
  /// Why they are no violations after all.
  let excuse: Excuse?
  /// Since when; nil where earlier versions were not asked, or where it does not tell
  /// classes apart: ``ViolationWalk/origins`` then has all.
  let origin: Origin?
  /// Whether it is about SME hosts, which a cause is told apart by; false for what is wrong
  /// silently.
  let isAboutSME: Bool
  /// Whether data of a peer or of MMIO go wrong, not those of RAM, which a cause is told
  /// apart by; false for what is not wrong silently.
  let isAboutDevice: Bool
}

extension ViolationKey {
  /// Whether the line that answers is the cause, whatever made requests come there: data go
  /// wrong, or the end of the request does.
  var isByLine: Bool { wrong != nil || verdict == .garbled || verdict == .unreachable }
}

/// A walk over the scenarios that some lints look at.
final class ViolationWalk {
  let space: ScenarioSpace
  let lints: [Lint]
  /// The classes of each lint; a class of a diagram is its number here.
  private(set) var classes: [ClassNumbers<ViolationClass>]
  /// Of each lint, for the classes whose scenarios have several, all of them, each with a
  /// point.
  private(set) var origins: [[Int32: [Origin: [Int]]]]
  /// Nil where it does not matter since when.
  let earlier: EarlierVersions?
  private let awaitsPKVM: Bool
  /// What the earlier versions' answers to a line depend on.
  private var reads: DeviceAxes = []
  /// The line of earlier lives that was asked for last.
  private var latest: (choice: [Int], combination: Int, history: LineHistory)?

  init(_ space: ScenarioSpace, _ lints: [Lint], _ earlier: EarlierVersions?) {
    self.space = space
    self.lints = lints
    self.earlier = earlier
    awaitsPKVM = space.kernels[0].awaitsPKVM
    classes = lints.map { _ in ClassNumbers() }
    origins = lints.map { _ in [:] }
  }

  /// Since when the scenarios of a class violate a lint, the oldest first.
  func origins(
    of found: ViolationClass, labelled label: Int32, _ lint: Lint
  ) -> [FindingOrigin] {
    guard let earlier, found.excuse == nil else { return [] }
    let all: [(origin: Origin, point: [Int]?)]
    if let origin = found.origin {
      all = [(origin, nil)]
    } else {
      let number = lints.firstIndex(of: lint)
      all = number.flatMap { origins[$0][label] }.map { $0.map { ($0.key, $0.value) } } ?? []
    }
    let sorted = all.sorted { one, other in
      let (a, b) = (one.origin.first ?? .max, other.origin.first ?? .max)
      return a == b ? (one.point ?? []).lexicographicallyPrecedes(other.point ?? []) : a > b
    }
    return sorted.map { origin, point in
      let since = origin.first.map { $0 == 0 ? space.kernels[0] : earlier.kernels[$0 - 1] }
      return FindingOrigin(
        since: since, isNew: origin.isNew, witness: point.map(space.key))
    }
  }

  /// The scenarios by class, a diagram for each lint.
  func diagrams() -> [Diagram] {
    space.circumstances != [.ordinary]
      ? space.diagrams(lints.count) { point, range, place, rows in
        set(point, range, place, &rows)
      }
      : space.diagrams(of: lints) { line, choice, rows in
        set(line, choice, &rows)
      }
  }

  // MARK: - Answers

  private func set(
    _ line: ScenarioLine, _ choice: [Int], _ rows: inout ClassRows
  ) -> DeviceAxes {
    reads = []
    var history: LineHistory?
    for (number, lint) in lints.enumerated() {
      lint.forEachViolation(of: line) { range, violation in
        guard let violation else {
          rows.set(range, to: 0, in: number)
          return
        }
        // Most lines violate nothing.
        if history == nil { history = earlier.map { self.history($0, line, choice) } }
        set(
          range, violation, number, line.request, on: line.kernels[0], &history,
          LifePlace(choice: choice, circumstance: .ordinary, combination: 0), &rows)
      }
    }
    return reads
  }

  /// What earlier versions do with a line.
  private func history(
    _ earlier: EarlierVersions, _ line: ScenarioLine, _ choice: [Int]
  ) -> LineHistory {
    var lines: [Int: ScenarioLine] = [:]
    return LineHistory(earlier) { [unowned self] lint, version in
      let absent = Array(repeating: EarlierState.absent, count: line.masks.count)
      guard let kernel = earlier.booted(version, space, choice, .ordinary) else { return absent }
      let before = lines[version] ?? earlierLine(line, kernel)
      lines[version] = before
      reads.formUnion(before.reads)
      var states = absent
      for run in before.answers[0] {
        for mask in run.range { states[mask] = .clean(EarlierOutcome(run.judged)) }
      }
      lints[lint].forEachViolation(of: before) { range, violation in
        guard let violation else { return }
        for mask in range { states[mask] = .violated(violation.verdict) }
      }
      return states
    }
  }

  /// The line as an earlier version answers it; a base's answers are known.
  private func earlierLine(_ line: ScenarioLine, _ kernel: BootedKernel) -> ScenarioLine {
    var reads: DeviceAxes = []
    let runs = kernel.judgedRuns(
      of: line.request, masks: line.masks, line.platform, &reads)
    return ScenarioLine(
      platform: line.platform, kernels: [kernel] + line.kernels.dropFirst(),
      request: line.request, masks: line.masks, for: lints,
      known: ([runs] + line.answers.dropFirst(), reads))
  }

  // MARK: - Lives

  private func set(
    _ point: LifePoint, _ range: Range<Int>, _ place: LifePlace, _ rows: inout ClassRows
  ) -> DeviceAxes {
    reads = []
    for (number, lint) in lints.enumerated() {
      guard let violation = lint.lifeViolation(at: point, in: place.circumstance) else {
        rows.set(range, to: 0, in: number, at: place.combination)
        continue
      }
      var history = earlier.map { self.history($0, point.request, place) }
      let kernel = space.bootedKernels(place.choice, place.circumstance.conditions)[0]
      set(range, violation, number, point.request, on: kernel, &history, place, &rows)
      if let history { latest?.history = history }
    }
    return reads
  }

  /// What earlier versions do with a line in a circumstance.
  private func history(
    _ earlier: EarlierVersions, _ request: DeviceRequest, _ place: LifePlace
  ) -> LineHistory {
    if let latest, latest.combination == place.combination, latest.choice == place.choice {
      return latest.history
    }
    let masks = space.domain.masks
    let platform = space.domain.platforms[place.choice[0]]
    let circumstance = place.circumstance
    let compared = space.kernels.count > 1 ? space.kernels.indices.last : nil
    var lines: [Int: [LifeRun]] = [:]
    /// A kernel's lives; none where the circumstance cannot happen there.
    func runs(_ kernel: BootedKernel) -> [LifeRun] {
      kernel.lifeRuns(of: request, masks: masks, circumstance.maskChange) { request in
        kernel.policy.circumstanceExclusion(circumstance, platform, kernel.swiotlb, request)
          == nil
      }
    }
    var known: [LifeRun]?
    let history = LineHistory(earlier) { [unowned self] lint, version in
      var states = Array(repeating: EarlierState.absent, count: masks.count)
      guard let kernel = earlier.booted(version, space, place.choice, circumstance.conditions)
      else { return states }
      let own = lines[version] ?? runs(kernel)
      lines[version] = own
      let base =
        compared.map {
          known ?? runs(space.bootedKernels(place.choice, circumstance.conditions)[$0])
        } ?? own
      known = base
      var asked = request
      forEachJointRange([own, base]) { range, places in
        reads.formUnion(own[places[0]].reads)
        guard let life = own[places[0]].life else { return }
        asked.mask = masks[range.lowerBound]
        let judged = JudgedAnswer(platform, asked, life.answer)
        let isViolated =
          lints[lint].needsBase
          ? base[places[1]].life.flatMap {
            lints[lint].violation(judged, JudgedAnswer(platform, asked, $0.answer))
          } != nil
          : lints[lint].lifeViolation(by: life, on: platform) != nil
        let state: EarlierState =
          isViolated ? .violated(judged.verdict) : .clean(EarlierOutcome(judged))
        for mask in range { states[mask] = state }
      }
      return states
    }
    latest = (place.choice, place.combination, history)
    return history
  }

  // MARK: - Classes

  /// Gives each mask of a range that violates a lint its class.
  private func set(
    _ range: Range<Int>, _ violation: ViolationKey, _ number: Int, _ request: DeviceRequest,
    on kernel: BootedKernel, _ history: inout LineHistory?, _ place: LifePlace,
    _ rows: inout ClassRows
  ) {
    var request = request
    let isByLine = violation.isByLine
    let isAboutSME =
      earlier != nil && !isByLine && kernel.platform.sharedMemoryReader == .dram
    let isAboutDevice =
      earlier != nil && isByLine && violation.wrong == nil && request.buffer.isDeviceMemory
    var latest: (excuse: Excuse?, origin: Origin?, label: Int32)?
    for mask in range {
      request.mask = space.domain.masks[mask]
      let excuse = Excuse(
        lints[number], violation, request, on: kernel, awaitsPKVM: awaitsPKVM)
      let way = violation.verdict.isSilentlyWrong && isByLine ? violation.verdict : nil
      var origin = excuse == nil ? history?.origin(number, at: mask, as: way) : nil
      if !isByLine { origin?.firstKnown = nil }
      if let latest, latest.excuse == excuse, latest.origin == origin {
        rows.set(mask..<mask + 1, to: latest.label, in: number, at: place.combination)
        continue
      }
      let found = ViolationClass(
        violation: violation, excuse: excuse, origin: isByLine ? nil : origin,
        isAboutSME: isAboutSME && excuse == nil,
        isAboutDevice: isAboutDevice && excuse == nil)
      let label = classes[number].number(of: found)
      latest = (excuse, origin, label)
      rows.set(mask..<mask + 1, to: label, in: number, at: place.combination)
      if isByLine, let origin, origins[number][label]?[origin] == nil {
        origins[number][label, default: [:]][origin] = space.point(place, mask)
      }
    }
  }
}
