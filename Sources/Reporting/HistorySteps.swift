import Analysis
import DMAModel
import Foundation
import KernelTree
import Support

/// States of a tree, one after the other, and what each changes.
public struct HistorySteps {
  /// A state as it is added.
  public struct State {
    /// A commit's first digits, or a patch's number.
    public let label: String
    public let subject: String
    /// Nil where it cannot be asked.
    public let kernel: KernelVersion?
    public let isAlike: Bool
    /// The platforms that were not asked.
    public let leftOut: [String]

    public init(
      label: String, subject: String, kernel: KernelVersion?, isAlike: Bool, leftOut: [String]
    ) {
      (self.label, self.subject, self.kernel) = (label, subject, kernel)
      (self.isAlike, self.leftOut) = (isAlike, leftOut)
    }
  }

  /// A state behind the first.
  public struct Row {
    public let label: String
    public let subject: String
    /// Against the last state that was asked; nil where this one is not.
    public let step: StepEffects?
    /// Default pools that it makes otherwise than the last state that was asked.
    public let pools: [PoolChange]
    public let isAlike: Bool
  }

  private let domain: MatrixDomain
  public private(set) var first: (label: String, kernel: KernelVersion?)?
  public private(set) var rows: [Row] = []
  private var previous: (label: String, kernel: KernelVersion)?
  /// The states that differ from the one before, for what they leave in between.
  private var between: [(label: String, kernel: KernelVersion, before: String)] = []
  public private(set) var leftOut: Set<String> = []
  /// What functions answer that are defined elsewhere; nil where there are none.
  public var condition: String?
  /// Beyond these many, what is worse in between is not looked for.
  private static let betweenLimit = 100

  public init(domain: MatrixDomain) { self.domain = domain }

  /// Adds the next state; the first one is what the others change.
  public mutating func add(_ state: State) {
    leftOut.formUnion(state.leftOut)
    defer { previous = state.kernel.map { (state.label, $0) } ?? previous }
    guard first != nil else {
      first = (state.label, state.kernel)
      return
    }
    var step: StepEffects?
    var pools: [PoolChange] = []
    if let kernel = state.kernel, let previous {
      step = StepEffects(from: previous.kernel, to: kernel, domain: domain)
      pools = state.isAlike ? [] : PoolChange.all([previous.kernel, kernel], domain: domain)
      if step?.differing ?? 0 > 0, between.count <= Self.betweenLimit {
        between.append((state.label, kernel, previous.label))
      }
    }
    rows.append(
      Row(
        label: state.label, subject: state.subject, step: step, pools: pools,
        isAlike: state.isAlike))
  }

  /// The first and the last state; nil where one of them cannot be asked.
  public var ends: (first: KernelVersion, last: KernelVersion)? {
    guard let old = first?.kernel, let new = previous?.kernel, rows.last?.step != nil else {
      return nil
    }
    return (old, new)
  }

  /// What all together change; nil where the first or the last cannot be asked.
  public var whole: StepEffects? { whole(findsConditions: false) }

  func whole(findsConditions: Bool) -> StepEffects? {
    ends.map {
      StepEffects(from: $0.first, to: $0.last, domain: domain, findsConditions: findsConditions)
    }
  }

  /// A default pool that changes, and the states that changed pools of its platform.
  public typealias Pool = (change: PoolChange, by: [String])

  /// Default pools that the last state makes otherwise than the first, those that shrink
  /// before the others.
  public var pools: [Pool] {
    guard let ends else { return [] }
    let changes = PoolChange.all([ends.first, ends.last], domain: domain)
    return (changes.filter(\.shrinks) + changes.filter { !$0.shrinks }).map { change in
      (
        change,
        rows.filter { row in
          row.pools.contains {
            $0.platform == change.platform && $0.memory == change.memory
          }
        }.map(\.label)
      )
    }
  }

  /// Scenarios that are worse after some state than before the first and after the last.
  public var transient: [(label: String, part: StepEffects.Part)] {
    guard let old = first?.kernel, let new = previous?.kernel, between.count <= Self.betweenLimit
    else {
      return []
    }
    return between.dropLast().flatMap { state in
      StepEffects(from: old, to: state.kernel, domain: domain, within: new).parts.map {
        (state.label, $0)
      }
    }
  }

