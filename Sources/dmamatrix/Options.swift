import ArgumentParser
import DMAModel
import Foundation
import MatrixStore
import PolicyFiles
import Support

/// The database that a command reads or writes.
struct DatabaseOption: ParsableArguments {
  @Option(
    name: [.short, .customLong("database")], help: "The database.", completion: .database)
  var database = "matrix.db"
}

/// What may happen to a request beside its scenario, one thing at a time.
struct CircumstanceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Coherent mask between allocation and free: \(list(MaskChange.names)).", valueName: "change"),
    completion: .list(MaskChange.names))
  var maskChange: String?
  @Option(
    help: ArgumentHelp("CONFIG_SWIOTLB_DYNAMIC: \(list(DynamicPools.names)).", valueName: "y|n"),
    completion: .list(DynamicPools.names))
  var dynamic: String?
  @Option(
    help: ArgumentHelp(
      "The default pool: \(list(PoolFill.names)); or atomic: the atomic pools are full.",
      valueName: "fill"), completion: .list(PoolFill.knownNames))
  var fill: String?
  @Option(
    help: ArgumentHelp(
      "Where set_memory_decrypted() fails: \(list(DecryptFailure.names)).", valueName: "memory"),
    completion: .list(DecryptFailure.names))
  var decryptFails: String?

  /// The circumstance; checks every value.
  func circumstance() throws -> Circumstance {
    func value<Value: AxisValue>(_ name: String?, default standard: Value) throws -> Value {
      guard let name else { return standard }
      guard let value = Value(name: name) else {
        throw UsageError(
          description: "--\(Value.axis.replacing("_", with: "-")) '\(name.printable)' is unknown; "
            + "accepted: \(list(Value.accepted))")
      }
      return value
    }
    return Circumstance(
      maskChange: try value(maskChange, default: .none),
      dynamicPools: try value(dynamic, default: .off), fill: try value(fill, default: .empty),
      decryptFailure: try value(decryptFails, default: .none))
  }
}

/// How many CPUs a command uses.
struct JobsOption: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("CPUs to use (default: all).", valueName: "n"))
  var jobs: Int?

  func validate() throws {
    guard let jobs, !(1...1024).contains(jobs) else { return }
    throw ValidationError("--jobs '\(jobs)' is not a number of CPUs; accepted: 1 to 1024")
  }

  var count: Int { jobs ?? ProcessInfo.processInfo.activeProcessorCount }
}

