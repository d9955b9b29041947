import Analysis
import ArgumentParser
import DMAModel
import PolicyFiles
import Reporting

struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Show policies as files, document knobs, find unreached ones.",
    discussion: """
      A policy file describes a variant: name, base, changes (knob: value), link
      and note, in YAML.  --policy FILE makes it known to generate, compare,
      explain, check and conform.

      Example:
        dmamatrix policy show v6+P03 > mine.yaml
        dmamatrix compare v6 v6+P03-copy --policy mine.yaml
      """,
    subcommands: [Show.self, Knobs.self, ReachCommand.self])

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a version as a policy file.",
      discussion: """
        Example:
          dmamatrix policy show v7
        """)
    @Argument(help: "A version or an alternative.", completion: .kernels) var name: String

    mutating func run() throws {
      try Output.write(PolicyFiles.text(of: kernel(name)))
    }
  }

  struct Knobs: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Document every knob: its place, its values, who differs.",
      discussion: """
        Example:
          dmamatrix policy knobs
        """)

    mutating func run() throws { try Output.write(knobsText()) }
  }

  struct ReachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reach",
      abstract: "Say how many scenarios a change of each knob would alter.",
      discussion: """
        Every other value of every knob is tried over the whole matrix, to the end of
        each request; where that alters nothing, in every circumstance too.  A knob
        that alters nothing is code that no scenario reaches, a finding of its
        own.

        Example:
          dmamatrix policy reach 7.3
        """)
    @Argument(
      help: "A version, an alternative or a variant of --policy.", completion: .kernels)
    var name: String
    @OptionGroup(title: "Filters") var filters: AxisFilters

    mutating func run() throws {
      guard filters.kernel.isEmpty else {
        throw UsageError(description: "--kernel is no filter of policy reach, which names one")
      }
      let version = try filters.kernel(called: name, option: "kernel")
      try requireKnobs(version, option: "kernel")
      let reach = Reach(version, domain: try filters.domain()) { fraction in
        Output.progress(fraction, "trying knobs")
      }
      try Output.write(reachText(reach))
    }
  }
}
