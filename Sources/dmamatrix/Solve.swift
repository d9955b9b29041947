import Analysis
import ArgumentParser
import DMAModel
import PolicyFiles
import Reporting
import Support

struct Solve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Search for the smallest change of a version that mends it.",
    discussion: """
      Changes knobs of --from, alone and together, and prints the Pareto front:
      fewest changes, then fewest scenarios that --base served and the policy
      does not, then least new exposure.  Each solution says where in the kernel
      it would be made and what it leaves broken, under exact conditions.
      Policies with the same verdicts and exposures are merged.  Versions and
      alternatives are ranked among them.

      Not changed: what a platform is, what is configured and which calls exist
      (knobs \(PolicyStep.facts.joined(separator: ", "))), unless --knob names them.
      A solution may not corrupt more scenarios than --from does.  Limits: a set
      is tried if one of its changes alone alters the path of a scenario; requests
      that take the same path under --from and under every single change are
      taken to behave alike under sets, and counted one by one for what is printed.

      Exit status 1 if no policy meets the requirements.

      Examples:
        dmamatrix solve --from v6 --base 7.2
        dmamatrix solve --from v6 --base 7.2 --require mask-monotone \\
          --emit-policy fix.yaml
        dmamatrix solve --from v6 --base 7.2 --platform x86-sme47 \\
          --require force-means-bounce,no-new-exposure --explain-impossible
      """)

  @Option(help: ArgumentHelp("The version to change.", valueName: "k"), completion: .kernels)
  var from: String
  @Option(
    help: ArgumentHelp("The version whose service is to be kept.", valueName: "k"),
    completion: .kernels)
  var base: String
  @Option(
    help: ArgumentHelp("Lints that no scenario may violate.", valueName: "lint"),
    completion: .names(Lint.allCases.map(\.rawValue)))
  var require: [String] = []
  @Option(
    help: ArgumentHelp(
      "Order of solutions: changes, lost, exposed; the first matters most.", valueName: "cost"),
    completion: .names(PolicyCost.Preference.allCases.map(\.rawValue)))
  var prefer: [String] = []
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Change at most this many knobs, 1 to 4.", valueName: "n"))
  var maxChanges = 2
  @Option(
    help: ArgumentHelp("Change only these knobs, by name or id.", valueName: "knob"),
    completion: .names(Knob.all.map(\.name)))
  var knob: [String] = []
  @Flag(help: "Where nothing meets the requirements, show which contradict each other.")
  var explainImpossible = false
  @Option(
    help: "Write the first solution as a policy file.", completion: .file())
  var emitPolicy: String?
  @Option(
    help: ArgumentHelp("text or markdown.", valueName: "format"),
    completion: .formats(Document.Format.self))
  var format = "text"
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let format: Document.Format = try dmamatrix.format(format)
    if let emitPolicy { try AtomicFile.check(emitPolicy) }
    let preference = try preference()
    let solver = Solver(try question()) {
      Output.progress($0, "searching")
    } best: { steps, cost in
      guard Output.showsProgress else { return }
      let what = steps.map(\.text).joined(separator: "; ")
      Output.error("best so far: \(what.isEmpty ? "no change" : what): \(cost.lost) lost")
    }
    let document = solveDocument(solver, preference: preference)
    try Output.write(document.text(format), isKept: emitPolicy != nil && !solver.front.isEmpty)
    guard !solver.front.isEmpty else {
      if explainImpossible, let contradiction = solver.contradiction {
        try Output.write(contradictionText(contradiction))
      }
      throw ExitCode(1)
    }
    if let emitPolicy { try emit(solver, preference, to: emitPolicy) }
  }

  private func question() throws -> Solver.Question {
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--kernel is no filter of solve; --from and --base name kernels")
    }
    guard (1...4).contains(maxChanges) else {
      throw UsageError(
        description: "--max-changes '\(maxChanges)' is not a number of changes; accepted: 1 to 4")
    }
    let from = try filters.kernel(called: from, option: "--from")
    let base = try filters.kernel(called: base, option: "--base")
    try requireKnobs(from, option: "--from")
    try requireKnobs(base, option: "--base")
    var question = Solver.Question(from: from, base: base)
    question.maxChanges = maxChanges
    question.domain = try filters.domain()
    guard question.domain.hasScenarios(on: from) else {
      throw UsageError.noScenario(on: from.name)
    }
    question.required = try commaSeparated(require).map { try parsedLint($0, option: "require") }
    for lint in question.required {
      if let reason = lint.undecidable(in: question.domain) {
        throw UsageError(description: "--require '\(lint.rawValue)' is not decidable: \(reason)")
      }
    }
    if !knob.isEmpty {
      question.knobs = try commaSeparated(knob).map { name in
        if let knob = Knob.named(name) { return knob }
        throw UsageError(
          description: "--knob '\(name.printable)' is unknown; accepted: "
            + Knob.all.map(\.name).joined(separator: ", "))
      }
    }
    return question
  }

  /// The named costs first, the others behind them in their order.
  private func preference() throws -> [PolicyCost.Preference] {
    let all = PolicyCost.Preference.allCases
    let named = try commaSeparated(prefer).map { name in
      if let cost = PolicyCost.Preference(rawValue: name) { return cost }
      throw UsageError(
        description: "--prefer '\(name.printable)' is unknown; accepted: "
          + all.map(\.rawValue).joined(separator: ", "))
    }
    return named + all.filter { !named.contains($0) }
  }

  private func emit(
    _ solver: Solver, _ preference: [PolicyCost.Preference], to path: String
  ) throws {
    guard
      // The first solution that changes something.
      let solution = solver.front(by: preference).first(where: { !$0.steps.isEmpty }),
      let variant = KernelVersion(
        variant: "\(solver.question.from.name)+solved", basedOn: solver.question.from,
        summary: "found by solve, base \(solver.question.base.name): \(solution.cost.lost) lost",
        link: nil, settings: settings(from: solver.question.from.policy, to: solution.policy))
    else {
      throw UsageError(description: "--emit-policy: the front changes nothing; there is no file")
    }
    try AtomicFile.write(PolicyFiles.text(of: variant, basedOn: solver.question.from), to: path)
  }
}

/// Refuses a kernel tree, whose answers are recorded and follow from no policy.
func requireKnobs(_ kernel: KernelVersion, option: String) throws {
  guard kernel.recorded != nil else { return }
  throw UsageError(
    description: "\(option) '\(kernel.name.printable)' is a kernel tree, whose code has no knobs; "
      + "accepted: a model or a variant")
}

/// The lint called `name`, or a sentence that says which there are.
func parsedLint(_ name: String, option: String = "lint") throws -> Lint {
  if let lint = Lint(rawValue: name) { return lint }
  throw UsageError(
    description: "--\(option) '\(name.printable)' is unknown; accepted: "
      + Lint.allCases.map(\.rawValue).joined(separator: ", "))
}
