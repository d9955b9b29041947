import Foundation

/// A small tree in the shape of a kernel's, with drivers that set masks in every way
/// that is read; all of it written for the tests.
public enum DriverTree {
  /// Writes the tree into a directory.
  ///
  /// - Parameter others: Files beside, or instead.
  public static func write(to directory: String, others: [String: String] = [:]) throws {
    try write(files.merging(others, uniquingKeysWith: { $1 }), to: directory)
  }

  /// Writes files below a directory, by their paths there.
  public static func write(_ files: [String: String], to directory: String) throws {
    for (path, text) in files {
      let url = URL(fileURLWithPath: directory).appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
  }

  public static let files: [String: String] = [
    "Makefile": "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\nEXTRAVERSION =\n",
    "Kconfig": "source \"drivers/Kconfig\"\n",
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n",
    "arch/arm64/Kconfig": "config ARCH_BOARD\n\tbool \"boards\"\n",
    "drivers/Makefile": "obj-$(CONFIG_NETDEV) += net/\nobj-y += dma/\n",
    "drivers/Kconfig": """
    config PCI
    \tbool "PCI"
    source "drivers/net/Kconfig"
    config BOARD_DMA
    \ttristate "board"
    \tdepends on ARCH_BOARD || COMPILE_TEST
    config ALONE
    \ttristate "alone"
    \tdepends on PCI && !X86
    """,
    "drivers/net/Kconfig": """
    menuconfig NETDEV
    \tbool "net"
    if NETDEV
    config FAST
    \ttristate "fast"
    \tdepends on PCI
    \thelp
    \t  depends on nothing, in prose.
    config SLOW
    \ttristate "slow"
    \tdepends on PCI
    endif
    """,
    "drivers/net/Makefile": """
    obj-$(CONFIG_FAST) += fast.o
    fast-y := fast_main.o \\
    \tfast_ids.o
    obj-$(CONFIG_SLOW) += slow.o
    """,
    "drivers/dma/Makefile": """
    obj-$(CONFIG_BOARD_DMA) += board.o
    obj-$(CONFIG_ALONE) += alone.o
    """,
    "include/linux/dma-mapping.h": """
    #define DMA_ATTR_NO_WARN (1UL << 8)
    #define DMA_BIT_MASK(n) GENMASK_ULL((n) - 1, 0)
    """,
    "include/linux/pci.h": """
    #define PCI_ANY_ID (~0)
    #define PCI_DEVICE(vend, dev) \\
      .vendor = (vend), .device = (dev), .subvendor = PCI_ANY_ID
    #define PCI_VDEVICE(vend, dev) \\
      .vendor = PCI_VENDOR_ID_##vend, .device = (dev)
    """,
    "include/linux/pci_ids.h": "#define PCI_VENDOR_ID_ACME 0x1af4\n",
    "drivers/net/fast.h": """
    #define FAST_BITS 40
    enum fast_limits { FAST_NONE, FAST_LOW = 31, FAST_NEXT };
    """,
    "drivers/net/fast_main.c": """
    #include <linux/dma-mapping.h>
    #include "fast.h"
    /* dma_set_mask(dev, 1) in a comment */
    static struct pci_driver fast_driver = { .probe = fast_probe };
    static int fast_probe(struct pci_dev *pdev)
    {
      int err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
      const char *text = "dma_set_mask(dev, 2)";
      if (err) {
        err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(FAST_BITS));
        if (err)
          return err;
      }
      return dma_alloc_attrs(&pdev->dev, DMA_ATTR_NO_WARN);
    }
    #if 0
    static int never(struct device *dev) { return dma_set_mask(dev, 3); }
    #endif
    """,
    "drivers/net/fast_ids.c": """
    #include <linux/pci.h>
    static const struct pci_device_id fast_table[] = {
      { PCI_DEVICE(0x1af4, 0x1041) },
      { PCI_VDEVICE(ACME, 0x1042), .driver_data = 3 },
      { 0x1234, PCI_ANY_ID, },
      { 0, }
    };
    MODULE_DEVICE_TABLE(pci, fast_table);
    """,
    "drivers/net/slow.c": """
    #include "fast.h"
    static struct pci_driver slow_driver = { .probe = slow_probe };
    static int slow_probe(struct pci_dev *pdev)
    {
      if (dma_set_mask(&pdev->dev, DMA_BIT_MASK(FAST_LOW)))
        return -5;
      return dma_set_mask(&pdev->dev, pdev->wide ? DMA_BIT_MASK(48) : 0xffffffff);
    }
    """,
    "drivers/dma/board.c": """
    static const struct of_device_id board_table[] = {
      { .compatible = "acme,board-dma" },
      { }
    };
    MODULE_DEVICE_TABLE(of, board_table);
    static int board_probe(struct platform_device *pdev)
    {
      return dma_set_coherent_mask(&pdev->dev, DMA_BIT_MASK(pdev->data->bits));
    }
    """,
    "drivers/dma/alone.c": """
    static struct pci_driver alone_driver = { .probe = alone_probe };
    static int alone_probe(struct pci_dev *pdev)
    {
      return dma_set_coherent_mask(&pdev->dev, (1ULL << 40) - 1);
    }
    """,
  ]
}
