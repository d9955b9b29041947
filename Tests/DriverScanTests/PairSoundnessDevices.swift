/// Which device a mask is of, and what else gives it masks.
extension PairSoundnessTests {
  private static func probe(_ body: String, before: String = "") -> String {
    """
    struct a { struct pci_dev *pdev; struct device *dev; };
    \(before)
    static int a_probe(struct pci_dev *pdev) {
      struct a *a, *m;
    \(body)
    }
    """
  }

  static let identities = [
    Case(
      "global-device", "40 ?",
      probe(
        "if (!dma_dev) dma_dev = &pdev->dev; "
          + "return dma_set_mask_and_coherent(dma_dev, DMA_BIT_MASK(40));",
        before: "static struct device *dma_dev;")),
    Case(
      "shared-structure", "40 ?",
      probe(
        "a = a_shared_get(); if (!a->pdev) a->pdev = pdev; "
          + "return dma_set_mask_and_coherent(&a->pdev->dev, DMA_BIT_MASK(40));")),
    Case(
      "own-structure", "40",
      probe(
        "a = kzalloc(8, 0); a->pdev = pdev; "
          + "return dma_set_mask_and_coherent(&a->pdev->dev, DMA_BIT_MASK(40));")),
    Case(
      "other-object", "40 ?",
      probe(
        "m = a_find(); a = kzalloc(8, 0); a->dev = &pdev->dev; "
          + "return dma_set_mask_and_coherent(m->dev, DMA_BIT_MASK(40));")),
    Case(
      "helper-in-between", "40 ?",
      probe(
        "a = kzalloc(8, 0); a->dev = &pdev->dev; other(a); "
          + "return dma_set_mask_and_coherent(a->dev, DMA_BIT_MASK(40));",
        before: "static void other(struct a *a) { a->dev = find(); }")),
  ]

  static let aliases = [
    // kernel: dma_coerce_mask_and_coherent() lets dev->dma_mask point to the coherent mask.
    Case(
      "coerced-then-coherent", "32",
      probe(
        "if (dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(40))) return -EIO; "
          + "return dma_set_coherent_mask(&pdev->dev, DMA_BIT_MASK(32));")),
    Case(
      "coerced-then-streaming", "36",
      probe(
        "if (dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(40))) return -EIO; "
          + "return dma_set_mask(&pdev->dev, DMA_BIT_MASK(36));")),
    Case(
      "chained-store", "40",
      probe(
        "pdev->dev.coherent_dma_mask = *pdev->dev.dma_mask = DMA_BIT_MASK(40); return 0;")),
    Case(
      "member-of-pci-device", "32/40 ?",
      probe(
        "pdev->dma_mask = DMA_BIT_MASK(40); "
          + "return dma_set_coherent_mask(&pdev->dev, DMA_BIT_MASK(40));")),
    Case(
      "mask-through-pointer", "40 ?",
      probe(
        "u64 *m = pdev->dev.dma_mask; *m = DMA_BIT_MASK(24); "
          + "return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(40));")),
    Case(
      "pasted-name", "40 ?",
      probe(
        "STORE(coherent); return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(40));",
        before: "#define STORE(x) pdev->dev.x##_dma_mask = 24")),
    Case(
      "configured-behind", "40/32 ?",
      probe(
        "if (dma_set_mask(&pdev->dev, DMA_BIT_MASK(40))) return -EIO; "
          + "of_dma_configure(&pdev->dev, node, true); return 0;")),
    Case(
      "configured-before", "40/32",
      probe(
        "of_dma_configure(&pdev->dev, node, true); "
          + "return dma_set_mask(&pdev->dev, DMA_BIT_MASK(40));")),
    Case(
      "size-of-address", "64",
      probe(
        "if (sizeof(dma_addr_t) > 4) return dma_set_mask_and_coherent(&pdev->dev, "
          + "DMA_BIT_MASK(64)); return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(24));")),
  ]

  static let owners = [
    Case(
      "bus-of-its-own", "?",
      """
      static int a_probe(struct fsl_mc_device *mdev) {
        return dma_set_coherent_mask(&mdev->dev, DMA_BIT_MASK(40));
      }
      static struct fsl_mc_driver a_driver = { .probe = a_probe };
      """),
    Case(
      "bus-of-its-own-both", "40",
      """
      static int a_probe(struct fsl_mc_device *mdev) {
        return dma_set_mask_and_coherent(&mdev->dev, DMA_BIT_MASK(40));
      }
      static struct fsl_mc_driver a_driver = { .probe = a_probe };
      """),
    Case(
      "device-with-a-mask", "40/32 ?",
      """
      static int a_probe(struct platform_device *pdev) {
        return dma_set_mask(&pdev->dev, DMA_BIT_MASK(40));
      }
      static struct platform_driver a_driver = { .probe = a_probe };
      static int __init a_init(void) {
        struct platform_device_info info = { .name = "a", .dma_mask = DMA_BIT_MASK(36) };
        return PTR_ERR_OR_ZERO(platform_device_register_full(&info));
      }
      module_init(a_init);
      """),
    Case(
      "optional-operation", "32/36 ?",
      """
      struct i { int (*quirk)(struct pci_dev *); };
      static int a_quirk(struct pci_dev *pdev) {
        return dma_set_coherent_mask(&pdev->dev, DMA_BIT_MASK(36));
      }
      static const struct i table[] = { { .quirk = a_quirk }, { } };
      static int a_probe(struct pci_dev *pdev, const struct pci_device_id *id) {
        const struct i *i = &table[id->driver_data];
        if (i->quirk) return i->quirk(pdev);
        return 0;
      }
      static struct pci_driver a_driver = { .probe = a_probe };
      """),
    Case(
      "probe-of-run-time", "40",
      """
      static int a_enter(struct platform_device *pdev) {
        int err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(40));
        return err;
      }
      int a_register(struct platform_driver *driver) {
        driver->probe = a_enter;
        return platform_driver_register(driver);
      }
      """),
    Case(
      "only-the-default", "32",
      """
      static int a_start(struct platform_device *pdev) {
        return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
      }
      static struct ops a_ops = { .start = a_start };
      """),
  ]
}
