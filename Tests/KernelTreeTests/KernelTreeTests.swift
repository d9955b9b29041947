import DMAModel
import Foundation
import Testing

@testable import Analysis
@testable import KernelTree

/// A kernel tree's own code as a witness.
@Suite(.serialized) struct KernelTreeTests {
  private func agreement(
    _ one: KernelVersion, _ other: KernelVersion, _ domain: MatrixDomain
  ) -> Agreement {
    Agreement(model: one, code: other, domain: domain, limit: 20)
  }

  /// A literal that nothing closes ends with the file.
  @Test(arguments: ["int a = \"", "char c = '\\", "f(\"\\\n\\"])
  func anOpenLiteralEndsWithTheFile(text: String) {
    let items = CSource(path: "f.c", text: "int before;\n" + text).items
    #expect(items.map(\.text) == ["int before;", text])
  }

  /// An error keeps its path, and one of the tree's files is named below the tree.
  @Test func errorsNameTheirFiles() {
    let output = "In file included from x\n/tree/kernel/dma/direct.c:1:2: error: no\n1 error\n"
    #expect(Compiler.firstError(output) == "/tree/kernel/dma/direct.c:1:2: error: no")
    #expect(Compiler.errors(output, in: ["/tree"]) == ["kernel/dma/direct.c:1:2: error: no"])
    #expect(Compiler.firstError("/bin/ld: out of memory\n") == "/bin/ld: out of memory")
  }

  /// A path of an #include has one name, and stays in the tree.
  @Test func includesStayInTheTree() {
    let path = HarnessSource.path(of:from:)
    #expect(path("../dma/./direct.h", "kernel/dma") == "kernel/dma/direct.h")
    #expect(path("debug.h", "") == "debug.h")
    #expect(path("../../../x.h", "kernel/dma") == nil)
  }

