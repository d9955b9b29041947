import DMAModel

/// The C program for one architecture of one tree: what the tree has, looked at,
/// and what the shim lends.
struct HarnessSource {
  let tree: SourceTree
  let family: Family
  /// Files to write, by their path in the build directory.
  private(set) var files: [String: String] = [:]
  /// Questions about the tree and what the answers were, for error messages.
  private(set) var probes: [String: Bool] = [:]
  /// Names that were looked for and are not in the tree.
  private(set) var notFound: [String] = []
  private(set) var configuration: [String: String] = [:]
  /// The tree's files that the program is made of.
  private(set) var compiled: Set<String> = []
  /// Of the files that definitions are taken from by name, those.
  private(set) var partial: [String: Set<String>] = [:]
  /// What was taken from headers that the shim has others for, by their paths in the tree.
  var borrowed: [String: Borrowed] = [:]

  private static let realHeaders: Set<String> = [
    "linux/dma-mapping.h", "linux/dma-map-ops.h", "linux/dma-direct.h", "linux/swiotlb.h",
    "linux/mem_encrypt.h", "linux/cc_platform.h", "linux/dma-direction.h", "linux/iommu-dma.h",
    "linux/genalloc.h", "linux/sizes.h", "linux/iommu-helper.h", "asm/mem_encrypt.h",
    "asm/dma-direct.h", "asm/dma-mapping.h", "asm/coco.h", "asm/msr-index.h", "asm/rsi.h",
    "asm/swiotlb.h",
  ]
  private static let core = [
    "kernel/dma/direct.c", "kernel/dma/swiotlb.c", "kernel/dma/pool.c", "kernel/dma/mapping.c",
    "kernel/dma/ops_helpers.c", "kernel/dma/remap.c",
  ]

  init(tree: SourceTree, family: Family) throws(TreeError) {
    self.tree = tree
    self.family = family
    let swiotlb = ["kernel/dma/swiotlb.c", "include/linux/swiotlb.h"].compactMap(tree.read)
    guard swiotlb.contains(where: { $0.contains("io_tlb_area") }) else {
      throw .tooOld(version: tree.version)
    }
    configure()
    probe()
    let pieces = try extract()
    let whole = built(Self.core) + family.whole.filter(tree.exists)
    let headers = try scan(whole: whole, pieces: pieces.map(\.text))
    for file in whole { partial[file] = nil }
    files["main.c"] = unit(whole: whole, pieces: pieces, headers: headers)
  }

  // MARK: - Configuration and probes

  private mutating func configure() {
    compiled.formUnion(
      (family.kconfigs + ["kernel/dma/Kconfig", "kernel/dma/Makefile", "drivers/iommu/Kconfig"])
        .filter(tree.exists))
    let texts = (family.kconfigs + ["kernel/dma/Kconfig", "drivers/iommu/Kconfig"])
      .compactMap(tree.read)
    let kconfig = Kconfig(texts: texts)
    let on = kconfig.closure(of: family.roots, without: Family.excluded)
    for name in on where Family.isDefined(name) { configuration["CONFIG_\(name)"] = "1" }
    for (name, value) in kconfig.defaults(with: on) where Family.isDefined(name) {
      configuration["CONFIG_\(name)"] = value
    }
  }

  /// The files of kernel/dma that its Makefile builds with this configuration.
  private func built(_ files: [String]) -> [String] {
    let makefile = tree.read("kernel/dma/Makefile") ?? ""
    return files.filter(tree.exists).filter { file in
      let object = file.split(separator: "/").last.map { $0.dropLast(1) + "o" } ?? ""
      guard
        let line = makefile.split(separator: "\n").first(where: {
          $0.split(whereSeparator: \.isWhitespace).contains { $0 == object }
        }), let open = line.firstIndex(of: "("),
        let close = line[open...].firstIndex(of: ")")
      else { return true }
      return configuration[String(line[line.index(after: open)..<close])] != nil
    }
  }

