import DMAModel
import Support
import TestSupport
import Testing

@testable import BootInputs

/// The rules are those of kernel/params.c and of the parsers that the source
/// names; each case states what the kernel does with it.
@Suite struct KernelCommandLineTests {
  private func parse(
    _ text: String, family: Platform.Family = .x86, prefixes: Bool = false
  ) throws -> KernelCommandLine {
    try KernelCommandLine(text, family: family, prefixes: prefixes)
  }

  @Test(arguments: [
    ("iommu=pt", IOMMUMode.passthrough), ("iommu=off", .off), ("iommu=nopt", .translated),
    ("iommu.passthrough=1", .passthrough), ("iommu.passthrough=0", .translated),
    ("iommu=pt iommu=nopt", .translated), ("iommu.passthrough=0 iommu=pt", .passthrough),
    ("iommu=off iommu=pt", .off), ("iommu=pt,nopt,pt", .passthrough),
    ("iommu=pt,soft", .passthrough),
    ("iommu.passthrough=off iommu.strict=1", .strict),
    ("iommu.passthrough=n iommu.strict=0", .lazy), ("\"iommu=pt\" quiet", .passthrough),
  ])
  func theIOMMUMode(text: String, mode: IOMMUMode) throws {
    #expect(try parse(text).iommu == mode)
  }

  @Test(arguments: [
    ("swiotlb=force", SwiotlbMode.force), ("swiotlb=noforce", .noforce),
    ("swiotlb=65536,force", .force), ("swiotlb=65536,8,force", .force),
    ("swiotlb=65536", .standard), ("swiotlb=force swiotlb=65536", .force),
    ("swiotlb=force swiotlb=noforce", .noforce), ("swiotlb=noforce swiotlb=force", .noforce),
    ("swiotlb=,,force", .force), ("quiet", .standard), ("-- swiotlb=force", .standard),
  ])
  func theSwiotlbMode(text: String, mode: SwiotlbMode) throws {
    #expect(try parse(text).swiotlb == mode)
  }

  /// `simple_strtoul()` reads no suffix; slots are rounded up to segments of 128.  An octal
  /// number ends before an 8, and what follows is the number of areas.
  @Test(arguments: [
    ("swiotlb=64M", UInt64(128), nil), ("swiotlb=1,1", 128, UInt64(1)), ("swiotlb=0", 0, nil),
    ("swiotlb=65536", 65536, nil), ("swiotlb=65537,6,force", 65664, 6),
    ("swiotlb=0x10000", 65536, nil), ("swiotlb=0200", 128, nil), ("swiotlb=089", 0, 89),
    ("swiotlb=,0", nil, 1), ("swiotlb=force", nil, nil), ("quiet", nil, nil),
    ("swiotlb=99999999999999999999", nil, nil),
  ])
  func theSizeOfTheSwiotlb(text: String, slots: UInt64?, areas: UInt64?) throws {
    let line = try parse(text)
    #expect(line.poolSlots == slots && line.poolAreas == areas)
  }

  /// 7.3 matches by prefix, so that track_hiwater may follow; before, the word
  /// must be whole.
  @Test func swiotlbIsMatchedByPrefixIn73() throws {
    #expect(try parse("swiotlb=force,track_hiwater").swiotlb == .standard)
    #expect(try parse("swiotlb=force,track_hiwater", prefixes: true).swiotlb == .force)
  }

