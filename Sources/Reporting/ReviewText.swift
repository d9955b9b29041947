import Analysis
import DMAModel
import DriverScan
import KernelTree
import Support

/// What a series changes, for a mail: the worst in ten lines, then the rest.
public struct Review {
  /// What is reviewed: `22 patches on tree-7.3.4`.
  public let title: String
  /// What a series changes where functions that are defined elsewhere answer in one way.
  public struct Way {
    let steps: HistorySteps
    let whole: StepEffects?
    let transient: [(label: String, part: StepEffects.Part)]
    let pools: [HistorySteps.Pool]
    let look: SecondLook
    let witnesses: [String: CodeWitness]

    /// - Parameters:
    ///   - look: A second look at the last state.
    ///   - witnesses: The states that can be asked, by their labels.
    ///   - drivers: Whether the parts are joined with drivers.
    public init(
      _ steps: HistorySteps, look: SecondLook, witnesses: [String: CodeWitness], drivers: Bool
    ) {
      (self.steps, self.look, self.witnesses) = (steps, look, witnesses)
      whole = steps.whole(findsConditions: drivers)
      transient = steps.transient
      pools = steps.pools
    }

    /// The last state.
    fileprivate var last: CodeWitness? { steps.rows.last.flatMap { witnesses[$0.label] } }
  }

  let ways: [Way]
  private var steps: HistorySteps { ways[0].steps }
  /// What was not asked or not compiled, a sentence each.
  let unseen: [String]
  /// Whether compiled lines of the series were reached by no question.
  private let hasUnreached: Bool
  /// Which patches are not in what was asked, as `1 already there, 3 rejected`.
  let fates: String?
  /// What became of the series, behind the rest.
  private let series: [Document.Block]
  private let drivers: DriverList?

  /// How many lines come first.
  static let lineLimit = 10
  /// A literal line has two columns before it.
  private static let width = 70

  /// - Parameters:
  ///   - ways: One for each way that functions which are defined elsewhere may answer.
  ///   - unseen: What was not asked or not compiled.
  ///   - patched: The tree with the series; nil for commits, of which nothing is skipped.
  ///   - drivers: Those that effects are joined with.
  public init?(
    title: String, ways: [Way], unseen: [String], hasUnreached: Bool, patched: PatchedTree? = nil,
    series: [Document.Block] = [], drivers: DriverList? = nil
  ) {
    guard let first = ways.first else { return nil }
    (self.title, self.ways, self.series, self.drivers) = (title, ways, series, drivers)
    self.hasUnreached = hasUnreached
    fates = patched.flatMap { Self.fates(of: $0.patches) }
    var unseen = unseen
    let missing = first.steps.rows.filter { $0.step == nil }.map(\.label)
    if !missing.isEmpty {
      unseen.insert(
        "\(HistorySteps.list(missing, upTo: 4)), which cannot be asked", at: 0)
    }
    if !first.steps.leftOut.isEmpty {
      unseen.insert(
        "does not compile for \(HistorySteps.list(first.steps.leftOut.sorted(), upTo: 4))", at: 0)
    }
    self.unseen = unseen
  }

  /// `2 already there, 3 rejected`; nil where all are applied.
  private static func fates(of patches: [PatchedTree.Patch]) -> String? {
    let fates = [PatchedTree.Fate.rejected, .inPart, .alreadyThere].compactMap { fate -> String? in
      let numbers = patches.indices.filter { patches[$0].fate == fate }.map { String($0 + 1) }
      return numbers.isEmpty ? nil : "\(HistorySteps.list(numbers, upTo: 8)) \(fate.text)"
    }
    return fates.isEmpty ? nil : fates.joined(separator: "; ")
  }

  /// Whether the series changes any answer, or answers depend on unwritten memory.
  public var differs: Bool {
    ways.contains { $0.steps.differs || !$0.look.dependent.isEmpty }
  }
  /// Whether not all could be asked.
  public var isIncomplete: Bool { steps.isIncomplete || fates != nil || hasUnreached }
  /// Whether no patch changes the code that is asked.
  public var isAlike: Bool { ways.allSatisfy(\.steps.isAlike) }