  private mutating func probe() {
    func has(_ file: String, _ text: String) -> Bool {
      guard let contents = tree.read(file) else { return false }
      return CSource.words(contents).contains(text)
    }
    let arch = "arch/\(family.directory)"
    probes = [
      "SHIM_MAP_PHYS": has("include/linux/dma-mapping.h", "dma_map_phys"),
      "SHIM_IOVA_LINK": has("include/linux/dma-mapping.h", "dma_iova_link"),
      "SHIM_IOMMU_BY_OPS": !has("kernel/dma/mapping.c", "use_dma_iommu")
        && configuration["CONFIG_IOMMU_DMA"] != nil,
      "SHIM_IO_TLB_POOL": has("include/linux/swiotlb.h", "io_tlb_pool"),
      "SHIM_SWIOTLB_DEV_INIT": has("include/linux/swiotlb.h", "swiotlb_dev_init"),
      "SHIM_P2PDMA_OWN_ENUM": !has("include/linux/dma-map-ops.h", "pci_p2pdma_map_type"),
      "SHIM_ZONE_DMA_LIMIT": has("include/linux/dma-direct.h", "zone_dma_limit"),
      "SHIM_MEM_ENCRYPT_SETUP_ARCH": has("arch/x86/mm/mem_encrypt.c", "mem_encrypt_setup_arch"),
      "SHIM_SEV_SETUP_ARCH": has("arch/x86/mm/mem_encrypt_amd.c", "sev_setup_arch")
        || has("arch/x86/mm/mem_encrypt.c", "sev_setup_arch"),
      "SHIM_HYPERV_VENDOR": has("arch/x86/coco/core.c", "hyperv_cc_platform_has"),
      "SHIM_HYPERV_UPDATES_POOL": has(
        "arch/x86/hyperv/hv_init.c", "swiotlb_update_mem_attributes"),
      "SHIM_ARM64_CRYPT_OPS": has("\(arch)/include/asm/mem_encrypt.h", "arm64_mem_crypt_ops"),
      "SHIM_RANGE_OFFSET": (tree.read("include/linux/dma-direct.h") ?? "").contains("m->offset"),
      "SHIM_REALM": has("\(arch)/include/asm/mem_encrypt.h", "is_realm_world"),
    ]
  }

  /// The probes that were positive, for an error message.
  var probeText: String {
    let on = probes.filter(\.value).keys.map { $0.replacing("SHIM_", with: "").lowercased() }
    return "probes: \(on.sorted().joined(separator: ", "))"
  }

  /// What scenarios depend on.
  var facts: TreeFacts {
    var facts = TreeFacts()
    facts.servesByDMAIOMMU = servesByDMAIOMMU
    facts.mapsPhysicalAddresses = probes["SHIM_MAP_PHYS"] == true
    facts.linksIOVA = probes["SHIM_IOVA_LINK"] == true
    let header = Set(CSource.words(tree.read("include/linux/dma-mapping.h") ?? ""))
    if facts.mapsPhysicalAddresses {
      if header.contains("DMA_ATTR_CC_SHARED") { facts.attributes.insert(.ccShared) }
      if header.contains("DMA_ATTR_MMIO") { facts.attributes.insert(.mmio) }
      if header.contains("DMA_ATTR_MMIO"), header.contains("DMA_ATTR_CC_SHARED") {
        facts.attributes.insert(.mmioCCShared)
      }
      if header.contains("DMA_ATTR_REQUIRE_COHERENT") {
        facts.attributes.insert(.requireCoherent)
      }
    } else {
      facts.attributes = [.mmio]  // dma_map_resource()
    }
    facts.hasArm64Hooks = probes["SHIM_ARM64_CRYPT_OPS"] == true
    facts.hasRealms = probes["SHIM_REALM"] == true
    facts.notFound = notFound
    facts.files = compiled.union(borrowed.keys)
    facts.replaced = Set(replacedHeaders)
    facts.partial = partial.merging(borrowed.mapValues(\.names)) { $0.union($1) }
    return facts
  }

  /// Whether the kernel of this tree serves a family's devices by dma-iommu.
  var servesByDMAIOMMU: Bool { configuration["CONFIG_IOMMU_DMA"] != nil }

  // MARK: - Pieces

  private struct Extracted {
    let text: String
    let names: Set<String>
  }

  private mutating func extract() throws(TreeError) -> [Extracted] {
    var pieces: [Extracted] = []
    for piece in family.pieces {
      guard let root = piece.roots.first,
        piece.onlyWith.map({ configuration["CONFIG_\($0)"] != nil }) ?? true
      else { continue }
      let candidates = piece.roots.lazy.compactMap { [tree] in
        tree.file(defining: $0, among: piece.files)
      }
      guard let source = candidates.first else {
        if piece.isRequired {
          throw .notFound(
            family: family.name, name: root, files: piece.files.joined(separator: ", "))
        }
        continue
      }
      let file = String(source.path.dropFirst(tree.path.count + 1))
      compiled.insert(file)
      let (text, names) = source.extract(piece.roots, stop: piece.stop)
      partial[file, default: []].formUnion(names)
      notFound += piece.roots.filter { !names.contains($0) }
      pieces.append(Extracted(text: text, names: names))
    }
    if servesByDMAIOMMU {
      pieces.append(try dmaIOMMU())
    }
    pieces.append(amdPTE())
    return pieces
  }

