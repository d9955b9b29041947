import ArgumentParser
import DMAModel
import MatrixStore
import Reporting
import Support

/// The history that a command asks, of those that a database holds.
struct HistoryOption: ParsableArguments {
  @Option(
    help: ArgumentHelp("A history by its name (default: the one stored last).", valueName: "name"))
  var history: String?

  func name(in database: MatrixDatabase) throws -> String {
    let names = try HistoryStore.names(in: database)
    guard let latest = names.first else {
      throw UsageError(
        description: "\(database.path.printable) holds no history; 'verify --git REPO A..B "
          + "--store \(database.path.printable)' stores one")
    }
    guard let history else { return latest }
    guard names.contains(history) else {
      throw UsageError(
        description: "--history '\(history.printable)' is not in \(database.path.printable); "
          + "accepted: \(names.prefix(20).map(\.printable).joined(separator: ", "))")
    }
    return history
  }
}

struct Blame: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say which commits changed the answer to a scenario.",
    discussion: """
      Asks a history that "verify --git REPO A..B --store" put into a database: the
      first state's answer, then each commit that changed it, with what changed.
      KEY is a scenario's key as reports print it and explain takes it, with one
      mask.  In SQL the same is the view history_behavior.

      Examples:
        dmamatrix verify --git ~/linux v7.2..v7.3 --store matrix.db --yes
        dmamatrix blame x86/none/force/64G/64/same/none/1/0/map/none/high
      """)

  @Argument(help: "A scenario's key.")
  var key: [String]
  @OptionGroup var source: DatabaseOption
  @OptionGroup var history: HistoryOption
  @Option(
    help: ArgumentHelp("text or markdown.", valueName: "format"),
    completion: .formats(Document.Format.self))
  var format = "text"

  mutating func run() throws {
    let format: Document.Format = try dmamatrix.format(format)
    let joined = key.flatMap { $0.split(whereSeparator: \.isWhitespace) }
      .filter { $0 != "e.g." && $0 != "scenario" }.joined()
    guard let scenario = Scenario(key: joined) else {
      // The other reader names the axis that is wrong.
      _ = try ScenarioKeyArgument(key)
      throw UsageError(
        description:
          "'\(joined.printable(upTo: 200))' is no scenario's key with one mask; accepted: "
          + Scenario.axes.map { $0.uppercased() }.joined(separator: "/"))
    }
    guard scenario.mask.isWholeBits else {
      throw UsageError(
        description: "the key's mask '\(scenario.mask.name)' is no power of two less one; "
          + "accepted: 0 to 64")
    }
    let database = try MatrixDatabase(path: source.database)
    let name = try history.name(in: database)
    let answers = try HistoryStore.answers(to: scenario, in: name, of: database)
    guard answers.contains(where: { $0.values != nil }) else {
      throw UsageError(
        description: "no state of '\(name.printable)' was asked for this scenario; verify --git "
          + "--store with its axes asks")
    }
    try Output.write(blameDocument(answers, to: scenario.key, in: name).text(format))
  }
}
