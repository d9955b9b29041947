import Foundation
import TestSupport
import Testing

@testable import DriverScan

/// The pairs of masks that a device may have at the end: each expected list is what the
/// statements of a small driver do, `?` where others are possible.
@Suite struct MaskPairTests {
  static func pairs(_ source: String, shared: Bool = false) throws -> String {
    let directory = try TemporaryDirectory()
    try DriverTree.write(to: directory.path)
    // The bus enters what is called a probe function.
    let probes = Set(source.matches(of: /([a-z]+_probe)\(struct/).map { String($0.1) })
    let drivers = probes.filter { !source.contains(".probe = \($0)") }.sorted()
      .map { "\nstatic struct any_driver \($0)_driver = { .probe = \($0) };" }
    let file = CFile(
      path: "drivers/net/x.c", bytes: Array((source + drivers.joined() + "\n").utf8))
    var read = DriverFile(file, headers: Headers(try TreeFiles(path: directory.path)))
    let (pairs, isDecided, _) = read.pairs(sharesOneMask: shared)
    return (pairs.map(\.text) + (isDecided ? [] : ["?"])).joined(separator: " ")
  }

  /// A probe function with some statements.
  private func probe(_ body: String) -> String {
    let short = body.replacing("S(", with: "dma_set_mask(dev, ")
      .replacing("C(", with: "dma_set_coherent_mask(dev, ")
      .replacing("B(", with: "dma_set_mask_and_coherent(dev, ")
      .replacing("M(", with: "DMA_BIT_MASK(")
    return """
      struct x { u64 mask; int err; };
      static int x_probe(struct device *dev, struct x *x)
      {
        int err, rc = -ENODEV;
      \(short)
        return 0;
      out:
        return rc;
      }
      """
  }

  @Test(arguments: [
    // A device that is refused has no masks.
    ("if (B(M(64))) return -EIO;", "64"),
    ("err = B(M(64)); if (err) return err;", "64"),
    ("err = B(M(64)); if (err < 0) { rc = err; goto out; }", "64"),
    ("if (B(M(64))) goto out;", "64"),
    ("return B(M(64));", "64"),
    ("return B(M(64)) ? -EIO : 0;", "64"),
    ("return dev_err_probe(dev, B(M(64)), \"no\");", "64"),
    // One that only warns goes on.
    ("if (B(M(64))) dev_warn(dev, \"no\");", "64 32"),
    ("B(M(64));", "64 32"),
    // Fallbacks.
    ("if (B(M(64)) && B(M(32))) return -EIO;", "64 32"),
    ("err = B(M(64)); if (err) err = B(M(32)); if (err) return err;", "64 32"),
    ("if (!B(M(64))) x->dac = 1; else if (B(M(32))) goto out;", "64 32"),
    ("if (!S(M(64))) { if (C(M(64))) goto out; } else if (S(M(32))) goto out;", "64 32"),
    ("if (!S(M(40)) && !C(M(40))) return 0; return S(M(32)) || C(M(32)) ? -EIO : 0;", "40 32"),
    // The same mask again has the same outcome.
    ("S(M(64)); C(M(64));", "64 32"),
    ("if (S(M(64)) || C(M(32))) return -EIO;", "64/32"),
    // Only one, or none.
    ("if (x->wide) C(M(64));", "32/64 32"),
    (
      "switch (x->id) { case 1: case 2: if (C(M(31)) < 0) warn(); break; case 3: f(); }", "32/31 32"
    ),
    ("switch (x->id) { case 1: if (B(M(31))) return -1; default: if (B(M(40))) return -1; }", "40"),
    ("if (S(M(48))) return -1; if (x->old && C(M(31))) return -1;", "48/31 48/32"),
    // The same question again has the same answer.
    ("if (x->w) { if (S(M(40))) return -1; } if (x->w) { if (C(M(40))) return -1; }", "40 32"),
    ("if (!x->w) { if (S(M(40))) return -1; } if (x->w && C(M(31))) return -1;", "40/32 32/31"),
    // What is not decided.
    ("if (B(x->mask)) return -1;", "?"),
    ("if (B(x->mask)) return -1; if (B(M(32))) return -1;", "32"),
    ("if (x->a && B(x->mask)) return -1;", "32 ?"),
  ])
  func statements(body: String, expected: String) throws {
    #expect(try Self.pairs(probe(body)) == expected, "\(body)")
  }

  /// A variable has one value at a time, whatever others it may have.
  @Test(arguments: [
    (
      "u64 a, b; if (x->old) a = b = M(40); else a = b = M(64); if (S(a) || C(b)) return -1;",
      "40 64"
    ),
    (
      "u64 a, b; a = b = M(64); if (x->old) b = M(31); if (S(a) || C(b)) return -1;",
      "64/31 64"
    ),
    ("u64 a = x->old ? M(40) : M(64); if (S(a) || C(a)) return -1;", "40 64"),
    ("int bits = 64; if (x->old) bits = 40; if (B(M(bits))) return -1;", "40 64"),
    (
      "u64 a = M(64); if (x->old) a = M(32); if (a > M(32)) { if (S(a)) return -1; }",
      "64/32 32"
    ),
    ("x->mask = x->old ? M(31) : M(32); if (B(x->mask) < 0) return -ENXIO;", "31 32"),
    ("x->mask = M(31); f(x); if (B(x->mask) < 0) return -ENXIO;", "?"),
    ("u64 a = M(31); f(&a); if (B(a)) return -ENXIO;", "?"),
    ("if (S(x->o ? M(40) : M(48)) || C(x->o ? M(40) : M(48))) return -1;", "40 48"),
    (
      "int dac = 0; if (!S(M(64))) dac = 1; else if (S(M(32))) goto out; if (dac && C(M(64))) goto out;",
      "64 32"
    ),
    (
      "if (S(M(63)) && B(M(32))) goto out; if (*dev->dma_mask == M(63) && C(M(63))) goto out;",
      "63 32"
    ),
    (
      "u32 w = 0; if (x->a) w = x->w; switch (w) { case 40: case 48: break; default: w = 44; } if (B(M(w))) return -1;",
      "40 44 48"
    ),
  ])
  func variables(body: String, expected: String) throws {
    let found = try Self.pairs(probe(body)).split(separator: " ").sorted()
    #expect(
      found == expected.split(separator: " ").map(String.init).sorted().map { $0[...] }, "\(body)")
  }