/// Values of axes, shared by every command that works on a part of the matrix.
struct AxisFilters: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Kernels: \(list(KernelVersion.all.map(\.name))), or alternatives as v6+P03.",
      valueName: "k"), completion: .kernelList)
  var kernel: [String] = []
  @Option(
    help: ArgumentHelp("Platforms: \(list(Platform.accepted)).", valueName: "p"),
    completion: .names(Platform.names))
  var platform: [String] = []
  @Option(
    help: ArgumentHelp("IOMMU modes: \(list(IOMMUMode.names)).", valueName: "mode"),
    completion: .names(IOMMUMode.names))
  var iommu: [String] = []
  @Option(
    help: ArgumentHelp("swiotlb modes: \(list(SwiotlbMode.names)).", valueName: "mode"),
    completion: .names(SwiotlbMode.names))
  var swiotlb: [String] = []
  @Option(
    help: ArgumentHelp("Machines: \(list(MachineName.names)).", valueName: "machine"),
    completion: .names(MachineName.names))
  var mem: [String] = []
  @Option(
    help: ArgumentHelp(
      "DMA masks: bits, 24 to 64 in the matrix, ranges as 32-40, or an address, all ones.",
      valueName: "bits"),
    completion: .names(DMAMask.names))
  var mask: [String] = []
  @Option(
    help: ArgumentHelp("Coherent masks: \(list(CoherentMask.accepted)).", valueName: "bits"),
    completion: .names(CoherentMask.names))
  var coherentMask: [String] = []
  @Option(
    help: ArgumentHelp("Bus limits: \(list(BusLimit.accepted)).", valueName: "bits"),
    completion: .names(BusLimit.names))
  var busLimit: [String] = []
  @Option(
    help: ArgumentHelp("1: coherent devices, 0: non-coherent.", valueName: "0|1"),
    completion: .names(Coherence.names))
  var coherent: [String] = []
  @Option(
    help: ArgumentHelp(
      "1: untrusted external devices, 0: trusted, accepted: TDISP devices that a guest accepted.",
      valueName: "trust"),
    completion: .names(Facing.knownNames))
  var external: [String] = []
  @Option(
    help: ArgumentHelp(
      "Operations: \(list(Operation.names)); beside the matrix: "
        + "\(list(Operation.extended.map(\.name))).", valueName: "op"),
    completion: .names(Operation.knownNames))
  var op: [String] = []
  @Option(
    help: ArgumentHelp("Attributes: \(list(Attributes.names)).", valueName: "attrs"),
    completion: .names(Attributes.names))
  var attrs: [String] = []
  // A list may begin with "-", the buffer of allocations.
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Buffers: \(list(Buffer.names)), others as 12G+64K or mmio:0x3900000000+4K.",
      valueName: "buf"), completion: .names(Buffer.names))
  var buf: [String] = []

  @Option(
    help: ArgumentHelp("A policy file that describes a variant.", valueName: "file"),
    completion: .file())
  var policy: [String] = []

  @Option(
    help: ArgumentHelp(
      "A database with trees that verify stored: their names are kernels.", valueName: "file"),
    completion: .database)
  var trees: String?

  /// The version, alternative or variant of a policy file called `name`.
  ///
  /// - Parameter option: What the user wrote it behind, for the message.
  func kernel(called name: String, option: String = "--kernel") throws -> KernelVersion {
    try kernels(called: [name], option: option)[0]
  }

  /// The versions, alternatives or variants of policy files with these names.
  func kernels(
    called names: [String], option: String = "--kernel"
  ) throws -> [KernelVersion] {
    let (variants, trees) = try others()
    let known = KernelVersion.known + variants
    return try names.map { name in
      if let kernel = known.first(where: { $0.name == name }) { return kernel }
      if let kernel = try KernelVersion.combination(name) { return kernel }
      guard let database = trees else {
        throw unknown(option: option, name, accepted: known.map(\.name))
      }
      let stored = try TreeStore.names(in: database)
      guard stored.contains(name) else {
        throw unknown(option: option, name, accepted: known.map(\.name) + stored)
      }
      return try TreeStore.kernel(name, in: database)
    }
  }

  /// The filter over a database, whose kernels are those that can be named.
  func filter(of database: MatrixDatabase) throws -> BehaviorFilter {
    guard policy.isEmpty, trees == nil else {
      throw UsageError(
        description: "\(policy.isEmpty ? "--trees" : "--policy") is not for a database, "
          + "which has its own kernels")
    }
    var others = self
    others.kernel = []
    var filter = try others.filter()
    let stored = try database.kernelNames()
    for name in commaSeparated(kernel) where !stored.contains(name) {
      throw UsageError(
        description: "--kernel '\(name.printable)' is not in \(database.path.printable); accepted: "
          + list(stored.map(\.printable)))
    }
    if !kernel.isEmpty { filter.values["kernel"] = commaSeparated(kernel) }
    if let part = try database.part() {
      Output.error("\(database.path.printable) is part \(part.printable) of a matrix")
    }
    return filter
  }

  /// The filter over scenarios; checks every value.
  ///
  /// - Parameter acceptsAnyMask: Also masks that are no DMA_BIT_MASK().
  func filter(acceptsAnyMask: Bool = false) throws -> BehaviorFilter {
    var values: [String: [String]] = [:]
    func add<Value: AxisValue>(_ texts: [String], _: Value.Type) throws {
      guard !texts.isEmpty else { return }
      values[Value.axis] = try parsed(texts, Value.self).map(\.name)
    }
    let kernels = try kernels()
    if !kernel.isEmpty { values["kernel"] = kernels.map(\.name) }
    try add(platform, Platform.self)
    try add(iommu, IOMMUMode.self)
    try add(swiotlb, SwiotlbMode.self)
    // A database may hold machines that its maker described.
    if !mem.isEmpty { values[MachineName.axis] = commaSeparated(mem) }
    if !mask.isEmpty {
      values[DMAMask.axis] = try masks(wholeBits: !acceptsAnyMask).map(\.name)
    }
    try add(commaSeparated(coherentMask).map(LimitArgument.spelling), CoherentMask.self)
    try add(commaSeparated(busLimit).map(LimitArgument.spelling), BusLimit.self)
    try add(coherent, Coherence.self)
    try add(external, Facing.self)
    try add(op, Operation.self)
    try add(attrs, Attributes.self)
    try add(commaSeparated(buf).map(BufferArgument.spelling), Buffer.self)
    return BehaviorFilter(values)
  }

  /// The domain that a generator run covers; checks every value.
  ///
  /// - Parameter machines: Machines beside `2G` and `64G`.
  func domain(machines: [Machine] = []) throws -> MatrixDomain {
    var domain = MatrixDomain()
    domain.machines += machines
    func set<Value: AxisValue>(_ values: inout [Value], _ texts: [String]) throws {
      if !texts.isEmpty { values = try parsed(texts, Value.self) }
    }
    domain.kernels = try kernels()
    try set(&domain.platforms, platform)
    try set(&domain.iommuModes, iommu)
    try set(&domain.swiotlbModes, swiotlb)
    if !mem.isEmpty {
      let known = domain.machines.map(\.name.name)
      for name in commaSeparated(mem) where !known.contains(name) {
        throw unknown(MachineName.axis, name, accepted: known)
      }
      domain.machines = domain.machines.filter { commaSeparated(mem).contains($0.name.name) }
    }
    if !mask.isEmpty { domain.masks = try masks(wholeBits: true) }
    try set(
      &domain.coherentMasks, commaSeparated(coherentMask).map(LimitArgument.spelling))
    try set(&domain.busLimits, commaSeparated(busLimit).map(LimitArgument.spelling))
    try set(&domain.coherences, coherent)
    try set(&domain.facings, external)
    try set(&domain.operations, op)
    try set(&domain.attributes, attrs)
    try set(&domain.buffers, commaSeparated(buf).map(BufferArgument.spelling))
    try check(domain)
    return domain
  }

  /// Refuses memory that an address with the platform's bit cannot name, and more
  /// buffers than conditions can be written over.
  private func check(_ domain: MatrixDomain) throws {
    guard domain.buffers.count <= 56 else {
      throw UsageError(
        description: "--buf names \(domain.buffers.count) buffers; accepted: up to 56")
    }
    guard domain.masks.count <= 64 else {
      throw UsageError(
        description: "--mask names \(domain.masks.count) masks; accepted: up to 64 at once")
    }
    let pairs =
      CoherentMask.all(with: domain.coherentMasks).count
      * max(4, BusLimit.all(with: domain.busLimits).count)
    // Numbers of devices have 16 bits in a database.
    let limit = Facing.all(with: domain.facings).count > 2 ? 1 << 13 : 1 << 14
    guard pairs <= limit, domain.busLimits.count <= 250 else {
      throw UsageError(
        description: "--coherent-mask and --bus-limit name too many values; accepted: up to 250 "
          + "limits, and \(limit) pairs of a mask and a limit")
    }
    for platform in domain.platforms {
      let bit = platform.encryptionBit | platform.sharedBit
      guard bit != 0 else { continue }
      let place = "bit \(bit.trailingZeroBitCount), which \(platform.name) has for encryption"
      if let machine = domain.machines.first(where: { $0.top > bit }) {
        throw UsageError(
          description: "machine '\(machine.name)' has RAM above \(place); accepted: RAM below, "
            + "or other platforms")
      }
      if let buffer = domain.buffers.first(where: { $0.physicalAddress + $0.length > bit }) {
        throw UsageError(
          description: "--buf '\(buffer.name)' lies above \(place); accepted: below, or other "
            + "platforms")
      }
    }
  }

  /// The kernels that are named, each once, or all and the policy files' variants.
  func kernels() throws -> [KernelVersion] {
    if kernel.isEmpty { return KernelVersion.all + (try others().variants) }
    var seen: Set<String> = []
    return try kernels(called: commaSeparated(kernel).filter { seen.insert($0).inserted })
  }

  /// The kernels beside the model's; a file that is given must be readable.
  private func others() throws -> (variants: [KernelVersion], trees: MatrixDatabase?) {
    (try PolicyFiles.read(policy), try trees.map { try MatrixDatabase(path: $0) })
  }

  /// Refuses options that a command would ignore.
  ///
  /// - Parameter accepted: Those that it has a use for.
  func refuse(in command: String, except accepted: Set<String> = []) throws {
    let given: [(String, Bool)] = [
      ("kernel", !kernel.isEmpty), ("policy", !policy.isEmpty), ("trees", trees != nil),
      ("platform", !platform.isEmpty), ("iommu", !iommu.isEmpty), ("swiotlb", !swiotlb.isEmpty),
      ("mem", !mem.isEmpty), ("mask", !mask.isEmpty), ("coherent-mask", !coherentMask.isEmpty),
      ("bus-limit", !busLimit.isEmpty), ("coherent", !coherent.isEmpty),
      ("external", !external.isEmpty), ("op", !op.isEmpty), ("attrs", !attrs.isEmpty),
      ("buf", !buf.isEmpty),
    ]
    for (name, isGiven) in given where isGiven && !accepted.contains(name) {
      let others = accepted.sorted().map { "--\($0)" }.joined(separator: ", ")
      throw UsageError(
        description: "--\(name) is no filter of \(command); accepted: "
          + (others.isEmpty ? "none" : others))
    }
  }

  /// Masks and ranges of masks, in ascending order.
  ///
  /// - Parameter wholeBits: Refuses masks that are no DMA_BIT_MASK().
  private func masks(wholeBits: Bool) throws -> [DMAMask] {
    var masks: Set<DMAMask> = []
    for text in commaSeparated(mask) {
      guard let named = DMAMask.masks(in: text) else {
        throw UsageError(
          description: "--mask '\(text.printable)' is not a DMA mask; accepted: 0 to 64, a range "
            + "as 32-40, or 0x7ffffffffff")
      }
      if wholeBits, let other = named.first(where: { !$0.isWholeBits }) {
        throw UsageError(
          description: "--mask '\(other.name)' is no power of two less one, which explain alone "
            + "takes; accepted: 0 to 64, a range as 32-40, or 0x7ffffffffff")
      }
      masks.formUnion(named)
    }
    return masks.sorted()
  }

  /// Checks values, in the order of the axis, each once.
  private func parsed<Value: AxisValue>(_ texts: [String], _: Value.Type) throws -> [Value] {
    let values = try commaSeparated(texts).map { name in
      guard let value = Value(name: name) else {
        throw unknown(Value.axis, name, accepted: Value.accepted)
      }
      return value
    }
    return Value.ordered(values)
  }

  private func unknown(_ axis: String, _ value: String, accepted: [String]) -> UsageError {
    unknown(option: "--" + axis.replacing("_", with: "-"), value, accepted: accepted)
  }

  private func unknown(option: String, _ value: String, accepted: [String]) -> UsageError {
    UsageError(
      description: "\(option) '\(value.printable)' is unknown; accepted: \(list(accepted))")
  }
}

/// The values of an option that takes several, repeated or separated by commas.
/// An empty one stays, to be refused.
func commaSeparated(_ texts: [String]) -> [String] {
  texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
}

private func list(_ names: [String]) -> String { names.joined(separator: ", ") }

/// The format called `name`, or a sentence that says which there are.
///
/// - Parameter others: Accepted names that the caller handles itself.
func format<Format: RawRepresentable<String> & CaseIterable>(
  _ name: String, others: [String] = []
) throws -> Format {
  if let format = Format(rawValue: name) { return format }
  throw UsageError(
    description: "--format '\(name.printable)' is unknown; accepted: "
      + list(Format.allCases.map(\.rawValue) + others))
}
