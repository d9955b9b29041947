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
      shown.  Axes that are not given have these values: no IOMMU, 64 GiB of RAM,
      the same mask for maps and allocations, no bus limit, a coherent and trusted
      device, a map of low and of high RAM.

      A board is described as it is: masks and limits as addresses, firmware's
      dma-ranges, RAM and DMA zone, what the driver set in dma_parms.  With one
      mask, what the driver can read is printed too.  --device-bits says how many
      address lines are really driven.  A scatter list of several entries has one
      --buf for each.

      ppc64 is a Freescale machine with up to 4 GiB; with more, swiotlb_detect_4g()
      makes a pool.  IBM's PowerNV and pSeries are not modelled: their PCI devices
      have TCE operations (arch/powerpc/kernel/dma-iommu.c).

      A scenario's key names all axes at once.  It is accepted in every form in which
      reports print it: broken over two lines, with a kernel before it, with * for
      all masks, with a circumstance behind a semicolon.

      --dmesg takes a boot log as people paste it (dmesg, journal, mail): each
      fact stands with its line, and what the log leaves open is answered side
      by side.  Where some devices are behind an IOMMU and others are not,
      --device picks one.  --line takes a message about a failed mapping alone.
      --cmdline takes a command line.  For a kernel that is not modelled, the
      modelled ones before and after it answer.

      The end of the request follows: the path of dma_unmap_* or dma_free_* with
      the same arguments, and what that leaves behind.  --mask-change, --dynamic, --fill and
      --decrypt-fails say what happens in between, one thing at a time.

      Examples:
        dmamatrix explain --kernel v6 --platform x86-sme47 --op map --mask 64 \\
            --cmdline "mem_encrypt=on iommu=pt swiotlb=force"
        dmamatrix explain --kernel v6,v7 --platform tdx --mask 64
        dmamatrix explain --kernel 7.3 --cmdline - < /proc/cmdline
        dmamatrix explain --dmesg boot.log --mask 32
        dmamatrix explain --dmesg boot.log --device 0000:01:00.0 --format json
        dmamatrix explain --line "nvme 0000:01:00.0: swiotlb buffer is full \\
            (sz: 524288 bytes), total 32768 (slots), used 12 (slots)"
        dmamatrix explain --kernel 6.12 --platform arm64 --mask 32 \\
            --dma-offset 0x400000000 --bus-limit 0x47fffffff
        dmamatrix explain --kernel 7.2 --platform arm64-cca --mask 64 \\
            --op alloc_pages_atomic
        dmamatrix explain --kernel v6,v7 \\
            x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/high
      """)

  @Argument(help: "A scenario's key, instead of the options of its axes.")
  var key: [String] = []
  @Option(help: ArgumentHelp("A kernel command line, or - for standard input.", valueName: "text"))
  var cmdline: String?
  @Option(help: "A boot log, or - for standard input.", completion: .file())
  var dmesg: String?
  @Option(
    help: ArgumentHelp(
      "A message about a failed mapping, or - for standard input.", valueName: "text"))
  var line: String?
  @Option(help: ArgumentHelp("A device of the log, as 0000:01:00.0.", valueName: "name"))
  var device: String?
  @Option(
    help: ArgumentHelp("text or json.", valueName: "format"),
    completion: .formats(ExplainFormat.self))
  var format = "text"
  @OptionGroup var color: ColorOption
  @Option(
    help: ArgumentHelp("How many address lines the device really drives.", valueName: "bits"))
  var deviceBits: Int?
  @OptionGroup(title: "Board") var board: BoardOptions
  @OptionGroup(title: "Circumstance") var circumstance: CircumstanceOptions
  @OptionGroup(title: "Scenario") var filters: AxisFilters

  mutating func run() throws {
    var (filters, circumstance) = (filters, circumstance)
    if !key.isEmpty { try ScenarioKeyArgument(key).fill(&filters, &circumstance) }
    let format: ExplainFormat = try dmamatrix.format(format)
    guard device == nil || dmesg != nil else {
      throw UsageError(description: "--device names a device of a boot log; it needs --dmesg")
    }
    var question = try ExplainQuestion(
      filters: filters, circumstance: circumstance.circumstance(), board: board,
      device: board.device(addressLines: addressLines(deviceBits) ?? 64))
    if let line { try question.read(lines: text(of: line, bootLog: false)) }
    do {
      if let dmesg {
        try question.read(log: text(of: dmesg, bootLog: true), named: dmesg, device: device)
      }
      if let cmdline { try question.read(commandLine: text(of: cmdline, bootLog: false)) }
      switch format {
      case .text: try Output.write(color.applied(to: question.answer()))
      case .json: try Output.write(question.json())
      }
    } catch let error as UsageError {
      // What was found is not lost in an error.
      if question.hasFindings {
        switch format {
        case .text: try Output.write(question.found())
        case .json: try Output.write(question.json(error: error.description))
        }
      }
      throw error
    }
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

/// How an explanation is printed.
private enum ExplainFormat: String, CaseIterable { case text, json }
