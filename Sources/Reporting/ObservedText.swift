import Analysis
import DMAModel
import Observations
import Support

/// A file of observations, as reports name it.
public struct ObservedSource: Sendable {
  public let name: String
  /// In hexadecimal.
  public let sha256: String
  public let boots: Int
  public let observations: Int

  public init(name: String, sha256: String, boots: Int, observations: Int) {
    self.name = name
    self.sha256 = sha256
    self.boots = boots
    self.observations = observations
  }
}

/// Boots with the kernels that answer for them.
public typealias AnsweredBoots = [(boot: BootObservations, version: KernelVersion)]

/// What booted kernels did, beside the model: counts, limits, disagreements.
///
/// - Parameters:
///   - sources: The files; none are listed where it is empty.
///   - showsRules: Whether the rules that the boots have shown are listed.
/// - Returns: The document, and whether nothing differs.
public func observedDocument(
  _ boots: AnsweredBoots, sources: [ObservedSource] = [], showsRules: Bool = false
) -> (document: Document, agrees: Bool) {
  var summary = ObservationSummary()
  for (boot, version) in boots { summary.add(boot, version: version) }
  let differing = summary.total.differ
  var document = Document()
  document.blocks.append(.title("What booted kernels did"))
  document.blocks.append(
    .paragraph(
      "\(summary.total.boots) \(summary.total.boots == 1 ? "boot" : "boots") of "
        + "\(summary.tallies.count) \(summary.tallies.count == 1 ? "kernel" : "kernels"), "
        + "\(summary.total.rows) observations of what they did, each beside the model: "
        + "\(differing == 0 ? "none differs" : "\(differing) differ")."))
  document.blocks.append(
    .paragraph(
      "Legend: agree: every column is as the model says, addresses as far as they can be. limited: "
        + "nothing differs, but a limit keeps the answer from being compared. absent: the "
        + "machine had no such memory, or the kernel no such call."))
  document.blocks.append(
    .table(
      columns: ["kernel", "boots", "observations", "agree", "limited", "absent", "differ"],
      rows: summary.tallies.map { row($0.kernel, $0.tally) }))
  document.blocks += limits(summary)
  if showsRules { document.blocks += rules(summary) }
  document.blocks += disagreementBlocks(differing > 0 ? Disagreements(boots) : nil)
  if !sources.isEmpty {
    document.blocks.append(.heading("Files"))
    document.blocks.append(
      .literal(
        sources.flatMap { source in
          [
            source.name.printable,
            "  \(source.boots) \(source.boots == 1 ? "boot" : "boots"), "
              + "\(source.observations) observations, SHA-256 "
              + source.sha256.prefix(16),
          ]
        }))
  }
  return (document, differing == 0)
}

/// Where booted kernels, compiled trees and the model differ, as a document.
public func disagreementsDocument(
  _ found: Disagreements, code: [Agreement] = []
) -> Document {
  var document = Document()
  document.blocks.append(.title("Disagreements"))
  document.blocks.append(
    .paragraph(
      "\(found.observations) observations of \(found.boots) boots, compared with the model."))
  document.blocks += disagreementBlocks(found)
  for agreement in code {
    let (model, tree) = (agreement.model.name, agreement.code.name)
    document.blocks.append(.heading("\(tree): its own code against the model of \(model)"))
    document.blocks.append(
      .paragraph(
        "\(existing(agreement.scenarios, "scenario")) on both: \(agreement.equal) equal, "
          + "\(agreement.scenarios - agreement.equal) differ."))
    document.blocks += agreementBlocks(agreement)
  }
  return document
}

private func row(_ kernel: String, _ tally: ObservationSummary.Tally) -> [String] {
  [kernel]
    + [tally.boots, tally.rows, tally.agree, tally.limited, tally.absent, tally.differ]
    .map(String.init)
}

private func limits(_ summary: ObservationSummary) -> [Document.Block] {
  let met = ObservationLimit.allCases.filter { summary.limits[$0] != nil }
  guard !met.isEmpty else { return [] }
  let kernels = summary.tallies.map(\.kernel)
  let rows = met.map { limit in
    [limit.rawValue] + kernels.map { String(summary.limits[limit]?[$0] ?? 0) }
  }
  return [.heading("Limits, and how many observations each applies to")]
    + [.table(columns: ["limit"] + kernels, rows: rows)]
    + met.map { .paragraph("\($0.rawValue): \($0.summary).") }
}

private func rules(_ summary: ObservationSummary) -> [Document.Block] {
  let kernels = summary.tallies.map(\.kernel)
  let seen = Decision.allCases.filter { summary.rules[$0] != nil }
  let rows = seen.map { decision in
    [decision.name] + kernels.map { String(summary.rules[decision]?[$0] ?? 0) }
  }
  return [
    .heading("Rules of the model that boots have shown, with agreeing observations"),
    .table(columns: ["rule"] + kernels, rows: rows),
  ]
}

private func disagreementBlocks(_ found: Disagreements?) -> [Document.Block] {
  guard let found, !found.findings.isEmpty else {
    return [.paragraph("No observation differs from the model.")]
  }
  var blocks: [Document.Block] = []
  func columns(_ finding: Disagreements.Finding) -> String {
    finding.differences.map { "\($0.column) '\($0.observed.printable)', model '\($0.model)'" }
      .joined(separator: "; ")
  }
  let headlines = unambiguous(
    found.findings, [headline, { "\(headline($0)); \(columns($0))" }])
  for (finding, headline) in zip(found.findings, headlines) {
    blocks.append(.heading("\(headline): \(finding.observations) observations"))
    var text = "e.g. " + columns(finding)
    if finding.isUnsteady { text += "; not every observation under these conditions differs" }
    blocks.append(.paragraph(text + "."))
    blocks.append(.conditions(finding.conditions))
  }
  blocks.append(
    .paragraph(
      "Each condition is exact over what was observed: no request that it holds for was "
        + "answered otherwise. Its count is one of distinct requests."))
  return blocks
}

private func headline(_ finding: Disagreements.Finding) -> String {
  var text = "\(finding.kernel): "
  let names = distinct(finding.differences.map(\.column)).joined(separator: ", ")
  if let model = finding.model, model != finding.observed {
    text += "\(finding.observed.rawValue) where the model says \(model.rawValue)"
  } else {
    text += "\(finding.observed.rawValue) as the model says, but \(names)"
  }
  if let decision = finding.decision { text += " (\(decision.name))" }
  return text
}

/// Disagreements as JSON.
public func disagreementsJSON(_ found: Disagreements, code: [Agreement] = []) -> String {
  let findings = found.findings.map { finding in
    let columns = finding.differences.map { difference in
      """
      {"column": \(jsonString(difference.column)), \
      "observed": \(jsonString(difference.observed)), "model": \(jsonString(difference.model))}
      """
    }
    return """
          {"kernel": \(jsonString(finding.kernel)),
           "observed": \(jsonString(finding.observed.rawValue)), \
      "model": \(finding.model.map { jsonString($0.rawValue) } ?? "null"),
           "where": \(finding.decision.map { jsonString($0.name) } ?? "null"),
           "steady": \(!finding.isUnsteady), "observations": \(finding.observations),
           "columns": [\(columns.joined(separator: ", "))],
           "conditions": [
      \(finding.conditions.map(conditionJSON).joined(separator: ",\n"))
           ]}
      """
  }
  return """
    {"boots": \(found.boots), "observations": \(found.observations),
     "disagreements": [
    \(findings.joined(separator: ",\n"))
     ],
     "code": [
    \(code.map(agreementJSON).joined(separator: ",\n"))
     ]}

    """
}
