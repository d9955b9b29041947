import ArgumentParser
import DMAModel
import Foundation
import MatrixStore
import Observations
import Reporting

struct Observe: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Import what booted kernels did, and compare it with the model.",
    discussion: """
      A file is a kernel log from boot on (dmesg, journalctl -k, a serial console)
      of a machine that loaded dmaprobe, or a CSV of such boots, plain or
      compressed by gzip.  The platform, RAM and command line are read from the
      log; "lab run" makes such logs.  The model is asked the same of that very
      machine, and every column is compared.

      A file may also be a capture of a machine (see "dmamatrix host --script") with a
      trace of dma:* and swiotlb:*, or the trace alone as tracefs, "trace-cmd report" or
      "perf script" print it, with --host naming the capture or folder of its machine.
      Every mapping, bounce, allocation, unmap and sync is compared; traffic is not
      stored.  Lost, overwritten and unknown events are said.

      All files are read before anything is stored, and they are stored together
      or not at all.  A file that is imported again replaces itself.  "generate"
      keeps observations when it makes a database anew.

      What cannot be compared: which IOVA, slot or page was taken (they are checked
      for the mask, the pool and RAM); dma_need_sync() of an IOVA, which depends on
      what the device mapped before; IOVA spaces that are too small or not flushed
      yet.  Each is counted by name.

      Exit status 1 if anything differs.

      Examples:
        dmesg > log; dmamatrix observe log
        dmamatrix observe logs/*.log boot-6.12.csv.gz -d matrix.db
        dmamatrix observe --dry-run log
        journalctl -k | dmamatrix observe -
        dmamatrix observe capture.tar.gz
        trace-cmd report | dmamatrix observe --host capture.tar.gz -
      """)

  @Argument(help: "Kernel logs or CSV files, - for standard input.", completion: .file())
  var files: [String]
  @OptionGroup var source: DatabaseOption
  @Option(
    help: ArgumentHelp(
      "The modelled kernel to compare logs with, instead of the one of their release.",
      valueName: "k"), completion: .kernels)
  var kernel: String?
  @Flag(help: "Take the intact lines of a log that was cut or mixed.")
  var intact = false
  @Flag(help: "Compare, but store nothing; no database is needed.")
  var dryRun = false
  @Option(
    help: ArgumentHelp(
      "The machine that a trace is of: a capture, or a folder as --root of host.",
      valueName: "machine"), completion: .file())
  var host: String?
  @Option(
    help: ArgumentHelp("For traffic: text, markdown or json.", valueName: "format"),
    completion: .formats(FindingFormat.self))
  var format = "text"
  @OptionGroup var color: ColorOption

  mutating func run() throws {
    let version = try kernel.map { try dmamatrix.kernel($0) }
    let traffic = try TrafficFiles(files, host: host)
    if traffic.isUsed {
      return try traffic.compare(
        version: version, format: try dmamatrix.format(format), color: color)
    }
    guard host == nil, format == "text" else {
      throw UsageError(
        description: "--\(host == nil ? "format" : "host") is for traces; the files are logs")
    }
    if !dryRun { _ = try MatrixDatabase(path: source.database) }
    var imports: [ObservationImport] = []
    for (index, file) in files.enumerated() {
      Output.progress(Double(index) / Double(files.count), "reading")
      let path = file == "-" ? "/dev/stdin" : file
      let read = try ObservationFile.read(path: path, kernel: kernel, intactOnly: intact)
      imports.append(
        ObservationImport(
          name: URL(fileURLWithPath: path).lastPathComponent,
          sha256: try digest(of: path, bytes: read.bytes), kind: read.kind, intactOnly: intact,
          boots: read.boots))
    }
    Output.progress(1, "reading")
    if !dryRun {
      try ObservationStore(path: source.database, toolVersion: toolVersion).add(imports) {
        Interruption.removeOnSignal($0)
      }
    }
    let boots = try answered(imports.flatMap(\.boots))
    let sources = imports.map { file in
      ObservedSource(
        name: file.name, sha256: file.sha256, boots: file.boots.count,
        observations: file.boots.reduce(0) { $0 + $1.observations.count })
    }
    let (document, agrees) = observedDocument(boots, sources: sources)
    try Output.write(color.applied(to: document.text(.text), if: true), isKept: !dryRun)
    if !agrees { throw ExitCode(1) }
  }
}

/// What a file is known by: its own bytes, or those that a pipe gave, which cannot be
/// read twice.
private func digest(of path: String, bytes: [UInt8]) throws -> String {
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    return ModelDigest.digest(ofBytes: bytes)
  }
  return try ModelDigest.digest(ofFile: path)
}

/// Boots with the kernels that answer for them.
func answered(_ boots: [BootObservations]) throws -> AnsweredBoots {
  try boots.map { ($0, try kernel($0.boot.kernel)) }
}
