import Foundation
import TestSupport
import Testing

@testable import DriverScan

/// Small drivers that a reader of C by words takes for others: what each leaves is
/// derived by hand from its statements, `?` where that needs what is not read.
@Suite struct PairSoundnessTests {
  /// A file, and the pairs of its devices.
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let pairs: String
    let source: String

    init(_ name: String, _ pairs: String, _ source: String) {
      (self.name, self.pairs, self.source) = (name, pairs, source)
    }

    var testDescription: String { name }
  }

  @Test(arguments: scopes + types + loops + results)
  func variablesAndResults(_ one: Case) throws {
    let found = try MaskPairTests.pairs(one.source)
    #expect(found == one.pairs)
  }

  @Test(arguments: macros + devices + flow + names)
  func macrosDevicesAndFlow(_ one: Case) throws {
    let found = try MaskPairTests.pairs(one.source)
    #expect(found == one.pairs)
  }

  @Test(arguments: shapes + answers + entries + texts)
  func shapesAndEntries(_ one: Case) throws {
    let found = try MaskPairTests.pairs(one.source)
    #expect(found == one.pairs)
  }

  @Test(arguments: identities + aliases + owners)
  func ownersAndAliases(_ one: Case) throws {
    let found = try MaskPairTests.pairs(one.source)
    #expect(found == one.pairs)
  }

  /// drivers/base/platform.c setup_pdev_dma_masks() and drivers/pci/probe.c
  /// pci_setup_device() give each device a pointer: what is done without one never is.
  @Test(arguments: ["!pdev->dev.dma_mask", "pdev->dev.dma_mask == NULL"])
  func theBusGivesAPointer(_ condition: String) throws {
    func source(_ bus: String) -> String {
      """
      static int a_probe(struct \(bus)_device *pdev) {
        if (\(condition)) pdev->dev.dma_mask = &pdev->dev.coherent_dma_mask;
        return dma_set_mask(&pdev->dev, DMA_BIT_MASK(36));
      }
      static struct \(bus)_driver a_driver = { .probe = a_probe };
      """
    }
    func sharesOneMask(_ bus: String) throws -> Bool {
      let tree = try TemporaryDirectory()
      try DriverTree.write(to: tree.path, others: ["drivers/a/a.c": source(bus)])
      let driver = try #require(
        try DriverScan(tree: tree.path).drivers.first { $0.file == "drivers/a/a.c" })
      return driver.sharesOneMask
    }
    #expect(try MaskPairTests.pairs(source("platform")) == "36/32")
    #expect(try !sharesOneMask("platform") && !sharesOneMask("pci"))
    // Nothing gives a device of this bus a pointer.
    #expect(try sharesOneMask("spi"))
  }

  /// An inner block has variables of its own.
  static let scopes = [
    Case(
      "inner-block", "?",
      """
      static int a_probe(struct device *dev) {
        u64 mask = DMA_BIT_MASK(64);
        { u64 mask = DMA_BIT_MASK(32); use(mask); }
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "inner-result", "64 32 ?",
      """
      static int a_probe(struct device *dev) {
        int err = 0;
        { int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)); if (err) warn(); }
        if (err) return err;
        return 0;
      }
      """),
    Case(
      "parameter-again", "?",
      """
      static int set(struct device *dev, int bits) {
        if (dev) { int bits = 32; use(bits); }
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
      }
      static int a_probe(struct device *dev) { return set(dev, 40); }
      """),
    Case(
      "side-by-side", "64/40",
      """
      static int a_probe(struct device *dev) {
        { int err = dma_set_mask(dev, DMA_BIT_MASK(64)); if (err) return err; }
        { int err = dma_set_coherent_mask(dev, DMA_BIT_MASK(40)); if (err) return err; }
        return 0;
      }
      """),
    Case(
      "outer-is-the-file's", "?",
      """
      static u64 mask = DMA_BIT_MASK(64);
      static int a_probe(struct device *dev) {
        { u64 mask = DMA_BIT_MASK(32); use(mask); }
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "static-local", "?",
      """
      static int a_probe(struct device *dev) {
        static u64 mask = DMA_BIT_MASK(64);
        int err = dma_set_mask_and_coherent(dev, mask);
        mask = DMA_BIT_MASK(32);
        return err;
      }
      """),
    Case(
      "static-local-constant", "40",
      """
      static int a_probe(struct device *dev) {
        static const u64 mask = DMA_BIT_MASK(40);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "alias", "?",
      """
      static int a_probe(struct device *dev) {
        u64 mask = DMA_BIT_MASK(64);
        u64 *m = &mask;
        *m = DMA_BIT_MASK(32);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "alias-of-the-file's", "?",
      """
      static u64 mask = DMA_BIT_MASK(64);
      static int a_probe(struct device *dev) {
        u64 *m = &mask;
        *m = DMA_BIT_MASK(32);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "alias-of-the-device's", "64 ?",
      """
      static int a_probe(struct device *dev) {
        u64 *m = dev->dma_mask;
        if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        *m = DMA_BIT_MASK(24);
        return 0;
      }
      """),
    Case(
      "static-device-changed", "?",
      """
      static u64 mask = DMA_BIT_MASK(64);
      static struct platform_device one = {
        .dev = { .dma_mask = &mask, .coherent_dma_mask = DMA_BIT_MASK(32) },
      };
      static int setup(void) { mask = DMA_BIT_MASK(24); return 0; }
      """),
  ]

  /// Types cut what is stored.
  static let types = [
    Case(
      "u32", "32",
      """
      static int a_probe(struct device *dev) {
        u32 mask = DMA_BIT_MASK(64);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "int-extends", "64",
      """
      static int a_probe(struct device *dev) {
        int mask = DMA_BIT_MASK(32);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "u8", "8",
      """
      static int a_probe(struct device *dev) {
        u8 mask;
        mask = DMA_BIT_MASK(64);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "cast-u16", "16",
      """
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, (u16)DMA_BIT_MASK(64));
      }
      """),
    Case(
      "cast-to-a-type-of-its-own", "?",
      """
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, (my_t)DMA_BIT_MASK(64));
      }
      """),
    Case(
      "type-of-its-own", "?",
      """
      static int a_probe(struct device *dev) {
        my_t mask = DMA_BIT_MASK(64);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "parameter", "32",
      """
      static int set(struct device *dev, u32 mask) {
        return dma_set_mask_and_coherent(dev, mask);
      }
      static int a_probe(struct device *dev) { return set(dev, DMA_BIT_MASK(64)); }
      """),
    Case(
      "file's", "32",
      """
      static const unsigned int mask = DMA_BIT_MASK(64);
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "member", "32",
      """
      struct x { u32 mask; };
      static int a_probe(struct device *dev, struct x *x) {
        x->mask = DMA_BIT_MASK(64);
        return dma_set_mask_and_coherent(dev, x->mask);
      }
      """),
    Case(
      "member-unknown", "?",
      """
      static int a_probe(struct device *dev, struct x *x) {
        x->mask = DMA_BIT_MASK(64);
        return dma_set_mask_and_coherent(dev, x->mask);
      }
      """),
    Case(
      "unsigned-result", "64 32",
      """
      static int a_probe(struct device *dev) {
        u32 err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (err < 0) return -EIO;
        return 0;
      }
      """),
    Case(
      "bool-result", "64",
      """
      static int a_probe(struct device *dev) {
        bool bad = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (bad == true) return -EIO;
        return 0;
      }
      """),
    Case(
      "bits-in-u8", "40",
      """
      static int a_probe(struct device *dev) {
        u8 bits = 40;
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
      }
      """),
    Case(
      "function-cuts", "?",
      """
      static u32 width(void) { return DMA_BIT_MASK(64); }
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, width());
      }
      """),
  ]
}
