import ArgumentParser
import DMAModel
import Foundation
import MatrixStore
import Support

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
        dmamatrix generate -d board.db --platform arm64 --bus-limit 0xbfffffff \\
            --machine pi=0-0xfc000000,4G-8G,dma=0x3fffffff --mem pi
        dmamatrix generate -d part-1.db --shard 1/8
      """)

  @OptionGroup var target: DatabaseOption
  @OptionGroup var jobs: JobsOption
  @OptionGroup var shard: ShardOption
  @OptionGroup(title: "Board") var board: BoardOptions
  @Option(
    help: ArgumentHelp("How many address lines the device really drives.", valueName: "bits"))
  var deviceBits: Int?
  @Flag(help: "Print no summary.")
  var quiet = false
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    var domain = try board.domain(filters)
    if let lines = try addressLines(deviceBits) {
      domain.machines = domain.machines.map { machine in
        var device = machine.device
        device.addressLines = lines
        return machine.with(device)
      }
    }
    let generator = MatrixGenerator(
      domain: domain, jobs: jobs.count,
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
    Output.summary(
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