  /// drivers/iommu/dma-iommu.c: the map, unmap, allocation and free paths.
  private mutating func dmaIOMMU() throws(TreeError) -> Extracted {
    var text = ""
    compiled.formUnion(["include/linux/iova.h", "drivers/iommu/dma-iommu.c"])
    if let header = tree.read("include/linux/iova.h") {
      text +=
        CSource(path: tree.path + "/include/linux/iova.h", text: header).extract(
          [
            "iova_size", "iova_shift", "iova_mask", "iova_offset", "iova_align", "iova_align_down",
            "iova_dma_addr", "iova_pfn",
          ], stop: ["iova_domain", "iova"]
        ).text
    }
    let file = "drivers/iommu/dma-iommu.c"
    guard let contents = tree.read(file) else {
      throw .notFound(family: family.name, name: "iommu_dma_alloc", files: file)
    }
    let source = CSource(path: tree.path + "/" + file, text: contents)
    let roots =
      probes["SHIM_IOMMU_BY_OPS"] == true
      ? ["iommu_dma_ops", "iommu_dma_cookie"]
      : [
        "iommu_dma_map_page", "iommu_dma_map_phys", "iommu_dma_unmap_page",
        "iommu_dma_unmap_phys", "iommu_dma_map_sg", "iommu_dma_unmap_sg", "iommu_dma_alloc",
        "iommu_dma_free", "iommu_dma_map_resource", "iommu_dma_unmap_resource",
        "iommu_dma_max_mapping_size", "iommu_dma_opt_mapping_size", "iommu_dma_cookie",
        "iommu_dma_msi_cookie", "iommu_dma_alloc_noncontiguous", "iommu_dma_free_noncontiguous",
        "dma_iova_try_alloc", "dma_iova_link", "dma_iova_sync", "dma_iova_unlink",
        "dma_iova_free", "dma_iova_destroy",
      ]
    let piece = source.extract(roots, stop: ["queue_iova"])
    guard piece.names.contains(roots[0]) || piece.names.contains(roots[1]) else {
      throw .notFound(family: family.name, name: roots[0], files: file)
    }
    partial[file, default: []].formUnion(piece.names)
    return Extracted(text: text + piece.text, names: piece.names)
  }

  /// Whether AMD's page table sets the C-bit for a mapping with some protection.
  private mutating func amdPTE() -> Extracted {
    let file = "drivers/iommu/generic_pt/fmt/amdv1.h"
    let root = "amdv1pt_iommu_set_prot"
    guard family.family == .x86, let contents = tree.read(file) else {
      return Extracted(
        text: "static bool shim_amd_pte_encrypted(int prot) { return true; }\n", names: [])
    }
    compiled.insert(file)
    let piece = CSource(path: tree.path + "/" + file, text: contents).extract([root])
    partial[file, default: []].formUnion(piece.names)
    guard piece.names.contains(root) else {
      notFound.append(root)
      return Extracted(
        text: "static bool shim_amd_pte_encrypted(int prot) { return true; }\n", names: [])
    }
    return Extracted(
      text: """
        struct pt_common { int unused; };
        struct pt_write_attrs { u64 descriptor_bits; gfp_t gfp; };
        #define pt_feature(common, feature) ((void)(common), true)
        #define FIELD_PREP(mask, value) ((u64)(value))
        \(piece.text)
        static bool shim_amd_pte_encrypted(int prot)
        {
        	struct pt_common common = { 0 };
        	struct pt_write_attrs attrs = { 0 };

        	amdv1pt_iommu_set_prot(&common, &attrs, prot);
        	return attrs.descriptor_bits & sme_me_mask;
        }

        """, names: piece.names)
  }

  // MARK: - Headers

