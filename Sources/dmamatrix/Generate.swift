import ArgumentParser
import DMAModel
import Foundation
import MatrixStore

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Evaluate every combination and store the answers in SQLite.",
    discussion: """
      The database is built beside its target and renamed at the end: an
      interrupted run leaves an old database as it is.  Filters take several
      values, separated by commas or by repeating the option.

      Examples:
        dmamatrix generate
        dmamatrix generate -d sme.db --platform x86-sme47,x86-sme51 --kernel v6,v7
        dmamatrix generate -d 6g.db --machine 6G=0-2G,4G-8G --mem 6G
        dmamatrix generate -d part-1.db --shard 1/8
      """)

  @OptionGroup var target: DatabaseOption
  @OptionGroup var jobs: JobsOption
  @OptionGroup var shard: ShardOption
  @Option(
    help: ArgumentHelp(
      "A machine beside 2G and 64G: its RAM as ranges of addresses, end exclusive, with K, M, G.",
      valueName: "name=ranges"))
  var machine: [String] = []
  @Flag(help: "Print no summary.")
  var quiet = false
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let machines = try machine.map(MachineArgument.parse)
    guard Set(machines.map(\.name)).count == machines.count, machines.count <= 14 else {
      throw UsageError(
        description: "--machine names a machine twice, or more than 14; accepted: up to 14 names")
    }
    let generator = MatrixGenerator(
      domain: try filters.domain(machines: machines), jobs: jobs.count,
      toolVersion: toolVersion, shard: try shard.part())
    let start = ContinuousClock.now
    let summary = try generator.generate(to: target.database) { fraction in
      Output.progress(fraction, "generating")
    } building: { files in
      Interruption.removeOnSignal(files)
    }
    sayDamage(of: target.database, keptAs: summary.damagedCopy)
    guard !quiet else { return }
    let elapsed = ContinuousClock.now - start
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    try Output.write(
      """
      \(target.database): \(summary.combinations) combinations, \(summary.outcomes) distinct \
      answers, in \(seconds.formatted(.number.precision(.fractionLength(1)))) s

      """)
  }
}

/// Says of a database that was replaced where its damaged content is.
func sayDamage(of database: String, keptAs copy: String?) {
  guard let copy else { return }
  Output.error(
    "\(database) was damaged; what it held is kept as \(copy.printable), "
      + "observations that it may have held are not in the new one")
}
