import Foundation
import TestSupport
import Testing

@testable import DriverScan

/// Which module, symbols and buses a file has: each tree is small, and what is expected is
/// what Kbuild does with its Makefiles (Documentation/kbuild/makefiles.rst).
@Suite struct ModuleTests {
  private func drivers(_ files: [String: String]) throws -> [String: Driver] {
    let directory = try TemporaryDirectory()
    try DriverTree.write(to: directory.path, others: files)
    let scan = try DriverScan(tree: directory.path)
    return Dictionary(uniqueKeysWithValues: scan.drivers.map { ($0.file, $0) })
  }

  private static let call =
    "static int x_probe(struct device *d) { return dma_set_mask(d, DMA_BIT_MASK(40)); }\n"
    + "static struct any_driver x_any = { .probe = x_probe };\n"

  @Test(arguments: [
    ("obj-${CONFIG_ONE} := a.o", "a", "ONE"),
    ("obj-$(subst m,y,$(CONFIG_ONE)) += a.o", "a", "ONE"),
    ("obj-$(CONFIG_ONE) += whole.o\nwhole-${CONFIG_TWO} += a.o", "whole", "ONE"),
    ("PARTS := a.o b.o\nobj-$(CONFIG_ONE) += whole.o\nwhole-y += $(PARTS)", "whole", "ONE"),
    ("obj-$(CONFIG_ONE) += b.o a.o\nobj-$(CONFIG_TWO) += c.o a.o", "a", "ONE,TWO"),
    ("obj-y += a.o\nobj-$(CONFIG_TWO) += a.o", "a", nil),
  ])
  func makefiles(_ makefile: String, _ module: String, _ symbols: String?) throws {
    let all = try drivers([
      "drivers/misc/Makefile": makefile + "\n", "drivers/misc/a.c": Self.call,
    ])
    let driver = try #require(all["drivers/misc/a.c"])
    #expect(driver.module == module && driver.kconfig == symbols)
  }

  /// An object that a symbol of its own adds to a module is on with that symbol; a symbol
  /// that has nothing to do with the module's only must be on as well.
  @Test(arguments: [("ONE_BUS", "ONE_BUS"), ("TWO", "TWO"), ("PCI", "ONE")])
  func anObjectHasASymbolOfItsOwn(_ symbol: String, _ expected: String) throws {
    let all = try drivers([
      "drivers/misc/Makefile":
        "obj-$(CONFIG_ONE) += whole.o\nwhole-y += b.o\nwhole-$(CONFIG_\(symbol)) += a.o\n",
      "drivers/misc/a.c": Self.call,
      "drivers/Kconfig": """
      config PCI
      \tbool "PCI"
      config ONE
      \ttristate "one"
      config TWO
      \tbool "two"
      \tdepends on ONE
      config ONE_BUS
      \tbool "bus"
      """,
    ])
    let driver = try #require(all["drivers/misc/a.c"])
    #expect(driver.module == "whole" && driver.kconfig == expected)
  }

  @Test func aMakefileThatAnotherIncludesNamesItsObjectsFromThere() throws {
    let all = try drivers([
      "drivers/misc/Makefile":
        "obj-$(CONFIG_ONE) += whole.o\ninclude $(src)/in/Makefile\nwhole-y += $(in-y)\n",
      "drivers/misc/in/Makefile": "in-y := in/a.o\n", "drivers/misc/in/a.c": Self.call,
    ])
    #expect(all["drivers/misc/in/a.c"]?.module == "whole")
  }

  @Test func aFileThatAnotherIncludesIsOfItsModule() throws {
    let all = try drivers([
      "drivers/misc/Makefile": "obj-$(CONFIG_ONE) += a.o\n",
      "drivers/misc/a.c": "#include \"part.c\"\n#include \"in/deep.c\"\n",
      "drivers/misc/part.c": Self.call, "drivers/misc/in/deep.c": Self.call,
    ])
    #expect(all["drivers/misc/part.c"]?.module == "a")
    #expect(all["drivers/misc/in/deep.c"]?.module == "a")
  }

