import DMAModel
import Foundation
import TestSupport
import Testing

@testable import DriverScan

/// Drivers of ``PairSoundnessTests`` where a device comes from elsewhere.
extension PairSoundnessTests {
  static let entries = [
    Case(
      "another's-mask-is-asked", "64 40",
      """
      static int a_probe(struct device *dev) {
        if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        if (dma_get_mask(dev->parent) == DMA_BIT_MASK(64)) return 0;
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "mask-of-the-parent", "64 ?",
      """
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev->parent, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "masks-of-children", "64 ?",
      """
      static int a_probe(struct device *dev) {
        struct device *c;
        for_each_child(dev, c)
          if (dma_set_mask_and_coherent(c, DMA_BIT_MASK(64))) return -EIO;
        return dma_set_mask_and_coherent(c, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "callback-that-fails", "64 ?",
      """
      static int a_open(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static const struct ops ops = { .open = a_open };
      """),
    Case(
      "callback-behind-the-probe", "64 ?",
      """
      static int a_open(struct device *dev) {
        if (dma_set_mask(dev, DMA_BIT_MASK(24))) return 0;
        return 0;
      }
      static const struct ops ops = { .open = a_open };
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "no-probe-in-spite-of-its-name", "64 ?",
      """
      static int a_reprobe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static const struct ops ops = { .resume = a_reprobe };
      """),
    Case(
      "parameter-of-a-function's-name", "40 ?",
      """
      static int set(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(40));
      }
      static int b_probe(struct device *dev, int (*set)(struct device *)) { return set(dev); }
      """),
    Case(
      "macro-changes-arguments", "40 ?",
      """
      static int set(struct device *dev, u64 mask) {
        return dma_set_mask_and_coherent(dev, mask);
      }
      #define half(dev, mask) set(dev, (mask) >> 1)
      static int a_probe(struct device *dev) { return half(dev, DMA_BIT_MASK(40)); }
      """),
  ]

  /// A header's macros and functions, and what a file says of the driver that uses them.
  @Test(arguments: [
    ("#define STOP(x) do { if (x) return 0; } while (0)\n", "STOP(x);", "leaves the function"),
    ("#define CLEAR(x) ((x) = 0)\n", "CLEAR(err);", "assigns a variable"),
    (
      "#define ZERO(x) ((x) = 0)\n#define CLEAR(x) ZERO(x)\n", "CLEAR(err);",
      "assigns a variable"
    ),
    (
      "static inline void low(struct device *d) { dma_set_mask(d, DMA_BIT_MASK(24)); }\n",
      "low(dev);", "of a header sets masks"
    ),
    ("#define low(d) dma_set_mask(d, DMA_BIT_MASK(24))\n", "low(dev);", "of a header sets masks"),
    ("#define quiet(x) use(x)\n", "quiet(x);", ""),
  ])
  func headers(_ header: String, _ use: String, _ reason: String) throws {
    let driver = try driver([
      "drivers/a/a.h": "#ifndef A_H\n#define A_H\n\(header)#endif\n",
      "drivers/a/a.c": """
      #include "a.h"
      static int a_probe(struct device *dev, int x) {
        int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        \(use)
        if (err) return err;
        return 0;
      }
      static struct any_driver a = { .probe = a_probe };
      """,
    ])
    #expect(driver.isDecided == reason.isEmpty)
    #expect(reason.isEmpty || driver.doubts.contains { $0.reason.contains(reason) })
    #expect(driver.isDecided == driver.doubts.isEmpty)
  }

  /// Only one of two headers is included.
  @Test func anIncludeThatIfChoosesDecidesNothing() throws {
    let driver = try driver([
      "drivers/a/one.h": "#define BITS 40\n", "drivers/a/two.h": "#define BITS 24\n",
      "drivers/a/a.c": """
      #ifdef CONFIG_ONE
      #include "one.h"
      #else
      #include "two.h"
      #endif
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(BITS));
      }
      static struct any_driver a = { .probe = a_probe };
      """,
    ])
    #expect(!driver.isDecided && driver.calls.map(\.isDecided) == [false])
  }

  /// A core sets the masks of its drivers' devices behind them.
  @Test(arguments: ["drivers/b/between.c", "drivers/c/between.c"])
  func aCoreThatSetsMasksIsNamed(_ between: String) throws {
    let driver = try driver([
      "drivers/b/core.c": """
      int core_add(struct device *dev) { return dma_set_mask(dev, DMA_BIT_MASK(24)); }
      EXPORT_SYMBOL(core_add);
      """,
      between: """
      int core_add_all(struct device *dev) { return core_add(dev); }
      EXPORT_SYMBOL(core_add_all);
      """,
      "drivers/a/a.c": """
      static int a_probe(struct device *dev) {
        int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        return err ? err : core_add_all(dev);
      }
      static struct any_driver a = { .probe = a_probe };
      """,
    ])
    #expect(
      driver.doubts.map(\.reason) == ["core_add_all() of \(between) sets masks as well"])
  }

  private func driver(_ files: [String: String]) throws -> Driver {
    let tree = try TemporaryDirectory()
    try DriverTree.write(to: tree.path, others: files)
    return try #require(
      try DriverScan(tree: tree.path).drivers.first { $0.file == "drivers/a/a.c" })
  }
}