  @Test func whatWonAndWhatWasIgnored() throws {
    let line = try parse("iommu=pt iommu.passthrough=0 amd_iommu=pt mem_encrypt=yes foo=bar")
    #expect(
      line.parameters.map(\.text) == [
        "iommu=pt", "iommu.passthrough=0", "amd_iommu=pt", "mem_encrypt=yes",
      ])
    guard case .overridden = line.parameters[0].fate, case .effective = line.parameters[1].fate,
      case .suspicious(let reason) = line.parameters[2].fate,
      case .suspicious = line.parameters[3].fate
    else {
      Issue.record("\(line.parameters)")
      return
    }
    #expect(reason.contains("iommu=pt may be meant"))
  }

  /// iommu_setup() passes over what it does not know, and returns at usedac.
  @Test(
    arguments: [
      ("foo,pt", IOMMUMode.passthrough, ["'foo'", "in effect: identity domains"]),
      ("pt,foo,bar", .passthrough, ["'foo'", "'bar'", "in effect: identity domains"]),
      ("pt,usedac", .passthrough, nil), ("32,memaper=3,pt", .passthrough, nil),
      ("usedac,pt", nil, ["unread", "'pt'"]), ("usedac,off", nil, ["unread", "'off'"]),
      ("calgary", nil, ["'calgary'"]), ("", nil, ["without a value"]),
    ] as [(String, IOMMUMode?, [String]?)])
  func unknownWordsDoNotEndTheList(
    value: String, mode: IOMMUMode?, suspicion: [String]?
  ) throws {
    let line = try parse("iommu=\(value)")
    #expect(line.iommu == mode)
    let fate = try #require(line.parameters.first).fate
    switch fate {
    case .effective: #expect(suspicion == nil)
    case .suspicious(let reason):
      let parts = try #require(suspicion)
      #expect(parts.allSatisfy(reason.contains), "\(reason)")
    default: Issue.record("\(fate)")
    }
    #expect(!(try parse("iommu=usedac,soft").wantsPool))
    #expect(try parse("iommu=foo,soft").wantsPool)
  }

  /// Every word counts: AMD's off for good, of Intel's on and off the last.
  @Test(
    arguments: [
      ("intel_iommu=off,on", []), ("intel_iommu=on,off", ["intel"]),
      ("intel_iommu=sm_on,off", ["intel"]), ("intel_iommu=igfx_off", []),
      ("intel_iommu=off intel_iommu=on", []), ("intel_iommu=on intel_iommu=off", ["intel"]),
      ("intel_iommu=pt,off", ["intel"]), ("amd_iommu=pt,off", ["amd"]),
      ("amd_iommu=on,off", ["amd"]), ("amd_iommu=off amd_iommu=on", ["amd"]),
      ("amd_iommu=fullflush,off intel_iommu=off", ["amd", "intel"]),
    ] as [(String, Set<String>)])
  func theVendorsLists(text: String, disabled: Set<String>) throws {
    #expect(try parse(text).disabledIOMMUs == disabled)
  }

  @Test func whatAVendorsListDid() throws {
    let line = try parse("intel_iommu=off intel_iommu=sm_on intel_iommu=on,pt amd_iommu=pt,off")
    guard case .overridden = line.parameters[0].fate, case .ignored = line.parameters[1].fate,
      case .suspicious(let intel) = line.parameters[2].fate,
      case .suspicious(let amd) = line.parameters[3].fate
    else {
      Issue.record("\(line.parameters)")
      return
    }
    #expect(intel.contains("'pt'") && intel.contains("in effect: Intel's IOMMU is used"))
    #expect(amd.contains("'pt'") && amd.contains("in effect: no IOMMU of AMD"))
    let lost = try parse("iommu=foo,pt iommu=nopt")
    #expect(lost.iommu == .translated)
    guard case .suspicious(let reason) = lost.parameters[0].fate else {
      Issue.record("\(lost.parameters)")
      return
    }
    #expect(reason.contains("'foo'") && reason.hasSuffix("but a later parameter sets the same"))
  }

  /// iommu_set_dma_strict() is called after all early parameters, whatever the order.
  @Test(arguments: ["intel_iommu=strict", "amd_iommu=fullflush"])
  func vendorsCanBeStrict(word: String) throws {
    for text in ["\(word) iommu=nopt iommu.strict=0", "iommu=nopt iommu.strict=0 \(word)"] {
      let line = try parse(text)
      #expect(line.iommu == .strict)
      let strict = try #require(line.parameters.first { $0.text == "iommu.strict=0" })
      #expect(strict.fate == .overridden("\(word) is read after it"))
    }
    #expect(try parse(word).iommu == nil)
  }

  @Test func theArchitectureDecidesWhoReadsIOMMU() throws {
    let line = try parse("iommu=pt iommu.passthrough=1", family: .arm64)
    #expect(line.iommu == .passthrough)
    guard case .ignored = line.parameters[0].fate else {
      Issue.record("iommu= is an x86 parameter")
      return
    }
  }

  @Test func dashesAndUnderscoresAreTheSame() throws {
    #expect(try parse("amd-iommu=off").disabledIOMMUs == ["amd"])
    #expect(try parse("intel_iommu=off intel_iommu=on").disabledIOMMUs == [])
    #expect(try parse("iommu.passthrough=1 intel-iommu=off").disabledIOMMUs == ["intel"])
  }

  /// The boot code looks for mem_encrypt= literally, in the whole line.
  @Test(
    arguments: [
      ("mem_encrypt=on", true), ("mem_encrypt=off", false), ("x -- mem_encrypt=on", true),
      ("mem-encrypt=on", nil), ("\"mem_encrypt=on\"", nil), ("mem_encrypt=\"on\"", nil),
      ("a=\"b mem_encrypt=on c\"", true), ("a=\"b mem_encrypt=on\"", nil), ("mem_encrypt=yes", nil),
      ("amem_encrypt=on", nil), ("quiet\tmem_encrypt=on\r\n", true), ("é mem_encrypt=on", true),
    ] as [(String, Bool?)])
  func memoryEncryptionIsReadLiterally(text: String, isOn: Bool?) throws {
    let line = try parse(text)
    #expect(line.memoryEncryption == isOn)
    let found = line.parameters.filter { $0.text.contains("encrypt") && !$0.text.hasPrefix("a") }
    for parameter in found {
      if case .effective = parameter.fate { #expect(isOn != nil) } else { #expect(isOn == nil) }
    }
  }

  /// 6.1 takes the last one, later kernels compare the first on with the first off;
  /// where that differs, no answer is right for all.
  @Test(
    arguments: [
      ("on off", false), ("off on", true), ("on on off", false), ("off off on", true),
      ("off yes", false), ("on off on", nil), ("off on off", nil), ("on yes", nil),
    ] as [(String, Bool?)])
  func severalMemoryEncryptions(values: String, isOn: Bool?) throws {
    let words = values.split(separator: " ").map { "mem_encrypt=\($0)" }
    let line = try parse(words.joined(separator: " "))
    #expect(line.memoryEncryption == isOn)
    #expect(line.parameters.map(\.text) == words)
    let differs = line.parameters.contains { parameter in
      if case .suspicious(let reason) = parameter.fate { reason.hasPrefix("6.1") } else { false }
    }
    #expect(differs == (isOn == nil))
  }

  /// The boot code's search goes on past a blank that follows the beginning of what it
  /// looks for, and misses the next word.
  @Test(
    arguments: [
      ("mem mem_encrypt=on", nil), ("mem  mem_encrypt=on", true), ("mem x mem_encrypt=on", true),
      ("mem mem mem_encrypt=on", true), ("mem= mem_encrypt=on", true),
    ] as [(String, Bool?)])
  func aBeginningHidesTheNextWord(text: String, isOn: Bool?) throws {
    #expect(try parse(text).memoryEncryption == isOn)
  }

  @Test func parametersStayInOrder() throws {
    let line = try parse("iommu=pt mem_encrypt=on swiotlb=force mem-encrypt=on -- mem_encrypt=on")
    #expect(
      line.parameters.map(\.text) == [
        "iommu=pt", "mem_encrypt=on", "swiotlb=force", "mem-encrypt=on", "mem_encrypt=on",
      ])
    #expect(line.memoryEncryption == true)
  }

  @Test func impossibleLinesAreRefused() {
    #expect(throws: KernelCommandLine.ParseError.empty) { try parse("  \n") }
    #expect(throws: KernelCommandLine.ParseError.tooLong(1 << 20)) {
      try parse(String(repeating: "x", count: 1 << 20))
    }
    #expect(throws: KernelCommandLine.ParseError.notText) { try parse("a\u{0}b\u{7}") }
    for control in ["\u{1b}", "\u{7f}", "\u{9b}"] {
      #expect(throws: KernelCommandLine.ParseError.notText) { try parse("a\(control)") }
    }
    #expect(throws: Never.self) { try parse("a\tb\r\nc é") }
  }

  /// Random lines from pieces that mean something: never a crash, and always the
  /// same answer twice.
  @Test func randomLinesAreSurvived() {
    let seed = testSeed()
    var random = Linear(state: seed)
    let pieces = [
      "iommu=", "swiotlb=", "force", "noforce", ",", "pt", "off", " ", "\"", "=", "-", "--",
      "0x", "99999999999999999999", "mem_encrypt=", "amd_iommu=", "iommu.strict=", "\t", "é", "on",
    ]
    for _ in 0..<3000 {
      let text = (0..<random.next() % 12).map { _ in
        pieces[Int(random.next() % UInt64(pieces.count))]
      }.joined()
      let first = try? parse(text)
      #expect(first == (try? parse(text)), "seed \(seed): \(text)")
    }
  }
}
