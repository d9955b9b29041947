import Analysis
import Support

/// A review for programs.
extension Review {
  /// As JSON.
  public var json: String {
    func list(_ items: [String]) -> String {
      items.isEmpty ? "[]" : "[\n  " + items.joined(separator: ",\n  ") + "\n ]"
    }
    return """
      {"title": \(jsonString(title)),
       "effects": \(list(ways.flatMap(effects))),
       "patches": \(list(ways.flatMap(patches))),
       "pools": \(list(ways.flatMap(pools))),
       "in_between": \(list(ways.flatMap(between))),
       "depend_on_unwritten_memory": \(ways.map(\.look.dependent.count).max() ?? 0),
       "asked_again": \(ways.map(\.look.asked).max() ?? 0),
       "of_scenarios": \(ways.map(\.look.total).max() ?? 0),
       "not_applied": \(fates.map(jsonString) ?? "null"),
       "not_seen": [\(unseen.map(jsonString).joined(separator: ", "))]}

      """
  }

  private func condition(_ way: Way) -> String {
    way.steps.condition.map(jsonString) ?? "null"
  }

  private func effects(_ way: Way) -> [String] {
    (way.whole?.parts ?? []).map { part in
      let places = places(part.example, way)
      let impact = impact(part, way)
      let drivers = impact.map { impact in
        "[\(impact.matches.map { jsonString($0.driver.file) }.joined(separator: ", "))]"
      }
      return """
        {"effect": \(jsonString(part.effect.rawValue)), "where": \(condition(way)), \
        "scenarios": \(part.scenarios), "default": \(part.defaultBoots), \
        "platforms": [\(part.platforms.map(jsonString).joined(separator: ", "))], \
        "boots": [\(part.boots.map(jsonString).joined(separator: ", "))], \
        "witness": \(jsonString(part.witness)), "change": \(jsonString(part.change)), \
        "before": \(places.map { jsonString($0.before) } ?? "null"), \
        "after": \(places.map { jsonString($0.after) } ?? "null"), \
        "drivers": \(drivers ?? "null"), \
        "by": [\(way.steps.causes(of: part).map(jsonString).joined(separator: ", "))]}
        """
    }
  }

  private func patches(_ way: Way) -> [String] {
    way.steps.rows.map { row in
      let effects = row.step?.parts.map { "\(jsonString($0.effect.rawValue)): \($0.scenarios)" }
      return """
        {"state": \(jsonString(row.label)), "subject": \(jsonString(row.subject)), \
        "where": \(condition(way)), \
        "asked": \(row.step != nil), "differ": \(row.step?.differing ?? 0), \
        "effects": {\((effects ?? []).joined(separator: ", "))}}
        """
    }
  }

  private func pools(_ way: Way) -> [String] {
    way.pools.map { change, by in
      let sizes = change.pools.map { $0.isActive ? $0.end - $0.start : 0 }
      return """
        {"platform": \(jsonString(change.platform.name)), \
        "mem": \(jsonString(change.memory.name)), "where": \(condition(way)), \
        "boots": \(change.modes.count), \
        "bytes": [\(sizes.map(String.init).joined(separator: ", "))], \
        "start": [\(change.pools.map { String($0.start) }.joined(separator: ", "))], \
        "by": [\(by.map(jsonString).joined(separator: ", "))]}
        """
    }
  }

  private func between(_ way: Way) -> [String] {
    way.transient.map { label, its in
      """
      {"after": \(jsonString(label)), "where": \(condition(way)), \
      "effect": \(jsonString(its.effect.rawValue)), \
      "scenarios": \(its.scenarios), "witness": \(jsonString(its.witness))}
      """
    }
  }

  /// As b4's check protocol has it: an object for each effect, and one for what was not
  /// seen.
  public var b4: String {
    func object(_ status: String, _ summary: String, _ details: String) -> String {
      """
        {"tool": "dmamatrix", "status": "\(status)", "summary": \(jsonString(summary)), \
      "url": "", "details": \(jsonString(details))}
      """
    }
    var objects: [String] = []
    for way in ways {
      let head = way.steps.condition.map { "if \($0): " } ?? ""
      for part in way.whole?.parts ?? [] {
        let status =
          switch part.effect {
          case .corrupts, .breaks, .exposes: "fail"
          case .slower, .warnsAnew, .endsOtherwise, .other: "warning"
          case .worksNow, .safer, .faster: "success"
          }
        objects.append(
          object(
            status, head + "\(part.effect.rawValue): \(scenarioCount(part.scenarios))",
            "\(part.platforms.joined(separator: ", ")): \(part.change)\n\(part.witness)"))
      }
      objects += HistorySteps.lines(of: way.pools).map { object("warning", head + $0, "") }
      if !way.look.dependent.isEmpty {
        objects.append(
          object(
            "fail", head + dependentText(way.look), ""))
      }
      for (label, part) in way.transient {
        objects.append(
          object(
            "warning",
            head
              + "\(scenarioCount(part.scenarios)) \(part.scenarios == 1 ? "is" : "are") worse after "
              + "\(label) alone",
            "\(part.effect.rawValue): \(part.change)\n\(part.witness)"))
      }
    }
    if ways.contains(where: { $0.whole == nil }) {
      objects.append(object("fail", "the first or the last state cannot be asked", ""))
    }
    if objects.isEmpty {
      objects.append(object("success", "nothing differs in what was asked", ""))
    }
    let missing = [fates].compactMap { $0 } + unseen
    if !missing.isEmpty {
      objects.append(object("warning", "not all was asked", missing.joined(separator: "; ")))
    }
    return "[\n" + objects.joined(separator: ",\n") + "\n]\n"
  }
}
