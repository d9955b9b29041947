import Analysis
import DMAModel
import Support

/// The end of requests, by version: which lints find what, since when and until
/// when, what full pools and failing decryption do, and what is copied.
///
/// - Parameter progress: Receives the part that is done.
func lifecycleReport(progress: @Sendable (Double) -> Void = { _ in }) -> Document {
  let kernels = KernelVersion.all
  var document = Document()
  document.blocks.append(.title("From unmap and free to the next user"))
  document.blocks.append(
    .paragraph(
      "What is left when a request is undone with the same arguments. Each finding holds "
        + "exactly under its conditions, of which each scenario meets one; axes that a "
        + "condition does not name do not matter. "
        + "mask_change exists on SME hosts alone (x86-sme47, x86-sme51), decrypt_fails where "
        + "memory can be private, and one thing happens at a time."))
  document.blocks += findingBlocks(kernels, progress)
  document.blocks += fullPoolBlocks(kernels)
  document.blocks += decryptFailureBlocks(kernels)
  document.blocks += syncBlocks()
  document.blocks.append(made("report lifecycle --format markdown"))
  return document
}

/// One finding in all versions that have it.
private struct History {
  let lint: Lint
  let headline: String
  var findings: [(version: Int, finding: Check.Finding)]

  /// The unbroken rows of versions.
  var runs: [ClosedRange<Int>] {
    var runs: [ClosedRange<Int>] = []
    for (version, _) in findings {
      if let last = runs.last, last.upperBound + 1 == version {
        runs[runs.count - 1] = last.lowerBound...version
      } else {
        runs.append(version...version)
      }
    }
    return runs
  }
}

private func findingBlocks(
  _ kernels: [KernelVersion], _ progress: @Sendable (Double) -> Void
) -> [Document.Block] {
  let lints = Lint.allCases.filter(\.isAboutLife)
  let checks = concurrently(kernels, progress: progress) { kernel in
    Check(kernel, base: nil, lints: lints, domain: MatrixDomain())
  }
  var histories: [History] = []
  for lint in lints {
    for (version, check) in checks.enumerated() {
      for finding in check.findings where finding.lint == lint {
        let index = histories.firstIndex {
          $0.lint == lint && $0.headline == finding.headline
        }
        if let index {
          histories[index].findings.append((version, finding))
        } else {
          histories.append(
            History(lint: lint, headline: finding.headline, findings: [(version, finding)]))
        }
      }
    }
  }
  var blocks: [Document.Block] = [
    .heading("Scenarios that violate each lint"),
    .paragraph("- where the lint holds."),
  ]
  blocks.append(
    .table(
      columns: ["lint"] + kernels.map(\.name),
      rows: lints.map { lint in
        [lint.rawValue]
          + checks.map { check in
            let count = check.findings.filter { $0.lint == lint }.reduce(0) { $0 + $1.scenarios }
            return count == 0 ? "-" : String(count)
          }
      }))
  for lint in lints {
    let own = histories.filter { $0.lint == lint }
    blocks.append(.heading(own.isEmpty ? "\(lint.rawValue): holds everywhere" : lint.rawValue))
    blocks.append(.paragraph("\(lint.statement)."))
    for history in own {
      blocks.append(.paragraph("\(history.headline): \(history.text(kernels))"))
      if let (version, finding) = history.findings.last {
        blocks.append(.paragraph("In \(kernels[version].name):"))
        blocks.append(.conditions(finding.conditions))
      }
    }
  }
  return blocks
}

extension History {
  /// `since 7.2, until v4 (v5 ends it: F1 poolPageLookup, 19/20)`.
  func text(_ kernels: [KernelVersion]) -> String {
    runs.map { run in
      var text = "in \(kernels[0].name) already"
      if run.lowerBound > 0 {
        let cause = cause(from: kernels[run.lowerBound - 1], to: kernels[run.lowerBound])
        text = "since \(kernels[run.lowerBound].name)\(cause.map { " (\($0))" } ?? "")"
      }
      guard run.upperBound + 1 < kernels.count else { return "\(text), to this day" }
      let next = kernels[run.upperBound + 1]
      let cause = cause(from: kernels[run.upperBound], to: next)
      return "\(text), until \(kernels[run.upperBound].name)"
        + (cause.map { " (\(next.name) ends it: \($0))" } ?? "")
    }.joined(separator: "; ") + "."
  }