  /// Whether a state answers otherwise than the one before.
  public var differs: Bool {
    rows.contains { $0.step.map { $0.differing > 0 } ?? false || !$0.pools.isEmpty }
  }

  /// Whether no state has other code than the one before, as far as it is asked.
  public var isAlike: Bool { rows.allSatisfy(\.isAlike) }

  /// Whether not all could be asked.
  public var isIncomplete: Bool {
    !leftOut.isEmpty || first?.kernel == nil || rows.contains { $0.step == nil }
  }

  /// The states that have an effect against the one before; the one that answers the
  /// example otherwise, at last, comes first.
  public func causes(of part: StepEffects.Part) -> [String] {
    let labels = rows.filter { row in
      row.step?.parts.contains { $0.effect == part.effect } == true
    }.map(\.label)
    guard let own = turn(of: part.example)?.after else { return labels }
    return [own] + labels.filter { $0 != own }
  }

  /// The states between which a scenario's answer becomes what it is at last, and which part
  /// of it does.
  public struct Turn {
    public let before: String
    public let after: String
    public let aspect: CodePath.Aspect
  }

  /// Where a scenario turns at last: its result where the ends have others, else its answer,
  /// its largest mapping, or its end; nil where the ends answer it alike or not all states
  /// are kept.
  public func turn(of scenario: Scenario) -> Turn? {
    guard between.count <= Self.betweenLimit, let ends else { return nil }
    func life(_ kernel: KernelVersion) -> LifeCycle? {
      kernel.recorded?.boot(
        scenario.platform, scenario.iommu, scenario.swiotlb, scenario.memory
      )?.cycle(of: scenario.deviceRequest)
    }
    guard let old = life(ends.first), let new = life(ends.last), old != new else { return nil }
    let aspect = CodePath.Aspect(from: old, to: new)
    func turns(_ one: LifeCycle, _ two: LifeCycle) -> Bool {
      switch aspect {
      case .answer where old.answer.result != new.answer.result:
        return one.answer.result != two.answer.result
      case .answer: return CodePath.Aspect(from: one, to: two) == .answer
      case .size: return one.answer.maxMapping != two.answer.maxMapping
      case .end: return one.after != two.after
      }
    }
    var last: LifeCycle? = old
    var turn: Turn?
    for state in between {
      let its = life(state.kernel)
      if let one = last, let two = its, turns(one, two) {
        turn = Turn(before: state.before, after: state.label, aspect: aspect)
      }
      last = its
    }
    return turn
  }

  // MARK: - Text

  /// A row for each state.
  public var table: Document.Block {
    .table(
      columns: ["state", "differ", "worst", "subject"],
      rows: rows.map { row in
        let width = 72 - row.label.count - 24
        let subject = row.subject.isEmpty ? "(none)" : row.subject.asciiOnly.cut(to: width)
        guard let step = row.step else { return [row.label, "not asked", "", subject] }
        return [
          row.label, row.isAlike ? "alike" : String(step.differing),
          step.worst?.effect.rawValue ?? (row.pools.isEmpty ? "" : "pool"), subject,
        ]
      })
  }

  /// What all together change, a paragraph for each effect.
  public func paragraphs(of whole: StepEffects) -> [Document.Block] {
    guard !whole.parts.isEmpty else { return [.paragraph("Nothing differs in what was asked.")] }
    return whole.parts.flatMap { part -> [Document.Block] in
      [.paragraph(headline(part)), .literal(Self.witness(part))]
    }
  }

  /// `breaks: 12 scenarios, 3 with no parameter; x86-sme47; swiotlb=force; by 1a2b3c4d5e6f`.
  ///
  /// - Parameter by: Whether the states are named that bring it.
  func headline(_ part: StepEffects.Part, by: Bool = true) -> String {
    let causes = by ? causes(of: part) : []
    let platforms =
      part.platforms.count > 1 && part.platforms.count == domain.platforms.count
      ? "all platforms" : Self.list(part.platforms, upTo: 6)
    let count = scenarioCount(part.scenarios)
    return "\(part.effect.rawValue): "
      + ([count + ", \(part.defaultBoots) with no parameter", platforms] + part.boots
      + (causes.isEmpty ? [] : ["by " + Self.list(causes, upTo: 4)])).joined(separator: "; ")
  }

