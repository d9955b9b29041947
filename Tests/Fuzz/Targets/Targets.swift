import Analysis
import BootInputs
import Conformance
import DMAModel
import Foundation
import HostCapture
import HostModel
import MatrixStore
import PolicyFiles
import Reporting
import Support
import TraceEvents

@testable import DriverScan
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
      let text = String(decoding: bytes, as: UTF8.self)
      for (failure, _) in FailingLine.all(in: text) { _ = failure.diagnosis }
      _ = KernelMessage.notes(in: text)
      let log = try BootLog(text)
      let facts = BootFacts(log)
      if let machine = facts.memory.machine {
        _ = KernelVersion.latest.booted(
          facts.platform.platforms.first ?? .x86, .none, .standard, machine)
      }
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
  "capture": { bytes in
    // No fuzzer guesses checksums of headers.
    try isClean(sentence { _ = try HostCapture(archive: bytes, named: "capture") })
    return try sentence {
      let capture = try HostCapture(archive: withRightHeaders(bytes), named: "capture")
      guard let boot = try? HostBoot(capture) else { return }
      let trace = TraceReader.read(capture.trace ?? [])
      let best = TrafficCheck.best(of: trace, with: boot)
      try isPlain(hostDocument(HostReport(best.boot, traffic: best.summary)).text(.text))
    }
  },
  "trace": { bytes in
    let trace = TraceReader.read(bytes)
    for note in trace.notes { try isClean(note) }
    let summary = TrafficCheck(trace, with: try machine.get()).summary
    let total = summary.total
    guard total.events == trace.events.count,
      total.agree + total.limited + total.unseen + total.differ == total.events
    else { throw Violation("\(total) of \(trace.events.count) events") }
    try isPlain(
      Document(blocks: trafficBlocks(summary, notes: trace.notes) + deviceTrafficBlocks(summary))
        .text(.text))
    return nil
  },
  "boot": { bytes in
    try sentence { try observe(try BootCSV.read(name: "boot.csv", bytes: bytes)) }
  },
  "mbox": { bytes in
    _ = PatchMail.version(of: String(decoding: bytes, as: UTF8.self))
    return try sentence {
      for mail in try PatchSeries(mbox: Data(bytes)).mails {
        for change in mail.changes { try stayInTree(change) }
      }
    }
  },
  // A file, a line "%%", and a mail's body.
  "patch": { bytes in
    let parts = bytes.split(separator: Array("\n%%\n".utf8), maxSplits: 1)
    guard parts.count == 2 else { return nil }
    return try sentence {
      for change in try SeriesFile.diffs(in: Array(parts[1])[...]) {
        for file in [Array(parts[0]), Array(parts[0]) + [UInt8(ascii: "\n")], [], nil] {
          try apply(change, to: file)
        }
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
    _ = kconfig.defaults(with: ["A"])
    return nil
  },
  "drivers": { bytes in
    let file = CFile(path: "drivers/file.c", bytes: bytes)
    guard let tree = try? driverTree.get() else { return nil }
    var read = DriverFile(file, headers: Headers(tree))
    for sharesOneMask in [false, true] {
      let (pairs, isDecided, _) = read.pairs(sharesOneMask: sharesOneMask)
      guard Set(pairs).count == pairs.count else { throw Violation("a pair twice") }
      if sharesOneMask, pairs.contains(where: { $0.streaming != $0.coherent }) {
        throw Violation("two masks where there is one")
      }
      if isDecided, read.calls.contains(where: { $0.expression.hasPrefix("more than") }) {
        throw Violation("decided beyond the limit")
      }
    }
    let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 1
    for line in read.calls.map(\.line) + read.uses.map(\.line) where !(1...lines).contains(line) {
      throw Violation("line \(line) of \(lines)")
    }
    _ = DeviceTables(file, headers: Headers(tree))
    let text = String(decoding: bytes, as: UTF8.self)
    let kbuild = Kbuild([("drivers/Makefile", text)])
    let kconfig = KconfigSymbols([("drivers/Kconfig", text)])
    let place = kbuild.place(of: "drivers/a.c")
    _ = kconfig.canBeOn(place?.symbols ?? ["A"], .x86, compileTest: true)
    return nil
  },
  "claims": { bytes in
    // Claims are compiled in: their errors come from the decoder, and are not ours.
    guard let claims = try? Claim.read(String(decoding: bytes, as: UTF8.self)) else { return nil }
    for claim in claims.prefix(2) where claim.kernels.count <= 1 { _ = try? claim.judge() }
    return nil
  },
  "sql": { bytes in
    let (asked, sql) = (try database.get(), String(decoding: bytes, as: UTF8.self))
    let files = try beside(asked)
    let refusal = try sentence {
      let query = ReadOnlyQuery(sql: sql, timeLimit: 0.5, rowLimit: 100)
      let result = try query.run(on: asked)
      guard result.rows.count <= 100,
        result.rows.allSatisfy({ $0.count == result.columns.count })
      else { throw Violation("\(result.rows.count) rows of \(result.columns.count) columns") }
    }
    guard try beside(asked) == files else { throw Violation("made or changed a file") }
    if refusal == nil { try QuestionProgram(sql, databasePath: asked.path)?.check() }
    return refusal
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

/// A text for people: nothing that steers a terminal.
private func isPlain(_ text: String) throws {
  if text.unicodeScalars.contains(where: { $0.isControl && $0 != "\n" }) {
    throw Violation("a control character in a text")
  }
}

/// The archive with the checksums that its headers should have.
private func withRightHeaders(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  for start in stride(from: 0, to: bytes.count - 511, by: 512)
  where bytes[start..<start + 512].contains(where: { $0 != 0 })
    && Array(bytes[start + 257..<start + 262]) == Array("ustar".utf8)
  {
    for index in 148..<156 { bytes[start + index] = 0x20 }
    let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
    let digits = Array(String(sum, radix: 8).utf8)
    let padded = [UInt8](repeating: 0x30, count: max(0, 6 - digits.count)) + digits
    for (index, byte) in padded.prefix(6).enumerated() { bytes[start + 148 + index] = byte }
    bytes[start + 154] = 0
  }
  return bytes
}

/// A machine for traces: one device behind dma-direct.
private let machine = Result {
  let files = [
    "proc/version": "Linux version 7.3.4 (x86_64-linux)",
    "proc/iomem": "00001000-7fffffff : System RAM\n100000000-1ffffffff : System RAM",
    "sys/bus/pci/devices/0000:00:01.0/dma_mask_bits": "32",
    "sys/bus/pci/devices/0000:00:01.0/consistent_dma_mask_bits": "32",
  ]
  var archive: [UInt8] = []
  for (path, text) in files.sorted(by: { $0.key < $1.key }) {
    var header = [UInt8](repeating: 0, count: 512)
    header.replaceSubrange(0..<path.utf8.count, with: path.utf8)
    let size = String(text.utf8.count, radix: 8)
    header.replaceSubrange(124..<124 + size.utf8.count, with: size.utf8)
    header[156] = 0x30
    header.replaceSubrange(257..<262, with: "ustar".utf8)
    archive += header + Array(text.utf8)
    archive += [UInt8](repeating: 0, count: (512 - text.utf8.count % 512) % 512)
  }
  return try HostBoot(
    try HostCapture(archive: withRightHeaders(archive), named: "machine"))
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

/// A change is that of one file below the tree, and reads the same when it is written.
private func stayInTree(_ change: FileChange) throws {
  for path in [change.old, change.new].compactMap({ $0 }) {
    let parts = path.lowercased().split(separator: "/", omittingEmptySubsequences: false)
    if path.unicodeScalars.contains(where: \.isControl)
      || parts.contains(where: { ["", ".", "..", ".git"].contains($0) })
    {
      throw Violation("leaves the tree: \(path.debugDescription)")
    }
  }
  let again = try? SeriesFile.diffs(in: Array(change.text.utf8)[...])
  guard let again, again.count == 1, again[0].old == change.old, again[0].new == change.new,
    again[0].text == change.text
  else { throw Violation("not the change of one file: \(change.text)") }
}

/// A change and a file, in any bytes: a hunk that does not fit changes nothing, and the
/// others add and remove as many lines as they say.
private func apply(_ change: FileChange, to file: [UInt8]?) throws {
  var applier = PatchApplier(work: 1 << 24)
  let (outcome, hunks) = try applier.apply(change, to: file)
  guard hunks.count == max(1, change.hunks.count) else { throw Violation("\(hunks.count) hunks") }
  if outcome == .unchanged, change.new != nil, hunks.contains(where: \.isApplied),
    change.move == nil
  {
    throw Violation("unchanged by \(hunks)")
  }
  if outcome != .unchanged, hunks.allSatisfy({ $0.rejection != nil }) {
    throw Violation("\(outcome) of \(hunks)")
  }
  guard case .text(let text) = outcome else { return }
  let lines = TextLines((file ?? [])[...]).all.count
  let delta = zip(change.hunks, hunks).reduce(0) {
    $1.1.isApplied ? $0 + $1.0.newCount - $1.0.oldCount : $0
  }
  // An empty last line without an end is no line.
  let count = TextLines(text[...]).all.count
  let losesEmptyLine = change.text.contains("\n+\n\\") && count == lines + delta - 1
  guard count == lines + delta || losesEmptyLine else {
    throw Violation("\(lines) lines and \(delta) more are not those of the result")
  }
}

/// The database that SQL is asked of: that of FUZZ_DATABASE, or a small one. It lies in a
/// directory of its own.
private let database = Result {
  if let path = ProcessInfo.processInfo.environment["FUZZ_DATABASE"] {
    return try MatrixDatabase(path: path)
  }
  try FileManager.default.createDirectory(
    at: databaseDirectory, withIntermediateDirectories: false)
  atexit { _ = try? FileManager.default.removeItem(at: databaseDirectory) }
  let path = databaseDirectory.appendingPathComponent("fuzz.db").path
  var domain = MatrixDomain()
  domain.kernels = KernelVersion.all.filter { $0.name == "v6" }
  domain.platforms = [.sev]
  domain.operations = [.map]
  domain.masks = ["32", "64"].flatMap { DMAMask.masks(in: $0) ?? [] }
  _ = try MatrixGenerator(domain: domain, jobs: 1, toolVersion: "fuzz").generate(to: path)
  return try MatrixDatabase(path: path)
}

/// The tree whose headers drivers include: the least that is one.
private let driverTree = Result {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("dmamatrix-fuzz-tree-\(getpid())")
  for (file, text) in [
    ("Makefile", ""), ("Kconfig", ""), ("drivers/Makefile", ""),
    ("include/linux/dma-mapping.h", "#define DMA_ATTR_NO_WARN 1\n"),
  ] {
    let url = path.appendingPathComponent(file)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }
  return try TreeFiles(path: path.path)
}

private let databaseDirectory = FileManager.default.temporaryDirectory
  .appendingPathComponent("dmamatrix-fuzz-\(UUID().uuidString)")

/// What lies beside the database, with its length and when it was changed.
private func beside(_ database: MatrixDatabase) throws -> [String] {
  let directory = (database.path as NSString).deletingLastPathComponent
  return try FileManager.default.contentsOfDirectory(atPath: directory).sorted().map { name in
    var status = stat()
    _ = lstat(directory + "/" + name, &status)
    return "\(name) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }
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
