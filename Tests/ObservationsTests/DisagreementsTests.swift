import DMAModel
import Testing

@testable import Observations

/// Disagreements against a naive reference, on a kernel that is not the one that
/// was booted.
@Suite struct DisagreementsTests {
  /// What a condition's terms say of one observation.
  private func holds(_ terms: [(axis: String, values: [String])], _ values: [String: String])
    -> Bool
  {
    terms.allSatisfy { term in term.values.contains(values[term.axis] ?? "?") }
  }

  private func values(
    _ boot: ObservedBoot, _ row: Observation, kernel: String
  ) -> [String: String] {
    [
      "kernel": kernel, "platform": boot.platforms.map(\.name).joined(separator: "|"),
      "iommu": boot.iommu.name, "domain": boot.domain, "external": boot.facing.name,
      "swiotlb": boot.swiotlb.name, "mem": boot.machine.name.name, "bus_limit": "none",
      "op": row.operation.rawValue, "region": row.region.isEmpty ? "-" : row.region,
      "attrs": row.attributes.isEmpty ? "none" : row.attributes.joined(separator: "+"),
      "dir": row.direction?.rawValue ?? "-", "len": row.length.map { "\($0)" } ?? "-",
      "mask": "\(row.maskBits)",
    ]
  }

  /// 7.3's log asked of the model of 7.2: each condition holds for requests of its
  /// finding and no others, and together they hold for all of them.
  @Test func conditionsAreExact() throws {
    let other = try #require(KernelVersion.named("7.2"))
    let boots = try Logs.names[2...3].flatMap { try Logs.boots($0) }
    let found = Disagreements(boots.map { ($0, other) })
    #expect(!found.findings.isEmpty && found.boots == 2)

    var differing: [[String: String]: Set<String>] = [:]
    var count = 0
    for boot in boots {
      var check = ObservationCheck(boot.boot, version: other)
      for row in boot.observations {
        let outcome = check.compare(row)
        guard !outcome.isAbsent else { continue }
        let values = values(boot.boot, row, kernel: "7.2")
        if differing[values] == nil { differing[values] = [] }
        guard !outcome.agrees else { continue }
        count += 1
        let columns = outcome.differences.map(\.column).joined(separator: ",")
        differing[values]?.insert(
          "\(row.result) \(outcome.predicted.map { "\($0)" } ?? "-") \(columns) "
            + (outcome.decision?.name ?? "-"))
      }
    }
    #expect(count == found.findings.reduce(0) { $0 + $1.observations })
    for finding in found.findings where !finding.isUnsteady {
      let name =
        "\(finding.observed) \(finding.model.map { "\($0)" } ?? "-") "
        + finding.differences.map(\.column).joined(separator: ",")
        + " \(finding.decision?.name ?? "-")"
      var held: Set<[String: String]> = []
      for condition in finding.conditions {
        let terms = condition.terms.map { ($0.axis, $0.values) }
        let points = differing.filter { holds(terms, $0.key) }
        #expect(points.count == condition.scenarios)
        for point in points {
          #expect(point.value == [name], "\(condition.text)")
          held.insert(point.key)
        }
      }
      #expect(held.count == differing.count { $0.value == [name] })
    }
  }

  @Test func agreementHasNoFindings() throws {
    let boots = try Logs.names.flatMap { try Logs.boots($0) }.map { boot in
      (boot, try #require(KernelVersion.named(boot.boot.kernel)))
    }
    let found = Disagreements(boots)
    #expect(found.findings.isEmpty && found.boots == 4 && found.observations == 808)
  }
}