  @Test(arguments: [
    (
      "u64 m = M(64); again: if (B(m)) { if (m == M(32)) return -1; m = M(32); goto again; }",
      "64 32"
    ),
    ("while (1) { if (!B(M(44))) break; if (x->n++ > 3) return -1; }", "44"),
    ("for (i = x->n; i < 3; i++) { if (!B(M(44))) return 0; } return -1;", "44"),
    ("int t = 3; do { err = B(M(44)); } while (err && --t); if (err) return err;", "44"),
    ("int i; for (i = x->n; i > 0; i--) if (x->a[i]) f(i); if (B(M(44))) return -1;", "44"),
    ("for_each_child(x->bus, c) f(c); if (B(M(44))) return -1;", "44"),
    ("scoped_guard(mutex, &x->m) { if (B(M(44))) return -1; }", "44"),
    ("forever: goto forever; if (B(M(44))) return -1;", ""),
  ])
  func loopsAndGotos(body: String, expected: String) throws {
    #expect(try Self.pairs(probe(body)) == expected, "\(body)")
  }

  @Test func branchesOfTheConfigurationExcludeEachOther() throws {
    let body = """
      #ifdef CONFIG_WIDE
        if (B(M(64)))
          return -EIO;
      #else
        if (S(M(32)))
          return -EIO;
      #endif
      """
    #expect(try Self.pairs(probe(body)) == "64 32")
    #expect(
      try Self.pairs(probe("#ifdef CONFIG_A\n if (C(M(64))) return -1;\n#endif")) == "32/64 32")
    #expect(
      try Self.pairs(probe("#if 0\nB(M(24));\n#else\nif (B(M(40))) return -1;\n#endif")) == "40")
  }

  /// A function of the file is entered where it is called.
  @Test func callsAreFollowed() throws {
    let called = """
      static int streaming(struct device *dev, u64 mask) { return dma_set_mask(dev, mask); }
      static int coherent(struct device *dev)
      {
        int ret = dma_set_coherent_mask(dev, DMA_BIT_MASK(32));
        if (ret)
          dev_err(dev, "no");
        return ret;
      }
      static int x_probe(struct device *dev)
      {
        int ret;
        ret = streaming(dev, DMA_BIT_MASK(40));
        if (ret)
          ret = streaming(dev, DMA_BIT_MASK(36));
        if (ret < 0)
          return ret;
        return snd_card_free_on_error(dev, coherent(dev));
      }
      """
    #expect(try Self.pairs(called) == "40/32 36/32")
    // Who is never called comes in by itself; nothing set the other mask.
    #expect(
      try Self.pairs(
        "int a(struct device *d) { return dma_set_mask(d, DMA_BIT_MASK(40)); }\n"
          + "int b(struct device *d) { return dma_set_mask_and_coherent(d, DMA_BIT_MASK(34)); }")
        == "34 ?")
    let resume = """
      static int x_probe(struct device *d)
      {
        if (dma_set_mask(d, DMA_BIT_MASK(64)) || dma_set_coherent_mask(d, DMA_BIT_MASK(32)))
          return -EIO;
        return 0;
      }
      static int x_resume(struct device *d) { return dma_set_mask(d, DMA_BIT_MASK(64)); }
      """
    #expect(try Self.pairs(resume) == "64/32")
    let pointer = """
      static struct x *x_alloc(struct device *d)
      {
        struct x *x = kzalloc(4);
        if (!x)
          return NULL;
        if (dma_set_mask_and_coherent(d, DMA_BIT_MASK(40)))
          goto free;
        return x;
      free:
        kfree(x);
        return ERR_PTR(-EIO);
      }
      static int x_probe(struct device *d)
      {
        struct x *x = x_alloc(d);
        if (IS_ERR(x))
          return PTR_ERR(x);
        if (!x)
          return -ENOMEM;
        return 0;
      }
      """
    #expect(try Self.pairs(pointer) == "40")
  }

  @Test func oneMaskForBothIsSetByEither() throws {
    let source = probe("if (S(M(40))) return -1;")
    #expect(try Self.pairs(source) == "40/32")
    #expect(try Self.pairs(source, shared: true) == "40")
  }

  /// Code that nobody writes ends soon, and is not decided.
  @Test func hostileCodeIsNotDecided() throws {
    let calls = (0..<400).map { "dma_set_mask(d, DMA_BIT_MASK(\(24 + $0 % 41)))" }
    let many = "int f(struct device *d) { return \(calls.joined(separator: " || ")); }"
    #expect(try !Self.pairs(many).isEmpty)
    let unknown = (0..<300).map { "if (v\($0)) m\($0) = DMA_BIT_MASK(40);" }.joined()
    let names = (0..<300).map { "m\($0)" }
    let blowUp =
      "int f(struct device *d) { u64 \(names.joined(separator: " = 0, ")) = 0; \(unknown) "
      + names.map { "dma_set_mask(d, \($0));" }.joined() + " }"
    #expect(try Self.pairs(blowUp).hasSuffix("?"))
    let deep = String(repeating: "if (x) { ", count: 5000)
    let inner = try Self.pairs("int f(struct device *d) { \(deep) dma_set_mask(d, 255);")
    #expect(inner.hasSuffix("?"), "\(inner)")
    let parentheses =
      String(repeating: "(", count: 200) + "dma_set_mask(d, 255)"
      + String(repeating: ")", count: 200)
    _ = try Self.pairs("int f(struct device *d) { return \(parentheses); }")
    let nested = (0..<200).reduce("dma_set_mask(d, 255)") { text, _ in "!(\(text) && x)" }
    #expect(try Self.pairs("int f(struct device *d) { return \(nested); }").hasSuffix("?"))
    let recursion = "int f(struct device *d) { if (dma_set_mask(d, 255)) return f(d); return 0; }"
    #expect(try Self.pairs(recursion).hasSuffix("?"))
    let mutual =
      "static int g(struct device *d); static int f(struct device *d) { return g(d); }\n"
      + "static int g(struct device *d) { return dma_set_mask(d, 255) ? f(d) : 0; }"
    #expect(try Self.pairs(mutual) == "?")
    let chain = (0..<50).map { number in
      "static int f\(number)(struct device *d, int x) "
        + "{ return f\(number + 1)(d, x + 1) || f\(number + 1)(d, x + 2); }"
    }
    let bomb =
      chain.joined(separator: "\n")
      + "\nstatic int f50(struct device *d, int x) { return dma_set_mask(d, DMA_BIT_MASK(x)); }"
    #expect(try Self.pairs(bomb).hasSuffix("?"))
    let labels = (0..<200).map { "l\($0): if (x\($0)) goto l\((Int($0) * 7) % 200);" }.joined()
    _ = try Self.pairs("int f(struct device *d) { \(labels) dma_set_mask(d, 255); }")
    let counting =
      "int f(struct device *d) { u64 m = 1; again: m = m * 2 + 1; "
      + "if (dma_set_mask(d, m)) goto again; return 0; }"
    #expect(try Self.pairs(counting).hasSuffix("?"))
    let branches =
      String(repeating: "#ifdef A\nx();\n", count: 90) + "dma_set_mask(d, 255);\n"
      + String(repeating: "#else\ny();\n#endif\n", count: 90)
    _ = try Self.pairs("int f(struct device *d) {\n\(branches)return 0; }")
  }
}
