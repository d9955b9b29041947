import Analysis
import DMAModel
import MatrixStore

/// What an alternative does, ready for a mail: question, answer, what is worse with a
/// witness each, how to reproduce it.
///
/// - Parameters:
///   - drivers: Those that each change ends with.
///   - options: The filters under which it was counted, as options of a command line.
public func replyDocument(
  _ reply: Reply, drivers: DriverList? = nil, options: [String] = []
) -> Document {
  let (alternative, start, base) = (reply.alternative, reply.start, reply.base)
  var document = Document()
  document.blocks = [
    .paragraph("Does \(alternative.name) mend what \(start.name) serves worse than \(base.name)?"),
    .paragraph(answer(reply)),
    .paragraph("\(alternative.name): \(alternative.summary)\(mailText(alternative))."),
  ]
  if !alternative.policyChanges(of: start).isEmpty {
    document.blocks.append(.literal(alternative.policyChanges(of: start)))
  }
  document.blocks.append(countsTable(reply))
  document.blocks += worseBlocks(reply, drivers)
  document.blocks += reproduction(reply, options)
  return document
}

private func answer(_ reply: Reply) -> String {
  let (start, base) = (reply.start.name, reply.base.name)
  let (old, new) = (reply.before.worseScenarios, reply.after.worseScenarios)
  switch reply.verdict {
  case .mends where old == 0:
    return "Nothing was to mend: neither serves a scenario worse than \(base)."
  case .mends:
    return "Yes: of \(old) scenarios that \(start) serves worse than \(base), none is left."
  case .mendsInPart:
    return "In part: of \(old) scenarios that \(start) serves worse than \(base), \(new) are left."
  case .doesNotMend:
    if reply.own.transitions.isEmpty { return "No: it answers every scenario as \(start) does." }
    let corrupts = reply.after.scenarios(of: .corrupts)
    let known = reply.before.scenarios(of: .corrupts)
    if corrupts > known {
      return "No: it corrupts \(corrupts) scenarios that \(base) does not, \(start) \(known); "
        + "\(new) are served worse than on \(base), by \(start) \(old)."
    }
    return "No: \(new) scenarios are served worse than on \(base), by \(start) \(old)."
  }
}

/// ` (AKV, 2026-06-29, <message-id>)`.
private func mailText(_ kernel: KernelVersion) -> String {
  let parts = [kernel.mail?.text, kernel.messageID.map { "<\($0)>" }].compactMap { $0 }
  return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
}

/// Scenarios by effect, of the version and of the alternative.
private func countsTable(_ reply: Reply) -> Document.Block {
  let rows = Comparison.Effect.allCases.compactMap { effect -> [String]? in
    let counts = [reply.before, reply.after].map { $0.scenarios(of: effect) }
    return counts == [0, 0] ? nil : [effect.rawValue] + counts.map(String.init)
  }
  return .table(
    columns: ["against \(reply.base.name)", reply.start.name, reply.alternative.name], rows: rows)
}

/// How many changes of an effect are shown.
private let shownChanges = 2

private func worseBlocks(_ reply: Reply, _ drivers: DriverList?) -> [Document.Block] {
  var blocks: [Document.Block] = []
  for effect in Comparison.Effect.allCases where effect.isWorse {
    let changes = reply.after.transitions.filter { $0.effect == effect }
      .sorted { ($0.defaultBoots, $0.scenarios) > ($1.defaultBoots, $1.scenarios) }
    for change in changes.prefix(shownChanges) {
      let usual = change.defaultBoots == 0 ? "none" : String(change.defaultBoots)
      blocks.append(
        .heading(
          "\(effect.rawValue): \(scenarioCount(change.scenarios)), \(usual) of them default boots"))
      blocks.append(.paragraph(transitionHeadline(change) + ", mostly"))
      blocks.append(.conditions(Array(change.conditions.prefix(1))))
      blocks += driverBlocks(change.conditions, of: reply.after.kernels, drivers)
    }
    let more = changes.count - shownChanges
    if more > 0 {
      let rest = changes.dropFirst(shownChanges).reduce(into: (all: 0, usual: 0)) {
        $0 = ($0.all + $1.scenarios, $0.usual + $1.defaultBoots)
      }
      blocks.append(
        .paragraph(
          "\(effect.rawValue): \(more) more \(more == 1 ? "change" : "changes"), "
            + "\(rest.all) scenarios, \(rest.usual == 0 ? "none" : String(rest.usual)) of them "
            + "default boots."))
    }
  }
  return blocks
}

/// The commands that show the columns of the counts, the changes, and the worst witness.
private func reproduction(_ reply: Reply, _ options: [String]) -> [Document.Block] {
  // Words stay whole: one may be a quoted name with spaces.
  func command(_ words: [String]) -> [String] {
    var lines: [String] = []
    // An option goes with its value.
    let units = words.reduce(into: [String]()) { units, word in
      if let last = units.last, last.hasPrefix("--"), !last.contains(" "), last != "--summary",
        !word.hasPrefix("--")
      {
        units[units.count - 1] = last + " " + word
      } else {
        units.append(word)
      }
    }
    for word in units {
      if let line = lines.last, line.count + 1 + word.count <= 66 {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(lines.isEmpty ? word : "    " + word)
      }
    }
    return lines.enumerated().map { $0 < lines.count - 1 ? $1 + " \\" : $1 }
  }
  let (base, start, alternative) = (reply.base.name, reply.start.name, reply.alternative.name)
  var commands =
    command(["dmamatrix", "compare", base, start, "--summary"] + options)
    + command(["dmamatrix", "compare", base, alternative, "--summary"] + options)
    + command(["dmamatrix", "compare", base, alternative] + options)
  let names = "\(base),\(alternative)"
  let worst = reply.after.transitions.filter(\.effect.isWorse)
    .min {
      ($0.effect.order, -$0.defaultBoots, -$0.scenarios)
        < ($1.effect.order, -$1.defaultBoots, -$1.scenarios)
    }
  if let witness = worst?.conditions.first?.witness {
    // explain joins the parts of a key again.
    let parts = foldedLines(
      witness, width: 66, indent: "    ", hanging: "    ", breakingAfter: "/")
    let last = parts.count - 1
    // A key says all that the filters of scenarios say, but a variant needs its file.
    let files = options.enumerated().filter { index, option in
      option == "--policy" || index > 0 && options[index - 1] == "--policy"
    }.map(\.element)
    commands += command(["dmamatrix", "explain", "--kernel", names] + files).map { line in
      line.hasSuffix("\\") ? line : line + " \\"
    }
    commands += parts.enumerated().map { $0 < last ? $1 + " \\" : $1 }
  }
  return [
    .paragraph("To reproduce:"), .literal(commands),
    .paragraph("dmamatrix, model digest \(ModelDigest.digest().prefix(16))."),
  ]
}

extension Comparison.Effect {
  fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.count }
}

extension KernelVersion {
  /// Each knob that a version turns of another, with function and file.
  fileprivate func policyChanges(of start: KernelVersion) -> [String] {
    settings(from: start.policy, to: policy).flatMap { knob, value -> [String] in
      let meaning = knob.values.first { $0.name == value }?.summary ?? value
      return folded(
        "\(knob.id) \(knob.name): \(meaning) [\(knob.function), \(knob.file)]", width: 68,
        hanging: "  "
      ).split(separator: "\n").map(String.init)
    }
  }
}
