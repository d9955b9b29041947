import DMAModel

/// A kernel command line, read by the kernel's own rules as far as DMA goes.
///
/// Parameters are separated by white space outside double quotes and end at a
/// lone `--`; `-` and `_` in names are the same (kernel/params.c).  Early
/// parameters are handled in their order, so that later ones win where they set
/// the same thing.
public struct KernelCommandLine: Sendable, Equatable {
  /// What became of a parameter.
  public enum Fate: Sendable, Equatable {
    case effective(String)
    case overridden(String)
    case ignored(String)
    case suspicious(String)
  }

  /// A parameter that has to do with DMA.
  public struct Parameter: Sendable, Equatable {
    public let text: String
    public var fate: Fate
  }

  /// Why a command line cannot be read.
  public enum ParseError: Error, Equatable, CustomStringConvertible {
    case empty
    case tooLong(Int)
    case notText

    public var description: String {
      switch self {
      case .empty: "the command line is empty; expected what /proc/cmdline shows"
      case .tooLong(let length):
        "the command line has \(length) bytes; kernels take at most 4096"
      case .notText: "the command line holds control characters; expected what /proc/cmdline shows"
      }
    }
  }

  /// The parameters that have to do with DMA, in their order.
  public private(set) var parameters: [Parameter] = []
  /// The IOMMU mode that the parameters settle, or nil.
  public private(set) var iommu: IOMMUMode?
  /// `amd_iommu=off` or `intel_iommu=off`: no IOMMU of that vendor.
  public private(set) var disabledIOMMUs: Set<String> = []
  /// The swiotlb mode.
  public private(set) var swiotlb = SwiotlbMode.standard
  /// `iommu=soft`: a default pool in any case.
  public private(set) var wantsPool = false
  /// `mem_encrypt=`, or nil without.
  public private(set) var memoryEncryption: Bool?

  private var strict: Bool?
  private var domainSetter: Int?
  private var strictSetter: Int?
  private var encryptionSetter: Int?
  private var forcedBounce: Int?
  private var disabledSwiotlb: Int?
  private var iommuOff: Int?
  private var passthrough: Bool?

  /// Reads a command line.
  ///
  /// - Parameters:
  ///   - text: The command line, at most 4096 bytes (COMMAND_LINE_SIZE of s390,
  ///     the largest).
  ///   - family: The architecture: `iommu=` exists on x86 alone.
  ///   - prefixes: Whether `swiotlb=` is matched by prefix (7.3) or as a whole.
  public init(
    _ text: String, family: Platform.Family = .x86, prefixes: Bool = false
  ) throws(ParseError) {
    if text.utf8.count > 4096 { throw .tooLong(text.utf8.count) }
    let words = Self.words(text)
    guard
      text.unicodeScalars.allSatisfy({ $0.value >= 0x20 || "\t\n\r".unicodeScalars.contains($0) })
    else { throw .notText }
    guard !words.isEmpty else { throw .empty }
    for word in words {
      if word == "--" { break }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count == 2 ? String(parts[1]) : ""
      switch parts[0].replacing("-", with: "_") {
      case "iommu" where family == .x86 || family == .xen: x86IOMMU(word, value)
      case "iommu": note(word, .ignored("iommu= is an x86 parameter"))
      case "iommu.passthrough": setDomain(word, value)
      case "iommu.strict": setStrict(word, value)
      case "amd_iommu", "intel_iommu":
        vendor(word, String(parts[0].prefix { $0 != "_" && $0 != "-" }), value)
      case "swiotlb": swiotlb(word, value, prefixes: prefixes)
      case "mem_encrypt": memEncrypt(word, value)
      default: break
      }
    }
    settle()
  }

