import Analysis
import DMAModel
import Support

/// How many lines a summary has at most, with its title and what underlines it or is below.
let summaryLength = 15

/// At most 15 lines: the gravest causes of a check, one a line, then the others by what
/// happens, and what is behind them.
///
/// - Parameter more: How the rest is asked for, or where it is.
func summaryBlocks(_ check: Check, more: String) -> [Document.Block] {
  let base = check.base.map { ", base \($0.name)" } ?? ""
  let count = check.causes.count
  let title =
    "Findings in \(check.kernel.name)\(base): "
    + (count == 0 ? "none" : count == 1 ? "1 cause" : "\(count) causes, the gravest first")
  let undecided = undecidedLines(check)
  var layout = SummaryLayout(check.causes, lines: summaryLength - 3 - undecided.count)
  var rest = layout.unnamed.map { "\($0.count) more \($0.severity.name)" }
  if rest.count > 2 {
    rest = ["\(layout.unnamed.reduce(0) { $0 + $1.count }) more causes"]
  }
  for kind in [Excuse.Kind.byDesign, .hypothetical] {
    let classes = Set(check.excused.map(\.excuse).filter { $0.kind == kind })
    if !classes.isEmpty { rest.append("\(classes.count) \(kind.rawValue)") }
  }
  if !rest.isEmpty || count > 0 {
    let text = rest.joined(separator: ", ")
    layout.lines.append(
      rest.isEmpty ? "\(more): conditions and paths." : "\(more): \(text).")
  }
  let lines = layout.lines + undecided
  return [.summary(title: title, lines: lines)]
}

/// What of a kernel tree was not decided: "none" must not be read as more than was asked.
private func undecidedLines(_ check: Check) -> [String] {
  guard check.kernel.recorded != nil else { return [] }
  var lints: [String: [String]] = [:]
  for case (let lint, .skipped(let reason)) in check.outcomes where lint.undecidable() == nil {
    lints[reason, default: []].append(lint.rawValue)
  }
  return lints.sorted { $0.key < $1.key }.flatMap { reason, names in
    foldedProse("\(names.joined(separator: ", ")): not decided: \(reason).", width: 72)
  }
}

/// ` 1 corrupts  SME hosts: peer memory garbled, behind the IOMMU; always`
func summaryLine(_ cause: Cause, number: Int, width: Int) -> String {
  var taken: Set<String> = []
  return summaryLine(cause, number: number, width: width, besides: &taken)
}

/// The line of a cause that has no wording which others have.
private func summaryLine(
  _ cause: Cause, number: Int, width: Int, besides taken: inout Set<String>
) -> String {
  let start = "\(number < 10 ? " " : "")\(number) " + cause.severity.name.padding(9)
  let scope = CauseScope(cause)
  let (since, sinceInShort) = sinceWords(cause)
  let function = " (\(cause.line.function))"
  // What is longest and fits: names before conditions, and since when in any case.
  var candidates: [String] = []
  for (conditions, since, function) in [
    (scope.conditions, since, [function, ""]), (scope.conditions, sinceInShort, [""]),
    (scope.first, since, [""]), (scope.first, sinceInShort, [""]), ("", since, [""]),
    ("", sinceInShort, ["", function]),
  ] {
    candidates += [scope.names, scope.who, scope.count].flatMap { who in
      function.map { "\(who): \(scope.what)\(conditions)\(since)\($0)" }
    }
  }
  let fitting = candidates.filter { start.count + $0.count <= width }
  let last = "\(scope.count): \(scope.what)\(sinceInShort)"
  let text = fitting.first { !taken.contains($0) } ?? fitting.first ?? last
  taken.insert(text)
  return start + text.cut(to: width - start.count)
}

/// `, since 7.2`; `, always` where every version has it, or has some of it; and the same
/// shorter.
private func sinceWords(_ cause: Cause) -> (String, String) {
  let names = cause.origins.map { $0.since?.name }
  guard let first = names.first else { return ("", "") }
  if let first { return (", since \(first)", ", since \(first)") }
  let more = names.count > 1 ? names[1].map { ", more since \($0)" } ?? "" : ""
  return (", always" + more, ", always")
}

/// How causes share the lines of a summary: the most important have a line each, and the
/// others follow in a paragraph, by severity and what happens.
struct SummaryLayout {
  var lines: [String] = []
  /// How many causes of a severity no line names.
  private(set) var unnamed: [(severity: Severity, count: Int)] = []

  /// How many have a line each, where not all can be named: of them the gravest, then what
  /// the base does not have.
  private static let (leastOwn, gravest) = (6, 3)

  private typealias Numbered = (number: Int, cause: Cause)

  /// - Parameter available: How many lines there are.
  init(_ causes: [Cause], lines available: Int) {
    let numbered = causes.enumerated().map { (number: $0.offset + 1, cause: $0.element) }
    let order = Self.order(numbered)
    for count in stride(from: available, through: Self.leastOwn, by: -1) {
      lines = Self.lines(numbered, own: Set(order.prefix(count)))
      if lines.count <= available { return }
    }
    // The least weighty are left out until the others fit.
    let own = Set(order.prefix(Self.leastOwn))
    var named = numbered
    for candidate in numbered.sorted(by: { Self.weight($0.cause) < Self.weight($1.cause) })
    where !own.contains(candidate.number) && lines.count > available {
      named.removeAll { $0.number == candidate.number }
      lines = Self.lines(named, own: own)
    }
    let left = Set(numbered.map(\.number)).subtracting(named.map(\.number))
    unnamed = Severity.allCases.compactMap { severity in
      let some = numbered.filter { left.contains($0.number) && $0.cause.severity == severity }
      return some.isEmpty ? nil : (severity, some.count)
    }
  }

