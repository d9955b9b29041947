import ArgumentParser
import DMAModel
import Foundation
import HostCapture
import HostModel
import Reporting
import Support
import TraceEvents

/// The files of `observe` that are captures or traces of traffic.
struct TrafficFiles {
  private var inputs: [(name: String, capture: HostCapture, trace: Trace)] = []

  /// Whether the files are traffic: all or none.
  var isUsed: Bool { !inputs.isEmpty }

  /// Looks at every file; logs are left to their own reader.
  ///
  /// - Parameter host: The machine of traces that come without one.
  init(_ files: [String], host: String?) throws {
    let machine = try host.map { try Self.machine($0) }
    var logs: [String] = []
    for file in files {
      // A pipe cannot be read twice: it is a trace if a machine is named, else a log.
      if file == "-" || !Self.isRegular(file) {
        guard let machine else {
          logs.append(file)
          continue
        }
        let path = file == "-" ? "/dev/stdin" : file
        try add(file, try GzipFile.contents(of: path, limit: HostCapture.byteLimit), machine)
        continue
      }
      guard let head = Self.head(of: file) else {
        logs.append(file)
        continue
      }
      if HostCapture.isCapture(head) {
        let capture = try HostCapture(archive: file)
        guard let bytes = capture.trace else {
          throw UsageError(
            description:
              "\(file.printable): the capture has no trace; \"sh capture.sh --trace 10\" "
              + "takes one")
        }
        inputs.append((file, capture, TraceReader.read(bytes)))
      } else if machine != nil || TraceReader.isTrace(head) {
        guard let machine else {
          throw UsageError(
            description: "\(file.printable): a trace needs the machine that it is of; --host names "
              + "its capture or folder")
        }
        try add(file, try GzipFile.contents(of: file, limit: HostCapture.byteLimit), machine)
      } else {
        logs.append(file)
      }
    }
    if let log = logs.first, let other = inputs.first {
      throw UsageError(
        description: "'\(log.printable)' is no capture or trace as '\(other.name.printable)' is; "
          + "give logs and traffic to two calls")
    }
  }

  private mutating func add(_ name: String, _ bytes: [UInt8], _ machine: HostCapture) throws {
    let trace = TraceReader.read(bytes)
    guard !trace.events.isEmpty || trace.inBuffer != nil || trace.otherEvents > 0 else {
      throw UsageError(
        description: "\(name.printable): no event of dma or swiotlb; expected text of trace, "
          + "\"trace-cmd report\" or \"perf script\"")
    }
    inputs.append((name, machine, trace))
  }

  private static func machine(_ path: String) throws -> HostCapture {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw UsageError(
        description: "--host '\(path.printable)': no such capture or folder")
    }
    return status.st_mode & S_IFMT == S_IFDIR
      ? try HostCapture(root: path) : try HostCapture(archive: path)
  }

  private static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The first bytes, decompressed; nil for what the reader of logs will refuse.
  private static func head(of path: String) -> [UInt8]? {
    try? GzipFile.head(of: path, count: 64 << 10)
  }

  /// Compares all, and prints what was found.
  func compare(version: KernelVersion?, format: FindingFormat, color: ColorOption) throws {
    var differs = false
    var texts: [String] = []
    for (name, capture, trace) in inputs {
      let best = TrafficCheck.best(of: trace, with: try ReportedHost.boot(capture, version))
      let notes = capture.notes + best.boot.notes + trace.notes
      var summary = best.summary
      summary.poolDifference = best.boot.poolDifference
      differs = differs || summary.total.differ > 0 || summary.poolDifference != nil
      if format == .json {
        texts.append(trafficJSON(summary, notes: notes))
      } else {
        var document = Document()
        document.blocks.append(.title(name.printable))
        document.blocks += trafficBlocks(summary, notes: notes)
        document.blocks += deviceTrafficBlocks(summary)
        texts.append(document.text(format == .markdown ? .markdown : .text))
      }
    }
    let text =
      format == .json
      ? (texts.count == 1 ? texts[0] : "[\n" + texts.joined(separator: ",\n") + "]\n")
      : texts.joined(separator: "\n")
    try Output.write(color.applied(to: text, if: format == .text))
    if differs { throw ExitCode(1) }
  }
}
