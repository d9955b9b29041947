import DMAModel

/// Neighbouring masks with one life; nil where the circumstance cannot happen.
struct LifeRun: RangedRun {
  let range: Range<Int>
  let life: LifeCycle?
  /// What it depends on beside the mask.
  var reads: DeviceAxes = []
}

/// Scenarios that differ in the mask alone, and live alike in one circumstance.
struct LifePoint {
  let platform: Platform
  /// The request, with the first of the masks.
  fileprivate(set) var request: DeviceRequest
  /// For each kernel; nil where the circumstance cannot happen.
  fileprivate(set) var lives: [LifeCycle?]
  /// The same in the ordinary circumstance.
  fileprivate(set) var ordinary: [LifeCycle?]
}

/// Where in a walk a life is: a choice of device and request, in a circumstance.
struct LifePlace {
  let choice: [Int]
  let circumstance: Circumstance
  /// The circumstance's place in ``ScenarioSpace/combinations``.
  let combination: Int
}

/// A device and a request in one circumstance, with its lives for every mask.
struct LifeLine {
  let platform: Platform
  /// The request; its mask is none of the line's.
  let request: DeviceRequest
  let masks: [DMAMask]
  /// For each kernel, over all masks.
  let lives: [[LifeRun]]
  /// The same in the ordinary circumstance; nil where this is it.
  let ordinary: [[LifeRun]]?

  /// Calls a function for each run of masks that is one for all kernels, here and in the
  /// ordinary circumstance, in their order.
  func forEachRun(_ body: (Range<Int>, LifePoint) -> Void) {
    var point = LifePoint(
      platform: platform, request: request, lives: lives.map { _ in nil },
      ordinary: lives.map { _ in nil })
    forEachJointRange(lives + (ordinary ?? [])) { range, places in
      point.request.mask = masks[range.lowerBound]
      for kernel in lives.indices {
        point.lives[kernel] = lives[kernel][places[kernel]].life
        point.ordinary[kernel] =
          ordinary.map { $0[kernel][places[lives.count + kernel]].life } ?? point.lives[kernel]
      }
      body(range, point)
    }
  }
}

extension BootedKernel {
  /// The lives of a request in a circumstance, over all of some masks.
  ///
  /// - Parameters:
  ///   - path: Receives for each run its length and a number that names its path.
  ///   - exists: Whether the circumstance can happen to the request with a mask; a change
  ///     of the coherent mask alone asks for it.
  func lifeRuns(
    of request: DeviceRequest, masks: [DMAMask], _ maskChange: MaskChange,
    path: ((Int, UInt64) -> Void)? = nil, where exists: (DeviceRequest) -> Bool
  ) -> [LifeRun] {
    var runs: [LifeRun] = []
    var request = request
    /// Adds the lives of neighbours to which the circumstance can happen.
    func add(_ range: Range<Int>) {
      let some = range.count == masks.count ? masks : Array(masks[range])
      func add(_ run: MaskRun) {
        let first = range.lowerBound
        runs.append(
          LifeRun(
            range: first + run.range.lowerBound..<first + run.range.upperBound, life: run.cycle,
            reads: run.reads))
      }
      if let path {
        forEachFingerprintedRun(of: request, masks: some, maskChange: maskChange) { run, number in
          add(run)
          path(run.range.count, number)
        }
      } else {
        forEachRun(of: request, masks: some, maskChange: maskChange) { add($0) }
      }
    }
    if maskChange == .none {
      if exists(request) {
        add(masks.indices)
      } else {
        runs.append(LifeRun(range: masks.indices, life: nil))
      }
      return runs
    }
    var start = 0
    while start < masks.count {
      var end = start
      request.mask = masks[start]
      let happens = exists(request)
      repeat {
        end += 1
        if end < masks.count { request.mask = masks[end] }
      } while end < masks.count && exists(request) == happens
      if happens {
        add(start..<end)
      } else {
        runs.append(LifeRun(range: start..<end, life: nil))
      }
      start = end
    }
    return runs
  }
}