  // MARK: - Ten lines

  /// The first lines: at most ten, of 72 columns.
  public var lines: [String] {
    var last: [String] = []
    for way in ways {
      last += HistorySteps.lines(of: way.pools).map { Self.prefix(way) + $0 }
      if !way.look.dependent.isEmpty {
        last.append(Self.prefix(way) + dependentText(way.look))
      }
      if !way.transient.isEmpty {
        let worst = way.transient.map(\.part).max { $0.scenarios < $1.scenarios }
        last.append(
          "\(Self.prefix(way))in between: \(scenarioCount(worst?.scenarios ?? 0)) worse after "
            + HistorySteps.list(Self.labels(way), upTo: 3) + " than before and after")
      }
    }
    if let fates { last.append("patches not asked as they stand: " + fates) }
    if !unseen.isEmpty { last.append("not seen: " + unseen.joined(separator: "; ")) }
    if isAlike { last.append("no patch changes the code that is asked") }
    last = last.flatMap { Self.wrapped($0, upTo: 2) }
    // The last line of each way may sum its effects up.
    let room = max(1, (Self.lineLimit - last.count) / ways.count)
    let first = ways.flatMap { way -> [String] in
      let indent = Self.prefix(way)
      guard let whole = way.whole else {
        return [indent + "the first or the last state cannot be asked"]
      }
      guard !whole.parts.isEmpty else { return [indent + "nothing differs in what was asked"] }
      var lines: [String] = []
      var rest = whole.parts[...]
      while let part = rest.first {
        // All about the worst, and as much of the others as there is room for.
        let its = brief(part, way, isFirst: lines.isEmpty && ways.count == 1)
        let others = rest.count > 1 ? 1 : 0
        if lines.isEmpty {
          lines += its.count > room ? brief(part, way, isFirst: false, isWrapped: false) : its
        } else if lines.count + its.count + min(2, rest.count - 1) <= room {
          lines += its
        } else if lines.count + 1 + others <= room {
          lines.append(headline(part, way).cut(to: Self.width))
        } else {
          break
        }
        rest = rest.dropFirst()
      }
      if !rest.isEmpty {
        let also = rest.map { "\($0.effect.rawValue) \($0.scenarios)" }.joined(separator: ", ")
        lines = lines.prefix(room - 1) + Self.wrapped("\(indent)also: " + also, upTo: 1)
      }
      return lines
    }
    return (first + last).prefix(Self.lineLimit).map { $0.asciiOnly.cut(to: Self.width) }
  }

  /// A line broken at spaces; one that needs more than `limit` is cut in the last of them.
  private static func wrapped(_ line: String, upTo limit: Int = 4) -> [String] {
    guard line.count > width else { return [line] }
    let indent = String(line.prefix { $0 == " " })
    let lines = foldedLines(
      line, width: width, indent: indent, hanging: indent + "  ", breakingAfter: "/")
    guard lines.count > limit else { return lines }
    let rest = lines[(limit - 1)...].enumerated().map { at, line in
      at == 0 ? line : String(line.drop { $0 == " " })
    }
    return lines.prefix(limit - 1) + [rest.joined(separator: " ")]
  }

  /// As many of the columns that change as fit into a line.
  private static func shortened(_ change: String) -> String {
    guard change.count > width - 2 else { return change }
    var parts = change.split(separator: ", ").map(String.init)
    while parts.count > 1, parts.joined(separator: ", ").count + 5 > width - 2 {
      parts.removeLast()
    }
    return parts.joined(separator: ", ") + ", ..."
  }

  /// `if device_cc_accepted(): `; empty where nothing is answered in two ways.
  private static func prefix(_ way: Way) -> String {
    way.steps.condition.map { "if \($0): " } ?? ""
  }

  /// The states that are worse than both ends.
  private static func labels(_ way: Way) -> [String] {
    var seen: Set<String> = []
    return way.transient.map(\.label).filter { seen.insert($0).inserted }
  }