  /// Who has a line of its own first: the three gravest; what the base does not have and
  /// users meet, boots before requests and then by how many; then the gravest again.
  private static func order(_ causes: [Numbered]) -> [Int] {
    func isNews(_ one: Numbered) -> Bool {
      one.cause.isNew && one.cause.usual > 0 && one.cause.severity < .silent
    }
    let news = causes.filter(isNews).sorted { one, other in
      let (a, b) = (one.cause, other.cause)
      return (a.isAboutBoots ? 0 : 1, -a.usual, one.number)
        < (b.isAboutBoots ? 0 : 1, -b.usual, other.number)
    }
    var order: [Int] = []
    for one in causes.prefix(gravest) + news + causes[...] where !order.contains(one.number) {
      order.append(one.number)
    }
    return order
  }

  /// How much a reader misses without a cause: a scenario that users meet counts as a hundred
  /// others, and what never worked a fourth of what did.  What is graver than that, and what
  /// the base does not have and users meet, goes last.
  private static func weight(_ cause: Cause) -> Int {
    let weight = cause.scenarios + 100 * cause.usual
    if cause.severity == .silent { return weight / 4 }
    let isKept = cause.severity < .breaks || cause.isNew && cause.usual > 0
    return weight + (isKept ? 1 << 40 : 0)
  }

  /// The lines of some causes, those with a line of their own first.
  private static func lines(_ causes: [Numbered], own: Set<Int>) -> [String] {
    var taken: Set<String> = []
    let alone = causes.filter { own.contains($0.number) }.map {
      summaryLine($0.cause, number: $0.number, width: 72, besides: &taken)
    }
    let others = Severity.allCases.flatMap { severity in
      let some = causes.filter { !own.contains($0.number) && $0.cause.severity == severity }
      return segments(some, severity)
    }
    guard !others.isEmpty else { return alone }
    // A number stays with the word before it.
    let text = folded(others.joined(separator: "; ") + ".", width: 69)
    return alone
      + text.split(separator: "\n").map { "   " + $0.replacing("~", with: " ") }
  }

  /// `breaks refused: arm64-pkvm RAM (12), s390-pv RAM (13)`: causes of a severity by what
  /// happens, with their numbers; who is named once where it is the same.
  private static func segments(_ causes: [Numbered], _ severity: Severity) -> [String] {
    let named = causes.map { ($0.number, CauseScope($0.cause), $0.cause) }
    var verbs: [String] = []
    for (_, scope, _) in named where !verbs.contains(scope.verb) { verbs.append(scope.verb) }
    var taken: Set<String> = []
    return verbs.enumerated().map { place, verb in
      var who = ""
      let entries = named.filter { $0.1.verb == verb }.map { number, scope, cause in
        let (own, what) = entry(scope, cause, besides: &taken)
        defer { who = own }
        let words = own == who && !what.isEmpty ? [what] : [own, what].filter { !$0.isEmpty }
        return words.joined(separator: " ") + "~(\(number))"
      }
      return (place == 0 ? severity.name + " " : "") + "\(verb): "
        + entries.joined(separator: ", ")
    }
  }

  /// `arm64-pkvm` and `RAM, alloc`, with what it takes where that tells it apart.
  private static func entry(
    _ scope: CauseScope, _ cause: Cause, besides taken: inout Set<String>
  ) -> (who: String, what: String) {
    let names = [scope.names, scope.who, scope.count].first { $0.count <= 28 } ?? scope.count
    let who = names.replacing("SME hosts", with: "SME")
    let kinds = scope.kinds.joined(separator: "+")
    // A circumstance says most, then the attributes of the request; what is default, or
    // follows from what happens, says nothing.
    let parts = scope.parts.filter { !$0.hasPrefix("mostly ") }
    let telling = parts.filter {
      $0 != "swiotlb=\(SwiotlbMode.standard.name)" && $0 != "behind the IOMMU"
        && $0 != "not coherent" && $0 != "mask widened"
    }
    let chosen = [scope.circumstance.flatMap { telling.contains($0) ? $0 : nil } ?? telling.last]
      .compactMap { $0 }
    let function = "(\(cause.line.function))"
    let candidates = [
      [kinds] + chosen, [kinds] + parts, [kinds, function], [kinds] + parts + [function],
      [kinds, "(\(cause.line.function): \(cause.line.condition))"],
    ].map { $0.filter { !$0.isEmpty }.joined(separator: " ") }
    func key(_ text: String) -> String { "\(scope.verb): \(who) \(text)" }
    let what = candidates.first { !taken.contains(key($0)) } ?? candidates[0]
    taken.insert(key(what))
    return (who, what)
  }
}
