import ArgumentParser
import Conformance
import Foundation
import MatrixStore
import Reporting

struct Query: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a database in SQL; it cannot be changed by it.",
    discussion: """
      The view "behavior" has one row for each combination, "behavior_span"
      merges masks with equal answers, "excluded" says what cannot exist,
      "change_log" what each version changed, "description" what every column
      means.  One SELECT is run, read-only.

      Examples:
        dmamatrix query 'SELECT verdict, count(*) FROM behavior
            WHERE kernel = :k AND platform = :p GROUP BY 1' -p k=v6 -p p=sev
        dmamatrix query --format csv - < question.sql
      """)

  @Argument(help: "The statement, or - to read it from standard input.")
  var sql: String
  @OptionGroup var source: DatabaseOption
  @Option(
    name: [.customShort("p"), .customLong("param")],
    help: ArgumentHelp("A value for the parameter :name.", valueName: "name=value"))
  var parameters: [String] = []
  @Option(
    help: ArgumentHelp(
      "\(ResultFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "format"))
  var format = "table"
  @Flag(inversion: .prefixedNo, help: "Print the column names.")
  var header = true
  @Option(help: ArgumentHelp("Print at most this many rows; 0 prints all.", valueName: "rows"))
  var limit = 1000
  @Option(help: ArgumentHelp("Stop after this many seconds; 0 lifts the limit.", valueName: "s"))
  var timeout = 10.0

  mutating func run() throws {
    let format: ResultFormat = try dmamatrix.format(format)
    guard limit >= 0 else {
      throw UsageError(
        description: "--limit '\(limit)' is not a number of rows; accepted: 0 or more")
    }
    guard timeout >= 0, timeout.isFinite else {
      throw UsageError(
        description: "--timeout '\(timeout)' is not a number of seconds; accepted: 0 or more")
    }
    let query = ReadOnlyQuery(
      sql: try statement(), parameters: try namedValues(), timeLimit: timeout, rowLimit: limit)
    let result = try query.run(on: MatrixDatabase(path: source.database))
    try Output.write(format.text(result, header: header))
    if result.isTruncated {
      Output.error("more than \(limit) rows, the rest is not shown; --limit 0 shows all")
    }
  }

  private func statement() throws -> String {
    guard sql == "-" else { return sql }
    let data = FileHandle.standardInput.readDataToEndOfFile()
    guard let text = String(bytes: data, encoding: .utf8) else {
      throw UsageError(description: "standard input is not UTF-8 text; expected one SELECT")
    }
    return text
  }

  private func namedValues() throws -> [String: String] {
    var values: [String: String] = [:]
    for parameter in parameters {
      guard let equals = parameter.firstIndex(of: "="), equals != parameter.startIndex else {
        throw UsageError(
          description: "-p '\(parameter.printable)' has no value; accepted: name=value")
      }
      values[String(parameter[..<equals])] = String(parameter[parameter.index(after: equals)...])
    }
    return values
  }
}
