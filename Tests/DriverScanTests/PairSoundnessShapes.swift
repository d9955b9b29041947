/// Drivers of ``PairSoundnessTests`` whose statements are not what they look like.
extension PairSoundnessTests {
  private static func probe(_ name: String, _ pairs: String, _ body: String) -> Case {
    let short = body.replacing("SET(", with: "dma_set_mask_and_coherent(dev, DMA_BIT_MASK(")
    return Case(
      name, pairs, "static int a_probe(struct device *dev, struct x *x) {\n\(short)\n}")
  }

  /// Statements and expressions.
  static let shapes = [
    probe(
      "if-inside-of-a-statement", "64 40 ?",
      """
        int err = SET(64));
        if (err
      #ifdef CONFIG_A
          && SET(40))
      #endif
          ) return -EIO;
        return 0;
      """),
    probe(
      "if-around-a-body", "64 ?",
      """
        int err = SET(64));
        if (err)
      #ifdef CONFIG_A
          return -EIO;
      #else
          x->old = 1;
      #endif
        return 0;
      """),
    probe("guard", "64", "scoped_guard(mutex, &x->m) if (SET(64))) return -EIO; return 0;"),
    probe(
      "guard-that-may-fail", "64 ?",
      "scoped_cond_guard(mutex_try, return 0, &x->m) if (SET(64))) return -EIO; return 0;"),
    probe(
      "macro-before-a-statement", "64 32 ?",
      "int err = SET(64)); UNLESS(x->quiet) err = 0; return err;"),
    probe(
      "assignment-in-an-argument", "64 ?",
      "int err = SET(64)); use(err = 0); return err;"),
    probe(
      "statements-in-an-expression", "64 ?",
      "int err = SET(64)); use(({ err = 0; })); return err;"),
    probe(
      "goto-into-a-loop", "?",
      """
        goto in;
        while (x->n) {
      in:
          if (SET(64))) return -EIO;
        }
        return 0;
      """),
    probe(
      "label-as-a-body", "64 ?",
      "int err = SET(64)); if (err) bad: return err; return 0;"),
    probe(
      "assembler-jumps", "64 ?",
      "asm goto(\"x\" : : : : out); if (SET(64))) return -EIO; out: return 0;"),
  ]

  /// What results become.
  static let answers = [
    probe("minus-error", "64 32 ?", "return -SET(64));"),
    probe("not-of-error", "32", "return ~SET(64));"),
    probe("error-of-nothing", "64", "return dev_err_probe(dev, SET(64)), \"no\");"),
    probe(
      "error-of-0", "64 32", "if (x->a) return dev_err_probe(dev, 0, \"no\"); return SET(64));"),
    probe("no-pointer", "64 32", "if (!x->p) return PTR_ERR(x->p); return SET(64));"),
    probe("a-pointer's-error", "64", "if (IS_ERR(x->p)) return PTR_ERR(x->p); return SET(64));"),
    probe("positive", "64 32 ?", "if (SET(64))) return 1; return 0;"),
    Case(
      "cut-to-u8", "64 32",
      """
      static u8 set(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static int a_probe(struct device *dev) { if (set(dev)) return -EIO; return 0; }
      """),
    Case(
      "cut-to-u32", "64 32 ?",
      """
      static u32 set(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static int a_probe(struct device *dev) { if (set(dev) < 0) return -EIO; return 0; }
      """),
    Case(
      "a-number-that-is-no-error", "64 ?",
      """
      static int set(struct device *dev, struct x *x) {
        if (x->n) return x->n;
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      }
      static int a_probe(struct device *dev, struct x *x) {
        int err = set(dev, x);
        if (err) return -EIO;
        return 0;
      }
      """),
  ]

  /// What is asked or written again.
  static let texts = [
    probe(
      "asked-behind-a-call", "64/24 64/32 32/24 32 ?",
      """
        if (x->w) { if (dma_set_mask(dev, DMA_BIT_MASK(64))) return -EIO; }
        change(x);
        if (x->w) { if (dma_set_coherent_mask(dev, DMA_BIT_MASK(24))) return -EIO; }
        return 0;
      """),
    probe(
      "asked-behind-a-change", "64/24 64/32 32/24 32 ?",
      """
        if (x->w) { if (dma_set_mask(dev, DMA_BIT_MASK(64))) return -EIO; }
        x->w |= 1;
        if (x->w) { if (dma_set_coherent_mask(dev, DMA_BIT_MASK(24))) return -EIO; }
        return 0;
      """),
    probe(
      "member-by-another-name", "?",
      """
        struct x *y = x;
        x->bits = 40;
        y->bits = 24;
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(x->bits));
      """),
    probe(
      "pointer-moves", "?",
      "x->bits = 40; x++; return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(x->bits));"),
    Case(
      "union", "?",
      """
      struct x { union { int bits; int other; }; };
      static int a_probe(struct device *dev, struct x *x) {
        x->bits = 40;
        x->other = 24;
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(x->bits));
      }
      """),
    Case(
      "parameter-by-a-macro", "?",
      """
      #define PARAM(v) module_param(v, int, 0444)
      static int bits = 40;
      PARAM(bits);
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
      }
      """),
    Case(
      "core-parameter", "?",
      """
      static int bits = 40;
      core_param(width, bits, int, 0444);
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
      }
      """),
    Case(
      "default-of-a-macro", "?",
      """
      #ifndef WIDTH
      #define WIDTH 40
      #endif
      static int a_probe(struct device *dev) {
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(WIDTH));
      }
      """),
    Case(
      "never-on-64-bits", "40",
      """
      static int a_probe(struct device *dev) {
      #ifdef CONFIG_HIGHMEM
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
      #else
        return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(40));
      #endif
      }
      """),
  ]
}
