import DMAModel
import GRDB
import MatrixStore
import TestSupport
import Testing

/// The model's digest covers what the model answers: two builds with other rules are told
/// apart even where their axes, policies and version are the same.
@Suite struct ModelDigestTests {
  private func answers(_ policy: KernelVersion) -> String? {
    ModelDigest.answers(of: policy, machines: Machine.standard)
  }

  /// Every value of every knob, on at least one posted kernel, makes other answers.
  ///
  /// The text of the policy is no part of what is compared: a knob stands here for the
  /// rule that it turns.
  @Test(arguments: Knob.all.map(\.id))
  func everyKnobDecidesSomeAnswer(id: String) throws {
    let knob = try #require(Knob.named(id))
    let kernels = try ["7.3", "v6", "6.12", "v4", "7.2", "6.1", "v7", "v5", "v4+P19"].map {
      try #require(KernelVersion.named($0))
    }
    var undecided = Set(knob.isPlatformSet ? [id] : knob.values.map(\.name))
    for kernel in kernels where !undecided.isEmpty {
      let own = knob.value(in: kernel.policy)
      let base = answers(kernel)
      for value in values(knob, own) {
        let name = knob.isPlatformSet ? id : value
        // A value is decided where it differs from another: both of the two are.
        guard undecided.contains(name) || undecided.contains(own) else { continue }
        let variant = try #require(
          KernelVersion(
            variant: "x", basedOn: kernel, summary: "", link: nil, settings: [(knob, value)]))
        if answers(variant) != base { undecided.subtract([name, own]) }
      }
    }
    #expect(undecided.sorted() == Self.withoutEffect[id] ?? [])
  }

  /// Knobs that decide nothing that is asked: all ways to find the page of a restricted pool
  /// find it (F2); `dma_need_sync()` is what a driver reads, which `explain` says and no
  /// database holds (M19).
  private static let withoutEffect = [
    "F2": ["findPoolOnce", "findPoolTwice", "swiotlbFree"],
    "M19": ["always", "untilBounce"],
  ]

  /// The values of a knob; of a set of platforms, its own with one more or one less.
  private func values(_ knob: Knob, _ own: String) -> [String] {
    guard knob.isPlatformSet else { return knob.values.map(\.name).filter { $0 != own } }
    let present = own == "-" ? [] : own.split(separator: ",").map(String.init)
    return Platform.allCases.map(\.name).map { platform in
      let set =
        present.contains(platform) ? present.filter { $0 != platform } : present + [platform]
      return set.isEmpty ? "-" : set.joined(separator: ",")
    }
  }

  /// Whatever the model asks on some path, and whatever it finds, the sample asks and
  /// finds too: the reference is every request of a coherent mask, every circumstance and
  /// masks around the boundaries, of releases and of posted versions.
  @Test func everyQuestionIsInTheSample() {
    for version in ["6.12", "7.3"].compactMap(KernelVersion.named) {
      var (sample, reference) = (Paths(), Paths())
      ProbeSample.forEachBoot(of: version.policy, on: Machine.standard) { kernel, requests in
        for (request, maskChange) in requests { sample.add(request, maskChange, kernel) }
      }
      var domain = MatrixDomain()
      domain.coherentMasks = [.same, .bits32]
      domain.masks = [24, 32, 47].compactMap(DMAMask.init(bits:))
      (domain.kernels, domain.machines) = ([version], [.sixtyFourGiB])
      domain.forEachScenario { boot, circumstance, request in
        reference.add(request, circumstance.maskChange, boot.kernel(circumstance))
      }
      let missing = reference.steps.subtracting(sample.steps).map {
        "\($0.function): \($0.condition): \($0.taken)"
      }
      #expect(missing.sorted() == [], "\(version.name)")
      #expect(reference.steps.count > 100)
    }
  }

  /// The questions on the way of many requests.
  private struct Paths {
    private(set) var steps: Set<TraceStep> = []
    private var seen: Set<UInt64> = []

    mutating func add(_ request: DeviceRequest, _ maskChange: MaskChange, _ kernel: BootedKernel) {
      let ends = kernel.lifeCycleAndFingerprint(of: request, maskChange: maskChange)
      guard seen.insert(ends.fingerprint).inserted else { return }
      steps.formUnion(kernel.explain(request).path)
      steps.formUnion(kernel.explainUndo(of: request, maskChange: maskChange).path)
    }
  }

  /// Two parts of one run, one of a build whose model is another: said, with both digests,
  /// and nothing is written.
  @Test func partsOfOtherBuildsAreRefused() throws {
    let directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.passthrough]
    func part(_ text: String, of domain: MatrixDomain) throws -> String {
      let shard = try #require(Shard(text) as Shard?)
      let path = directory.file(text.replacing("/", with: "-") + ".db")
      _ = try MatrixGenerator(domain: domain, jobs: 1, toolVersion: "test", shard: shard)
        .generate(to: path)
      return path
    }
    func digest(_ path: String) throws -> String {
      try #require(try DatabaseInfo(MatrixDatabase(path: path)).provenance["model_digest"])
    }
    let one = try part("1/2", of: domain)
    // The name, the axes and the version are the same, the rules are not.
    let v6 = try #require(KernelVersion.named("v6"))
    let knob = try #require(Knob.named("P4"))
    let other = try #require(
      KernelVersion(
        variant: "v6", basedOn: v6, summary: v6.summary, link: nil, settings: [(knob, "guest")]))
    domain.kernels = domain.kernels.map { $0.name == "v6" ? other : $0 }
    let two = try part("2/2", of: domain)
    #expect(throws: StoreError.self) {
      try MatrixMerger(parts: [one, two]).merge(to: directory.file("merged.db"))
    }
    do {
      _ = try MatrixMerger(parts: [one, two]).merge(to: directory.file("merged.db"))
    } catch {
      let sentence = "\(error)"
      #expect(sentence.contains("has another model"))
      for path in [one, two] { #expect(try sentence.contains(digest(path).prefix(16))) }
    }
    #expect(!directory.contents.contains("merged.db"))
  }

  /// Machines that differ by what `--machine` says have other digests and texts.
  @Test func machinesAreToldApart() throws {
    let ram = [PhysicalRange(0, 2 << 30), PhysicalRange(4 << 30, 8 << 30)]
    func machine(_ change: (inout Machine) -> Void = { _ in }) throws -> Machine {
      var machine = try #require(Machine(name: MachineName("6G"), ram: ram))
      change(&machine)
      return machine
    }
    let machines = try [
      machine(), machine { $0.cpus = 1 }, machine { $0.cpus = 64 },
      machine { $0.firmwareDMALimit = 0x3fff_ffff },
      machine {
        $0.firmwareDMALimit = 0x3fff_ffff
        $0.cpus = 64
      },
    ]
    let kernels = try [#require(KernelVersion.named("7.3"))]
    #expect(Set(machines.map { ModelDigest.digest(of: kernels, machines: [$0]) }).count == 5)
    for machine in machines {
      #expect(Machine(name: machine.name, description: machine.descriptionText) == machine)
    }
  }
}