  /// A named pipe would never end, a huge file would fill the memory.
  @Test func onlyRegularFilesAreRead() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("dmamatrix-tree-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(
      atPath: path + "/kernel/dma", withIntermediateDirectories: true)
    for file in ["mapping.c", "direct.c", "swiotlb.c"] {
      try "int a;".write(toFile: path + "/kernel/dma/" + file, atomically: true, encoding: .utf8)
    }
    let tree = try SourceTree(path: path)
    #expect(tree.read("kernel/dma/direct.c") == "int a;")
    // Nor is a tree asked from before 6.0.
    let error = #expect(throws: TreeError.self) {
      try TreeEvaluation(tree: tree, platforms: [.x86], cacheDirectory: path + "/cache")
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("too old"))
    #expect(mkfifo(path + "/pipe", 0o600) == 0)
    #expect(tree.read("pipe") == nil && tree.read("kernel") == nil)
    #expect(truncate(path + "/kernel/dma/direct.c", 1 << 40) == 0)
    #expect(tree.read("kernel/dma/direct.c") == nil)
  }

  /// Source: Debian's linux-source packages, compiled.  `make verify-kernels` asks
  /// for the whole matrix; this asks one machine, in both orders.
  @Test(
    .enabled(if: Trees.exists("6.1") && Trees.exists("6.12"), Trees.missing),
    arguments: ["6.1", "6.12"])
  func theModelAgreesWithTheCode(version: String) throws {
    let model = try #require(KernelVersion.named(version))
    let domain = reducedDomain(Platform.allCases.filter(TreeEvaluation.canExpress))
    let tree = try evaluated(Trees.path(version), domain)
    let found = agreement(model, tree, domain)
    #expect(found.isComplete && found.scenarios > 400_000)
    #expect(Agreement.nearest(to: tree, among: KernelVersion.all, domain: domain) == model)

    let reversed = try evaluated(Trees.path(version), domain, isReversed: true)
    #expect(agreement(tree, reversed, domain).isComplete)
  }

  /// Bus limits, buffers and places of the C-bit beside those of the matrix: lengths
  /// around the kmalloc() caches, pages and what a pool can hold.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func theModelAgreesOnFinerAxes() throws {
    var domain = reducedDomain(
      ["x86", "x86-sme43", "x86-sme49", "sev", "arm64"].compactMap { Platform(name: $0) })
    domain.busLimits = [.none] + [30, 31, 33, 36, 43].compactMap { BusLimit(bits: $0) }
    domain.coherentMasks = [.same]
    domain.operations = [.map, .mapSG, .mapSGP2P]
    let lengths: [UInt64] = [
      1, 32, 33, 64, 65, 96, 97, 128, 129, 192, 193, 255, 256, 4095, 4096, 4097, 256 << 10,
      (256 << 10) + 1,
    ]
    domain.buffers =
      lengths.compactMap { Buffer(at: 12 << 30, length: $0) }
      + [48, 4000].compactMap { Buffer(at: (5 << 30) + $0, length: 4096) }
      + [0xf800_0000, 0x39_0000_0000].compactMap {
        Buffer(at: $0, length: 4096, isDeviceMemory: true)
      }
    let tree = try evaluated(Trees.path("6.12"), domain)
    let found = agreement(try #require(KernelVersion.named("6.12")), tree, domain)
    #expect(found.isComplete && found.scenarios > 500_000)
  }

  /// An SME host takes a device whose mask ends just below the C-bit for one that can
  /// set it: those scenarios change and no others.  The page that is then encrypted
  /// is not dma_coherent_ok, and the allocation fails.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func anEditedMaskComparisonIsSeen() throws {
    let domain = reducedDomain([.x86SME47, .x86SME51, .sev])
    let before = try evaluated(Trees.path("6.12"), domain)
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(
      "if (dma_dev_mask <= dma_enc_mask)", with: "if (dma_dev_mask < dma_enc_mask)",
      in: "arch/x86/mm/mem_encrypt.c")
    let after = try evaluated(copy.path, domain, cache: copy.cache)
    let found = agreement(before, after, domain)
    #expect(found.onlyModel == 0 && found.onlyCode == 0 && found.scenarios > found.equal)
    // A mask of n bits and the C-bit at n: min(coherent mask, bus limit) of each.
    for platform in domain.platforms {
      var expected = 0
      for mask in domain.masks {
        var part = domain
        (part.platforms, part.masks) = ([platform], [mask])
        let found = agreement(before, after, part)
        let bits = platform == .x86SME47 ? 47 : platform == .x86SME51 ? 51 : 0
        if Int(mask.bits) != bits { #expect(found.isComplete, "\(platform.name) \(mask.bits)") }
        expected += found.scenarios - found.equal
        guard Int(mask.bits) == bits else { continue }
        part.operations = [.alloc]
        (part.coherentMasks, part.busLimits, part.iommuModes) = ([.same], [.none], [.none])
        part.swiotlbModes = [.standard]
        let alloc = agreement(before, after, part)
        #expect(alloc.equal == 0 && alloc.scenarios > 0)
        #expect(
          alloc.disagreements.allSatisfy {
            $0.model.answer.encoding == .shared && $0.code.answer.result == .error
          })
      }
      #expect((expected > 0) == (platform != .sev))
    }
  }

  /// dma_capable() with half the mask: a mapping is answered as with one bit less.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func anEditedLimitIsSeen() throws {
    var domain = reducedDomain([.x86])
    domain.machines = Machine.standard
    (domain.operations, domain.attributes) = ([.map], [.none])
    (domain.iommuModes, domain.busLimits) = ([.none], [.none])
    let before = try evaluated(Trees.path("6.12"), domain)
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(
      "return end <= min_not_zero(*dev->dma_mask, dev->bus_dma_limit);",
      with: "return end <= min_not_zero(*dev->dma_mask, dev->bus_dma_limit) / 2;",
      in: "include/linux/dma-direct.h")
    let after = try evaluated(copy.path, domain, cache: copy.cache)
    var (compared, changed) = (0, 0)
    for machine in domain.machines {
      for swiotlb in domain.swiotlbModes where swiotlb != .restricted {
        let kernels = [before, after].map { $0.booted(.x86, .none, swiotlb, machine) }
        let requests = domain.requests(on: machine, .x86, .none, policies: [before.policy])
        for request in requests {
          for bits in 25...64 {
            var (narrow, wide) = (request, request)
            narrow.mask = try #require(DMAMask(bits: bits - 1))
            wide.mask = try #require(DMAMask(bits: bits))
            let edited = kernels[1].answer(to: wide).result
            #expect(edited == kernels[0].answer(to: narrow).result, "\(request) \(bits)")
            compared += 1
            if edited != kernels[0].answer(to: wide).result { changed += 1 }
          }
        }
      }
    }
    #expect(compared > 1000 && changed > 10)
  }

  /// A tree that does not compile: the compiler's first error, with file and line.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aTreeThatDoesNotCompileSaysWhere() throws {
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(
      "phys_to_dma_direct(struct device *dev,", with: "phys_to_dma_direct(struct devise *dev,",
      in: "kernel/dma/direct.c")
    do {
      _ = try evaluated(copy.path, reducedDomain([.x86]), cache: copy.cache)
      Issue.record("the tree was compiled")
    } catch let TreeError.doesNotCompile(family, problems, _) {
      #expect(family == "x86")
      #expect(problems.contains { $0.hasPrefix("kernel/dma/direct.c:") && $0.contains("error:") })
    }
  }

  /// What the code of a tree does besides answering: nothing.  Its constructor runs
  /// before anything else and finds no file to write and no socket.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aHostileTreeCannotWrite() throws {
    let copy = try EditedTree(copyOf: "6.12")
    let victim = copy.cache + ".written"
    let direct = try copy.text("kernel/dma/direct.c")
    try copy.write(
      direct + """

        static long hostile_call(long number, long a, long b, long c)
        {
        	long result;
        	asm volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c)
        		     : "rcx", "r11", "memory");
        	return result;
        }
        __attribute__((constructor, used)) static void hostile(void)
        {
        	if (hostile_call(2, (long)"\(victim)", 01101, 0644) >= 0 ||
        	    hostile_call(85, (long)"\(victim)", 0644, 0) >= 0 ||
        	    hostile_call(41, 2, 1, 0) >= 0)
        		hostile_call(231, 99, 0, 0);
        }

        """, to: "kernel/dma/direct.c")
    let tree = try evaluated(copy.path, reducedDomain([.x86]), cache: copy.cache)
    #expect(!FileManager.default.fileExists(atPath: victim))
    let model = try #require(KernelVersion.named("6.12"))
    #expect(agreement(model, tree, reducedDomain([.x86])).isComplete)
  }

  /// Time on the clock is bounded, also for what a program leaves behind: here a
  /// second process, which would speak twice as late as the end is.
  @Test func aWaitingProgramEnds() throws {
    let directory = FileManager.default.temporaryDirectory.path + "/launcher-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let compiler = try Compiler()
    let launcher = try BuildCache(directory: directory).launcher(compiler)
    func run(_ script: String) throws -> (status: Int32, output: String) {
      try Command(
        launcher,
        ["compile", "1", "100", "\(getpid())", "-x", "/", "--", "/bin/sh", "-c", script]
      ).run()
    }
    let (status, output) = try run("(sleep 8; echo late) & sleep 60")
    #expect(status == 124 && output == "no end after 4 s\n")
    let (other, said) = try run("echo a; exit 3")
    #expect(other == 3 && said == "a\n")
  }

  /// More on standard error than a pipe holds, and than is kept, is read while the
  /// answers are; without that, neither side would go on.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aTalkativeTreeIsHeardOut() throws {
    let copy = try EditedTree(copyOf: "6.12")
    let direct = try copy.text("kernel/dma/direct.c")
    try copy.write(
      direct + """

        extern void host_error(const char *text);
        __attribute__((constructor, used)) static void talk(void)
        {
        	for (int i = 0; i < 100000; i++)
        		host_error("one of many sentences\\n");
        }

        """, to: "kernel/dma/direct.c")
    let tree = try evaluated(copy.path, reducedDomain([.x86]), cache: copy.cache)
    let model = try #require(KernelVersion.named("6.12"))
    #expect(agreement(model, tree, reducedDomain([.x86])).isComplete)
  }

  /// Output that has no end ends the program and does not fill the memory; a length
  /// must be that of the answers, and with the answers the program ends: what should
  /// run after them never does.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func outputHasABound() throws {
    let copy = try EditedTree(copyOf: "6.12")
    let direct = try copy.text("kernel/dma/direct.c")
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    let flood = "host_write(\"0123456789abcdef\", 16);"
    let attempts: [(String, String, String?)] = [
      ("constructor", "for (;;) \(flood)", "its output is too long"),
      ("destructor", "for (;;) \(flood)", nil),
      ("constructor", "promise(0);", "its output is not complete"),
      ("constructor", "promise(64);", "its output is not complete"),
      ("constructor", "promise(1UL << 20);", "its output is not complete"),
      ("constructor", "promise(1UL << 40);", "its output is too long"),
    ]
    for (hook, code, reason) in attempts {
      try copy.write(
        direct + """

          extern void host_write(const void *from, unsigned long size);
          extern void host_exit(int status);
          __attribute__((unused)) static void promise(unsigned long length)
          {
          	host_write(&length, 8);
          	host_write(&length, 8);
          	host_exit(0);
          }
          __attribute__((\(hook), used)) static void hostile(void)
          {
          	\(code)
          }

          """, to: "kernel/dma/direct.c")
      guard let reason else {
        let tree = try evaluated(copy.path, domain, cache: copy.cache)
        let model = try #require(KernelVersion.named("6.12"))
        #expect(agreement(model, tree, domain).isComplete, "\(hook)")
        continue
      }
      #expect(throws: TreeError.failed(family: "x86", reason: reason), "\(code)") {
        try evaluated(copy.path, domain, cache: copy.cache)
      }
    }
  }

  /// Of what a compiler says, the start is kept and all is read.
  @Test func outputOfCommandsHasABound() throws {
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2; exit 3"
    let (status, output) = try Command("/bin/sh", ["-c", script]).run()
    #expect(status == 3 && output == String(repeating: "x", count: 1 << 20))
    let (other, slow) = try Command("/bin/sh", ["-c", "echo a; sleep 1; echo b"]).run()
    #expect(other == 0 && slow == "a\nb\n")
  }

  /// A request that crashes is answered with an error that says so; a program that
  /// ends by itself is no answer at all.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func crashesAndExitsAreTold() throws {
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    let file = "kernel/dma/swiotlb.c"
    let start = "size_t swiotlb_max_mapping_size(struct device *dev)\n{"
    let crashing = try EditedTree(copyOf: "6.12")
    try crashing.replace(start, with: start + "\n\t*(volatile int *)8 = 0;", in: file)
    let kernel = try evaluated(crashing.path, domain, cache: crashing.cache)
      .booted(.x86, .none, .force, .sixtyFourGiB)
    let request = try #require(
      domain.requests(on: .sixtyFourGiB, .x86, .none, policies: [kernel.policy]).first)
    let answer = kernel.answer(to: request)
    #expect(answer.result == .error && answer.warnings.text.hasPrefix("other:crash: "))

    let ending = try EditedTree(copyOf: "6.12")
    try ending.replace(
      start, with: start + "\n\tasm volatile(\"syscall\" : : \"a\"(231L), \"D\"(9L));", in: file)
    #expect(throws: TreeError.failed(family: "x86", reason: "exit status 9")) {
      try evaluated(ending.path, domain, cache: ending.cache)
    }
  }

  /// What a tree prints before it is ended does not hide why it was.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func wordsOfATreeHideNoReason() throws {
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    let copy = try EditedTree(copyOf: "6.12")
    let direct = try copy.text("kernel/dma/direct.c")
    for (end, reason) in [
      ("*(volatile int *)8 = 0;", "ended by signal 11 (Segmentation fault)"),
      ("host_exit(9);", "last words"),
    ] {
      try copy.write(
        direct + """

          extern void host_error(const char *text);
          extern void host_exit(int status);
          __attribute__((constructor, used)) static void talk(void)
          {
          	for (int i = 0; i < 20000; i++)
          		host_error("all is well\\n");
          	host_error("last words\\n\\n");
          	\(end)
          }

          """, to: "kernel/dma/direct.c")
      #expect(throws: TreeError.failed(family: "x86", reason: reason)) {
        try evaluated(copy.path, domain, cache: copy.cache)
      }
    }
  }

  @Test func whatIsNoTreeIsSaid() throws {
    #expect(throws: TreeError.missing(path: "/no/such/tree")) {
      try SourceTree(path: "/no/such/tree")
    }
    #expect(throws: TreeError.notATree(path: "/etc", missing: "kernel/dma/mapping.c")) {
      try SourceTree(path: "/etc")
    }
  }
}
