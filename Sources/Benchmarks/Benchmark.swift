import DMAModel
import Foundation
import GRDB
import MatrixStore

/// One measured figure, with the target it is held against.
public struct Figure: Sendable {
  public let name: String
  public let value: Double
  public let unit: String
  /// The target in the same unit, e.g. `>= 10`; empty without one.
  public let target: String
  /// Whether the target is met.
  public let isMet: Bool

  init(_ name: String, _ value: Double, _ unit: String) {
    (self.name, self.value, self.unit, target, isMet) = (name, value, unit, "", true)
  }

  init(_ name: String, _ value: Double, _ unit: String, atLeast target: Double) {
    (self.name, self.value, self.unit) = (name, value, unit)
    self.target = ">= \(target.formatted())"
    isMet = value >= target
  }

  init(_ name: String, _ value: Double, _ unit: String, below target: Double) {
    (self.name, self.value, self.unit) = (name, value, unit)
    self.target = "< \(target.formatted())"
    isMet = value < target
  }
}

/// Measures the model, the generator and queries in one run, next to a plain
/// loop over the raw SQLite interface.
public struct Benchmark: Sendable {
  /// A directory for the files that are measured; they are removed.
  public let directory: String
  /// How many CPUs the generator uses.
  public let jobs: Int

  public init(directory: String, jobs: Int) {
    self.directory = directory
    self.jobs = jobs
  }

  /// Runs everything and returns the figures in the order of the report.
  ///
  /// - Parameter note: Called with what is being measured.
  public func run(note: (String) -> Void = { _ in }) throws -> [Figure] {
    note("model")
    let evaluations = try Self.median(3) { try evaluationRate() }
    note("generator")
    let path = directory + "/bench-\(getpid()).db"
    defer { unlink(path) }
    let generator = MatrixGenerator(domain: MatrixDomain(), jobs: jobs, toolVersion: "bench")
    var summary = GenerationSummary()
    let seconds = try Self.median(3) {
      try Self.seconds { summary = try generator.generate(to: path) }
    }
    let memory = Self.peakMemory()
    note("baseline: one row per combination")
    let baseline = try RowLoop(path: directory + "/rows-\(getpid()).db").rowsPerSecond()
    let rate = Double(summary.combinations) / seconds
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    let size = Double((attributes[.size] as? UInt64) ?? 0) / 1e6
    note("queries")
    let database = try MatrixDatabase(path: path)
    return [
      Figure("model, one core", evaluations / 1e6, "million evaluations/s", atLeast: 10),
      Figure("combinations in the default matrix", Double(summary.combinations), "combinations"),
      Figure("generate, nothing to finished file", seconds, "s", below: 10),
      Figure("generate", rate / 1e6, "million combinations/s"),
      Figure("baseline, raw SQLite row loop", baseline / 1e6, "million rows/s"),
      Figure("generate against the baseline", rate / baseline, "times", atLeast: 5),
      Figure("file", size, "MB", below: 100),
      Figure("peak memory while generating", memory, "MB", below: 300),
      Figure(
        "one scenario through behavior", try milliseconds(oneScenario, database), "ms", below: 5),
      Figure(
        "one platform, one kernel, every row", try milliseconds(kernelSlice, database), "ms",
        below: 200),
      Figure(
        "one platform, all kernels, spans", try milliseconds(spanSlice, database), "ms",
        below: 200),
      Figure(
        "one platform, all kernels, every row", try milliseconds(platformSlice, database), "ms"),
    ]
  }

  private let oneScenario = """
    SELECT * FROM behavior WHERE kernel = 'v6' AND platform = 'x86-sme47'
      AND iommu = 'passthrough' AND swiotlb = 'force' AND mem = '64G' AND mask = 64
      AND coherent_mask = 'same' AND bus_limit = 'none' AND coherent = '1' AND external = '0'
      AND op = 'map' AND attrs = 'none' AND buf = 'dma32'
    """
  private let kernelSlice = """
    SELECT verdict, count(*) FROM behavior WHERE kernel = 'v6' AND platform = 'x86-sme47'
    GROUP BY verdict
    """
  private let spanSlice = """
    SELECT verdict, sum(combinations) FROM behavior_span WHERE platform = 'x86-sme47'
    GROUP BY verdict
    """
  private let platformSlice = """
    SELECT verdict, count(*) FROM behavior WHERE platform = 'x86-sme47' GROUP BY verdict
    """

  /// The median time of a query on an open database, in milliseconds.
  private func milliseconds(_ sql: String, _ database: MatrixDatabase) throws -> Double {
    let query = ReadOnlyQuery(sql: sql, timeLimit: 0)
    return try Self.median(5) { try Self.seconds { _ = try query.run(on: database) } } * 1000
  }

  /// Evaluations per second on one core: every request of one kernel.
  private func evaluationRate() throws -> Double {
    var count = 0
    var checksum: UInt64 = 0
    var domain = MatrixDomain()
    domain.iommuModes = [.none, .passthrough, .translated]
    domain.swiotlbModes = [.standard]
    domain.machines = [.sixtyFourGiB]
    let seconds = Self.seconds {
      for kernel in KernelVersion.all.suffix(2) {
        for boot in domain.boots(on: [kernel.policy]) {
          (count, checksum) = Self.evaluate(
            BootedKernel(kernel.policy, boot), count, checksum)
        }
      }
    }
    // The checksum keeps the compiler from dropping the work.
    return checksum == .max ? 0 : Double(count) / seconds
  }

  private static func evaluate(
    _ kernel: BootedKernel, _ count: Int, _ checksum: UInt64
  ) -> (Int, UInt64) {
    var (count, checksum) = (count, checksum)
    for operation in Operation.allCases {
      for attributes in Attributes.allCases {
        for buffer in Buffer.allCases
        where kernel.policy.requestExclusion(operation, attributes, buffer, on: kernel.machine)
          == nil
        {
          for coherentMask in CoherentMask.allCases {
            for busLimit in BusLimit.allCases {
              for mask in DMAMask.allCases {
                let request = DeviceRequest(
                  mask: mask, coherentMask: coherentMask, busLimit: busLimit,
                  coherence: .coherent, facing: .internal, operation: operation,
                  attributes: attributes, buffer: buffer)
                let answer = kernel.answer(to: request)
                checksum =
                  checksum &* 31 &+ (answer.address ?? 0) &+ UInt64(answer.decision.rawValue)
                count += 1
              }
            }
          }
        }
      }
    }
    return (count, checksum)
  }

  /// Wall-clock seconds of some work.
  static func seconds(_ work: () throws -> Void) rethrows -> Double {
    let elapsed = try ContinuousClock().measure(work)
    return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
  }

  /// The median of several runs.
  static func median(_ runs: Int, _ run: () throws -> Double) rethrows -> Double {
    var values: [Double] = []
    for _ in 0..<runs { values.append(try run()) }
    return values.sorted()[runs / 2]
  }

  /// The process' largest resident set so far, in MB.
  private static func peakMemory() -> Double {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) * 1024 / 1e6
  }
}
