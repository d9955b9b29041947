import Analysis
import DMAModel
import GRDB
import MatrixStore
import Reporting
import Support

extension ExplorerData {
  /// Violations that come from one line of a kernel, with the cells to jump to.
  struct Cause: Encodable {
    let kernel: String
    /// Its place in the report `findings`, from 1.
    let number: Int
    let severity: String
    /// Its line in the summary.
    let text: String
    let findings: [Finding]
  }

  /// A violation of one lint.
  struct Finding: Encodable {
    let lint: String
    let headline: String
    let scenarios: Int
    let conditions: [Condition]
  }

  struct Condition: Encodable {
    let text: String
    let scenarios: Int
    let witness: String
  }

  /// The kernels of a database that the model knows.
  static func knownKernels(_ database: MatrixDatabase) throws(StoreError) -> [KernelVersion] {
    try database.read { connection in
      try Row.fetchAll(connection, sql: "SELECT name FROM kernel ORDER BY id")
        .compactMap { KernelVersion.named(try $0.text(0)) }
    }
  }

  /// A kernel's violations; the page shows nothing of what is not counted.
  static func check(of kernel: KernelVersion) -> Check {
    Check.standard(of: kernel, details: false)
  }

  /// Adds violations by cause, as `check` and the report `findings` have them.
  mutating func addFindings(_ checks: [Check]) {
    content.severities = Severity.allCases.map { Value(name: $0.name, text: $0.summary) }
    content.lints = Lint.allCases.map { Value(name: $0.rawValue, text: $0.statement) }
    content.checked = checks.map(\.kernel.name)
    for check in checks {
      content.causes += check.causes.enumerated().map { number, cause in
        Cause(
          kernel: check.kernel.name, number: number + 1, severity: cause.severity.name,
          text: sentence(cause), findings: cause.findings.map(Finding.init))
      }
    }
  }
}

extension ExplorerData.Finding {
  fileprivate init(_ finding: Check.Finding) {
    lint = finding.lint.rawValue
    headline = finding.headline
    scenarios = finding.scenarios
    conditions = finding.conditions.map {
      ExplorerData.Condition(text: $0.text, scenarios: $0.scenarios, witness: $0.witness)
    }
  }
}
