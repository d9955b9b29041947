import Analysis
import DMAModel

/// The formats of a check.
public enum CheckFormat: String, CaseIterable, Sendable {
  case text, markdown, json, ktap

  /// The format of the same name.
  public init(_ format: FindingFormat) {
    self =
      switch format {
      case .text: .text
      case .markdown: .markdown
      case .json: .json
      }
  }
}

/// Checks in a format: one document.
///
/// KTAP is version 1 of the kernel's test protocol.  Of several checks, JSON has an
/// array, and KTAP a test with subtests for each kernel.
///
/// - Parameter drivers: Those that each finding ends with; KTAP has none.
public func checkText(
  _ checks: [Check], format: CheckFormat, drivers: DriverList? = nil
) -> String {
  func texts(_ format: Document.Format) -> String {
    checks.map { checkDocument($0, drivers: drivers).text(format) }.joined(separator: "\n")
  }
  func json(_ check: Check) -> String { checkJSON(check, drivers) }
  return switch format {
  case .text: texts(.text)
  case .markdown: texts(.markdown)
  case .json where checks.count == 1: json(checks[0])
  case .json: "[\n" + checks.map(json).joined(separator: ",\n") + "]\n"
  case .ktap where checks.count == 1: checkKTAP(checks[0])
  case .ktap:
    checks.enumerated().reduce("KTAP version 1\n1..\(checks.count)\n") { text, numbered in
      let (index, check) = numbered
      let lines = checkKTAP(check).split(separator: "\n").map { "    \($0)\n" }.joined()
      return text + lines
        + "\(check.findings.isEmpty ? "ok" : "not ok") \(index + 1) \(check.kernel.name)\n"
    }
  }
}

/// A check as a document.
///
/// - Parameters:
///   - since: For a finding's identity, the version since which it exists.
///   - drivers: Those that each finding ends with.
public func checkDocument(
  _ check: Check, since: [String: String] = [:], drivers: DriverList? = nil
) -> Document {
  var document = Document()
  let base = check.base.map { ", base \($0.name)" } ?? ""
  document.blocks.append(.title("Findings in \(check.kernel.name)\(base)"))
  for (lint, outcome) in check.outcomes {
    switch outcome {
    case .holds:
      document.blocks.append(.heading("\(lint.rawValue): holds"))
      document.blocks.append(.paragraph("\(lint.statement)."))
    case .skipped(let reason):
      document.blocks.append(.heading("\(lint.rawValue): not decided"))
      document.blocks.append(.paragraph("\(lint.statement): \(reason)."))
    case .violated(let findings):
      let total = findings.reduce(0) { $0 + $1.scenarios }
      document.blocks.append(.heading("\(lint.rawValue): violated in \(total) scenarios"))
      document.blocks.append(.paragraph("\(lint.statement)."))
      let order = drivers.specificOrder(
        findings.map(\.conditions), of: [check.kernel], lint: lint)
      for finding in order.map({ findings[$0] }) {
        let first = since[finding.identity].map { ", since \($0)" } ?? ""
        document.blocks.append(
          .paragraph("\(finding.headline): \(finding.scenarios) scenarios\(first)"))
        document.blocks.append(.conditions(finding.conditions))
        if let path = witnessPath(finding, check.kernel) { document.blocks.append(.literal(path)) }
        document.blocks += driverBlocks(
          finding.conditions, of: [check.kernel], drivers, lint: finding.lint)
      }
    }
  }
  return document
}

/// The path of a finding's first witness, one decision a line.
private func witnessPath(_ finding: Check.Finding, _ kernel: KernelVersion) -> [String]? {
  guard let key = finding.conditions.first?.witness,
    let (scenario, circumstance) = Circumstance.parsed(key: key),
    let machine = Machine.standard.first(where: { $0.name == scenario.memory }),
    case .success(let explanation) = Explanation.explain(
      scenario, in: circumstance, on: machine, by: kernel)
  else { return nil }
  let path = explanation.path + (finding.lint.isAboutLife ? explanation.undoPath : [])
  return path.flatMap { step in
    let knob = step.knob.isEmpty ? "" : " [\(step.knob)]"
    return folded(
      "\(step.function): \(step.condition)? \(step.taken ? "yes" : "no")\(knob)", width: 68,
      hanging: "  "
    ).split(separator: "\n").map(String.init)
  }
}

private func checkJSON(_ check: Check, _ drivers: DriverList?) -> String {
  let lints = check.outcomes.map { lint, outcome in
    let (status, findings, reason): (String, [Check.Finding], String?) =
      switch outcome {
      case .holds: ("holds", [], nil)
      case .skipped(let reason): ("skipped", [], reason)
      case .violated(let findings): ("violated", findings, nil)
      }
    let texts = findings.map { finding in
      """
            {"finding": \(jsonString(finding.headline)), "scenarios": \(finding.scenarios),
             "conditions": [
      \(finding.conditions.map(conditionJSON).joined(separator: ",\n"))
             ]\(driverJSON(finding.conditions, of: [check.kernel], drivers, lint: finding.lint))}
      """
    }
    return """
        {"lint": \(jsonString(lint.rawValue)), "statement": \(jsonString(lint.statement)),
         "status": "\(status)", "reason": \(reason.map(jsonString) ?? "null"), "findings": [
      \(texts.joined(separator: ",\n"))
         ]}
      """
  }
  return """
    {"kernel": \(jsonString(check.kernel.name)),
     "base": \(check.base.map { jsonString($0.name) } ?? "null"),
     "lints": [
    \(lints.joined(separator: ",\n"))
     ]}

    """
}

private func checkKTAP(_ check: Check) -> String {
  var lines = ["KTAP version 1", "1..\(check.outcomes.count)"]
  for (index, (lint, outcome)) in check.outcomes.enumerated() {
    let number = index + 1
    switch outcome {
    case .holds:
      lines.append("ok \(number) \(lint.rawValue)")
    case .skipped(let reason):
      lines.append("ok \(number) \(lint.rawValue) # SKIP \(reason)")
    case .violated(let findings):
      for finding in findings {
        for condition in finding.conditions {
          lines.append(
            "# \(finding.headline): \(condition.text): \(condition.scenarios), "
              + "e.g. \(condition.witness)")
        }
      }
      lines.append("not ok \(number) \(lint.rawValue)")
    }
  }
  return lines.map { $0 + "\n" }.joined()
}

/// The lines of a baseline file: each accepted violation with its condition.
public func baselineLines(_ check: Check) -> [String] {
  check.findings.flatMap { finding in
    finding.conditions.map { condition in
      "\(check.kernel.name) \(finding.lint.rawValue): \(finding.headline): \(condition.text)"
    }
  }
}