  /// Writes a header for every name that is included, and returns the macros for
  /// trace points.
  ///
  /// - Throws: Where a file asks `__has_include`: what is there beside the files that are
  ///   read is not known, neither here nor to what tells programs apart.
  private mutating func scan(
    whole: [String], pieces: [String]
  ) throws(TreeError) -> String {
    var traces: Set<String> = []
    var seen: Set<String> = []
    var queue: [(text: String, file: String)] = pieces.map { ($0, "") }
    var compiled: Set<String> = []
    defer { self.compiled.formUnion(compiled) }
    func add(_ file: String) {
      guard seen.insert(file).inserted, let text = tree.read(file) else { return }
      compiled.insert(file)
      queue.append((text, file))
    }
    whole.forEach(add)
    for header in Self.realHeaders { files["include/" + header] = wrapper(header, add: add) }
    while let (text, file) = queue.popLast() {
      let words = Set(CSource.words(text))
      if words.contains("__has_include") {
        throw .doesNotCompile(
          family: family.name,
          problems: [
            "\(file.isEmpty ? "a function" : file.printable(upTo: 200)): __has_include is not "
              + "answered here, where only the headers are read that compiled files include"
          ], probe: "")
      }
      for word in words where word.hasPrefix("trace_") { traces.insert(word) }
      let directory = file.split(separator: "/").dropLast().joined(separator: "/")
      for line in text.split(separator: "\n") {
        guard let name = Self.included(line) else { continue }
        if name.isQuoted {
          if let file = Self.path(of: name.path, from: directory) { add(file) }
        } else if files["include/" + name.path] == nil {
          files["include/" + name.path] = ""
        }
      }
    }
    // A macro call in the text is not a trace point; these are the shim's own.
    return traces.sorted().map { "#define \($0)(...) do { } while (0)\n" }.joined()
  }

  private func wrapper(_ header: String, add: (String) -> Void) -> String {
    var candidates = ["include/" + header]
    if header.hasPrefix("asm/") {
      candidates = [
        "arch/\(family.directory)/include/" + header,
        header == "asm/dma-mapping.h" ? "include/asm-generic/dma-mapping.h" : "",
      ]
    }
    guard let file = candidates.first(where: { !$0.isEmpty && tree.exists($0) }) else { return "" }
    add(file)
    return "#include \"\(tree.path)/\(file)\"\n"
  }

  /// The page allocator's largest order, whose name and meaning changed.
  private var orders: String {
    let file = "include/linux/mmzone.h"
    guard let text = tree.read(file) else { return "" }
    return CSource(path: tree.path + "/" + file, text: text)
      .extract(["MAX_ORDER", "MAX_PAGE_ORDER", "MAX_ORDER_NR_PAGES"]).text
  }

  // MARK: - The unit

  private func unit(whole: [String], pieces: [Extracted], headers: String) -> String {
    var text = "/* Made by dmamatrix from \(tree.path); not to be kept. */\n"
    for (name, value) in configuration.sorted(by: { $0.key < $1.key }) {
      text += "#define \(name) \(value)\n"
    }
    if probes["SHIM_P2PDMA_OWN_ENUM"] != true { text += "#define CONFIG_PCI_P2PDMA 1\n" }
    for (name, on) in probes.sorted(by: { $0.key < $1.key }) where on {
      text += "#define \(name) 1\n"
    }
    text += "#define SHIM_UNTRUSTED \(untrustedMember)\n"
    for name in Set(pieces.flatMap(\.names)).sorted() {
      text += "#define SHIM_EXTRACTED_\(name) 1\n"
    }
    text += """
      #include "base.h"
      #include <linux/sizes.h>
      #include "platform.h"
      #include "\(family.name).h"
      \(orders)
      #include "memory.h"
      #include "device.h"
      #include "iommu.h"
      #include "host.h"
      \(headers)
      #include <linux/dma-map-ops.h>
      #include <linux/dma-direct.h>
      #include <linux/swiotlb.h>
      #include <linux/genalloc.h>
      #include <linux/cc_platform.h>
      #include <linux/iommu-dma.h>
      #include <linux/iommu-helper.h>

      """
    if family.family == .x86 {
      text += "#include <asm/coco.h>\n#include <asm/msr-index.h>\n"
    }
    for file in whole {
      text += "#undef pr_fmt\n#include \"\(tree.path)/\(file)\"\n"
    }
    text += "#undef pr_fmt\n#define pr_fmt(fmt) fmt\n"
    if family.family == .x86 { text += "extern u64 sme_me_mask;\nextern u64 sev_status;\n" }
    text += pieces.map(\.text).joined(separator: "\n")
    for file in ["memory.c", "heap.c", "\(family.name)-boot.c", "run.c"] {
      text += "\n#include \"\(file)\""
    }
    text += "\n"
    return text
  }
}
