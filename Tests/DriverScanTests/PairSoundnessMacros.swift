/// Drivers of ``PairSoundnessTests`` with macros, two devices and ways back.
extension PairSoundnessTests {
  static let macros = [
    Case(
      "lower-case-constant", "40",
      """
      #define width 40
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(width));
      }
      """),
    Case(
      "lower-case-function", "40",
      """
      #define mask_of(n) DMA_BIT_MASK((n) + 8)
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, mask_of(32));
      }
      """),
    Case(
      "redefined", "?",
      """
      #define WIDTH 64
      static int b_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(WIDTH));
      }
      #undef WIDTH
      #define WIDTH 32
      """),
    Case(
      "undefined", "?",
      """
      #define WIDTH 64
      #undef WIDTH
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(WIDTH));
      }
      """),
    Case(
      "of-branches", "64 32",
      """
      #ifdef CONFIG_X
      #define WIDTH 64
      #else
      #define WIDTH 32
      #endif
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(WIDTH));
      }
      """),
    Case(
      "of-the-api", "?",
      """
      #undef DMA_BIT_MASK
      #define DMA_BIT_MASK(n) (1ULL << (n))
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "of-the-call", "?",
      """
      #define dma_set_mask_and_coherent(dev, mask) other(dev, 3)
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "try", "64",
      """
      #define TRY(x) do { int e = (x); if (e) return e; } while (0)
      static int a_probe(struct device *dev) {
        TRY(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
        return 0;
      }
      """),
    Case(
      "try-lower-case", "64/40",
      """
      #define try(x) if (x) return -EIO
      static int a_probe(struct device *dev) {
        try(dma_set_mask(dev, DMA_BIT_MASK(64)));
        try(dma_set_coherent_mask(dev, DMA_BIT_MASK(40)));
        return 0;
      }
      """),
    Case(
      "check", "64/40",
      """
      #define CHECK(e) do { if (e) return e; } while (0)
      static int a_probe(struct device *dev) {
        int err = dma_set_mask(dev, DMA_BIT_MASK(64));
        CHECK(err);
        err = dma_set_coherent_mask(dev, DMA_BIT_MASK(40));
        CHECK(err);
        return 0;
      }
      """),
    Case(
      "goto-in-macro", "64",
      """
      #define FAIL_IF(x) do { if (x) goto out; } while (0)
      static int a_probe(struct device *dev) {
        FAIL_IF(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
        return 0;
      out:
        return -EIO;
      }
      """),
    Case(
      "hidden-return", "64",
      """
      #define FIRST(x) if (x)
      #define TRY(x) FIRST(x) return -EIO
      static int a_probe(struct device *dev) {
        TRY(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
        return 0;
      }
      """),
    Case(
      "assignment-in-macro", "64 32",
      """
      #define CLEAR(x) x = 0
      static int a_probe(struct device *dev) {
        int err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
        CLEAR(err);
        return err;
      }
      """),
    Case(
      "calls-in-macro", "32 ?",
      """
      #define set_all(dev) dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))
      static int a_probe(struct device *dev) {
        set_all(dev);
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
      }
      """),
  ]

