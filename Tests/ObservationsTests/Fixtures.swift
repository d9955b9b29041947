import Conformance
import DMAModel
import Foundation
import Support
import Testing

@testable import Observations

/// Logs of dmaprobe on Debian kernels in QEMU, as `lab run --masks 0,24,32,64` made
/// them, less the lines of the kernel log that nobody reads.
enum Logs {
  static let names = [
    "6.1.0-53-amd64-none-default-6G", "6.12.117+deb12-amd64-intel_untrusted-default-2G",
    "7.2.12+deb13-amd64-intel_lazy-default-6G", "7.3.4+deb13-amd64-none-force-6G",
  ]

  static func path(_ name: String) throws -> String {
    try #require(Bundle.module.resourceURL)
      .appendingPathComponent("Logs/\(name).log.gz").path
  }

  static func text(_ name: String) throws -> String {
    String(decoding: try GzipFile.contents(of: path(name)), as: UTF8.self)
  }

  static func lines(_ name: String) throws -> [String] {
    try text(name).split(separator: "\n").map(String.init)
  }

  static func boots(_ name: String) throws -> [BootObservations] {
    try ProbeLog.read(path: path(name))
  }
}

/// A line of the probe with another body, its checksum made anew.
func line(_ line: String, replacing pattern: String, with text: String) throws -> String {
  let mark = try #require(line.range(of: "dmaprobe: v1 "))
  let body = try #require(line[mark.upperBound...].split(separator: "#").first).dropLast()
  let changed = body.replacing(pattern, with: text)
  let sum = String(ProbeLine.checksum(changed), radix: 16)
  return line[..<mark.upperBound] + changed + " #"
    + String(repeating: "0", count: 8 - sum.count) + sum
}

/// The boots of ../shared, where a checkout has them beside it.
let sharedBoots: [String] = {
  let directory = "../shared/vectors"
  let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  return names.filter { $0.hasPrefix("boot-") }.sorted().map { "\(directory)/\($0)" }
}()
