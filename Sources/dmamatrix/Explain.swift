import Analysis
import ArgumentParser
import DMAModel
import Foundation
import Reporting

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say why a kernel answers a scenario as it does.",
    discussion: """
      Prints configuration, answer, verdict and the path: each function and the
      condition taken, with the knob by which versions differ there.  With two
      kernels, both paths from where they part.  Without --mask every mask is
      shown.  Axes that are not given: no IOMMU, 64G, one mask for all, no bus
      limit, a coherent trusted device, a map of the buffer dma32.

      --cmdline and --dmesg take what people paste; what they leave open is
      ranged over, and what a parameter did is said.

      After the answer comes its end: the path of dma_unmap_* or dma_free_* with
      the same arguments, and what is left.  --mask-change, --dynamic, --fill and
      --decrypt-fails say what happens in between, one thing at a time.

      Examples:
        dmamatrix explain --kernel v6 --platform x86-sme47 --op map --mask 64 \\
            --cmdline "mem_encrypt=on iommu=pt swiotlb=force"
        dmamatrix explain --kernel v6,v7 --platform tdx --mask 64
        dmamatrix explain --kernel 7.3 --cmdline - < /proc/cmdline
        dmamatrix explain --dmesg boot.log --mask 32
        dmamatrix explain --kernel 7.2 --platform arm64-cca --mask 64 \\
            --op alloc_pages_atomic
      """)

  @Option(help: ArgumentHelp("A kernel command line, or - for standard input.", valueName: "text"))
  var cmdline: String?
  @Option(help: "A boot log, or - for standard input.", completion: .file())
  var dmesg: String?
  @OptionGroup var color: ColorOption
  @OptionGroup(title: "Circumstance") var circumstance: CircumstanceOptions
  @OptionGroup(title: "Scenario") var filters: AxisFilters

  mutating func run() throws {
    var question = try ExplainQuestion(
      filters: filters, circumstance: circumstance.circumstance())
    if let dmesg { try question.read(log: text(of: dmesg, bootLog: true), named: dmesg) }
    if let cmdline { try question.read(commandLine: text(of: cmdline, bootLog: false)) }
    try Output.write(color.applied(to: question.answer()))
  }

  /// The argument, the named log, or standard input, at most 64 MiB.
  private func text(of argument: String, bootLog: Bool) throws -> String {
    let data: Data
    if argument == "-" {
      data = try Input.standardInput(expected: bootLog ? "a boot log" : "a command line")
    } else if bootLog {
      data = try Input.file(argument, option: "--dmesg", expected: "a boot log")
    } else {
      return argument
    }
    // A log may hold bytes of other encodings; the kernel's own lines are ASCII.
    return String(decoding: data, as: UTF8.self)
  }
}
