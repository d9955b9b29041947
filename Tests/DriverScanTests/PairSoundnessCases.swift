/// More drivers of ``PairSoundnessTests``.
extension PairSoundnessTests {
  /// Bodies that never run, or may not.
  static let loops = [
    Case(
      "while-0", "32",
      """
      static int a_probe(struct device *dev) {
        while (0) { if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO; }
        return 0;
      }
      """),
    Case(
      "for-false", "32",
      """
      static int a_probe(struct device *dev) {
        for (; false; ) { if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO; }
        return 0;
      }
      """),
    Case(
      "for-0-of-0", "32",
      """
      static int a_probe(struct device *dev) {
        int i;
        for (i = 0; i < 0; i++)
          if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        return 0;
      }
      """),
    Case(
      "for-perhaps-none", "64 32",
      """
      static int a_probe(struct device *dev, int n) {
        int i;
        for (i = 0; i < n; i++)
          if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        return 0;
      }
      """),
    Case(
      "for-some", "64",
      """
      static int a_probe(struct device *dev) {
        int i;
        for (i = 0; i < 2; i++)
          if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        return 0;
      }
      """),
    Case(
      "do-once", "64",
      """
      static int a_probe(struct device *dev) {
        do { if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO; } while (0);
        return 0;
      }
      """),
    Case(
      "if-0", "32",
      """
      static int a_probe(struct device *dev) {
        if (0) return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        return 0;
      }
      """),
    Case(
      "goto-back", "48",
      """
      static int a_probe(struct device *dev) {
        int bits = 64, err;
      again:
        if (bits == 48) goto last;
        bits = 48;
        goto again;
      last:
        err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
        return err;
      }
      """),
    Case(
      "goto-retry", "64 32",
      """
      static int a_probe(struct device *dev) {
        u64 mask = DMA_BIT_MASK(64);
      retry:
        if (dma_set_mask_and_coherent(dev, mask)) {
          if (mask == DMA_BIT_MASK(32)) return -EIO;
          mask = DMA_BIT_MASK(32);
          goto retry;
        }
        return 0;
      }
      """),
  ]

  /// What a call's result becomes.
  static let results = [
    Case(
      "helper", "64",
      """
      static int helper(struct device *dev) {
        int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (err) { warn(dev); return err; }
        return 0;
      }
      static int a_probe(struct device *dev) {
        int rc = helper(dev);
        if (rc) return rc;
        return 0;
      }
      """),
    Case(
      "helper-forgets", "64 32",
      """
      static int helper(struct device *dev) {
        dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        return 0;
      }
      static int a_probe(struct device *dev) {
        int rc = helper(dev);
        if (rc) return rc;
        return 0;
      }
      """),
    Case(
      "helper-positive", "64",
      """
      static int helper(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)) ? 1 : 0;
      }
      static int a_probe(struct device *dev) {
        if (helper(dev)) return -EIO;
        return 0;
      }
      """),
    Case(
      "other-file's-check", "64 32 ?",
      """
      static int a_probe(struct device *dev) {
        int rc = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        rc = check(rc);
        if (rc) return rc;
        return 0;
      }
      """),
    Case(
      "other-file's-check-of-call", "64 32 ?",
      """
      static int a_probe(struct device *dev) {
        if (check(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)))) return -EIO;
        return 0;
      }
      """),
    Case(
      "result-by-pointer", "64 32 ?",
      """
      static void helper(struct device *dev, int *err) {
        *err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static int a_probe(struct device *dev) {
        int err;
        helper(dev, &err);
        if (err) return err;
        return 0;
      }
      """),
    Case(
      "result-in-array", "64 32 ?",
      """
      static int a_probe(struct device *dev) {
        int err[2];
        err[0] = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (err[0]) return -EIO;
        return 0;
      }
      """),
    Case(
      "result-of-the-file", "64",
      """
      static int err;
      static int a_probe(struct device *dev) {
        err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (err) return err;
        return 0;
      }
      """),
    Case(
      "result-of-the-file-changed", "64 32",
      """
      static int err;
      static void clear(void) { err = 0; }
      static int a_probe(struct device *dev) {
        err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        clear();
        if (err) return err;
        return 0;
      }
      """),
    Case(
      "negated", "64",
      """
      static int a_probe(struct device *dev) {
        bool ok = !dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (!ok) return -EIO;
        return 0;
      }
      """),
    Case(
      "negated-twice", "64",
      """
      static int a_probe(struct device *dev) {
        if (!!dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        return 0;
      }
      """),
    Case(
      "negated-in-helper", "64",
      """
      static bool works(struct device *dev) {
        return !dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static int a_probe(struct device *dev) {
        if (!works(dev)) return -EIO;
        return 0;
      }
      """),
    Case(
      "negated-wrongly", "32",
      """
      static int a_probe(struct device *dev) {
        if (!dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) return -EIO;
        return 0;
      }
      """),
    Case(
      "product", "32 ?",
      """
      static int a_probe(struct device *dev) {
        int err = 2 * dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        if (err) return err;
        return 0;
      }
      """),
    Case(
      "switch", "64",
      """
      static int a_probe(struct device *dev) {
        switch (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) {
        case 0: return 0;
        case -EIO: return -EIO;
        default: return -EINVAL;
        }
      }
      """),
    Case(
      "switch-of-errors", "64/40 32",
      """
      static int a_probe(struct device *dev) {
        int err = dma_set_mask(dev, DMA_BIT_MASK(64));
        switch (err) {
        case -EIO: return 0;
        case 0: break;
        default: return err;
        }
        return dma_set_coherent_mask(dev, DMA_BIT_MASK(40));
      }
      """),
  ]
}
