import DMAModel
import Foundation
import HostCapture
import HostModel
import MatrixStore
import Support

/// `host --store`: captures of a fleet, read on all CPUs and stored together.
struct HostStore {
  let database: String
  let kernels: [KernelVersion]

  /// What was stored, and what could not be.
  struct Result {
    var summary = FleetStore.Summary()
    /// One sentence for each capture that was not stored.
    var refused: [String] = []
  }

  /// Stores the captures of files and folders.
  ///
  /// What is no capture is left out and named; the others are stored all the same, or,
  /// where none is left, nothing is changed.
  func store(_ inputs: [String]) throws -> Result {
    let places = try Self.captures(of: inputs)
    let reader = BatchReader(places: places, kernels: kernels)
    // Before a database is made or copied.
    var waiting = reader.next()
    guard !waiting.isEmpty else {
      let refused = reader.refused
      throw UsageError(
        description: refused.count == 1
          ? refused[0] : "none of \(refused.count) is a capture; the first: \(refused[0])")
    }
    try DatabaseTarget.prepare(database)
    var result = Result()
    result.summary = try FleetStore.add(
      to: database, toolVersion: toolVersion,
      building: { Interruption.removeOnSignal($0) }
    ) {
      defer { waiting = [] }
      return waiting.isEmpty ? reader.next() : waiting
    }
    result.refused = reader.refused
    return result
  }

  /// Reads captures, some at a time and those one batch ahead of who takes them: a fleet
  /// need not fit into memory.
  private final class BatchReader: Sendable {
    private struct State {
      var position = 0
      var ready: [FleetStore.Entry] = []
      var refused: [String] = []
    }

    private let places: [String]
    private let kernels: [KernelVersion]
    private let state = Locked(State())
    private let reading = DispatchGroup()

    init(places: [String], kernels: [KernelVersion]) {
      self.places = places
      self.kernels = kernels
      readAhead()
    }

    /// One sentence for each capture that could not be read.
    var refused: [String] {
      reading.wait()
      return state.withLock { $0.refused }
    }

    /// The next captures that can be read; none at the end.
    func next() -> [FleetStore.Entry] {
      reading.wait()
      let entries = state.withLock { state in
        defer { state.ready = [] }
        return state.ready
      }
      if !entries.isEmpty { readAhead() }
      return entries
    }

    private func readAhead() {
      DispatchQueue.global().async(group: reading) { [self] in
        let size = max(4, 4 * ProcessInfo.processInfo.activeProcessorCount)
        var position = state.withLock { $0.position }
        var (entries, refused) = ([FleetStore.Entry](), [String]())
        while entries.isEmpty, position < places.count {
          let part = Array(places[position..<min(position + size, places.count)])
          for read in concurrently(part, { HostStore.read($0, comparedWith: self.kernels) }) {
            switch read {
            case .success(let entry): entries.append(entry)
            case .failure(let failure): refused.append(failure.description)
            }
          }
          position += part.count
          Output.progress(Double(position) / Double(places.count), "reading")
        }
        state.withLock { state in
          (state.position, state.ready) = (position, entries)
          state.refused += refused
        }
      }
    }
  }

  fileprivate static func read(
    _ place: String, comparedWith kernels: [KernelVersion]
  ) -> Swift.Result<FleetStore.Entry, UsageError> {
    do {
      if Input.isDirectory(place) {
        return .success(
          FleetStore.Entry(
            name: place, sha256: nil,
            host: try FleetHost(try HostCapture(root: place), comparedWith: kernels)))
      }
      let bytes = try GzipFile.contents(of: place, limit: HostCapture.byteLimit)
      let capture = try HostCapture(archive: bytes, named: place)
      return .success(
        FleetStore.Entry(
          name: place, sha256: ModelDigest.digest(ofBytes: bytes),
          host: try FleetHost(capture, comparedWith: kernels)))
    } catch {
      return .failure(UsageError(description: "\(error)"))
    }
  }

  /// The captures that files and folders name: a folder is one that was unpacked, or holds
  /// archives at any depth.
  private static func captures(of inputs: [String]) throws -> [String] {
    var places: [String] = []
    for input in inputs.map(collapsed) {
      guard Input.isDirectory(input) else {
        places.append(input)
        continue
      }
      if FileManager.default.fileExists(atPath: input + "/proc/version") {
        places.append(input)
        continue
      }
      let found =
        (FileManager.default.enumerator(
          atPath: URL(fileURLWithPath: input).resolvingSymlinksInPath().path)?
        .compactMap { $0 as? String } ?? [])
        .filter { path in
          [".tar", ".tar.gz", ".tgz"].contains { path.hasSuffix($0) }
        }
      guard !found.isEmpty else {
        throw UsageError(
          description: "'\(input.printable)' holds no capture; accepted: a folder with "
            + "archives (*.tar.gz, *.tgz, *.tar), or one unpacked")
      }
      let base = input.hasSuffix("/") ? input : input + "/"
      places += found.sorted().map { base + $0 }
    }
    // By bytes: two spellings of one text are two files.
    var seen: Set<[UInt8]> = []
    return places.filter { seen.insert(Array($0.utf8)).inserted }
  }

  /// A path without empty and `.` components, so that one folder is less often two.
  private static func collapsed(_ path: String) -> String {
    let text = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    return path.hasPrefix("/") ? "/" + text : text.isEmpty ? "." : text
  }
}

extension HostStore.Result {
  /// What was stored, in a few lines.
  func text(database: String) -> String {
    func count(_ number: Int, _ noun: String) -> String {
      "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
    var lines = [
      "\(database.printable): \(count(summary.added + summary.replaced, "machine")) stored "
        + "(\(summary.replaced) replaced), \(count(summary.devices, "device"))"
    ]
    for kernel in summary.kernels {
      var line =
        "with \(kernel.kernel): worse on \(kernel.worse) of \(count(kernel.hosts, "machine"))"
      if kernel.without > 0 {
        line += ", \(kernel.without) not compared: it has no code for their platform"
      }
      lines.append(line)
    }
    if let worst = summary.kernels.last(where: { $0.worse > 0 }) {
      lines.append(
        "dmamatrix query -d \(database.printable) --named fleet-breaks -p kernel=\(worst.kernel)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