  /// sound/pci/au88x0: one file, three modules.
  @Test func aFileThatSeveralIncludeIsOfAllTheirModules() throws {
    let all = try drivers([
      "drivers/misc/Makefile": "obj-$(CONFIG_ONE) += a.o\nobj-$(CONFIG_TWO) += b.o\n",
      "drivers/misc/a.c": "#include \"part.c\"\n#if 0\n#include \"dead.c\"\n#endif\n",
      "drivers/misc/b.c": "#include \"part.c\"\n",
      "drivers/misc/part.c": Self.call, "drivers/misc/dead.c": Self.call,
    ])
    let part = try #require(all["drivers/misc/part.c"])
    #expect(part.module == "a,b" && part.kconfig == "ONE,TWO")
    #expect(all["drivers/misc/dead.c"]?.module == nil)
  }

  @Test func aFileThatRegistersADriverHasItsBus() throws {
    let table = """
      static const struct pci_device_id ids[] = { { 0x1af4, 0x1041 }, { 0 } };
      MODULE_DEVICE_TABLE(pci, ids);
      static struct pci_driver p = { .probe = q };
      """
    let all = try drivers([
      "drivers/misc/Makefile":
        "obj-$(CONFIG_ONE) += whole.o\nwhole-y := pci.o platform.o core.o\n",
      "drivers/misc/pci.c": Self.call + table,
      "drivers/misc/platform.c":
        "static struct platform_driver x = { .probe = x_probe };\n" + Self.call,
      "drivers/misc/core.c": Self.call + "void f(struct pci_dev *p);\n",
    ])
    #expect(all["drivers/misc/pci.c"]?.buses == ["pci"])
    let platform = try #require(all["drivers/misc/platform.c"])
    #expect(platform.buses == ["platform"] && platform.ids.isEmpty)
    // What registers nothing serves all of its module.
    let core = try #require(all["drivers/misc/core.c"])
    #expect(core.buses == ["pci"] && core.ids.map(\.vendor) == [0x1af4])
  }

  @Test func testsAreToldApart() throws {
    let all = try drivers([
      "drivers/misc/Makefile":
        "obj-$(CONFIG_A_KUNIT_TEST) += a.o\nobj-$(CONFIG_B) += b_test.o c.o\n",
      "drivers/misc/a.c": Self.call, "drivers/misc/b_test.c": Self.call,
      "drivers/misc/c.c": "#include <kunit/test.h>\n" + Self.call,
    ])
    #expect(all["drivers/misc/a.c"]?.isTest == true)
    #expect(all["drivers/misc/c.c"]?.isTest == true)
    #expect(all["drivers/misc/c.c"]?.isCounted == false)
    // A name alone says nothing: pci_endpoint_test drives devices.
    #expect(all["drivers/misc/b_test.c"]?.isCounted == true)
  }

  /// Another file of the module may have set the mask that one leaves.
  @Test func aMaskThatAnotherFileMaySetIsOpen() throws {
    let rest =
      "int helper(struct device *d) { return dma_set_coherent_mask(d, DMA_BIT_MASK(40)); }\n"
    let files = ["drivers/misc/a.c": Self.call, "drivers/misc/b.c": rest]
    let one = "obj-$(CONFIG_ONE) += whole.o\nwhole-y := a.o b.o\n"
    let together = try drivers(files.merging(["drivers/misc/Makefile": one]) { $1 })
    #expect(together["drivers/misc/a.c"]?.isDecided == false)
    let two = "obj-$(CONFIG_ONE) += a.o b.o\n"
    let apart = try drivers(files.merging(["drivers/misc/Makefile": two]) { $1 })
    #expect(apart["drivers/misc/a.c"]?.isDecided == true)
  }
}
