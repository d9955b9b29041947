import Analysis
import DMAModel
import KernelTree

/// Scenarios whose answers depend on memory that the kernel reads unwritten, and how many
/// were asked again to find them; nothing where none was.
///
/// - Parameters:
///   - limit: How many kinds are shown; the rest is counted.
///   - place: Where the tree decides a scenario, by its key.
public func unwrittenBlocks(
  _ look: SecondLook, limit: Int = 5, place: (String) -> String? = { _ in nil }
) -> [Document.Block] {
  guard !look.dependent.isEmpty else {
    guard look.total > 0 else { return [] }
    return [
      .paragraph(
        "Unwritten memory: \(look.asked) of \(scenarioCount(look.total)) were asked again with zeros "
          + "there; no answer changed.")
    ]
  }
  var kinds: [String: (count: Int, key: String)] = [:]
  for one in look.dependent {
    let columns = one.answers.map { $0.columns(one.platform, one.request) }
    let changes = zip(columns[0], columns[1]).filter { $0.value != $1.value }.map { one, other in
      let values = [one.value, other.value].map { $0.isEmpty ? "none" : $0 }
      return "\(one.name) \(values[0]) or \(values[1])"
    }
    let change = changes.joined(separator: ", ")
    let scenario = Scenario(
      platform: one.platform, iommu: one.iommu, swiotlb: one.swiotlb, memory: one.machine,
      request: one.request)
    kinds[change, default: (0, scenario.key)].count += 1
  }
  var blocks: [Document.Block] = [
    .heading(
      "Depends on memory that nobody has written: \(atLeast(look))"
        + scenarioCount(look.dependent.count)),
    .paragraph(
      "Their answers are others with zeros in place of a pattern in variables and memory that "
        + "the kernel's code reads without having written them.  "
        + "\(look.asked) of \(scenarioCount(look.total)) were asked again."),
  ]
  let sorted = kinds.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
  for (change, its) in sorted.prefix(limit) {
    blocks.append(.paragraph("\(scenarioCount(its.count)): \(change)"))
    blocks.append(
      .literal(
        foldedKey(its.key).split(separator: "\n").map { String($0.dropFirst(4)) }))
    if let place = place(its.key) { blocks.append(.paragraph("decided in \(place)")) }
  }
  if sorted.count > limit {
    let more = sorted.count - limit
    blocks.append(.paragraph("and \(counted(more, "more kind")) (--show)"))
  }
  return blocks
}

/// `at least 12 scenarios depend on unwritten memory`.
func dependentText(_ look: SecondLook) -> String {
  let number = look.dependent.count
  return atLeast(look) + scenarioCount(number)
    + (number == 1 ? " depends on unwritten memory" : " depend on unwritten memory")
}

/// Nothing where all were asked again.
private func atLeast(_ look: SecondLook) -> String { look.asked < look.total ? "at least " : "" }
