import ArgumentParser
import DMAModel
import Foundation
import MatrixStore
import Support

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join the parts of a sharded generate.",
    discussion: """
      The parts are all parts of one run of "generate --shard", in any order.  The
      result is byte for byte what generate makes without --shard.  Refused: a part
      that is missing, that is there twice, that was changed, or that is of another
      model, another selection of the axes or another version of dmamatrix.  Kernel
      trees that "verify --shard --store" put into every part are joined too.

      Example:
        dmamatrix generate -d 1.db --shard 1/2
        dmamatrix generate -d 2.db --shard 2/2
        dmamatrix merge -o matrix.db 1.db 2.db
      """)

  @Argument(help: "The parts.", completion: .database)
  var parts: [String]
  @Option(name: [.short, .long], help: "The database to make.", completion: .database)
  var output: String
  @Flag(help: "Print no summary.")
  var quiet = false

  mutating func run() throws {
    let summary = try MatrixMerger(parts: parts).merge(to: output) { fraction in
      Output.progress(fraction, "merging")
    } building: { files in
      Interruption.removeOnSignal(files)
    }
    sayDamage(of: output, keptAs: summary.damagedCopy)
    guard !quiet else { return }
    Output.summary(
      """
      \(output): \(parts.count) \(parts.count == 1 ? "part" : "parts"), \
      \(summary.combinations) combinations, \(summary.outcomes) distinct answers

      """)
  }
}

/// The part of the work that a command does.
struct ShardOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The part to do, as 2/8; auto in a Slurm array, auto/n in an indexed Kubernetes job.",
      valueName: "i/n"))
  var shard: String?

  /// The part; nil for all of the work.
  func part() throws -> Shard? {
    guard let shard else { return nil }
    if let part = Shard(shard, environment: ProcessInfo.processInfo.environment) { return part }
    let hint =
      shard.hasPrefix("auto")
      ? "auto with SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, auto/n with JOB_COMPLETION_INDEX"
      : "i/n with i from 1 to n, n up to \(Shard.limit), auto, auto/n"
    throw UsageError(
      description: "--shard '\(shard.printable)' is not a part; accepted: \(hint)")
  }
}
