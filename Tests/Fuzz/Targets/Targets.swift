import Analysis
import Conformance
import DMAModel
import Foundation
import MatrixStore
import PolicyFiles

@testable import KernelTree
@testable import Observations

/// One parser: takes any bytes, and returns the sentence of its error if it has one.
/// Throws a ``Violation`` where what it accepted is not what it promises.
///
/// A new parser is one line here, one in SeedTests.swift and, for its seeds, one in
/// run.sh.
typealias FuzzTarget = @Sendable ([UInt8]) throws -> String?

let targets: [String: FuzzTarget] = [
  "cmdline": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    return try sentence { _ = try KernelCommandLine(text) }
      ?? sentence { _ = try KernelCommandLine(text, family: .arm64, prefixes: true) }
  },
  "dmesg": { bytes in
    try sentence {
      let log = try BootLog(String(decoding: bytes, as: UTF8.self))
      if let line = log.commandLine { _ = try sentence { _ = try KernelCommandLine(line) } }
    }
  },
  "policy": { bytes in
    try inFile(bytes) { path in _ = try PolicyFiles.read([path]) }
  },
  "vectors": { bytes in
    try sentence { try compare(try VectorsFile(name: "vectors.csv", bytes: bytes)) }
  },
  "gzip": { bytes in
    try inFile(bytes) { path in try compare(try VectorsFile(path: path)) }
  },
  "probe": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    try isClean(sentence { _ = try ProbeLog.read(name: "log", text: text) })
    // No fuzzer guesses checksums.
    let right = withRightChecksums(text)
    try isClean(sentence { _ = try ProbeLog.read(name: "log", text: right) })
    return try sentence {
      try observe(try ProbeLog.read(name: "log", text: right, intactOnly: true))
    }
  },
  "boot": { bytes in
    try sentence { try observe(try BootCSV.read(name: "boot.csv", bytes: bytes)) }
  },
  "mbox": { bytes in
    _ = PatchMail.version(of: String(decoding: bytes, as: UTF8.self))
    return try sentence {
      for mail in try SeriesFile.patches(in: Data(bytes)) {
        for change in mail.changes { try stayInTree(change) }
      }
    }
  },
  "tree": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    let source = CSource(path: "/tree/file.c", text: text)
    let lines = text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
    for item in source.items where !(1...lines).contains(item.line) || item.text.isEmpty {
      throw Violation("line \(item.line) of \(lines): \(item.text)")
    }
    let roots = source.items.flatMap(\.names).prefix(20)
    _ = source.extract(Array(roots))
    let kconfig = Kconfig(texts: [text])
    _ = kconfig.closure(of: ["SWIOTLB", "DMA_OPS"], without: ["EXPERT"])
    _ = kconfig.number(of: "ARCH_FORCE_MAX_ORDER")
    return nil
  },
  "claims": { bytes in
    // Claims are compiled in: their errors come from the decoder, and are not ours.
    guard let claims = try? Claim.read(String(decoding: bytes, as: UTF8.self)) else { return nil }
    for claim in claims.prefix(2) where claim.kernels.count <= 1 { _ = try? claim.judge() }
    return nil
  },
  "sql": { bytes in
    try sentence {
      let query = ReadOnlyQuery(
        sql: String(decoding: bytes, as: UTF8.self), timeLimit: 0.5, rowLimit: 100)
      let result = try query.run(on: try database.get())
      guard result.rows.count <= 100,
        result.rows.allSatisfy({ $0.count == result.columns.count })
      else { throw Violation("\(result.rows.count) rows of \(result.columns.count) columns") }
    }
  },
]

/// A promise that was not kept.
struct Violation: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Runs a parser.
func run(_ target: FuzzTarget, on bytes: [UInt8]) throws { try isClean(try target(bytes)) }

/// An error is one sentence: one line, nothing that steers a terminal, and no flood.
private func isClean(_ sentence: String?) throws {
  guard let sentence else { return }
  if sentence.unicodeScalars.contains(where: \.isControl) {
    throw Violation("a control character: \(sentence.debugDescription)")
  }
  if sentence.utf8.count >= 4096 { throw Violation("a flood: \(sentence.prefix(200))") }
}

private func compare(_ vectors: VectorsFile) throws {
  var (vectors, check) = (vectors, ConformanceCheck())
  while let vector = try vectors.next() { check.compare(vector, file: "vectors.csv") }
}

/// What `observe` does with what it read.
private func observe(_ boots: [BootObservations]) throws {
  var summary = ObservationSummary()
  for boot in boots {
    guard let version = KernelVersion.named(boot.boot.kernel) else {
      throw Violation("a boot of no kernel: \(boot.boot.kernel)")
    }
    summary.add(boot, version: version)
  }
  let rows = boots.reduce(0) { $0 + $1.observations.count }
  if summary.total.rows != rows { throw Violation("\(summary.total.rows) of \(rows) rows") }
}

private func withRightChecksums(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
    guard let mark = line.firstRange(of: "dmaprobe: v1 "), let hash = line.lastIndex(of: "#"),
      mark.upperBound < hash
    else { return String(line) }
    let sum = ProbeLine.checksum(line[mark.upperBound..<hash].dropLast())
    let digits = String(sum, radix: 16)
    return line[...hash] + String(repeating: "0", count: 8 - digits.count) + digits
  }.joined(separator: "\n")
}

/// What git is given changes one file, that of the mail, below the tree.
private func stayInTree(_ change: FileChange) throws {
  for path in [change.old, change.new].compactMap({ $0 }) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    if path.unicodeScalars.contains(where: \.isControl)
      || parts.contains(where: { ["", ".", "..", ".git"].contains($0) })
    {
      throw Violation("leaves the tree: \(path.debugDescription)")
    }
  }
  // Lines as git sees them: CR LF is one Character.
  let lines = change.text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
  let again = try? SeriesFile.diffs(in: lines.map { String($0) })
  guard let again, again.count == 1, again[0].old == change.old, again[0].new == change.new
  else { throw Violation("not the change of one file: \(change.text)") }
}

/// The database that SQL is asked of: that of FUZZ_DATABASE, or a small one.
private let database = Result {
  if let path = ProcessInfo.processInfo.environment["FUZZ_DATABASE"] {
    return try MatrixDatabase(path: path)
  }
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("dmamatrix-fuzz-\(getpid()).db").path
  defer { unlink(path) }
  var domain = MatrixDomain()
  domain.kernels = KernelVersion.all.filter { $0.name == "v6" }
  domain.platforms = [.sev]
  domain.operations = [.map]
  domain.masks = ["32", "64"].flatMap { DMAMask.masks(in: $0) ?? [] }
  _ = try MatrixGenerator(domain: domain, jobs: 1, toolVersion: "fuzz").generate(to: path)
  return try MatrixDatabase(path: path)
}

/// The sentence of the error that some work throws.
private func sentence(_ work: () throws -> Void) throws -> String? {
  do {
    try work()
    return nil
  } catch let violation as Violation {
    throw violation
  } catch { return "\(error)" }
}

/// Gives the bytes to a parser that reads files.
private func inFile(_ bytes: [UInt8], _ read: (String) throws -> Void) throws -> String? {
  let directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
  let path = "\(directory)/dmamatrix-fuzz-\(getpid())"
  defer { unlink(path) }
  guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { return nil }
  return try sentence { try read(path) }
}
