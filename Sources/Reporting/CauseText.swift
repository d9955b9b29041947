import Analysis
import DMAModel
import Support

/// The headings of causes, none of which are alike: the line, and to whom and how where one
/// line has several causes.
func causeHeadings(_ causes: [Cause]) -> [String] {
  func line(_ cause: Cause) -> String {
    "\(cause.severity.name): \(cause.line.function)(): \(cause.line.condition)"
  }
  return unambiguous(
    causes,
    [
      line,
      { cause in
        let scope = CauseScope(cause)
        return "\(line(cause)); \(scope.who): \(scope.what)"
      },
      { cause in
        let scope = CauseScope(cause)
        return "\(line(cause)); \(scope.who): \(scope.what)\(scope.conditions)"
      },
    ])
}

/// Everything about a cause: what happens, to whom, since when, what ends it, the path of
/// a witness, and the exact conditions.
func causeBlocks(
  _ cause: Cause, number: Int, heading: String, in check: Check, drivers: DriverList?
) -> [Document.Block] {
  let scope = CauseScope(cause)
  var blocks: [Document.Block] = [.heading("\(number). \(heading)")]
  blocks.append(.paragraph(happens(cause)))
  blocks.append(.paragraph("To whom: \(scope.text)."))
  blocks.append(.paragraph("Since: \(cause.origins.map(originText).joined(separator: "; "))."))
  if let ends = endText(cause, in: check) { blocks.append(.paragraph(ends)) }
  if let finding = cause.findings.first, let path = witnessPath(finding, check.kernel) {
    blocks.append(.literal(path))
  }
  for finding in cause.findings {
    let unit =
      finding.lint.isAboutBoots
      ? "boots"
      : finding.lint.isAboutLife || finding.isByCircumstance
        ? "scenarios, each circumstance counted" : "scenarios"
    blocks.append(
      .paragraph(
        "\(finding.lint.rawValue): \(finding.headline): \(finding.scenarios) \(unit)"))
    blocks.append(.conditions(finding.conditions))
    if !finding.lint.isAboutBoots {
      blocks += driverBlocks(
        finding.conditions, of: [check.kernel], drivers, lint: finding.lint)
    }
  }
  return blocks
}

/// What happens, in plain words: each kind of violation once.
private func happens(_ cause: Cause) -> String {
  var sentences: [String] = []
  for finding in cause.findings {
    let sentence = plainWords(finding)
    if !sentences.contains(sentence) { sentences.append(sentence) }
  }
  return sentences.joined(separator: " ")
}

/// Whether a finding is about devices that the guest accepted.
func isAboutAccepted(_ finding: Check.Finding) -> Bool {
  let key = finding.conditions.first?.witness.prefix { $0 != ";" }
  return key.flatMap { Scenario(key: $0) }?.facing == .ccAccepted
}

/// What a violation means to a driver and its user.
func plainWords(_ finding: Check.Finding) -> String {
  if let wrong = finding.wrong { return "\(wrong.sentence)." }
  switch finding.verdict {
  case .garbled:
    return
      "The request succeeds, and the device then reads and writes other bytes than meant: the "
      + "encrypted view of memory that is not encrypted, or the other way round."
  case .unreachable:
    return
      "The request succeeds with the address of a copy in the bounce pool: the device never "
      + "reaches the peer's own memory, and nothing says so."
  case .blocked where isAboutAccepted(finding):
    return
      "The request succeeds, and the device accesses memory in the other state than the guest "
      + "left it: an accepted device of this platform reads shared memory as private, or the other "
      + "way round."
  case .blocked:
    return "The request succeeds with private memory of a guest, which the device cannot access."
  case .ok, .bounced, .refused: break
  }
  switch finding.lint {
  case .noNewExposure:
    return "The request is served by memory that is decrypted, where the base leaves it encrypted."
  case .restrictedPoolShrinks:
    return "The boot makes a smaller swiotlb pool, which is full the earlier."
  case .mapSGAgrees: return "A scatter list is answered otherwise than a map of the same memory."
  case .allocAgrees: return "dma_alloc_attrs() and dma_alloc_pages() answer differently."
  case .maxMappingSizeIsHonest:
    return
      "dma_max_mapping_size() promises more than a segment of the pool, and a mapping of that size "
      + "is refused."
  case .addressingLimitedIsHonest:
    return
      "dma_addressing_limited() says that the device reaches all memory, and its mappings bounce "
      + "or fail."
  case .guestPrivateStaysPrivate:
    return
      "The request succeeds through memory that the host sees, where the accepted device could "
      + "take the guest's private memory."
  case .forceMeansBounce:
    return finding.verdict == .refused
      ? "With swiotlb=force the map fails." : "With swiotlb=force the map does not bounce."
  case .loudRefusal: return "The map fails, and the kernel logs nothing."
  default:
    return finding.severity == .breaks
      ? "The request fails, which an earlier version serves." : "The request fails."
  }
}