  /// `breaks 12 (3 by default), x86-sme47 +2, by 3/22`.
  private func headline(_ part: StepEffects.Part, _ way: Way) -> String {
    let more = part.platforms.count - 1
    let platforms = (part.platforms.first ?? "") + (more > 0 ? " +\(more)" : "")
    let causes = way.steps.causes(of: part)
    let by = causes.first.map { ", by \($0)" + (causes.count > 1 ? " +\(causes.count - 1)" : "") }
    return "\(Self.prefix(way))\(part.effect.rawValue) \(part.scenarios) "
      + "(\(part.defaultBoots) by default), \(platforms)\(by ?? "")"
  }

  /// `breaks 12 (3 by default), x86-sme47 +2, by 3/22: verdict bounced -> refused`, the
  /// witness, and of the worst where its ways part and which drivers it concerns.
  ///
  /// - Parameter isWrapped: Whether lines are broken; they are cut where there is no room.
  private func brief(
    _ part: StepEffects.Part, _ way: Way, isFirst: Bool, isWrapped: Bool = true
  ) -> [String] {
    func lines(_ text: String) -> [String] { isWrapped ? Self.wrapped(text) : [text] }
    let head = headline(part, way)
    let one = "\(head): \(part.change)"
    var all =
      one.count <= Self.width ? [one] : lines(head) + ["  " + Self.shortened(part.change)]
    all += lines("  \(part.witness)")
    guard isFirst else { return all }
    if case (let before, var after)? = places(part.example, way) {
      // The first line names the patch.
      let by = ", by \(way.steps.causes(of: part).first ?? "")"
      if after.hasSuffix(by) { after = String(after.dropLast(by.count)) }
      for (head, place) in [("  before:", before), ("  after: ", after)] {
        all +=
          isWrapped
          ? foldedLines(
            place, width: Self.width, indent: head, hanging: "    ", breakingAfter: "/")
          : ["\(head) \(place)"]
      }
    } else if way.witnesses.count > 1 {
      all += lines("  both ways are the same: the boot, or data, decide")
    }
    if let impact = impact(part, way) {
      let names = impact.matches.prefix(4).map { name(of: $0.driver) }
      all += lines(
        "  drivers: \(impact.matches.count) of \(impact.total)"
          + (names.isEmpty ? "" : ", as " + names.joined(separator: ", ")))
    }
    return all
  }

  /// The states between which a witness turns, and its ways through them.
  private func turn(
    _ example: Scenario, _ way: Way
  ) -> (before: CodeWitness, after: CodeWitness, old: CodePath, new: CodePath, CodePath.Aspect)? {
    guard let turn = way.steps.turn(of: example), let before = way.witnesses[turn.before],
      let after = way.witnesses[turn.after], let old = before.path(of: example),
      let new = after.path(of: example)
    else { return nil }
    return (before, after, old, new, turn.aspect)
  }

  /// Where a witness is decided before the patch that turns it and after it: where its ways
  /// part; nil where they do not.
  func places(_ example: Scenario, _ way: Way) -> (before: String, after: String)? {
    guard let (before, after, old, new, aspect) = turn(example, way) else { return nil }
    // The same way: the boot decides, as by its pools, or what it has stored.
    guard let parting = old.parting(from: new, on: aspect),
      let one = parting.decides.ours ?? old.decision(on: aspect),
      let two = parting.decides.theirs ?? new.decision(on: aspect)
    else { return nil }
    return (before.text(of: one), after.text(of: two))
  }

  func impact(_ part: StepEffects.Part, _ way: Way) -> DriverImpact? {
    guard let drivers, let ends = way.steps.ends, !part.conditions.isEmpty else { return nil }
    return DriverImpact(part.conditions, of: [ends.first, ends.last], in: drivers)
  }

  private func name(of driver: Driver) -> String {
    String((driver.file.split(separator: "/").last ?? "").split(separator: ".")[0])
  }

  // MARK: - Formats

  /// - Parameter all: Also what stands behind the first lines.
  public func document(all: Bool) -> Document {
    var document = Document(blocks: [.title(title), .literal(lines)])
    guard all else {
      document.blocks.append(.paragraph("--all shows the rest, with every patch."))
      return document
    }
    for way in ways {
      if let condition = way.steps.condition {
        document.blocks.append(.title("Where \(condition)"))
      }
      document.blocks += rest(way)
    }
    document.blocks += series
    return document
  }

