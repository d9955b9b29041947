import DMAModel
import Support

/// A kernel command line, read by the kernel's own rules as far as DMA goes.
///
/// Parameters are separated by white space outside double quotes and end at a
/// lone `--`; `-` and `_` in names are the same (kernel/params.c).  Early
/// parameters are handled in their order, so that later ones win where they set
/// the same thing.  `mem_encrypt=` is looked for before all that, literally.
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
  /// The slots of `swiotlb=N`, in whole segments; nil without.
  public internal(set) var poolSlots: UInt64?
  /// The areas of `swiotlb=N,areas`; nil without.
  public internal(set) var poolAreas: UInt64?
  /// `mem_encrypt=`, or nil without and where kernels disagree.
  public private(set) var memoryEncryption: Bool?

  private var strict: Bool?
  private var strictVendor: String?
  private var domainSetter: Int?
  private var strictSetter: Int?
  private var intelSetter: Int?
  private var encryptionSetter: Int?
  var forcedBounce: Int?
  var disabledSwiotlb: Int?
  private var iommuOff: Int?
  private var passthrough: Bool?

  /// Reads a command line.
  ///
  /// - Parameters:
  ///   - text: The command line, at most 4096 bytes (COMMAND_LINE_SIZE of s390,
  ///     the largest).
  ///   - family: The architecture: `iommu=` exists on x86 alone.
  ///   - prefixes: Whether `swiotlb=` is matched by prefix
  ///     (``DMAModel/KernelVersion/matchesSwiotlbByPrefix``) or as a whole.
  public init(
    _ text: String, family: Platform.Family = .x86, prefixes: Bool = false
  ) throws(ParseError) {
    if text.utf8.count > 4096 { throw .tooLong(text.utf8.count) }
    let words = Self.words(text)
    let blanks: Set<Unicode.Scalar> = ["\t", "\n", "\r"]
    guard text.unicodeScalars.allSatisfy({ !$0.isControl || blanks.contains($0) })
    else { throw .notText }
    guard !words.isEmpty else { throw .empty }
    let literals = Self.literalWords(text)
    let encryptions = literals.filter { $0.text.hasPrefix("mem_encrypt=") }
    var unread = encryptions[...]
    for (start, word) in words.prefix(while: { $0.text != "--" }) {
      while let literal = unread.first, literal.start <= start {
        memEncrypt(unread.removeFirst().text)
      }
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
      case "mem_encrypt" where !encryptions.contains { $0 == (start, word) }:
        note(word, .suspicious("mem_encrypt=on and =off are only found in these very letters"))
      case "mem" where !value.isEmpty:
        note(word, .ignored("the RAM of the log, of --machine or of --mem counts as it is"))
      default: break
      }
    }
    for literal in unread { memEncrypt(literal.text) }
    settle(literals)
  }

  /// A word and where it starts, in bytes.
  private typealias Word = (start: Int, text: String)

  /// Words outside double quotes, the quotes taken off.
  private static func words(_ text: String) -> [Word] {
    var words: [Word] = []
    var word: Word = (0, "")
    var position = 0
    var quoted = false
    for character in text {
      if character == "\"" {
        quoted.toggle()
      } else if character.isWhitespace, !quoted {
        if !word.text.isEmpty { words.append(word) }
        word = (position + character.utf8.count, "")
      } else {
        word.text.append(character)
      }
      position += character.utf8.count
    }
    return word.text.isEmpty ? words : words + [word]
  }

  /// Words between blanks, to the end of the line and with their quotes.
  private static func literalWords(_ text: String) -> [Word] {
    text.utf8.split { $0 <= 0x20 }.map {
      (text.utf8.distance(from: text.startIndex, to: $0.startIndex), String(Substring($0)))
    }
  }

  mutating func note(_ text: String, _ fate: Fate) {
    parameters.append(Parameter(text: text, fate: fate))
  }

  /// Says of a parameter that it has no effect, if it had one.
  private mutating func override(
    _ index: Int?, _ reason: String = "a later parameter sets the same"
  ) {
    // The parameter at hand is noted only after all its words are read.
    guard let index, index < parameters.count else { return }
    switch parameters[index].fate {
    case .effective: parameters[index].fate = .overridden(reason)
    case .suspicious(let text): parameters[index].fate = .suspicious("\(text), but \(reason)")
    case .overridden, .ignored: break
    }
  }

  /// Notes a list of words: what is wrong with it, and what it does nevertheless.
  mutating func note(_ text: String, wrong: [String], meanings: [String], empty: Fate) {
    let meaning = meanings.joined(separator: "; ")
    if wrong.isEmpty { return note(text, meanings.isEmpty ? empty : .effective(meaning)) }
    let effect = meanings.isEmpty ? "" : "; in effect: " + meaning
    note(text, .suspicious(wrong.joined(separator: "; ") + effect))
  }

  // MARK: - Parameters

  /// arch/x86/kernel/pci-dma.c `iommu_setup()`: words by prefix, separated by
  /// commas.  What it does not know it skips in silence; `usedac` ends the list.
  private mutating func x86IOMMU(_ word: String, _ value: String) {
    var (meanings, wrong): ([String], [String]) = ([], [])
    let (index, options) = (parameters.count, value.split(separator: ","))
    for (position, option) in options.enumerated() {
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
      } else if Self.knownIOMMUWords.contains(where: option.hasPrefix)
        || option.utf8.first.map({ (0x30...0x39).contains($0) }) == true
      {
        meanings.append("\(option) does not decide mappings")
      } else {
        wrong.append("iommu= knows no '\(option)'")
      }
      if option.hasPrefix("usedac"), position + 1 < options.count {
        let rest = options[(position + 1)...].joined(separator: ",")
        wrong.append("iommu= ends at usedac and leaves '\(rest)' unread")
        break
      }
    }
    note(
      word, wrong: wrong, meanings: meanings,
      empty: .suspicious("iommu= without a value does nothing"))
  }

  /// Those of iommu_setup() and of arch/x86/kernel/amd_gart_64.c
  /// `gart_parse_options()`, which also takes a size.
  private static let knownIOMMUWords = [
    "force", "noforce", "biomerge", "panic", "nopanic", "merge", "nomerge", "allowdac", "nodac",
    "usedac", "allowed", "memaper", "fullflush", "nofullflush", "noagp", "noaperture",
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
  /// drivers/iommu/intel/iommu.c `intel_iommu_setup()`: words by prefix, all of
  /// them.  AMD's `off` is for good; of Intel's `on` and `off` the last one counts.
  private mutating func vendor(_ word: String, _ vendor: String, _ value: String) {
    let isIntel = vendor == "intel"
    var (meanings, wrong): ([String], [String]) = ([], [])
    var isOff: Bool?
    for option in value.split(separator: ",") {
      if option.hasPrefix("off") {
        isOff = true
      } else if isIntel, option.hasPrefix("on") {
        isOff = false
      } else if option.hasPrefix(isIntel ? "strict" : "fullflush") {
        strictVendor = "\(vendor)_iommu=\(option)"
        meanings.append("strict invalidation of DMA domains")
      } else if (isIntel ? Self.intelWords : Self.amdWords).contains(where: option.hasPrefix) {
        continue
      } else {
        let hint =
          option == "pt" || option.hasPrefix("passthrough")
          ? "; iommu=pt may be meant" : option.hasPrefix("on") ? "; it is on unless off" : ""
        wrong.append("\(vendor)_iommu= knows no '\(option)'\(hint)")
      }
    }
    if let isOff {
      if isIntel {
        override(intelSetter)
        intelSetter = parameters.count
      }
      if isOff { disabledIOMMUs.insert(vendor) } else { disabledIOMMUs.remove(vendor) }
      meanings.append(
        isOff
          ? "no IOMMU of \(isIntel ? "Intel" : "AMD")"
          : "Intel's IOMMU is used; the default domain is set elsewhere")
    }
    note(word, wrong: wrong, meanings: meanings, empty: .ignored("does not decide mappings"))
  }

  private static let intelWords = [
    "igfx_off", "intgpu_off", "forcedac", "sp_off", "sm_on", "sm_off", "tboot_noforce",
  ]
  private static let amdWords = [
    "force_enable", "force_isolation", "pgtbl_v1", "pgtbl_v2", "irtcachedis", "nohugepages",
    "v2_pgsizes_only",
  ]

  /// A literal `mem_encrypt=`, of which there may be several.
  private mutating func memEncrypt(_ word: String) {
    let value = word.dropFirst("mem_encrypt=".count)
    guard value == "on" || value == "off" else {
      note(word, .suspicious("mem_encrypt= knows on and off, not '\(value)'"))
      return
    }
    override(encryptionSetter)
    memoryEncryption = value == "on"
    encryptionSetter = parameters.count
    note(word, .effective(value == "on" ? "SME is active on hosts that have it" : "no SME"))
  }

  /// What several `mem_encrypt=` come to.
  ///
  /// 6.1's arch/x86/mm/mem_encrypt_identity.c `sme_enable()` asks
  /// `cmdline_find_option()`, which takes the last one, whatever its value.  In 6.12 and
  /// later, arch/x86/boot/compressed/misc.c `parse_mem_encrypt()` compares where the
  /// first `=on` and the first `=off` stand.
  private mutating func settleEncryption(_ words: [Word]) {
    guard let encryptionSetter else { return }
    let (on, off) = ("mem_encrypt=on", "mem_encrypt=off")
    let last = words.last { $0.text.hasPrefix("mem_encrypt=") }?.text == on
    let first = Self.position(of: on, in: words) > Self.position(of: off, in: words)
    if last != first || last != memoryEncryption {
      parameters[encryptionSetter].fate = .suspicious(
        "6.1 takes the last mem_encrypt= (\(last ? "" : "no ")SME), later kernels the first on "
          + "and the first off (\(first ? "" : "no ")SME)")
    }
    memoryEncryption = last == first ? last : nil
  }

  /// Where arch/x86/boot/cmdline.c `__cmdline_find_option_bool()` finds a word, from 1;
  /// 0 without.  A word that is the beginning of it hides the next one, if one blank
  /// is between them.
  private static func position(of option: String, in words: [Word]) -> Int {
    var hidden: Int?
    for (start, text) in words where start != hidden {
      if text == option { return start + 1 }
      hidden = option.hasPrefix(text) ? start + text.utf8.count + 1 : nil
    }
    return 0
  }

  // MARK: - What holds in the end

  private mutating func settle(_ literals: [Word]) {
    settleEncryption(literals)
    if let strictVendor {
      // drivers/iommu/iommu.c `iommu_set_dma_strict()`, after all early parameters.
      if strict == false { override(strictSetter, "\(strictVendor) is read after it") }
      strict = true
    }
    if iommuOff != nil {
      iommu = .off
      if domainSetter != iommuOff { override(domainSetter, "iommu=off leaves no IOMMU") }
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
