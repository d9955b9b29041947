import DMAModel
import Dispatch
import Foundation
import Support
import Synchronization

/// A kernel tree that was compiled and can be asked.
public struct TreeEvaluation: Sendable {
  public let tree: SourceTree
  let programs: [HarnessProgram]
  /// The architectures whose code does not compile, each with the reason.
  public let failures: [Failure]
  /// Where this run builds.
  let workspace: Workspace
  let cacheDirectory: String?

  /// An architecture that cannot be asked.
  public struct Failure: Sendable {
    /// `x86`.
    public let name: String
    public let family: Platform.Family
    public let error: TreeError
  }

  /// The families that some platforms need; xen has no harness.
  static func families(of platforms: [Platform]) -> [Family] {
    let wanted = Set(platforms.map(\.family))
    return Family.all.filter { wanted.contains($0.family) }
  }

  /// Whether the harness can express a platform.
  public static func canExpress(_ platform: Platform) -> Bool { platform.family != .xen }

  /// The end of the memory that a program simulates, in bytes: 256 GiB.
  public static let memoryLimit: UInt64 = 1 << 38

  /// Whether the harness can be told every mask and limit of a domain: up to 254 beside 0.
  public static func canExpressLimits(of domain: MatrixDomain) -> Bool {
    HarnessRun.limits(of: domain).count < HarnessRun.addressLimit
  }

  /// How many entries of a `dma_range_map` the harness can be told of.
  public static var rangeLimit: Int { HarnessRun.rangeLimit }

  /// Compiles what a tree has for some platforms.
  ///
  /// - Parameters:
  ///   - cacheDirectory: Where to build; the user's cache directory without.
  ///   - progress: Receives the part that is done.
  /// - Throws: A ``TreeError`` where no architecture compiles; the others are
  ///   ``failures``.
  public init(
    tree: SourceTree, platforms: [Platform], cacheDirectory: String? = nil,
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) {
    try self.init(
      tree: tree, platforms: platforms, cacheDirectory: cacheDirectory, after: nil,
      progress: progress)
  }

  /// - Parameters:
  ///   - earlier: A state of the tree that was compiled for the same platforms.
  ///   - isAlike: Whether some files are the same in both.
  init(
    tree: SourceTree, platforms: [Platform], cacheDirectory: String?,
    after earlier: TreeEvaluation?,
    isAlike: @Sendable (Set<String>) throws(TreeError) -> Bool = { _ in false },
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) {
    (self.tree, self.cacheDirectory) = (tree, cacheDirectory)
    let cache = try BuildCache(directory: cacheDirectory)
    let compiler = try Compiler()
    let launcher = try cache.launcher(compiler)
    let workspace = try Workspace(in: cache, launcher: launcher)
    self.workspace = workspace
    let families = Self.families(of: platforms)
    let results = concurrently(families, progress: progress) { family in
      Result { () throws(TreeError) -> HarnessProgram in
        if let known = earlier?.programs.first(where: { $0.family == family.family }),
          try isAlike(known.asked)
        {
          return known
        }
        return try HarnessProgram(
          tree: tree, family: family, compiler: compiler, cache: cache, launcher: launcher,
          workspace: workspace)
      }
    }
    var programs: [HarnessProgram] = []
    var failures: [Failure] = []
    for (family, result) in zip(families, results) {
      do throws(TreeError) {
        programs.append(try result.get())
      } catch {
        guard error.isOfOneFamily else { throw error }
        failures.append(Failure(name: family.name, family: family.family, error: error))
      }
    }
    if programs.isEmpty, let failure = failures.first { throw failure.error }
    self.programs = programs
    self.failures = failures
  }

  /// The platforms that can be asked, of some.
  public func platforms(of wanted: [Platform]) -> [Platform] {
    wanted.filter { platform in !failures.contains { $0.family == platform.family } }
  }

  /// Definitions that were looked for by name and are not in the tree.
  public var notFound: [String] { Array(Set(programs.flatMap(\.facts.notFound))).sorted() }

  /// The tree's files that were compiled or read.
  public var files: Set<String> { programs.reduce(into: []) { $0.formUnion($1.facts.files) } }

