import Analysis
import DMAModel

/// The formats of a check.
public enum CheckFormat: String, CaseIterable, Sendable {
  case text, markdown, json, ktap, sarif

  /// The format of the same name.
  public init(_ format: FindingFormat) {
    self =
      switch format {
      case .text: .text
      case .markdown: .markdown
      case .json: .json
      }
  }

  /// Whether it is for programs that judge a change: it speaks of what differs from a base
  /// alone.
  public var judgesChange: Bool { self == .ktap || self == .sarif }
}

/// Checks in a format: one document.
///
/// KTAP is version 1 of the kernel's test protocol, SARIF version 2.1.0 of OASIS.  Of several
/// checks, JSON has an array, KTAP a test with subtests and SARIF a run for each kernel.
///
/// - Parameters:
///   - drivers: Those that each finding ends with, in text, Markdown and JSON.
///   - isWhole: Whether text and Markdown go on behind the summary.
public func checkText(
  _ checks: [Check], format: CheckFormat, drivers: DriverList? = nil, isWhole: Bool = true
) -> String {
  func texts(_ format: Document.Format) -> String {
    checks.map { checkDocument($0, drivers: drivers, isWhole: isWhole).text(format) }
      .joined(separator: "\n")
  }
  func json(_ check: Check) -> String { checkJSON(check, drivers) }
  return switch format {
  case .text: texts(.text)
  case .markdown: texts(.markdown)
  case .json where checks.count == 1: json(checks[0])
  case .json: "[\n" + checks.map(json).joined(separator: ",\n") + "]\n"
  case .sarif: checkSARIF(checks)
  case .ktap where checks.count == 1: checkKTAP(checks[0])
  case .ktap:
    checks.enumerated().reduce("KTAP version 1\n1..\(checks.count)\n") { text, numbered in
      let (index, check) = numbered
      let lines = checkKTAP(check).split(separator: "\n").map { "    \($0)\n" }.joined()
      return text + lines
        + "\(check.changed.isEmpty ? "ok" : "not ok") \(index + 1) \(check.kernel.name)\n"
    }
  }
}

/// A check as a document: a summary, then each cause, the lints that hold, and what is not
/// counted.
///
/// - Parameters:
///   - drivers: Those that each finding ends with.
///   - isWhole: Whether it goes on behind the summary.
///   - more: How the rest is asked for.
public func checkDocument(
  _ check: Check, drivers: DriverList? = nil, isWhole: Bool = true,
  more: String = "With --all"
) -> Document {
  var document = Document(
    blocks: summaryBlocks(check, more: isWhole ? "Below" : more))
  guard isWhole else { return document }
  for (index, (cause, heading)) in zip(check.causes, causeHeadings(check.causes)).enumerated() {
    document.blocks += causeBlocks(
      cause, number: index + 1, heading: heading, in: check, drivers: drivers)
  }
  for (lint, outcome) in check.outcomes {
    switch outcome {
    case .holds:
      document.blocks.append(.heading("\(lint.rawValue): holds"))
      document.blocks.append(.paragraph("\(lint.statement)."))
    case .skipped(let reason):
      document.blocks.append(.heading("\(lint.rawValue): not decided"))
      document.blocks.append(.paragraph("\(lint.statement): \(reason)."))
    case .violated: break
    }
  }
  document.blocks += excusedBlocks(check)
  return document
}

/// The lines of a baseline file: each accepted violation with its condition.
public func baselineLines(_ check: Check) -> [String] {
  check.findings.flatMap { finding in
    finding.conditions.map { condition in
      "\(check.kernel.name) \(finding.lint.rawValue): \(finding.headline): \(condition.text)"
    }
  }
}
