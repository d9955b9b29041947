import DMAModel
import HostCapture
import HostModel
import Support
import TraceEvents

/// Traffic of a machine beside the model: counts, limits, differences, devices.
public func trafficBlocks(_ summary: TrafficSummary, notes: [String]) -> [Document.Block] {
  var blocks: [Document.Block] = [.heading("Traffic beside the model")]
  blocks += notes.map { .paragraph("note: \($0).") }
  guard summary.total.events > 0 else {
    return blocks + [.paragraph("The trace holds no event of dma or swiotlb.")]
  }
  func row(_ name: String, _ tally: TrafficSummary.Tally) -> [String] {
    [name]
      + [tally.events, tally.agree, tally.limited, tally.unseen, tally.differ].map(String.init)
  }
  let rows = TraceEventKind.Group.allCases.compactMap { group in
    summary.tallies[group].map { row(group.rawValue, $0) }
  }
  blocks.append(
    .table(
      columns: ["events", "number", "agree", "limited", "unseen", "differ"],
      rows: rows + [row("all", summary.total)]))
  blocks.append(
    .paragraph(
      "agree: the result is the model's, and the address as far as it can be known. limited: "
        + "nothing differs, but what the trace does not say keeps the event from being compared. "
        + "unseen: it ends or syncs what began before the trace, or was lost, or is a list whose "
        + "map failed: dma_map_sg() traces what succeeds, and hardly any failure."))
  for limit in TrafficLimit.allCases {
    guard let count = summary.limits[limit] else { continue }
    blocks.append(.paragraph("\(limit.rawValue), \(count): \(limit.summary)."))
  }
  if summary.misuse > 0 {
    blocks.append(
      .paragraph(
        "\(summary.misuse) unmaps or frees have another size or direction than what they end, or "
          + "end a mapping that was refused (DMA_MAPPING_ERROR): errors of drivers, not of the "
          + "model."))
  }
  for difference in summary.differences {
    blocks.append(
      .paragraph(
        "differs, \(difference.events): \(difference.device.ascii.printable) "
          + "\(difference.kind.name), \(difference.difference.column) "
          + "'\(difference.difference.observed)', model '\(difference.difference.model)', first in "
          + "line \(difference.line)."))
  }
  if let difference = summary.poolDifference {
    blocks.append(.paragraph("differs: \(difference)."))
  }
  if summary.differences.isEmpty { blocks.append(.paragraph("No event differs from the model.")) }
  return blocks
}

/// What each device mapped, how much of it bounced and why, and the same mappings under
/// other boots.
public func deviceTrafficBlocks(
  _ summary: TrafficSummary, replays: [(name: String, replay: TrafficReplay)] = []
) -> [Document.Block] {
  var blocks: [Document.Block] = [.heading("Traffic by device")]
  let rows = summary.devices.map { device in
    [
      device.name.ascii.printable(upTo: 16), (device.driver ?? "-").ascii.printable.cut(to: 13),
      String(device.mappings), bytes(device.bytes), percent(device.bouncedBytes, device.bytes),
      String(device.failed), bytes(device.largest), String(device.allocations),
    ]
  }
  blocks.append(
    .table(
      columns: ["device", "driver", "maps", "bytes", "bounced", "failed", "largest", "allocs"],
      rows: rows))
  for (index, device) in summary.devices.enumerated() where device.mappings > 0 {
    let isSame = replays.allSatisfy { _, replay in
      let other = replay.devices[index]
      return other.bouncedBytes == device.bouncedBytes && other.failed == device.failed
        && other.split == 0
    }
    if device.bouncedBytes == 0, isSame { continue }
    var text =
      "Of \(bytes(device.bytes)) mapped by \(name(device)), "
      + "\(percent(device.bouncedBytes, device.bytes)) bounces"
    let causes = BounceCause.allCases.compactMap { cause in
      device.causes[cause].map { "\(cause.words) (\($0) mapping\($0 == 1 ? "" : "s"))" }
    }
    if !causes.isEmpty { text += ": " + causes.joined(separator: ", ") }
    for (name, replay) in replays {
      let other = replay.devices[index]
      text += "; with \(name.ascii.printable(upTo: 200)) "
      text += percent(other.bouncedBytes, other.bytes)
      if other.failed > 0 {
        text += ", and \(other.failed) mapping\(other.failed == 1 ? " fails" : "s fail")"
      }
      if other.split > 0 {
        text +=
          ", \(other.split) taken as split into \(bytes(other.splitSize)) "
          + "(dma_max_mapping_size(), which a driver must ask)"
      }
    }
    blocks.append(.paragraph(text + "."))
  }
  return blocks
}

private func name(_ device: TrafficSummary.Device) -> String {
  "\(device.name.ascii.printable)\(device.driver.map { " (\($0.ascii.printable))" } ?? "")"
}

private func percent(_ part: UInt64, _ whole: UInt64) -> String {
  whole > 0 ? percentText(part, of: whole) : "-"
}

private func bytes(_ value: UInt64) -> String {
  for (unit, shift) in [("GiB", UInt64(30)), ("MiB", 20), ("KiB", 10)] where value >= 1 << shift {
    let amount = Double(value) / Double(UInt64(1) << shift)
    let tenths = Int((amount * 10).rounded())
    return tenths >= 100
      ? "\(Int(amount.rounded())) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
  }
  return "\(value) B"
}

/// Traffic as JSON.
public func trafficJSON(
  _ summary: TrafficSummary, notes: [String],
  replays: [(name: String, replay: TrafficReplay)] = []
) -> String {
  let total = summary.total
  let limits = TrafficLimit.allCases.compactMap { limit in
    summary.limits[limit].map { "\(jsonString(limit.rawValue)): \($0)" }
  }
  let devices = summary.devices.enumerated().map { index, device in
    let causes = BounceCause.allCases.compactMap { cause in
      device.causes[cause].map { "\(jsonString(cause.rawValue)): \($0)" }
    }
    let others = replays.map { name, replay in
      let other = replay.devices[index]
      return """
        {"boot": \(jsonString(name)), "bounced": \(other.bouncedMappings), \
        "bounced_bytes": \(other.bouncedBytes), "failed": \(other.failed), \
        "split": \(other.split)}
        """
    }
    return """
          {"device": \(jsonString(device.name)), \
      "driver": \(device.driver.map(jsonString) ?? "null"), "mappings": \(device.mappings), \
      "bytes": \(device.bytes), "bounced": \(device.bouncedMappings), \
      "bounced_bytes": \(device.bouncedBytes), "failed": \(device.failed), \
      "largest": \(device.largest), "allocations": \(device.allocations), \
      "causes": {\(causes.joined(separator: ", "))}, \
      "boots": [\(others.joined(separator: ", "))]}
      """
  }
  let differences = summary.differences.map { difference in
    """
        {"device": \(jsonString(difference.device)), "event": \(jsonString(difference.kind.name)), \
    "column": \(jsonString(difference.difference.column)), \
    "observed": \(jsonString(difference.difference.observed)), \
    "model": \(jsonString(difference.difference.model)), "line": \(difference.line), \
    "events": \(difference.events)}
    """
  }
  return """
    {"events": \(total.events), "agree": \(total.agree), "limited": \(total.limited),
     "unseen": \(total.unseen), "differ": \(total.differ), "misuse": \(summary.misuse),
     "notes": [\(notes.map(jsonString).joined(separator: ", "))],
     "limits": {\(limits.joined(separator: ", "))},
     "devices": [
    \(devices.joined(separator: ",\n"))
     ],
     "differences": [
    \(differences.joined(separator: ",\n"))
     ]}

    """
}