  /// The changes of a version each of which alone alters the finding's witness: tried
  /// on the version before, one at a time.
  private func cause(from old: KernelVersion, to new: KernelVersion) -> String? {
    let versions = [old.name, new.name]
    guard
      let finding = findings.first(where: {
        versions.contains(KernelVersion.all[$0.version].name)
      })?.finding,
      let key = finding.conditions.first?.witness,
      let (scenario, circumstance) = Circumstance.parsed(key: key),
      let machine = Machine.standard.first(where: { $0.name == scenario.memory })
    else { return nil }
    func life(_ policy: Policy) -> (isViolated: Bool, result: AnswerResult)? {
      lint.isViolated(by: policy, in: scenario, circumstance, on: machine)
    }
    guard let before = life(old.policy) else {
      return old.policy.platforms.contains(scenario.platform)
        ? nil : "with \(scenario.platform.name)"
    }
    // A change that has the request refused ends the finding too, but is no remedy.
    let altering = new.changes.compactMap { change -> (PolicyChange, AnswerResult)? in
      var policy = old.policy
      guard change.knob.set(change.knob.value(in: new.policy), in: &policy),
        let after = life(policy), after.isViolated != before.isViolated
      else { return nil }
      return (change, after.result)
    }
    let remedies = altering.filter { $0.1 == before.result || before.result == .error }
    let changes = (remedies.isEmpty ? altering : remedies).map(\.0)
    return changes.isEmpty
      ? nil
      : changes.map { "\($0.knob.id) \($0.knob.name), \($0.source)" }.joined(separator: "; ")
  }
}

// MARK: - Circumstances

/// Requests that bounce when the pool is empty, once it is full.
func fullPoolBlocks(_ kernels: [KernelVersion]) -> [Document.Block] {
  var blocks: [Document.Block] = [.heading("A full pool")]
  blocks.append(
    .paragraph(
      "Mappings that bounce while the default pool is empty, when it is full: refused (-), "
        + "served by a transient pool from the page allocator (buddy), whose memory is "
        + "decrypted on the spot, or from an atomic pool (atomic), decrypted beforehand; * marks "
        + "set_memory_*() in atomic context. With CONFIG_SWIOTLB_DYNAMIC=n, and in 6.1, all "
        + "of them are refused. \"no pool\" where nothing bounces, \"no platform\" where the "
        + "kernel does not know it."))
  blocks.append(.paragraph(circumstanceFixedText))
  let full = Circumstance(dynamicPools: .on, fill: .exhausted)
  let platforms = Platform.allCases.filter { $0 != .xenPV }
  let rows = platforms.map { platform in
    [platform.name]
      + kernels.map { kernel in
        guard kernel.policy.platforms.contains(platform) else { return "no platform" }
        guard kernel.policy.transientPools != .none else { return "-" }
        return answers(of: full, kernel, platform)
      }
  }
  blocks.append(.table(columns: ["platform"] + kernels.map(\.name), rows: rows))
  return blocks
}

private func answers(
  of circumstance: Circumstance, _ kernel: KernelVersion, _ platform: Platform
) -> String {
  var seen: Set<String> = []
  forEachLife(kernel, platform, circumstance, operations: [.map]) { usual, life in
    guard usual.after.poolKind != .none else { return }
    switch life.after.transientFrom {
    case .none: seen.insert("-")
    case .atomicPool: seen.insert("atomic")
    case .buddy: seen.insert(life.after.atomicCall == .none ? "buddy" : "buddy*")
    }
  }
  return seen.isEmpty ? "no pool" : seen.sorted().joined(separator: " ")
}

/// What is served when nothing fails, once some memory cannot be decrypted.
func decryptFailureBlocks(_ kernels: [KernelVersion]) -> [Document.Block] {
  var blocks: [Document.Block] = [.heading("set_memory_decrypted() fails")]
  blocks.append(
    .paragraph(
      "Requests that are served when nothing fails and are altered when it fails for the "
        + "default pool, a restricted pool, the atomic pools, or a page: refused, refused and "
        + "leaked, or handed out wrongly (garbled on hosts, blocked in guests: the pool is taken "
        + "for shared and is not). Counts over all masks and over the platforms whose memory "
        + "can be private."))
  blocks.append(.paragraph(circumstanceFixedText))
  for failure in DecryptFailure.allCases where failure != .none {
    let circumstance = Circumstance(decryptFailure: failure)
    let rows = kernels.map { kernel -> [String] in
      var (refused, leaked, wrong) = (0, 0, 0)
      for platform in kernel.policy.platforms.platforms where platform.encryptsMemory {
        forEachJudged(kernel, platform, circumstance) { usual, judged, after in
          guard usual.verdict.isServed, usual != judged else { return }
          if judged.verdict == .refused {
            if after.owner == .ok, after.slots == .ok { refused += 1 } else { leaked += 1 }
          } else if !judged.verdict.isServed {
            wrong += 1
          }
        }
      }
      return [kernel.name, String(refused), String(leaked), String(wrong)]
    }
    blocks.append(.paragraph("decrypt_fails=\(failure.name), \(failure.summary):"))
    blocks.append(.table(columns: ["kernel", "refused", "leaked", "wrong"], rows: rows))
  }
  blocks.append(
    .paragraph(
      "From v5 on a default pool that cannot be decrypted counts as full, and a device whose "
        + "restricted pool cannot be decrypted falls back to the default pool: the caller of "
        + "rmem_swiotlb_device_init(), of_dma_set_restricted_buffer() of drivers/of/device.c, "
        + "only warns."))
  return blocks
}