  /// The same, with the headers that the harness has others for: predicates are declared
  /// there.
  public var neededFiles: Set<String> {
    programs.reduce(into: files) { $0.formUnion($1.facts.replaced) }
  }

  /// Of files that are compiled in part, the definitions that are.
  public var partial: [String: Set<String>] {
    programs.reduce(into: [:]) { all, program in
      for (file, names) in program.facts.partial {
        all[file, default: []].formUnion(names)
      }
    }.filter { file, _ in
      // One architecture may compile whole what another takes a part of.
      programs.allSatisfy { !$0.facts.files.contains(file) || $0.facts.partial[file] != nil }
    }
  }

  /// The lines of the tree's files that are compiled for one architecture or more, from 1.
  public var compiledLines: [String: Set<Int>] {
    programs.reduce(into: [:]) { all, program in
      for (file, lines) in program.code.lines { all[file, default: []].formUnion(lines) }
    }
  }

  /// Whether code of the harness stands for a file that is not compiled: a header that
  /// compiled files include, or what the harness' help names as ported.
  func isPorted(_ file: String) -> Bool {
    Family.ported.contains(where: file.hasPrefix)
      || programs.contains { $0.facts.replaced.contains(file) }
  }

  /// Functions that say yes or no and that are defined outside of what is compiled.
  public var predicates: [String] { Set(programs.flatMap(\.facts.predicates)).sorted() }

  /// Every file that was asked for, whether the tree has it or not.
  var asked: Set<String> { programs.reduce(into: []) { $0.formUnion($1.asked) } }

  /// What tells its programs from others, in the order of the architectures: equal ones
  /// give equal answers.
  public var identity: [String] { programs.map(\.path) }

  /// Whether another tree's programs are made of the same code.
  public func hasTheCode(of other: TreeEvaluation) -> Bool {
    failures.isEmpty && other.failures.isEmpty
      && programs.map(\.code.digest) == other.programs.map(\.code.digest)
  }

  /// What identifies the tree's part in the answers: its version and a digest of
  /// the programs, which covers every compiled file.
  public var provenance: String {
    let programs = programs.map { ($0.path as NSString).lastPathComponent }
    let digest = SHA256.hash(Data(programs.joined(separator: " ").utf8)).prefix(8)
    return "\(tree.version ?? "no version"), harness \(hexadecimal(digest))"
  }

  /// A policy that says which scenarios exist in this tree; it decides nothing.
  public func existence(basedOn base: Policy) -> Policy {
    var policy = base
    var (known, served) = (PlatformSet(), PlatformSet())
    for program in programs {
      let platforms = Platform.allCases.filter { platform in
        platform.family == program.family
          && (platform != .arm64PKVM || program.facts.hasArm64Hooks)
          && (platform != .arm64CCA || program.facts.hasRealms)
      }
      known.formUnion(PlatformSet(platforms))
      if program.facts.servesByDMAIOMMU { served.formUnion(PlatformSet(platforms)) }
    }
    policy.platforms = known
    policy.dmaIOMMUPlatforms = served
    if let facts = programs.first?.facts {
      policy.mappingInterface =
        facts.mapsPhysicalAddresses
        ? .physicalAddress : facts.linksIOVA ? .pageAndIOVA : .pageAndResource
    }
    return policy
  }