/// `v5 (https://lore...), by M9 poolStateCheck = matchesForced (v5, 7/20)`
func originText(_ origin: Cause.Origin) -> String {
  guard let since = origin.since else {
    return "every modelled version that knows the platform and the attributes"
  }
  var text = since.name
  if origin.changes.isEmpty, since.messageID == nil { text += ", or what it is the first to know" }
  if let messageID = since.messageID { text += " (message-id \(messageID))" }
  let changes = origin.changes.map { change in
    let (knob, value) = (change.change.knob, change.change.value)
    return "\(knob.id) \(knob.name) = \(value) (\(change.version.name), \(change.change.source))"
  }
  return changes.isEmpty ? text : text + ", by " + changes.joined(separator: " and ")
}

/// The later versions and the alternatives that do not have it, asked at a witness.
private func endText(_ cause: Cause, in check: Check) -> String? {
  guard let finding = cause.findings.first, let key = finding.conditions.first?.witness,
    let witness = Witness(key, MatrixDomain()), check.kernel.recorded == nil
  else { return nil }
  let versions = KernelVersion.all
  let later = versions.firstIndex(of: check.kernel).map { Array(versions[($0 + 1)...]) } ?? []
  let ends = (later + KernelVersion.alternatives).filter { kernel in
    kernel != check.kernel && witness.isServed(by: kernel)
      && !witness.violates(finding.lint, kernel.policy, check.base)
  }
  if ends.isEmpty {
    return "No later version and no alternative of the review serves the witness without it."
  }
  let names = ends.prefix(8).map(\.name).joined(separator: ", ")
  return
    "Ends, at the witness, with: \(names)\(ends.count > 8 ? " and \(ends.count - 8) more" : "")."
}

/// The path of a finding's first witness, one decision a line.
func witnessPath(_ finding: Check.Finding, _ kernel: KernelVersion) -> [String]? {
  guard let key = finding.conditions.first?.witness, let witness = Witness(key, MatrixDomain())
  else { return nil }
  let path = witness.path(kernel, withEnd: finding.lint.isAboutLife)
  return path.flatMap { step in
    let knob = step.knob.isEmpty ? "" : " [\(step.knob)]"
    return folded(
      "\(step.function): \(step.condition)? \(step.taken ? "yes" : "no")\(knob)", width: 68,
      hanging: "  "
    ).split(separator: "\n").map(String.init)
  }
}

// MARK: - Not counted

/// The classes that are no violations, with their reasons.
func excusedBlocks(_ check: Check) -> [Document.Block] {
  var blocks: [Document.Block] = []
  for kind in [Excuse.Kind.byDesign, .hypothetical] {
    for excuse in Excuse.allCases where excuse.kind == kind {
      let own = check.excused.filter { $0.excuse == excuse }
      guard !own.isEmpty else { continue }
      let total = own.reduce(0) { $0 + $1.finding.scenarios }
      blocks.append(
        .heading("\(kind.rawValue): \(excuse.name): \(scenarioCount(total)), not counted"))
      blocks.append(.paragraph("\(excuse.reason.capitalizedFirst) (\(excuse.source))."))
      for one in own {
        blocks.append(
          .paragraph(
            "\(one.finding.lint.rawValue): \(one.finding.headline): "
              + scenarioCount(one.finding.scenarios)))
        blocks.append(.conditions(one.finding.conditions))
      }
    }
  }
  return blocks
}

extension String {
  /// The text with a capital first letter, unless it begins with a name of the kernel.
  fileprivate var capitalizedFirst: String {
    guard let first, !prefix(while: { $0 != " " }).contains(where: { "_-".contains($0) }) else {
      return self
    }
    return first.uppercased() + dropFirst()
  }
}
