import DMAModel
import Foundation
import TestSupport
import Testing

@testable import DriverScan

/// A small tree read whole; every expected value is C's or Kconfig's own meaning.
@Suite struct DriverScanTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try DriverTree.write(to: directory.file("tree"))
  }

  private func drivers(_ others: [String: String] = [:]) throws -> [String: Driver] {
    try DriverTree.write(to: directory.file("tree"), others: others)
    let scan = try DriverScan(tree: directory.file("tree"))
    #expect(scan.release == "7.3.9")
    return Dictionary(uniqueKeysWithValues: scan.drivers.map { ($0.file, $0) })
  }

  @Test func aFallbackIsAnAlternative() throws {
    let fast = try #require(try drivers()["drivers/net/fast_main.c"])
    #expect(fast.calls.map(\.line) == [7, 10])
    #expect(fast.calls.map(\.expression) == ["DMA_BIT_MASK(64)", "DMA_BIT_MASK(FAST_BITS)"])
    #expect(fast.calls.map(\.fallbackOf) == [nil, 0])
    #expect(fast.masks.map(\.text) == ["64", "40"] && fast.sets == .both && fast.isDecided)
    #expect(fast.uses.map(\.name) == ["DMA_ATTR_NO_WARN"])
  }

  @Test func moduleAndDevicesComeFromItsFiles() throws {
    let all = try drivers()
    let fast = try #require(all["drivers/net/fast_main.c"])
    #expect(fast.module == "fast" && fast.kconfig == "FAST" && fast.dependsOn == "NETDEV && PCI")
    #expect(fast.ids.map(\.vendor) == [0x1af4, 0x1af4, 0x1234])
    #expect(fast.ids.map(\.device) == [0x1041, 0x1042, nil] && fast.buses == ["pci"])
    #expect(fast.architectures == Architecture.allCases)
    #expect(all["drivers/dma/board.c"]?.ids.map(\.text) == ["acme,board-dma"])
  }

  @Test func compileTestAndArchitecturesAreToldApart() throws {
    let all = try drivers()
    let board = try #require(all["drivers/dma/board.c"])
    #expect(board.architectures == [.arm64] && board.compileTestOnly == [.x86, .s390, .powerpc])
    let alone = try #require(all["drivers/dma/alone.c"])
    #expect(alone.architectures == [.arm64, .s390, .powerpc] && alone.compileTestOnly == [])
  }

  @Test func whatIsNotSetIsTheBuss() throws {
    let all = try drivers()
    let slow = try #require(all["drivers/net/slow.c"])
    #expect(slow.sets == .streaming && slow.masks.map(\.text) == ["48/32", "32"])
    let alone = try #require(all["drivers/dma/alone.c"])
    #expect(alone.sets == .coherent && alone.masks.map(\.text) == ["32/40"])
    #expect(alone.masks[0].axes.coherent.map(\.name) == ["40"])
  }

  /// C's `a = b = value`: tg3 and bnx2 set two variables so.
  @Test func aChainOfAssignmentsGivesEachTheValue() throws {
    let slow = try #require(
      try drivers([
        "drivers/net/slow.c": """
        static struct pci_driver slow_driver = { .probe = slow_probe };
        static int slow_probe(struct pci_dev *pdev, struct slow *slow)
        {
          u64 wide, low;
          if (slow->old)
            slow->kept = low = wide = DMA_BIT_MASK(32);
          else
            low = wide = DMA_BIT_MASK(40);
          if (dma_set_mask(&pdev->dev, wide))
            return -5;
          return dma_set_coherent_mask(&pdev->dev, low);
        }
        """
      ])["drivers/net/slow.c"])
    #expect(slow.isDecided && slow.calls.map { $0.alternatives.count } == [2, 2])
    #expect(slow.masks.map(\.text) == ["40", "32"] || slow.masks.map(\.text) == ["32", "40"])
  }

  @Test func whatIsNotDecidedIsListed() throws {
    let board = try #require(try drivers()["drivers/dma/board.c"])
    #expect(!board.isDecided && board.masks.isEmpty)
    #expect(board.calls.map(\.expression) == ["DMA_BIT_MASK(pdev->data->bits)"])
  }

  /// What an expression may be, `?` where it may be something else.
  @Test(arguments: [
    ("0xffffffff", "32"), ("~0", "64"), ("~0U", "32"), ("~(dma_addr_t)0", "64"),
    ("(u32)~0ULL", "32"), ("(1ULL << 36) - 1", "36"), ("(1 << 31) - 1 + 0u", "31"),
    ("DMA_BIT_MASK(64ULL)", "64"), ("DMA_BIT_MASK(32 + 7)", "39"), ("BIT_ULL(44) - 1", "44"),
    ("GENMASK_ULL(47, 0)", "48"), ("GENMASK_ULL(37, 2)", "0x3ffffffffc"),
    ("0xe0000000 - 1", "0xdfffffff"),
    ("sizeof(long) > 4 ? DMA_BIT_MASK(64) : DMA_BIT_MASK(32)", "64 32"),
    ("1 ? DMA_BIT_MASK(40) : x", "40"), ("y ?: DMA_BIT_MASK(40)", "40 ?"),
    ("x", "0 1"), ("*x", "?"), ("f(3)", "?"), ("DMA_BIT_MASK(x->bits)", "?"),
    ("DMA_BIT_MASK(65)", "?"),
    ("1 << 32", "?"), ("1 / 0", "?"), ("A", "36"), ("B", "44 45"), ("TWICE(20)", "40"),
    ("LOOP", "?"),
    ("fixed", "30"), ("changed", "?"), ("either", "32 64"), ("later", "32"), ("both", "40 48"),
    ("taken", "?"), ("argument", "33 34"), ("killed", "35"), ("parameter", "?"),
    ("exclusive", "43"),
  ])
  func expressions(expression: String, expected: String) throws {
    let source = """
      #define A DMA_BIT_MASK(36)
      #ifdef CONFIG_B
      #define B DMA_BIT_MASK(44)
      #else
      #define B DMA_BIT_MASK(45)
      #endif
      #define TWICE(n) DMA_BIT_MASK((n) * 2)
      #define LOOP LOOP2 + 1
      #define LOOP2 LOOP
      static const u64 fixed = DMA_BIT_MASK(30);
      u64 changed = DMA_BIT_MASK(30);
      static int set(struct device *dev, u64 argument, int x)
      {
        u64 either = DMA_BIT_MASK(32), later, both, taken = 0, killed = DMA_BIT_MASK(24);
        u64 exclusive = DMA_BIT_MASK(43);
        if (x)
          either = DMA_BIT_MASK(64);
        switch (x) {
        case 1: both = DMA_BIT_MASK(40); break;
        default: both = DMA_BIT_MASK(48);
        }
        later = DMA_BIT_MASK(32);
        killed = DMA_BIT_MASK(35);
        of_property_read_u64(dev, "mask", &taken);
        if (x) {
          exclusive = DMA_BIT_MASK(24);
        } else {
          dma_set_mask(dev, \(expression));
        }
        later = DMA_BIT_MASK(64);
      }
      void one(struct device *dev) { set(dev, DMA_BIT_MASK(33), 0); set(dev, DMA_BIT_MASK(34), 1); }
      """
    let driver = try #require(
      try drivers(["drivers/dma/expression.c": source])["drivers/dma/expression.c"])
    let call = try #require(driver.calls.first)
    #expect(driver.calls.count == 1)
    let text = call.alternatives.map(\.text) + (call.isDecided ? [] : ["?"])
    #expect(text.joined(separator: " ") == expected, "\(expression)")
  }

  @Test func loopsAndGotosReadWhatTheyWroteBefore() throws {
    let source = """
      int a(struct device *dev)
      {
        u64 mask = DMA_BIT_MASK(64);
      retry:
        if (dma_set_mask(dev, mask)) {
          mask = DMA_BIT_MASK(32);
          goto retry;
        }
        return 0;
      }
      """
    let driver = try #require(try drivers(["drivers/dma/loop.c": source])["drivers/dma/loop.c"])
    #expect(driver.calls[0].alternatives.map(\.text) == ["64", "32"] && driver.calls[0].isDecided)
  }

  @Test func storesAreRead() throws {
    let source = """
      static u64 own_mask = DMA_BIT_MASK(31);
      static struct platform_device one = { .dev = { .dma_mask = &own_mask,
        .coherent_dma_mask = DMA_BIT_MASK(32) } };
      void f(struct device *dev, struct info *info)
      {
        dev->coherent_dma_mask = DMA_BIT_MASK(48);
        *dev->dma_mask = DMA_BIT_MASK(36);
        dev->dma_mask = &dev->coherent_dma_mask;
        info->dma_mask = DMA_BIT_MASK(20);
        if (dev->dma_mask == 0)
          dma_set_max_seg_size(dev, 4096);
      }
      """
    let driver = try #require(try drivers(["drivers/dma/store.c": source])["drivers/dma/store.c"])
    #expect(
      driver.calls.map { "\($0.callee) \($0.alternatives.map(\.text).joined())" } == [
        "dma_mask = & 31", "coherent_dma_mask = 32", "coherent_dma_mask = 48", "*dma_mask = 36",
      ])
    #expect(
      driver.uses.map(\.name) == ["dma_mask pointer", "dma_mask member", "dma_set_max_seg_size"])
    #expect(driver.uses.last?.value == 4096 && driver.sharesOneMask)
  }

  @Test func badTreesAreSaid() throws {
    #expect(throws: ScanError.missing(path: "/no/such")) { _ = try DriverScan(tree: "/no/such") }
    let empty = directory.file("empty")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    #expect(throws: ScanError.notATree(path: empty, missing: "Makefile")) {
      _ = try DriverScan(tree: empty)
    }
  }

  /// Links that lead out are not followed, and what no person wrote is bounded.
  /// Calls within calls, and thousands of them: what is not read is not decided.
  @Test func manyCallsHaveABound() throws {
    let nested = 2000
    let many = try drivers([
      "drivers/net/slow.c": (0..<3000).map { "int q\($0)(){dma_set_mask(d,DMA_BIT_MASK(32));}" }
        .joined(separator: "\n"),
      "drivers/net/fast_main.c": "int f(){" + String(repeating: "dma_set_mask(d,", count: nested)
        + "1" + String(repeating: ")", count: nested) + ";}",
    ])
    let slow = try #require(many["drivers/net/slow.c"])
    #expect(slow.calls.count == 201 && !slow.isDecided)
    #expect(slow.calls.last?.expression == "more than 200 calls in one file")
    #expect(many["drivers/net/fast_main.c"]?.isDecided != true)
  }

  @Test func hostileFilesAreBounded() throws {
    let outside = directory.file("outside")
    try DriverTree.write(
      to: outside,
      others: ["x.c": "int f(void) { return dma_set_mask(d, 1); }", "x.h": "#define X 3\n"])
    let tree = directory.file("tree")
    try FileManager.default.createSymbolicLink(
      atPath: tree + "/drivers/out", withDestinationPath: outside)
    try FileManager.default.createSymbolicLink(
      atPath: tree + "/drivers/dma/out.h", withDestinationPath: outside + "/x.h")
    let names = (0..<40).map { "N\($0)" }
    let bomb = zip(names, names.dropFirst()).map { "#define \($0) \($1) + \($1)\n" }.joined()
    let deep = String(repeating: "(", count: 100_000)
    let others = [
      "drivers/dma/bomb.c": bomb + "int f(void) { return dma_set_mask(d, N0); }",
      "drivers/dma/deep.c": "int f(void) { return dma_set_mask(d, \(deep)1); }",
      "drivers/dma/nested.c": "int f(void) "
        + String(repeating: "{ if (x) ", count: 50_000) + "dma_set_mask(d, DMA_BIT_MASK(32));",
      "drivers/dma/ifs.c": String(repeating: "#if X\n", count: 50_000)
        + "int f(void) { return dma_set_mask(d, DMA_BIT_MASK(32)); }",
      "drivers/dma/out.c": "#include \"out.h\"\nint f(void) { return dma_set_mask(d, X); }",
      "drivers/dma/self.c": "#include \"self.c\"\nint f(void) { return dma_set_mask(d, Y); }",
      "drivers/dma/large.c": String(repeating: "x", count: (4 << 20) + 1) + "dma_set_mask(d, 1);",
    ]
    let all = try drivers(others)
    for name in ["bomb", "out", "self"] {
      #expect(all["drivers/dma/\(name).c"]?.isDecided == false, "\(name)")
    }
    // Its function has more words than are read.
    #expect(all["drivers/dma/nested.c"]?.masks.isEmpty == true)
    #expect(all["drivers/dma/ifs.c"]?.masks.map(\.text) == ["32"])
    #expect(all["drivers/dma/large.c"] == nil && all.keys.allSatisfy { !$0.contains("/out/") })
  }
}