  /// Each pool that is another at last, as `compare` says it, and by which state.
  static func blocks(of pools: [Pool]) -> [Document.Block] {
    guard !pools.isEmpty else { return [] }
    return [.heading("Default pools of another size or place")]
      + pools.map { change, by in
        .paragraph(
          poolSentence(change) + (by.isEmpty ? "" : "; by " + list(by, upTo: 4)))
      }
  }

  /// `smaller pool in 12 boots: arm64-cca/2G 64 MiB -> 8 MiB; by 3/22`, for those that
  /// shrink, and the others; empty where none is another.
  static func lines(of pools: [Pool]) -> [String] {
    [(true, "smaller pool"), (false, "other pool")].compactMap { shrinks, head in
      let its = pools.filter { $0.change.shrinks == shrinks }
      guard let (first, by) = its.first else { return nil }
      let boots = its.reduce(0) { $0 + $1.change.modes.count }
      func text(_ pool: SwiotlbPool) -> String {
        shrinks || !pool.isActive
          ? pool.sizeText : "\(pool.sizeText) at 0x\(String(pool.start, radix: 16))"
      }
      let more = its.count - 1
      return "\(head) in \(boots) \(boots == 1 ? "boot" : "boots"): "
        + "\(first.platform.name)/\(first.memory.name) "
        + first.pools.map(text).joined(separator: " -> ") + (more > 0 ? " +\(more)" : "")
        + (by.isEmpty ? "" : ", by \(list(by, upTo: 1))")
    }
  }

  static func list(_ words: [String], upTo limit: Int) -> String {
    words.prefix(limit).joined(separator: ", ")
      + (words.count > limit ? " and \(words.count - limit) more" : "")
  }

  /// A scenario and what becomes of it, in lines of 70 columns.
  static func witness(_ part: StepEffects.Part) -> [String] {
    (foldedKey(part.witness) + folded(part.change, width: 72, indent: "      ", hanging: "        "))
      .split(separator: "\n").map { String($0.dropFirst(4)) }
  }

  /// The states of a repository's range.
  public func document(of repository: String) -> Document {
    let ends = "\(first?.label ?? "")..\(rows.last?.label ?? "")"
    let title = "\(repository.printable(upTo: 200)) \(ends)"
    var document = Document(
      blocks: [.title(title + (condition.map { ", where \($0)" } ?? "")), table])
    document.blocks.append(
      .paragraph(
        "differ: scenarios whose answer, or its end, is another than in the state before."))
    if let whole {
      document.blocks.append(.heading("\(ends) as a whole"))
      document.blocks += paragraphs(of: whole) + Self.blocks(of: pools)
    } else {
      document.blocks.append(.paragraph("The first or the last state cannot be asked."))
    }
    if !leftOut.isEmpty {
      document.blocks.append(
        .paragraph(
          "Not asked in some state, because their code does not compile here: "
            + leftOut.sorted().joined(separator: ", ") + "."))
    }
    return document
  }
}

extension HistorySteps {
  /// Adds a commit.
  ///
  /// - Returns: Its label.
  @discardableResult public mutating func add(_ state: GitWalk.State) -> String {
    let label = String(state.commit.id.prefix(12))
    add(
      State(
        label: label, subject: state.commit.subject,
        kernel: state.kernel, isAlike: state.isAlike, leftOut: platforms(of: state.failures)))
    return label
  }

  /// Adds the tree with some patches of a series.
  ///
  /// - Returns: Its label.
  public mutating func add(_ state: SeriesWalk.State, of count: Int) -> String {
    let label = "\(state.number)/\(count)"
    add(
      State(
        label: label, subject: state.subject.printable(upTo: 200),
        kernel: state.kernel, isAlike: state.isAlike, leftOut: platforms(of: state.failures)))
    return label
  }

  /// The platforms of the domain that architectures which do not compile have.
  private func platforms(of failures: [TreeEvaluation.Failure]) -> [String] {
    domain.platforms.filter { platform in failures.contains { $0.family == platform.family } }
      .map(\.name)
  }
}

extension String {
  /// With a question mark for what is no printable ASCII.
  var asciiOnly: String {
    String(unicodeScalars.map { (0x20..<0x7f).contains($0.value) ? Character($0) : "?" })
  }
}
