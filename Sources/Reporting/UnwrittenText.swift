import Analysis
import DMAModel
import KernelTree

/// Scenarios whose answers depend on memory that the kernel reads unwritten; nothing where
/// there are none.
///
/// - Parameter place: Where the tree decides a scenario, by its key.
public func unwrittenBlocks(
  _ look: SecondLook, place: (String) -> String? = { _ in nil }
) -> [Document.Block] {
  guard !look.dependent.isEmpty else { return [] }
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
  let count = look.dependent.count
  var blocks: [Document.Block] = [
    .heading("Depends on memory that nobody has written: \(count) scenarios"),
    .paragraph(
      "Their answers are others with zeros in place of a pattern in variables and memory that "
        + "the kernel's code reads without having written them."),
  ]
  let sorted = kinds.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
  for (change, its) in sorted.prefix(5) {
    blocks.append(.paragraph("\(its.count) scenarios: \(change)"))
    blocks.append(
      .literal(
        foldedKey(its.key).split(separator: "\n").map { String($0.dropFirst(4)) }))
    if let place = place(its.key) { blocks.append(.paragraph("decided in \(place)")) }
  }
  if sorted.count > 5 { blocks.append(.paragraph("and \(sorted.count - 5) more kinds")) }
  return blocks
}