  /// Words outside double quotes, the quotes taken off.
  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var quoted = false
    for character in text {
      if character == "\"" {
        quoted.toggle()
      } else if character.isWhitespace, !quoted {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  private mutating func note(_ text: String, _ fate: Fate) {
    parameters.append(Parameter(text: text, fate: fate))
  }

  private mutating func override(_ index: Int?) {
    // The parameter at hand is noted only after all its words are read.
    guard let index, index < parameters.count, case .effective = parameters[index].fate else {
      return
    }
    parameters[index].fate = .overridden("a later parameter sets the same")
  }

  // MARK: - Parameters

  /// arch/x86/kernel/pci-dma.c `iommu_setup()`: words by prefix, separated by
  /// commas.
  private mutating func x86IOMMU(_ word: String, _ value: String) {
    var meanings: [String] = []
    let index = parameters.count
    for option in value.split(separator: ",") {
      if option.hasPrefix("off") {
        iommuOff = index
        meanings.append("no IOMMU, and no swiotlb for RAM above 4 GiB alone")
      } else if option.hasPrefix("pt") {
        setPassthrough(true, index)
        meanings.append("identity domains")
      } else if option.hasPrefix("nopt") {
        setPassthrough(false, index)
        meanings.append("DMA domains")
      } else if option.hasPrefix("soft") {
        wantsPool = true
        meanings.append("a swiotlb in any case")
      } else if Self.knownIOMMUWords.contains(where: option.hasPrefix) {
        meanings.append("\(option) does not decide mappings")
      } else {
        note(word, .suspicious("iommu= knows no '\(option)'"))
        return
      }
    }
    if meanings.isEmpty {
      note(word, .suspicious("iommu= without a value does nothing"))
    } else {
      note(word, .effective(meanings.joined(separator: "; ")))
    }
  }

  private static let knownIOMMUWords = [
    "force", "noforce", "biomerge", "panic", "nopanic", "merge", "nomerge", "forcesac", "allowdac",
    "nodac", "usedac", "memaper", "leak", "fullflush", "nofullflush", "noagp", "noaperture",
    "calgary",
  ]

  private mutating func setPassthrough(_ value: Bool, _ index: Int) {
    override(domainSetter)
    passthrough = value
    domainSetter = index
  }

  /// drivers/iommu/iommu.c `iommu_set_def_domain_type()`.
  private mutating func setDomain(_ word: String, _ value: String) {
    guard let passthrough = Self.boolean(value) else {
      note(word, .suspicious("'\(value)' is no boolean, the parameter is ignored"))
      return
    }
    setPassthrough(passthrough, parameters.count)
    note(word, .effective(passthrough ? "identity domains" : "DMA domains"))
  }

  /// drivers/iommu/iommu.c `iommu_dma_setup()`.
  private mutating func setStrict(_ word: String, _ value: String) {
    guard let strict = Self.boolean(value) else {
      note(word, .suspicious("'\(value)' is no boolean, the parameter is ignored"))
      return
    }
    override(strictSetter)
    self.strict = strict
    strictSetter = parameters.count
    note(word, .effective("\(strict ? "strict" : "lazy") invalidation of DMA domains"))
  }

  /// drivers/iommu/amd/init.c `parse_amd_iommu_options()` and
  /// drivers/iommu/intel/iommu.c `intel_iommu_setup()`.
  private mutating func vendor(_ word: String, _ vendor: String, _ value: String) {
    for option in value.split(separator: ",") {
      if option.hasPrefix("off") {
        disabledIOMMUs.insert(vendor)
        note(word, .effective("no IOMMU of \(vendor == "amd" ? "AMD" : "Intel")"))
        return
      }
      if vendor == "intel", option.hasPrefix("on") {
        disabledIOMMUs.remove(vendor)
        note(word, .effective("Intel's IOMMU is used; the default domain is set elsewhere"))
        return
      }
      if option == "pt" || option.hasPrefix("passthrough") {
        note(word, .suspicious("\(vendor)_iommu= knows no '\(option)'; iommu=pt may be meant"))
        return
      }
      if vendor == "amd", option.hasPrefix("on") {
        note(word, .suspicious("amd_iommu= knows no 'on'; it is on unless off"))
        return
      }
    }
    note(word, .ignored("does not decide mappings"))
  }

  /// kernel/dma/swiotlb.c `setup_io_tlb_npages()`: `N[,areas][,force|noforce]`.
  private mutating func swiotlb(_ word: String, _ value: String, prefixes: Bool) {
    var rest = Substring(value)
    var meanings: [String] = []
    for what in ["slots", "areas"] {
      // simple_strtoul() with base 0, as far as digits go.
      let digits =
        rest.hasPrefix("0x") || rest.hasPrefix("0X")
        ? rest.prefix { $0 == "x" || $0 == "X" || $0.isHexDigit } : rest.prefix { $0.isNumber }
      if rest.first?.isNumber == true {
        meanings.append("\(digits) \(what) (sizes are not modelled)")
        rest = rest.dropFirst(digits.count)
      }
      if rest.first == "," { rest = rest.dropFirst() }
    }
    func matches(_ name: String) -> Bool { prefixes ? rest.hasPrefix(name) : rest == name }
    let index = parameters.count
    if matches("force") {
      forcedBounce = index
      meanings.append("every mapping without dma-iommu bounces")
    } else if matches("noforce") {
      disabledSwiotlb = index
      meanings.append("no swiotlb at all")
    } else if !rest.isEmpty {
      note(word, .suspicious("swiotlb= knows no '\(rest)'; it takes slots,areas,force|noforce"))
      return
    }
    note(
      word,
      meanings.isEmpty
        ? .suspicious("swiotlb= without a value does nothing")
        : .effective(meanings.joined(separator: "; ")))
  }

  /// arch/x86/boot/compressed/misc.c `parse_mem_encrypt()`: whole words; the
  /// later one wins.
  private mutating func memEncrypt(_ word: String, _ value: String) {
    guard value == "on" || value == "off" else {
      note(word, .suspicious("mem_encrypt= knows on and off, not '\(value)'"))
      return
    }
    override(encryptionSetter)
    memoryEncryption = value == "on"
    encryptionSetter = parameters.count
    note(word, .effective(value == "on" ? "SME is active on hosts that have it" : "no SME"))
  }

  // MARK: - What holds in the end

  private mutating func settle() {
    if iommuOff != nil {
      iommu = .off
      if let domainSetter, domainSetter != iommuOff {
        parameters[domainSetter].fate = .overridden("iommu=off leaves no IOMMU")
      }
    } else if let passthrough {
      iommu = passthrough ? .passthrough : strict.map { $0 ? .strict : .lazy } ?? .translated
    }
    if let disabledSwiotlb {
      swiotlb = .noforce
      if let forcedBounce, forcedBounce != disabledSwiotlb {
        parameters[forcedBounce].fate = .overridden("noforce leaves no pool")
      }
    } else if forcedBounce != nil {
      swiotlb = .force
    }
  }

  /// lib/kstrtox.c `kstrtobool()`: the first letters decide.
  private static func boolean(_ text: String) -> Bool? {
    switch text.first {
    case "1", "y", "Y", "t", "T": return true
    case "0", "n", "N", "f", "F": return false
    case "o", "O":
      switch text.dropFirst().first {
      case "n", "N": return true
      case "f", "F": return false
      default: return nil
      }
    default: return nil
    }
  }
}