/// What ``forEachLine(_:_:_:_:_:)`` leaves out.
private let circumstanceFixedText =
  "Fixed: mem=64G, coherent_mask=same, bus_limit=none, coherent=1."

private func forEachLife(
  _ kernel: KernelVersion, _ platform: Platform, _ circumstance: Circumstance,
  operations: [Operation] = Operation.allCases, _ body: (LifeCycle, LifeCycle) -> Void
) {
  forEachLine(kernel, platform, circumstance, operations) { usual, other, request, masks in
    let runs = [
      usual.runs(of: request, masks: masks),
      other.runs(of: request, masks: masks, maskChange: circumstance.maskChange),
    ]
    forEachJointRun(runs) { range, cycles in
      for _ in range { body(cycles[0], cycles[1]) }
    }
  }
}

private func forEachJudged(
  _ kernel: KernelVersion, _ platform: Platform, _ circumstance: Circumstance,
  _ body: (JudgedAnswer, JudgedAnswer, LifeAnswer) -> Void
) {
  let operations = Operation.allCases
  forEachLine(kernel, platform, circumstance, operations) { usual, other, request, masks in
    var request = request
    let runs = [usual, other].map { $0.runs(of: request, masks: masks) }
    forEachJointRun(runs) { range, cycles in
      request.mask = masks[range.lowerBound]
      let judged = cycles.map { JudgedAnswer(platform, request, $0.answer) }
      for _ in range { body(judged[0], judged[1], cycles[1].after) }
    }
  }
}

/// Every request of an ordinary device on the big machine, with the kernel as it is
/// and in a circumstance, and the masks for which that can happen.
private func forEachLine(
  _ kernel: KernelVersion, _ platform: Platform, _ circumstance: Circumstance,
  _ operations: [Operation],
  _ body: (BootedKernel, BootedKernel, DeviceRequest, [DMAMask]) -> Void
) {
  var domain = MatrixDomain()
  domain.platforms = [platform]
  domain.machines = [.sixtyFourGiB]
  domain.coherentMasks = [.same]
  domain.busLimits = [.none]
  domain.coherences = [.coherent]
  domain.operations = operations
  for boot in domain.boots(on: [kernel.policy]) {
    // A restricted pool of a device's own is never full.
    if circumstance.conditions.fill != .empty, boot.swiotlb == .restricted { continue }
    let booted = [Circumstance.ordinary, circumstance].map {
      BootedKernel(kernel.policy, boot, $0.conditions)
    }
    for request in domain.requests(on: boot, policies: [kernel.policy]) {
      let masks = kernel.policy.masks(
        domain.masks, in: circumstance, platform, boot.swiotlb, request)
      if !masks.isEmpty { body(booted[0], booted[1], request, masks) }
    }
  }
}

// MARK: - Copies

/// What is copied when, for a mapping that is bounced.
private func syncBlocks() -> [Document.Block] {
  let rows = SyncPoint.allCases.map { call in
    [call.name]
      + Direction.allCases.flatMap { direction in
        [false, true].map { SyncCopy(at: call, direction, skipsCPUSync: $0).name }
      }
  }
  return [
    .heading("What each side sees"),
    .paragraph(
      "For a bounced mapping, the same in every version: in copies the buffer to the bounce "
        + "buffer, after which the device sees what the CPU wrote; out copies it back, after "
        + "which the CPU sees what the device wrote; - copies nothing, and each side sees its "
        + "own memory. skip: with DMA_ATTR_SKIP_CPU_SYNC, which the sync calls do not take. "
        + "A mapping is copied in whatever its direction. From 6.12 on the sync calls do "
        + "nothing for a coherent device until its first bounce (dma_skip_sync)."),
    .table(
      columns: ["call"] + Direction.allCases.flatMap { [$0.name, "\($0.name), skip"] }, rows: rows),
  ]
}
