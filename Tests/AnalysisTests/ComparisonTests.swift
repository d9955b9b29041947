import DMAModel
import Testing

@testable import Analysis

@Suite struct ComparisonTests {
  private var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.platforms = [.x86SME47, .sev, .arm64CCA, .s390PV]
    domain.machines = [.sixtyFourGiB]
    domain.masks = [24, 31, 32, 40, 47, 48, 52, 64].compactMap(DMAMask.init(bits:))
    return domain
  }

  private func kernels(_ names: String...) throws -> [KernelVersion] {
    try names.map { try #require(KernelVersion.named($0)) }
  }

  /// Every scenario of the domain, asked one by one, against the conditions: it
  /// differs exactly if one condition of one transition holds for it, so that the
  /// counts of the conditions add up.
  @Test(arguments: [
    ["v6", "v7"], ["7.2", "v4"], ["v7", "7.3"], ["6.12", "7.2"], ["v6", "v6+P05"],
  ])
  func conditionsAreExact(names: [String]) throws {
    let pair = try names.map { try #require(KernelVersion.named($0)) }
    let domain = domain
    let comparison = Comparison(pair, domain: domain)
    let space = ScenarioSpace(kernels: pair, domain: domain)
    var scenarios = 0
    var equal = 0
    var counts = comparison.transitions.map { _ in 0 }
    forEachPoint(of: space) { point in
      let scenario = space.scenario(point)
      guard let machine = domain.machines.first,
        pair.allSatisfy({ $0.policy.exclusion(of: scenario, on: machine) == nil })
      else { return }
      scenarios += 1
      let answers = space.bootedKernels(point).map { $0.answer(to: scenario.deviceRequest) }
      let differs = VisibleAnswer(answers[0]) != VisibleAnswer(answers[1])
      if !differs { equal += 1 }
      var holding = 0
      for (index, transition) in comparison.transitions.enumerated() {
        let met = transition.conditions.filter { holds($0, scenario) }.count
        holding += met
        counts[index] += met
        // What came or went is what the two answers say.
        guard met > 0 else { continue }
        for change in transition.changes where !change.values.isEmpty {
          let place = Answer.columnNames.firstIndex(of: change.column)
          let told = place.map { place in answers.map { VisibleAnswer($0).columns[place] } }
          if told != change.values { #expect(told == change.values, "\(scenario.key)") }
        }
      }
      if holding != (differs ? 1 : 0) { #expect(holding == (differs ? 1 : 0), "\(scenario.key)") }
    }
    #expect(comparison.scenarios == scenarios && comparison.equal == equal)
    #expect(comparison.transitions.map(\.scenarios) == counts)
    for transition in comparison.transitions {
      #expect(transition.conditions.reduce(0) { $0 + $1.scenarios } == transition.scenarios)
    }
    for condition in comparison.transitions.flatMap(\.conditions) {
      let witness = try #require(Scenario(key: condition.witness))
      #expect(holds(condition, witness))
    }
  }

  @Test func aKernelEqualsItself() throws {
    let comparison = Comparison(try kernels("v6", "v6"), domain: domain)
    #expect(comparison.isEqual && comparison.equal == comparison.scenarios)
    #expect(comparison.onlyThere == [0, 0])
  }

  /// P16b is the MMIO rule that 7.3 merged: on SME without dma-iommu they agree.
  @Test func anAdoptedAlternativeDecidesAsTheMergedKernel() throws {
    var domain = domain
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.none, .off, .passthrough]
    #expect(Comparison(try kernels("v7+P16b", "7.3"), domain: domain).isEqual)
    #expect(Comparison(try kernels("v6+P03", "v6+P06"), domain: domain).isEqual)
    #expect(!Comparison(try kernels("v7", "v7+P16c"), domain: domain).isEqual)
  }

  /// What v7 broke for SME hosts behind a translating IOMMU comes first.
  @Test func theWorstComesFirst() throws {
    let comparison = Comparison(try kernels("v6", "v7"), domain: domain)
    let first = try #require(comparison.transitions.first)
    #expect(first.sides.map(\.verdict) == [.ok, .refused])
    #expect(first.decision == .iommuAllocShared)
  }

  /// Findings and what is left after requests add up likewise, over the whole matrix.
  @Test(arguments: ["6.12", "v6", "7.3"])
  func countsAddUp(name: String) throws {
    let kernel = try #require(KernelVersion.named(name))
    for finding in Check.standard(of: kernel).findings {
      #expect(finding.conditions.reduce(0) { $0 + $1.scenarios } == finding.scenarios)
    }
    let comparison = Comparison(try kernels("6.12", name), domain: domain)
    for transition in comparison.life.transitions {
      #expect(transition.conditions.reduce(0) { $0 + $1.scenarios } == transition.scenarios)
    }
  }

  @Test func severalKernelsStandSideBySide() throws {
    let comparison = Comparison(try kernels("7.2", "v6", "v7"), domain: domain)
    #expect(comparison.transitions.allSatisfy { $0.sides.count == 3 })
    #expect(
      comparison.transitions.contains { $0.sides.map(\.verdict) == [.bounced, .refused, .bounced] })
  }

  /// A scenario's visible columns, as a vectors file has them.
  private struct VisibleAnswer: Equatable {
    let columns: [String]
    init(_ answer: Answer) {
      columns = [
        answer.result.name, answer.addressText, answer.encoding.name, answer.memoryState.name,
        answer.pte.name, answer.warnings.text, answer.maxMappingText,
      ]
    }
  }

  /// Reads a condition the way its reader does, by names.
  private func holds(_ condition: Condition, _ scenario: Scenario) -> Bool {
    let values = Dictionary(uniqueKeysWithValues: zip(Scenario.axes, scenario.names))
    return condition.terms.allSatisfy { term in
      values[term.axis].map(term.values.contains) ?? false
    }
  }

  private func forEachPoint(of space: ScenarioSpace, _ body: ([Int]) -> Void) {
    let sizes = space.axes.map(\.values.count)
    for index in 0..<sizes.reduce(1, *) {
      var rest = index
      let point = sizes.reversed().map { size in
        defer { rest /= size }
        return rest % size
      }
      body(point.reversed())
    }
  }
}