  /// What stands behind the first lines.
  private func rest(_ way: Way) -> [Document.Block] {
    var blocks: [Document.Block] = []
    if let whole = way.whole {
      blocks.append(.heading("What the whole changes"))
      if whole.parts.isEmpty { blocks.append(.paragraph("Nothing differs in what was asked.")) }
      for part in whole.parts {
        blocks.append(.paragraph(way.steps.headline(part)))
        blocks.append(.literal(HistorySteps.witness(part) + paths(part, way)))
        blocks += causeBlocks(part, way)
        if let impact = impact(part, way) {
          blocks += driverBlocks(impact, limit: drivers?.limit)
        }
      }
    }
    blocks += HistorySteps.blocks(of: way.pools)
    blocks += unwrittenBlocks(way.look, limit: .max) { way.last?.place(of: $0) }
    blocks.append(.heading("Patch by patch"))
    blocks.append(way.steps.table)
    if !way.transient.isEmpty {
      blocks.append(.heading("Worse in between than before and after"))
      for (label, part) in way.transient {
        blocks.append(.paragraph("after \(label), \(way.steps.headline(part, by: false))"))
        blocks.append(.literal(HistorySteps.witness(part)))
      }
    }
    return blocks
  }

  /// The scenarios of an effect by cause: the lines of code between which their ways part.
  ///
  /// A way of changing is asked at one witness; of many the most frequent are.
  private func causeBlocks(_ part: StepEffects.Part, _ way: Way) -> [Document.Block] {
    struct Cause {
      let before: String
      let after: String
      var scenarios: Int
      let witness: String
    }
    var causes: [Cause] = []
    var rest = 0
    for (index, change) in part.changes.enumerated() {
      guard index < Self.askedChanges,
        let (before, after) = places(change.example, way)
      else {
        rest += change.scenarios
        continue
      }
      if let known = causes.firstIndex(where: { $0.before == before && $0.after == after }) {
        causes[known].scenarios += change.scenarios
      } else {
        causes.append(
          Cause(
            before: before, after: after, scenarios: change.scenarios, witness: change.example.key))
      }
    }
    guard causes.count > 1 else { return [] }
    var lines: [String] = []
    for cause in causes.sorted(by: { $0.scenarios > $1.scenarios }) {
      lines.append("\(cause.scenarios) scenarios change to the answer of one that is decided so:")
      for (head, text) in [
        ("  before:", cause.before), ("  after: ", cause.after), ("  e.g.", cause.witness),
      ] {
        lines += foldedLines(
          text, width: Self.width, indent: head, hanging: "    ", breakingAfter: "/")
      }
    }
    if rest > 0 {
      lines.append("\(rest) scenarios that change in rarer ways, which were not asked")
    }
    return [
      .paragraph(
        "\(part.effect.rawValue), by what decides one of those that change to the same answer:"),
      .literal(lines),
    ]
  }

  /// How many ways of changing are asked where they are decided.
  private static let askedChanges = 12

  /// Both ways of a witness: the functions that they enter, each with the last line that
  /// runs of it, and where they part.
  private func paths(_ part: StepEffects.Part, _ way: Way) -> [String] {
    guard let (before, after, old, new, aspect) = turn(part.example, way) else {
      return []
    }
    func list(_ head: String, _ steps: [CodePath.Step], _ witness: CodeWitness) -> [String] {
      guard !steps.isEmpty else { return [] }
      return [head]
        + steps.flatMap { step in
          folded(witness.text(of: step), width: Self.width, indent: "  ", hanging: "    ")
            .split(separator: "\n").map(String.init)
        }
    }
    var lines =
      list("before:", old.functions(on: aspect), before)
      + list("after:", new.functions(on: aspect), after)
    if let parting = old.parting(from: new, on: aspect) {
      lines += list("they part behind:", [parting.common].compactMap { $0 }, before)
      lines += list("before goes on with:", [parting.ours].compactMap { $0 }, before)
      lines += list("after goes on with:", [parting.theirs].compactMap { $0 }, after)
    }
    return lines
  }
}