  /// Masks of different devices make no pair.
  static let devices = [
    Case(
      "two", "64/40 ?",
      """
      static int a_probe(struct x *a, struct x *b) {
        if (dma_set_mask(&a->dev, DMA_BIT_MASK(64))) return -EIO;
        return dma_set_coherent_mask(&b->dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "two-by-helper", "64/40 ?",
      """
      static int set(struct device *dev) {
        return dma_set_coherent_mask(dev, DMA_BIT_MASK(40));
      }
      static int a_probe(struct x *a, struct x *b) {
        if (dma_set_mask(&a->dev, DMA_BIT_MASK(64))) return -EIO;
        return set(&b->dev);
      }
      """),
    Case(
      "one-by-two-names", "64/40",
      """
      static int a_probe(struct platform_device *pdev) {
        struct device *dev = &pdev->dev;
        if (dma_set_mask(dev, DMA_BIT_MASK(64))) return -EIO;
        return dma_set_coherent_mask(&pdev->dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "one-by-helper", "64/40",
      """
      static int set(struct platform_device *p) {
        return dma_set_coherent_mask(&p->dev, DMA_BIT_MASK(40));
      }
      static int a_probe(struct platform_device *pdev) {
        if (dma_set_mask(&pdev->dev, DMA_BIT_MASK(64))) return -EIO;
        return set(pdev);
      }
      """),
    Case(
      "variable-changes", "64/40 ?",
      """
      static int a_probe(struct x *a, struct x *b) {
        struct device *dev = &a->dev;
        if (dma_set_mask(dev, DMA_BIT_MASK(64))) return -EIO;
        dev = &b->dev;
        return dma_set_coherent_mask(dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "store", "64/40 ?",
      """
      static int a_probe(struct x *a, struct x *b) {
        if (dma_set_mask(&a->dev, DMA_BIT_MASK(64))) return -EIO;
        b->dev.coherent_dma_mask = DMA_BIT_MASK(40);
        return 0;
      }
      """),
  ]

  static let flow = [
    Case(
      "by-pointer-and-by-call", "40 ?",
      """
      static int set(struct device *dev, int bits) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
      }
      static const struct ops ops = { .set = set };
      static int a_probe(struct device *dev) { return set(dev, 40); }
      """),
    Case(
      "through-a-variable", "40 ?",
      """
      static int set(struct device *dev, int bits) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
      }
      static int a_probe(struct device *dev) {
        int (*f)(struct device *, int) = set;
        f(dev, 32);
        return set(dev, 40);
      }
      """),
    Case(
      "same-question-to-a-function", "64 64/32 32/64 32 ?",
      """
      static int a_probe(struct device *dev) {
        if (wide(dev)) { if (dma_set_mask(dev, DMA_BIT_MASK(64))) return -EIO; }
        else if (dma_set_mask(dev, DMA_BIT_MASK(32))) return -EIO;
        if (wide(dev)) { if (dma_set_coherent_mask(dev, DMA_BIT_MASK(64))) return -EIO; }
        else if (dma_set_coherent_mask(dev, DMA_BIT_MASK(32))) return -EIO;
        return 0;
      }
      """),
    Case(
      "bound-device", "64/32 ?",
      """
      int x_reset(struct x *x) { return dma_set_mask(x->dev, DMA_BIT_MASK(64)); }
      """),
    Case(
      "table-behind-if", "?",
      """
      static const struct entry table[] = { { 1, DMA_BIT_MASK(24) }, { 2, 0 } };
      static int a_probe(struct device *dev, const struct entry *e) {
        u64 mask = e->mask;
        if (!mask) mask = guess(dev);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
  ]
}

/// Drivers of ``PairSoundnessTests`` where code is dead, stops, or is called by other names.
extension PairSoundnessTests {
  static let names = [
    Case(
      "mask-in-a-member", "32/64 ?",
      """
      static int a_probe(struct x *x) {
        x->mask = DMA_BIT_MASK(64);
        x->dev.dma_mask = &x->mask;
        return dma_set_coherent_mask(&x->dev, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "another-device's-mask", "32/40 ?",
      """
      static int a_probe(struct device *dev) {
        dev->dma_mask = dev->parent->dma_mask;
        return dma_set_coherent_mask(dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "if-1", "64",
      """
      static int a_probe(struct device *dev) {
      #if 1
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      #else
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
      #endif
      }
      """),
    Case(
      "panic", "64",
      """
      static int a_probe(struct device *dev) {
        if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64))) panic("no");
        return 0;
      }
      """),
    Case(
      "bug-on", "64",
      """
      static int a_probe(struct device *dev) {
        BUG_ON(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
        return 0;
      }
      """),
    Case(
      "swap", "?",
      """
      static int a_probe(struct device *dev, u64 other) {
        u64 mask = DMA_BIT_MASK(64);
        swap(mask, other);
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "assembler", "?",
      """
      static int a_probe(struct device *dev) {
        u64 mask = DMA_BIT_MASK(64);
        asm("x %0" : "+r" (mask));
        return dma_set_mask_and_coherent(dev, mask);
      }
      """),
    Case(
      "pointer-to-the-function", "64 ?",
      """
      static int (*set)(struct device *, u64) = dma_set_coherent_mask;
      static int a_probe(struct device *dev) {
        set(dev, DMA_BIT_MASK(24));
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "another-name", "64 ?",
      """
      #define set dma_set_coherent_mask
      static int a_probe(struct device *dev) {
        set(dev, DMA_BIT_MASK(24));
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "pasted-name", "64 ?",
      """
      #define set(kind) dma_set_##kind
      static int a_probe(struct device *dev) {
        set(coherent_mask)(dev, DMA_BIT_MASK(24));
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      """),
    Case(
      "choice-of-calls", "64/32 32/40",
      """
      static int a_probe(struct device *dev, struct x *x) {
        return x->wide ? dma_set_mask(dev, DMA_BIT_MASK(64))
          : dma_set_coherent_mask(dev, DMA_BIT_MASK(40));
      }
      """),
    Case(
      "minus-truth", "64",
      """
      static int a_probe(struct device *dev) {
        return -(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)) != 0);
      }
      """),
  ]
}
