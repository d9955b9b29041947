import Analysis
import CFuzzer
import Conformance
import Foundation
import MatrixStore
import PolicyFiles

/// One parser: takes any bytes, and returns the sentence of its error if it has one.
///
/// A new parser is one line here and, for its seeds, one in run.sh.
typealias FuzzTarget = @Sendable ([UInt8]) -> String?

let targets: [String: FuzzTarget] = [
  "cmdline": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    return sentence { _ = try KernelCommandLine(text) }
      ?? sentence { _ = try KernelCommandLine(text, family: .arm64, prefixes: true) }
  },
  "dmesg": { bytes in
    sentence {
      let log = try BootLog(String(decoding: bytes, as: UTF8.self))
      if let line = log.commandLine { _ = sentence { _ = try KernelCommandLine(line) } }
    }
  },
  "policy": { bytes in
    inFile(bytes) { path in _ = try PolicyFiles.read([path]) }
  },
  "vectors": { bytes in
    sentence { try compare(try VectorsFile(name: "vectors.csv", bytes: bytes)) }
  },
  "gzip": { bytes in
    inFile(bytes) { path in try compare(try VectorsFile(path: path)) }
  },
  "claims": { bytes in
    // Claims are compiled in: their errors come from the decoder, and are not ours.
    guard let claims = try? Claim.read(String(decoding: bytes, as: UTF8.self)) else { return nil }
    for claim in claims.prefix(2) where claim.kernels.count <= 1 { _ = try? claim.judge() }
    return nil
  },
  "sql": { bytes in
    sentence {
      guard let database else { throw UsageError(description: "FUZZ_DATABASE names no database") }
      let query = ReadOnlyQuery(
        sql: String(decoding: bytes, as: UTF8.self), timeLimit: 0.5, rowLimit: 100)
      _ = try query.run(on: database)
    }
  },
]

struct UsageError: Error, CustomStringConvertible { let description: String }

private func compare(_ vectors: VectorsFile) throws {
  var (vectors, check) = (vectors, ConformanceCheck())
  while let vector = try vectors.next() { check.compare(vector, file: "vectors.csv") }
}

/// The database that SQL is asked of.
private let database = ProcessInfo.processInfo.environment["FUZZ_DATABASE"].flatMap {
  try? MatrixDatabase(path: $0)
}

/// The sentence of the error that some work throws.
private func sentence(_ work: () throws -> Void) -> String? {
  do {
    try work()
    return nil
  } catch { return "\(error)" }
}

/// Gives the bytes to a parser that reads files.
private func inFile(_ bytes: [UInt8], _ read: (String) throws -> Void) -> String? {
  let path = "/dev/shm/dmamatrix-fuzz-\(getpid())"
  defer { unlink(path) }
  guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else { return nil }
  return sentence { try read(path) }
}

@main
enum Fuzz {
  static func main() {
    guard let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"], targets[name] != nil
    else {
      print("FUZZ_TARGET is none of \(targets.keys.sorted().joined(separator: ", "))")
      exit(2)
    }
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv as UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        Fuzz.run(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
      })
  }

  private static let target = targets[ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""]

  /// An error is one sentence: one line, and no flood.
  private static func run(_ bytes: [UInt8]) {
    guard let sentence = target?(bytes) else { return }
    precondition(!sentence.utf8.contains(UInt8(ascii: "\n")), "more than a line: \(sentence)")
    precondition(sentence.utf8.count < 4096, "a flood: \(sentence.prefix(200))")
  }
}
