import Analysis
import DMAModel

/// How many scenarios differ, and what that means, in a line for each effect: at most ten
/// lines.
public func comparisonSummary(_ comparison: Comparison) -> Document {
  let names = comparison.kernels.map(\.name)
  let differing = comparison.scenarios - comparison.equal
  let title =
    "\(names.joined(separator: " -> ")): \(differing) of \(comparison.scenarios) "
    + (differing == 1 ? "differs" : "differ")
  var document = Document(blocks: [.title(title)])
  var lines: [String] = []
  // Those that nobody is served worse or wrong by share a line.
  let minor: Set<Comparison.Effect> = [.faster, .other]
  for effect in comparison.effects where !minor.contains(effect.effect) {
    let usual = effect.defaultBoots == 0 ? "no" : String(effect.defaultBoots)
    let start =
      effect.effect.rawValue.padding(10) + String(effect.scenarios).padding(7)
      + "\(usual) default".padding(14)
    let boots = bootText(effect.boots, width: 72 - start.count)
    lines.append(start + (boots.isEmpty ? "anywhere" : boots))
  }
  var rest = comparison.effects.filter { minor.contains($0.effect) }.map {
    "\($0.effect.rawValue) \($0.scenarios)"
  }
  for (name, count) in zip(names, comparison.onlyThere) where count > 0 {
    rest.append("\(count) on \(name) alone")
  }
  if !rest.isEmpty { lines.append("also".padding(10) + rest.joined(separator: ", ")) }
  if !lines.isEmpty { document.blocks.append(.lines(lines)) }
  return document
}

/// Where scenarios are booted, in one short line: `SME hosts, mostly swiotlb=force`.  What
/// stands before "mostly" holds for all of them.
func bootText(_ boots: EffectBoots, width: Int) -> String {
  var (whole, mostly): ([[String]], [[String]]) = ([], [])
  for (axis, values) in boots.most.values.enumerated() {
    guard let values else { continue }
    let isWhole = values == boots.all.values[axis]
    let words = axis == 0 ? platformWords(values) : modeWords(EffectBoots.axes[axis], values)
    if words.isEmpty { continue }
    if isWhole { whole.append(words) } else { mostly.append(words) }
    // How many platforms there are in all is short, and says more than nothing.
    if axis == 0, !isWhole, let all = boots.all.values[axis] { whole.append(platformWords(all)) }
  }
  /// - Parameter length: 0 for the longest words of each.
  func text(_ length: Int, _ whole: [[String]], _ mostly: [[String]]) -> String {
    func words(_ terms: [[String]]) -> String {
      terms.map { $0[min(length, $0.count - 1)] }.joined(separator: ", ")
    }
    return [words(whole), mostly.isEmpty ? "" : "mostly " + words(mostly)]
      .filter { !$0.isEmpty }.joined(separator: ", ")
  }
  // Fewer terms say less, and are as true: the last are those of swiotlb.
  let (first, last) = (Array(whole.prefix(1)), Array(mostly.suffix(1)))
  let ends: [[String]] = first + Array(whole.dropFirst().suffix(1))
  let parts: [(whole: [[String]], mostly: [[String]])] = [
    (whole, mostly), (whole, last), (ends, mostly), (first, mostly), (first, last),
    ([], mostly), ([], last), (first, []),
  ]
  let candidates = parts.flatMap { part in
    [text(0, part.whole, part.mostly), text(1, part.whole, part.mostly)]
  }
  return candidates.first { !$0.isEmpty && $0.count <= width } ?? ""
}

/// `SME hosts, 6 guests`, then `8 platforms`.
private func platformWords(_ names: [String]) -> [String] {
  let platforms = names.compactMap(Platform.init(name:))
  let group = CauseScope.group(platforms)
  return platforms.count > 1 ? [group, "\(platforms.count) platforms"] : [group]
}

/// `iommu!=translated`: the modes that are named, or those that are missing where they are
/// fewer; nothing where none is missing.
private func modeWords(_ axis: String, _ names: [String]) -> [String] {
  // Modes that decide alike are in no matrix: without them all is named.
  let domain = MatrixDomain()
  let all =
    axis == IOMMUMode.axis ? domain.iommuModes.map(\.name) : domain.swiotlbModes.map(\.name)
  let missing = all.filter { !names.contains($0) }
  if missing.isEmpty { return [] }
  return missing.count >= names.count
    ? ["\(axis)=\(names.joined(separator: "|"))"]
    : ["\(axis)!=\(missing.joined(separator: "|"))"]
}
