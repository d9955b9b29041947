import Analysis
import DMAModel

/// Every knob with its place, its values and who differs.
public func knobsText() -> String {
  Knob.all.map { knob in
    var text = "\(knob.id) \(knob.name)\n"
    text += folded("\(knob.summary) (\(knob.file) \(knob.function))", indent: "  ")
    if !knob.isPlatformSet {
      for (name, summary) in knob.values {
        text += folded("\(name): \(summary)", indent: "    ", hanging: "      ")
      }
    }
    var previous: String?
    for version in KernelVersion.all {
      let value = knob.value(in: version.policy)
      if value != previous {
        text += folded(
          "\(version.name): \(value.replacing(",", with: ", "))", indent: "  ", hanging: "    ")
      }
      previous = value
    }
    let differing = KernelVersion.alternatives.filter { alternative in
      alternative.changes.contains { $0.knob == knob }
    }
    for alternative in differing {
      text += folded("\(alternative.name): \(knob.value(in: alternative.policy))", indent: "  ")
    }
    return text
  }.joined(separator: "\n")
}

/// What each knob of a policy could alter, unreached ones as findings.
public func reachText(_ reach: Reach) -> String {
  var text = ""
  for knob in Knob.all {
    let changes = reach.changes.filter { $0.knob == knob }
    guard !changes.isEmpty else { continue }
    text += "\(knob.id) \(knob.name) = "
    text += "\(knob.value(in: reach.kernel.policy).replacing(",", with: ", "))".foldedRest
    for change in changes where change.scenarios > 0 {
      let circumstances = change.needsCircumstance ? " in circumstances" : ""
      text += folded(
        "\(change.value): \(scenarioCount(change.scenarios))\(circumstances)", indent: "  ")
      if let witness = change.witness { text += foldedKey(witness) }
    }
    let silent = changes.filter { $0.scenarios == 0 }.map(\.value)
    if !silent.isEmpty {
      text += folded(
        "no scenario: \(silent.joined(separator: ", "))", indent: "  ", hanging: "    ")
    }
  }
  text += "\n"
  let idle = reach.changes.filter { $0.value == "none" && $0.scenarios == 0 }.map(\.knob)
  if !idle.isEmpty {
    text += folded(
      "Finding: without them no answer changes: "
        + idle.map { "\($0.id) \($0.name) (\($0.function))" }.joined(separator: ", ") + ".")
  }
  if reach.unreached.isEmpty {
    text += "Every knob of \(reach.kernel.name) is reached.\n"
  } else {
    text += folded(
      "Finding: no scenario of these axes tells any other value of "
        + reach.unreached.map { "\($0.id) \($0.name)" }.joined(separator: ", ")
        + " from that of \(reach.kernel.name).")
  }
  return text
}

extension String {
  /// The text after a label, folded below it where it is long.
  fileprivate var foldedRest: String {
    count <= 40 ? self + "\n" : "\n" + folded(self, indent: "    ")
  }
}
