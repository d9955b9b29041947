import ArgumentParser
import DMAModel
import Foundation
import MatrixStore
import Reporting
import Support

struct Query: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a database in SQL; it cannot be changed by it.",
    discussion: """
      The view "behavior" has one row for each combination, "behavior_span"
      merges masks with equal answers, "behavior_count" counts by boot, request
      and outcome, "excluded" says what cannot exist, "change_log" what each
      version changed, "description" what every column means.  One SELECT is
      run, read-only.

      A count of "behavior" by columns other than the mask, and a comparison of
      "scenario" with a key, are answered from what is stored, not by walking
      the 23 million rows.

      Questions that people ask often have a name and parameters with defaults:
      --list shows them.

      Examples:
        dmamatrix query --list
        dmamatrix query --named thunderbolt -p kernel=6.12
        dmamatrix query 'SELECT verdict, count(*) FROM behavior
            WHERE kernel = :k AND platform = :p GROUP BY 1' -p k=v6 -p p=sev
        dmamatrix query --format csv - < question.sql
      """)

  @Argument(help: "The statement, or - to read it from standard input.")
  var sql: String?
  @Option(
    help: ArgumentHelp("Run a named query instead.", valueName: "name"),
    completion: .list(NamedQuery.all.map(\.name)))
  var named: String?
  @Flag(help: "List the named queries; with --named, show one whole.")
  var list = false
  @OptionGroup var source: DatabaseOption
  @Option(
    name: [.customShort("p"), .customLong("param")],
    help: ArgumentHelp("A value for the parameter :name.", valueName: "name=value"))
  var parameters: [String] = []
  @Option(
    help: ArgumentHelp(
      "\(ResultFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "format"),
    completion: .formats(ResultFormat.self))
  var format = "table"
  @Flag(inversion: .prefixedNo, help: "Print the column names.")
  var header = true
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Print at most this many rows; 0 prints all.", valueName: "rows"))
  var limit = 1000
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Stop after this many seconds, inside a function one later; 0 lifts the limit.",
      valueName: "s"))
  var timeout = 10.0

  @OptionGroup var color: ColorOption

  mutating func run() throws {
    let format: ResultFormat = try dmamatrix.format(format)
    guard limit >= 0 else {
      throw UsageError(
        description: "--limit '\(limit)' is not a number of rows; accepted: 0 or more")
    }
    guard (0...1e9).contains(timeout) else {
      throw UsageError(
        description: "--timeout '\(timeout)' is not a number of seconds; accepted: 0 to 1e9")
    }
    guard !list || sql == nil else {
      throw UsageError(description: "--list runs no statement; give one of both")
    }
    if list { return try Output.write(namedQueriesText(try named.map(query))) }
    let parameters = try namedValues()
    let question = try question()
    let database = try MatrixDatabase(path: source.database)
    let query =
      switch question {
      case .named(let query):
        try query.query(on: database, values: parameters, timeLimit: timeout, rowLimit: limit)
      case .statement(let sql):
        ReadOnlyQuery(sql: sql, parameters: parameters, timeLimit: timeout, rowLimit: limit)
      }
    let watchdog = Watchdog(seconds: timeout)
    defer { watchdog.cancel() }
    let result = try query.run(on: database)
    try format.write(result, header: header) { text in
      let text = color.applied(to: text, if: [.table, .line].contains(format))
      try watchdog.waiting { try Output.write(text) }
    }
    watchdog.cancel()
    if result.isTruncated {
      Output.error("more than \(limit) rows, the rest is not shown; --limit 0 shows all")
    }
  }

  /// What is asked.
  private enum Question {
    case named(NamedQuery)
    case statement(String)
  }

  private func question() throws -> Question {
    guard let named else { return .statement(try statement()) }
    guard sql == nil else {
      throw UsageError(description: "--named and a statement exclude each other; give one")
    }
    return .named(try query(named))
  }

  private func query(_ name: String) throws -> NamedQuery {
    if let query = NamedQuery.named(name) { return query }
    throw UsageError(
      description: "--named '\(name.printable)' is unknown; accepted: "
        + NamedQuery.all.map(\.name).joined(separator: ", "))
  }

  private func statement() throws -> String {
    guard let sql else {
      throw UsageError(
        description: "no question; accepted: a SELECT, - for standard input, --named or --list")
    }
    guard sql == "-" else { return sql }
    let data = try Input.standardInput(expected: "one SELECT")
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

/// Ends the process where nothing else ends it: in a single function call of SQLite, such
/// as instr() of long texts, and while the answer becomes text. Nothing is being written
/// to files meanwhile.
private final class Watchdog: Sendable {
  private struct State {
    var end: ContinuousClock.Instant
    var isWaiting = false
    var isCancelled = false
  }

  private let state: Locked<State>

  /// - Parameter seconds: The statement's own limit, 0 for none; a second is added.
  init(seconds: Double) {
    state = Locked(State(end: .now + .seconds(seconds + 1), isCancelled: seconds == 0))
    guard seconds > 0 else { return }
    Thread.detachNewThread { [state] in
      while true {
        let state = state.withLock { $0 }
        if state.isCancelled { return }
        if !state.isWaiting, state.end < .now {
          Output.error("\(StoreError.timeLimit(seconds: seconds))")
          _exit(2)
        }
        usleep(20_000)
      }
    }
  }

  /// Runs what waits for the reader of the output, whose time does not count.
  func waiting(_ body: () throws -> Void) rethrows {
    let start = ContinuousClock.now
    state.withLock { $0.isWaiting = true }
    defer {
      state.withLock {
        $0.end += .now - start
        $0.isWaiting = false
      }
    }
    try body()
  }

  func cancel() { state.withLock { $0.isCancelled = true } }
}
