import ArgumentParser
import DMAModel
import Foundation
import Lab
import Reporting
import Support

struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab",
    abstract: "Boot kernels in QEMU and collect what dmaprobe sees.",
    discussion: """
      What real drivers do is in captures, which host and observe read: "make
      lab-devices" of the sources boots a kernel with some and takes one.

      Examples:
        dmamatrix lab plan --kernel 7.2,7.3
        dmamatrix lab run --kernel bzImage --module dmaprobe.ko -o logs
      """,
    subcommands: [Plan.self, Run.self])

  /// The boots to choose from.
  struct Boots: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "IOMMUs: \(LabBoot.iommuNames.joined(separator: ", ")).", valueName: "name"),
      completion: .names(LabBoot.iommuNames))
    var iommu: [String] = []
    @Option(
      help: ArgumentHelp("swiotlb modes: default, force, noforce.", valueName: "mode"),
      completion: .names(LabBoot.swiotlbModes.map(\.name)))
    var swiotlb: [String] = []
    @Option(
      help: ArgumentHelp("RAM: 2G, 2200M, 3G, 6G, 12G (default: 2G and 6G).", valueName: "size"),
      completion: .names(LabBoot.knownMemories))
    var mem: [String] = []

    func boots() throws -> [LabBoot] {
      func chosen(_ option: String, _ values: [String], _ accepted: [String]) throws -> [String] {
        let values = commaSeparated(values)
        for value in values where !accepted.contains(value) {
          throw UsageError(
            description: "--\(option) '\(value.printable)' is unknown; accepted: "
              + accepted.joined(separator: ", "))
        }
        return values.isEmpty ? accepted : values
      }
      let modes = try chosen("swiotlb", swiotlb, LabBoot.swiotlbModes.map(\.name))
      return LabBoot.all(
        iommus: try chosen("iommu", iommu, LabBoot.iommuNames),
        swiotlb: LabBoot.swiotlbModes.filter { modes.contains($0.name) },
        memories: mem.isEmpty
          ? LabBoot.memories : try chosen("mem", mem, LabBoot.knownMemories))
    }
  }

  struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Choose the fewest boots that show every answer of the model.",
      discussion: """
        An answer is what is asked, the result, the rule that decided, and what the
        device is told about its reach.  With two kernels or more, each chosen boot is
        run on all of them, and the boots also show every way in which the kernels
        differ.

        The lab's machine is an x86 host: what the model says of SME, SEV, TDX and
        other platforms needs their hardware, and dmaprobe loaded there.

        Examples:
          dmamatrix lab plan --kernel 6.12
          dmamatrix lab plan --kernel 7.2,7.3 --iommu none,intel_strict
        """)

    @Option(help: ArgumentHelp("Kernels.", valueName: "k"), completion: .kernelList)
    var kernel: [String] = ["6.12"]
    @OptionGroup(title: "Boots") var boots: Boots

    mutating func run() throws {
      let kernels = try commaSeparated(kernel).map { try dmamatrix.kernel($0) }
      try Output.write(labPlanText(LabPlan(kernels: kernels, boots: try boots.boots())))
    }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Boot a kernel with dmaprobe, one log a boot.",
      discussion: """
        QEMU's q35 machine by emulation (TCG), one CPU, with its edu device; no
        network, no disk, no file of the host but kernel, busybox and module.  A log
        that is whole and of the same kernel and options is not made again, so that an
        interrupted run goes on where it stopped; what panics, hangs or does not
        answer is kept as RELEASE-NAME.failed.log.
        With --shard each machine makes its part of the boots; all logs may go to one
        directory, and observe takes them together.
        Exit status 2 if a boot failed.  Needed: qemu-system-x86, busybox-static.

        Sources/dmaprobe/debian.sh fetches a Debian kernel and builds the module.

        Examples:
          dmamatrix lab run --kernel bzImage --module dmaprobe.ko -o logs
          dmamatrix lab run --kernel bzImage --module dmaprobe.ko -o logs \\
            --plan 6.12
          dmamatrix lab run --kernel bzImage --module dmaprobe.ko -o logs \\
            --shard 1/4
          dmamatrix observe logs/*.log
        """)

    @Option(help: "The kernel image (bzImage, vmlinuz).", completion: .file())
    var kernel: String
    @Option(help: "dmaprobe.ko, built for that kernel.", completion: .file())
    var module: String
    @Option(name: [.short, .long], help: "Where logs go.", completion: .directory)
    var output: String
    @Option(
      help: ArgumentHelp("Boot only what 'lab plan' chooses for it.", valueName: "kernel"),
      completion: .kernels)
    var plan: String?
    @Option(help: ArgumentHelp("Seconds that a boot may take.", valueName: "n"))
    var limit = 120
    @Option(help: ArgumentHelp("Bits of the device's bus limit; 0 for none.", valueName: "bits"))
    var busLimit = 0
    @Option(
      help: ArgumentHelp("Bits of the masks, 0 for the device's own: 0,32,64.", valueName: "bits"))
    var masks: [String] = []
    @OptionGroup(title: "Boots") var boots: Boots
    @OptionGroup(title: "Parts") var part: ShardOption

    func validate() throws {
      guard (1...86400).contains(limit) else {
        throw ValidationError("--limit '\(limit)' is no number of seconds; accepted: 1 to 86400")
      }
      guard busLimit == 0 || (12...64).contains(busLimit) else {
        throw ValidationError("--bus-limit '\(busLimit)' is unknown; accepted: 0, 12 to 64")
      }
    }

    mutating func run() throws {
      var boots = try boots.boots()
      if let plan {
        boots = LabPlan(kernels: [try dmamatrix.kernel(plan)], boots: boots).choices.map(\.boot)
      }
      if let shard = try part.part() { boots = shard.part(of: boots) }
      let files = try LabFiles(
        kernel: kernel, module: module, busLimit: busLimit, masks: try maskBits())
      try AtomicFile.makeDirectory(output)
      let lab = LabRun(files: files, directory: output, secondsPerBoot: limit) {
        Interruption.removeOnSignal($0, ending: $1)
      }
      var failed: [(boot: LabBoot, outcome: LabOutcome)] = []
      for (index, boot) in boots.enumerated() {
        Output.progress(Double(index) / Double(boots.count), "booting \(boot.name),")
        let outcome = try lab.run(boot)
        if !outcome.isComplete { failed.append((boot, outcome)) }
        Output.summary(labOutcomeText(boot, outcome))
      }
      Output.progress(1, "booting")
      Output.summary("\(boots.count) boots, \(failed.count) failed\n")
      guard let first = failed.first else { return }
      let others = failed.count > 1 ? " and \(failed.count - 1) more" : ""
      throw UsageError(
        description: "\(first.boot.name)\(others) gave no observations "
          + "(\(first.outcome.failure)); its log is \(lab.failedLog(of: first.boot).printable), "
          + "the others are kept")
    }

    private func maskBits() throws -> [Int] {
      let bits = try commaSeparated(masks).map { text in
        guard let bits = Int(text), (0...64).contains(bits) else {
          throw UsageError(
            description: "--masks '\(text.printable)' is no number of bits; accepted: 0 to 64")
        }
        return bits
      }
      guard bits.count <= 32 else {
        throw UsageError(description: "--masks names \(bits.count) masks; accepted: up to 32")
      }
      return bits
    }
  }
}
