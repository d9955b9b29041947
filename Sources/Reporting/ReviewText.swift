import Analysis
import KernelTree
import Support

/// What a series changes, for a mail: the worst in ten lines, then the rest.
public struct Review {
  /// What is reviewed: `22 patches on tree-7.3.4`.
  public let title: String
  private let steps: HistorySteps
  private let whole: StepEffects?
  private let transient: [(label: String, part: StepEffects.Part)]
  /// What was not asked or not compiled, a sentence each.
  private let unseen: [String]
  /// What became of the series, behind the rest.
  private let series: [Document.Block]

  /// How many lines come first.
  static let lineLimit = 10
  /// A literal line has two columns before it.
  private static let width = 70

  public init(
    title: String, steps: HistorySteps, unseen: [String], series: [Document.Block] = []
  ) {
    (self.title, self.steps, self.series) = (title, steps, series)
    whole = steps.whole
    transient = steps.transient
    var unseen = unseen
    let missing = steps.rows.filter { $0.step == nil }.map(\.label)
    if !missing.isEmpty {
      unseen.insert("not asked: \(HistorySteps.list(missing, upTo: 4))", at: 0)
    }
    if !steps.leftOut.isEmpty {
      unseen.insert(
        "does not compile for \(HistorySteps.list(steps.leftOut.sorted(), upTo: 4))", at: 0)
    }
    self.unseen = unseen
  }

  /// Whether the series changes any answer.
  public var differs: Bool { steps.differs }
  /// Whether not all could be asked.
  public var isIncomplete: Bool { steps.isIncomplete }

  // MARK: - Ten lines

  /// The first lines: at most ten, of 72 columns.
  public var lines: [String] {
    var last: [String] = []
    if !transient.isEmpty {
      let worst = transient.map(\.part).max { $0.scenarios < $1.scenarios }
      last.append(
        "in between: \(worst?.scenarios ?? 0) scenarios worse after "
          + HistorySteps.list(labels, upTo: 3) + " than before and after")
    }
    if !unseen.isEmpty { last.append("not seen: " + unseen.joined(separator: "; ")) }
    guard let whole else {
      return ["The first or the last state cannot be asked."] + last.map { $0.cut(to: Self.width) }
    }
    guard !whole.parts.isEmpty else {
      return ["Nothing differs in what was asked."] + last.map { $0.cut(to: Self.width) }
    }
    var lines: [String] = []
    var rest = whole.parts[...]
    // Some lines an effect, and one for those without.
    while let part = rest.first {
      let its = brief(part)
      guard lines.count + its.count + last.count + (rest.count > 1 ? 1 : 0) <= Self.lineLimit
      else { break }
      lines += its
      rest = rest.dropFirst()
    }
    if !rest.isEmpty {
      lines.append(
        "also: " + rest.map { "\($0.effect.rawValue) \($0.scenarios)" }.joined(separator: ", "))
    }
    return (lines + last).map { $0.asciiOnly.cut(to: Self.width) }
  }

  /// The states that are worse than both ends.
  private var labels: [String] {
    var seen: Set<String> = []
    return transient.map(\.label).filter { seen.insert($0).inserted }
  }

  /// `breaks 12 (3 by default), x86-sme47 +2, by 3/22: verdict bounced -> refused`, and the
  /// witness.
  private func brief(_ part: StepEffects.Part) -> [String] {
    let more = part.platforms.count - 1
    let platforms = (part.platforms.first ?? "") + (more > 0 ? " +\(more)" : "")
    let causes = steps.causes(of: part.effect)
    let by = causes.first.map { ", by \($0)" + (causes.count > 1 ? " +\(causes.count - 1)" : "") }
    let head =
      "\(part.effect.rawValue) \(part.scenarios) (\(part.defaultBoots) by default), "
      + "\(platforms)\(by ?? "")"
    let one = "\(head): \(part.change)"
    return (one.count <= Self.width ? [one] : [head, "  " + part.change]) + ["  \(part.witness)"]
  }

  // MARK: - Formats

  /// - Parameter all: Also what stands behind the first lines.
  public func document(all: Bool) -> Document {
    var document = Document(blocks: [.title(title), .literal(lines)])
    guard all else {
      document.blocks.append(.paragraph("--all shows the rest, with every patch."))
      return document
    }
    if let whole {
      document.blocks.append(.heading("What the whole changes"))
      document.blocks += steps.paragraphs(of: whole)
    }
    document.blocks.append(.heading("Patch by patch"))
    document.blocks.append(steps.table)
    if !transient.isEmpty {
      document.blocks.append(.heading("Worse in between than before and after"))
      for (label, part) in transient {
        document.blocks.append(.paragraph("after \(label), \(steps.headline(part, by: false))"))
        document.blocks.append(.literal(HistorySteps.witness(part)))
      }
    }
    document.blocks += series
    return document
  }

  /// As JSON.
  public var json: String {
    func part(_ part: StepEffects.Part) -> String {
      """
      {"effect": \(jsonString(part.effect.rawValue)), "scenarios": \(part.scenarios), \
      "default": \(part.defaultBoots), \
      "platforms": [\(part.platforms.map(jsonString).joined(separator: ", "))], \
      "boots": [\(part.boots.map(jsonString).joined(separator: ", "))], \
      "witness": \(jsonString(part.witness)), "change": \(jsonString(part.change)), \
      "by": [\(steps.causes(of: part.effect).map(jsonString).joined(separator: ", "))]}
      """
    }
    let rows = steps.rows.map { row in
      let effects = row.step?.parts.map { "\(jsonString($0.effect.rawValue)): \($0.scenarios)" }
      return """
        {"state": \(jsonString(row.label)), "subject": \(jsonString(row.subject)), \
        "asked": \(row.step != nil), "differ": \(row.step?.differing ?? 0), \
        "effects": {\((effects ?? []).joined(separator: ", "))}}
        """
    }
    let between = transient.map { label, its in
      """
      {"after": \(jsonString(label)), "effect": \(jsonString(its.effect.rawValue)), \
      "scenarios": \(its.scenarios), "witness": \(jsonString(its.witness))}
      """
    }
    func list(_ items: [String]) -> String {
      items.isEmpty ? "[]" : "[\n  " + items.joined(separator: ",\n  ") + "\n ]"
    }
    return """
      {"title": \(jsonString(title)),
       "effects": \(list((whole?.parts ?? []).map(part))),
       "patches": \(list(rows)),
       "in_between": \(list(between)),
       "not_seen": [\(unseen.map(jsonString).joined(separator: ", "))]}

      """
  }
}
