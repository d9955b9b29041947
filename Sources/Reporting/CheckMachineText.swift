import Analysis
import DMAModel

/// Checks for programs: JSON, KTAP, SARIF, and the objects of b4's check protocol.

extension Check {
  /// The causes that programs which judge a change hear of: those that the base does not
  /// have, or all of them where there is no base.
  public var changed: [Cause] { base == nil ? causes : causes.filter(\.isNew) }
}

func checkJSON(_ check: Check, _ drivers: DriverList?) -> String {
  let causes = check.causes.enumerated().map { index, cause in
    let origins = cause.origins.map { origin in
      let changes = origin.changes.map { change in
        "{\"knob\": \(jsonString(change.change.knob.id)), "
          + "\"value\": \(jsonString(change.change.value)), "
          + "\"version\": \(jsonString(change.version.name)), "
          + "\"source\": \(jsonString(change.change.source))}"
      }
      return "{\"since\": \(origin.since.map { jsonString($0.name) } ?? "null"), "
        + "\"changes\": [\(changes.joined(separator: ", "))]}"
    }
    let findings = cause.findings.map { finding in
      """
            {"lint": \(jsonString(finding.lint.rawValue)), \
      "finding": \(jsonString(finding.headline)),
             "severity": "\(finding.severity.name)", "scenarios": \(finding.scenarios),
             "conditions": [
      \(finding.conditions.map(conditionJSON).joined(separator: ",\n"))
             ]\(driverJSON(finding.conditions, of: [check.kernel], drivers, lint: finding.lint))}
      """
    }
    return """
        {"rank": \(index + 1), "severity": "\(cause.severity.name)", \
      "function": \(jsonString(cause.line.function)),
         "condition": \(jsonString(cause.line.condition)), "new": \(cause.isNew),
         "summary": \(jsonString(sentence(cause))),
         "scenarios": \(cause.scenarios), "usual": \(cause.usual),
         "origins": [\(origins.joined(separator: ", "))], "findings": [
      \(findings.joined(separator: ",\n"))
         ]}
      """
  }
  let lints = check.outcomes.map { lint, outcome in
    let (status, reason): (String, String?) =
      switch outcome {
      case .holds: ("holds", nil)
      case .skipped(let reason): ("skipped", reason)
      case .violated: ("violated", nil)
      }
    return """
        {"lint": \(jsonString(lint.rawValue)), "statement": \(jsonString(lint.statement)),
         "status": "\(status)", "reason": \(reason.map(jsonString) ?? "null")}
      """
  }
  let excused = check.excused.map { one in
    """
      {"kind": "\(one.excuse.kind.rawValue)", "class": \(jsonString(one.excuse.name)),
       "reason": \(jsonString(one.excuse.reason)), "source": \(jsonString(one.excuse.source)),
       "lint": \(jsonString(one.finding.lint.rawValue)), \
    "finding": \(jsonString(one.finding.headline)),
       "scenarios": \(one.finding.scenarios), "conditions": [
    \(one.finding.conditions.map(conditionJSON).joined(separator: ",\n"))
       ]}
    """
  }
  return """
    {"kernel": \(jsonString(check.kernel.name)),
     "base": \(check.base.map { jsonString($0.name) } ?? "null"),
     "causes": [
    \(causes.joined(separator: ",\n"))
     ],
     "lints": [
    \(lints.joined(separator: ",\n"))
     ],
     "not_counted": [
    \(excused.joined(separator: ",\n"))
     ]}

    """
}

/// A cause in one line, whatever its length.
public func sentence(_ cause: Cause) -> String {
  summaryLine(cause, number: 0, width: .max).split(separator: " ").dropFirst()
    .joined(separator: " ")
}

func checkKTAP(_ check: Check) -> String {
  var lines = ["KTAP version 1", "1..\(check.outcomes.count)"]
  for (index, (lint, outcome)) in check.outcomes.enumerated() {
    let number = index + 1
    let own = check.changed.filter { cause in
      cause.findings.contains { $0.lint == lint && (check.base == nil || $0.isNew) }
    }
    switch outcome {
    case .skipped(let reason): lines.append("ok \(number) \(lint.rawValue) # SKIP \(reason)")
    case .holds: lines.append("ok \(number) \(lint.rawValue)")
    case .violated where own.isEmpty: lines.append("ok \(number) \(lint.rawValue)")
    case .violated:
      lines += own.map { "# \(sentence($0))\(witnessText($0, of: lint))" }
      lines.append("not ok \(number) \(lint.rawValue)")
    }
  }
  return lines.map { $0 + "\n" }.joined()
}

/// `, e.g. x86/none/...`: a scenario in which a cause violates a lint, or any.
private func witnessText(_ cause: Cause, of lint: Lint? = nil) -> String {
  let finding = cause.findings.first { lint == nil || $0.lint == lint }
  return finding?.conditions.first.map { ", e.g. \($0.witness)" } ?? ""
}

/// Causes as results of SARIF 2.1.0, whose rules are the lints.
func checkSARIF(_ checks: [Check]) -> String {
  let runs = checks.map { check in
    let rules = check.outcomes.map { lint, _ in
      "{\"id\": \(jsonString(lint.rawValue)), \"shortDescription\": "
        + "{\"text\": \(jsonString(lint.statement))}}"
    }
    let results = check.changed.map { cause in
      let lint = cause.findings.first?.lint.rawValue ?? ""
      let level = cause.severity <= .breaks ? "error" : "warning"
      let file = cause.findings.first?.decision.file ?? ""
      return """
        {"ruleId": \(jsonString(lint)), "level": "\(level)",
            "message": {"text": \(jsonString("\(check.kernel.name): " + sentence(cause)
                + witnessText(cause)))},
            "locations": [{"physicalLocation": {"artifactLocation": \
        {"uri": \(jsonString(file))}},
              "logicalLocations": [{"name": \(jsonString(cause.line.function))}]}]}
        """
    }
    return """
        {"tool": {"driver": {"name": "dmamatrix", "rules": [
          \(rules.joined(separator: ",\n      "))
        ]}},
         "results": [
          \(results.joined(separator: ",\n      "))
        ]}
      """
  }
  return """
    {"version": "2.1.0",
     "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
     "runs": [
    \(runs.joined(separator: ",\n"))
     ]}

    """
}

/// The array of b4's check protocol: an object for each cause that the base does not have,
/// or one that says that there is none.
public func checkB4(_ check: Check) -> String {
  let base = check.base.map(\.name) ?? "no base"
  let link = jsonString(check.kernel.link ?? "")
  func object(_ status: String, _ summary: String, _ details: String) -> String {
    """
      {"tool": "dmamatrix", "status": "\(status)", "summary": \
    \(jsonString("\(check.kernel.name): \(summary)")), "url": \(link), \
    "details": \(jsonString(details))}
    """
  }
  let objects = check.changed.map { cause in
    object(
      cause.severity <= .breaks ? "fail" : "warning", sentence(cause),
      "\(cause.line.function)(): \(cause.line.condition)\(witnessText(cause))")
  }
  return "[\n"
    + (objects.isEmpty
    ? [object("success", "nothing that \(base) does not have", "")] : objects).joined(
      separator: ",\n") + "\n]\n"
}