  /// Asks the tree for every scenario of a domain.
  ///
  /// - Parameters:
  ///   - policy: Which scenarios exist: ``existence(basedOn:)``.
  ///   - jobs: How many programs run at once.
  ///   - progress: Receives the part that is done.
  public func answers(
    to domain: MatrixDomain, policy: Policy, jobs: Int,
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> RecordedAnswers {
    try answers(to: domain, policy: policy, jobs: jobs, isReversed: false, progress: progress)
  }

  /// Asks for every scenario of a domain that its programs have.
  ///
  /// - Parameters:
  ///   - policy: What says which scenarios exist beside the tree's own code.
  ///   - cache: What was asked before.
  /// - Returns: A kernel with the answers, and what they follow from: equal texts, equal
  ///   answers.
  public func kernel(
    called name: String, summary: String, _ domain: MatrixDomain, basedOn policy: Policy,
    jobs: Int, from cache: AnswerCache, assuming assumption: Assumption = .none,
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> (kernel: KernelVersion, key: String) {
    var domain = domain
    domain.platforms = platforms(of: domain.platforms)
    let existence = existence(basedOn: policy)
    let (answers, key) = try answers(
      to: domain, policy: existence, jobs: jobs, from: cache, assuming: assumption,
      progress: progress)
    let kernel = KernelVersion(
      recorded: name, summary: summary, policy: existence, answers: answers)
    return (kernel, key)
  }

  /// Asks only those programs whose answers are not known.
  ///
  /// - Returns: The answers, and what they follow from: equal texts, equal answers.
  public func answers(
    to domain: MatrixDomain, policy: Policy, jobs: Int, from cache: AnswerCache,
    assuming assumption: Assumption = .none, progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> (answers: RecordedAnswers, key: String) {
    var all = RecordedAnswers()
    var unknown: [(program: HarnessProgram, key: String, boots: [BootConfiguration])] = []
    var keys: [String] = []
    for program in programs {
      let boots = boots(of: program, in: domain, policy)
      let key = AnswerCache.key(program, boots, domain, policy, assuming: assumption.holding)
      keys.append(key)
      if let known = cache.answers(key, boots) {
        all.merge(known)
      } else {
        unknown.append((program, key, boots))
      }
    }
    let found = try answers(
      to: domain, policy: policy, jobs: jobs, isReversed: false, of: unknown.map(\.program),
      assuming: assumption, progress: progress)
    for (_, key, boots) in unknown {
      var its = RecordedAnswers()
      for boot in boots {
        guard
          let recorded = found.boot(boot)
        else { continue }
        its.set(recorded, of: boot)
      }
      cache.keep(key, its, boots)
    }
    all.merge(found)
    return (all, keys.joined(separator: " "))
  }

  /// - Parameter isReversed: Asks in the opposite order; the answers must be the same.
  func answers(
    to domain: MatrixDomain, policy: Policy, jobs: Int, isReversed: Bool,
    of programs: [HarnessProgram]? = nil, assuming assumption: Assumption = .none,
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> RecordedAnswers {
    var work: [(program: HarnessProgram, boots: [BootConfiguration])] = []
    for program in programs ?? self.programs {
      let boots = boots(of: program, in: domain, policy)
      let parts = max(1, min(jobs, boots.count))
      for part in 0..<parts {
        let share = stride(from: part, to: boots.count, by: parts).map { boots[$0] }
        if !share.isEmpty { work.append((program, share)) }
      }
    }
    let (tasks, count) = (work, work.count)
    let next = Atomic<Int>(0)
    let state = Locked<(answers: RecordedAnswers, failure: TreeError?, done: Int)>(
      (RecordedAnswers(), nil, 0))
    let directory = workspace.path
    guard count > 0 else { return RecordedAnswers() }
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, count))) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count, state.withLock({ $0.failure == nil }) else { return }
        let (program, boots) = tasks[index]
        let run = HarnessRun(
          program: program, boots: boots, domain: domain, policy: policy, isReversed: isReversed,
          holding: assumption.holding, directory: directory)
        do throws(TreeError) {
          let answered = try run.answers()
          let done = state.withLock { state in
            for (boot, recorded) in zip(boots, answered) {
              state.answers.set(recorded, of: boot)
            }
            state.done += 1
            return state.done
          }
          progress(Double(done) / Double(count))
        } catch {
          state.withLock { $0.failure = $0.failure ?? error }
        }
      }
    }
    let (answers, failure) = state.withLock { ($0.answers, $0.failure) }
    if let failure { throw failure }
    return answers
  }

  func boots(
    of program: HarnessProgram, in domain: MatrixDomain, _ policy: Policy
  ) -> [BootConfiguration] {
    domain.boots(on: [policy]).filter {
      $0.platform.family == program.family && $0.iommu != .lazy && $0.iommu != .strict
    }
  }
}
