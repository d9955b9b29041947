import DMAModel
import Foundation
import Testing

@testable import KernelTree

/// What a traced program and a history of files say of places in the code.
@Suite struct CodePathTests {
  /// Source: objdump 2.40 of a program that gcc 12 made with -g1 and
  /// -fsanitize-coverage=trace-pc.
  @Test func blocksAreReadFromADisassembly() {
    let text = """
      000000000040b3b4 <dma_map_phys>:
      dma_map_phys():
      /tree/kernel/dma/mapping.c:155
        40b3b4:\tpush   %r15
      /tree/kernel/dma/mapping.c:158
        40b3d2:\tcall   40bf80 <__sanitizer_cov_trace_pc>
        40b3d7:\tmov    %r12,%r15
      /tree/kernel/dma/mapping.c:161 (discriminator 3)
        40b3e1:\tcmp    $0x2,%ebp
      dma_map_direct():
      /tree/kernel/dma/../dma/direct.h:150
        40b3ea:\tcall   40bf80 <__sanitizer_cov_trace_pc>
        40b3ef:\tmov    %rbx,%rdi
      dev_dma_iommu():
      /build/device.h:60
        40b3f4:\tmov    %rbx,%rdi

      000000000040b500 <other>:
        40b500:\tret

      """
    let blocks = CodeBlock.all(in: Array(text.utf8))
    let file = "kernel/dma/mapping.c"
    #expect(
      blocks == [
        0x40b3d7: CodeBlock(lines: [
          .init(file: file, line: 158, function: "dma_map_phys"),
          .init(file: file, line: 161, function: "dma_map_phys"),
        ]),
        0x40b3ef: CodeBlock(lines: [
          .init(file: "kernel/dma/direct.h", line: 150, function: "dma_map_direct")
        ]),
      ])
  }

  private func step(_ function: String, _ file: String, _ line: Int, _ text: String)
    -> CodePath.Step
  {
    CodePath.Step(function: function, file: file, line: line, text: text)
  }

  /// The function that mapping.c calls decides; lines are the same where their texts are.
  @Test func waysPartWhereTheirTextsDo() throws {
    let api = step("dma_map_phys", "kernel/dma/mapping.c", 10, "addr = map();")
    let old = CodePath(
      steps: [
        api, step("map", "kernel/dma/direct.h", 20, "if (forced)"),
        step("bounce", "kernel/dma/swiotlb.c", 5, "copy();"),
        step("map", "kernel/dma/direct.h", 21, "return bounce();"),
        step("dma_map_phys", "kernel/dma/mapping.c", 11, "return addr;"),
      ], undoing: [])
    let new = CodePath(
      steps: [
        api, step("map", "kernel/dma/direct.h", 25, "if (forced)"),
        step("map", "kernel/dma/direct.h", 30, "return phys;"),
        step("dma_map_phys", "kernel/dma/mapping.c", 11, "return addr;"),
      ], undoing: [])
    #expect(old.decision?.place == "map() kernel/dma/direct.h:21")
    #expect(old.functions(on: .answer).map(\.line) == [11, 21, 5])
    let parting = try #require(old.parting(from: new))
    #expect(parting.common?.line == 20)
    #expect(parting.ours?.text == "copy();" && parting.theirs?.text == "return phys;")
    #expect(old.parting(from: old) == nil)
  }

  /// A line written anew behind which its function goes on as before is not where ways part;
  /// it is where nothing else differs.
  @Test func codeWrittenAnewWithTheSameOutcomeIsPassed() throws {
    let (api, pool) = ("kernel/dma/mapping.c", "kernel/dma/swiotlb.c")
    let (start, end) = (
      step("dma_map_phys", api, 10, "addr = map();"), step("dma_map_phys", api, 11, "return addr;")
    )
    func path(_ check: String, _ state: String, _ rest: (line: Int, text: String)) -> CodePath {
      let lines = [check, "if (host)", state, "return E;", "index = find();", "}"]
      return CodePath(
        steps: [
          start, step("tbl_map", pool, 1, check), step("tbl_map", pool, 2, "if (host)"),
          step("has", "arch/x86/coco/core.c", 5, "return true;"),
          step("tbl_map", pool, 3, state), step("tbl_map", pool, rest.line, rest.text),
          step("tbl_map", pool, 6, "}"), end,
        ], undoing: [], files: [pool: Array(lines.joined(separator: "\n").utf8)])
    }
    let old = path("if (!a || !b)", "if (!c)", (5, "index = find();"))
    let new = path("if (!(a && b))", "if (c)", (4, "return E;"))
    let parting = try #require(old.parting(from: new))
    #expect(parting.common?.text == "return true;")
    #expect(parting.ours?.text == "if (!c)" && parting.theirs?.text == "if (c)")
    let harmless = path("if (!(a && b))", "if (!c)", (5, "index = find();"))
    let only = try #require(old.parting(from: harmless))
    #expect(only.ours?.text == "if (!a || !b)" && only.theirs?.text == "if (!(a && b))")
  }

  /// Of conditions that a patch adds the one decides that holds and returns, not the one
  /// that is passed; on the other side, which has no line of its own, what leaves there.
  @Test func theConditionThatLeavesDecides() throws {
    let file = "kernel/dma/direct.h"
    let rest = [
      "\tif (bounces(dev))", "\t\treturn bounce(dev,", "\t\t\t      size);", "\treturn phys;",
    ]
    let added = [
      "\tif (none)", "\t\treturn E;", "\tif (limit &&", "\t    size)", "\t\treturn E;",
    ]
    func path(_ lines: [String], _ numbers: [Int]) -> CodePath {
      CodePath(
        steps: numbers.map {
          step("map", file, $0, lines[$0 - 1].trimmingCharacters(in: .whitespaces))
        }, undoing: [], files: [file: Array(lines.joined(separator: "\n").utf8)])
    }
    let old = path(["\tstart();"] + rest, [1, 2, 3])
    let new = path(["\tstart();"] + added + rest, [1, 2, 4, 5, 6])
    let parting = try #require(old.parting(from: new))
    #expect(parting.decides.theirs?.line == 4)
    #expect(parting.decides.ours?.line == 2)
  }

  /// Source: Documentation/process/coding-style.rst, 1) and 3).
  @Test func conditionsEndWhereTheirBodiesDo() {
    let text = Array(
      """
      \tif (a(1) &&
      \t    b) {
      \t\tc();

      \t\tif (d)
      \t\t\treturn;
      \t} else if (e) {
      \t\tf();
      \t}
      \twhile (g)
      \t\th();
      \ti(if_);
      """.utf8)
    func condition(_ line: Int) -> SourceCondition? { SourceCondition(at: line, in: text) }
    #expect(condition(1)?.lines == 1...2 && condition(1)?.body == 3..<7)
    #expect(condition(5)?.lines == 5...5 && condition(5)?.body == 6..<7)
    #expect(condition(7)?.body == 8..<9 && condition(10)?.body == 11..<12)
    #expect([2, 3, 4, 6, 9, 12, 13].allSatisfy { condition($0) == nil })
  }

  /// A line is under the symbols of the innermost branch of which nothing is compiled.
  @Test func unsetSymbolsAreNamed() {
    let text = Array(
      """
      #ifdef CONFIG_A
      a();
      # if defined(CONFIG_B) || defined(CONFIG_C)
      b();
      # else
      c();
      # endif
      #else
      d();
      #endif
      #ifndef GUARD
      e();
      #endif
      """.utf8)
    func symbols(_ line: Int, _ compiled: Set<Int>) -> [String] {
      ConfiguredLines(text, compiled: compiled).symbols(around: line)
    }
    #expect(symbols(2, []) == ["CONFIG_A"] && symbols(9, [2]) == ["CONFIG_A"])
    #expect(symbols(4, [2, 6]) == ["CONFIG_B", "CONFIG_C"])
    #expect(symbols(2, [6]).isEmpty && symbols(12, []).isEmpty)
  }

  /// What a hostile file nests, or puts in a row, takes no time that grows faster than it.
  @Test func deepConditionalsAreRead() {
    let deep =
      (0..<20_000).map { "#ifdef CONFIG_A\($0)\n" }.joined() + "a();\n"
      + String(repeating: "#endif\n", count: 20_000)
    let lines = ConfiguredLines(Array(deep.utf8), compiled: [])
    #expect((1...40_000).count { !lines.symbols(around: $0).isEmpty } == 39_999)
    let row =
      "#if defined(CONFIG_A)\n" + (0..<40_000).map { "#elif defined(CONFIG_B\($0))\n" }.joined()
    #expect(ConfiguredLines(Array(row.utf8), compiled: []).symbols(around: 40_000).count == 8)
  }

  /// A line keeps the patch that wrote it, wherever later ones move it.
  @Test func linesKnowTheirPatch() throws {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("dmamatrix-origins-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try FileManager.default.createDirectory(
      atPath: directory + "/kernel/dma", withIntermediateDirectories: true)
    for file in ["mapping.c", "direct.c", "swiotlb.c"] {
      try "int a;\n".write(
        toFile: directory + "/kernel/dma/" + file, atomically: true, encoding: .utf8)
    }
    let tree = try SourceTree(path: directory)
    let file = "kernel/dma/direct.c"
    var origins = LineOrigins()
    for (label, text) in [
      ("0/2", "one;\ntwo;\nthree;\n"), ("1/2", "one;\nnew;\nthree;\n"),
      ("2/2", "first;\none;\nnew;\nthree;\n"),
    ] {
      try text.write(toFile: directory + "/" + file, atomically: true, encoding: .utf8)
      origins.add(label, [file], of: tree)
    }
    #expect((1...5).map { origins.label(of: file, $0) } == ["2/2", nil, "1/2", nil, nil])
  }

  /// Every way to answer, "no" from all first.
  @Test func assumptionsAreAllWays() {
    #expect(Assumption.all(of: []) == [.none] && Assumption.none.condition == nil)
    #expect(
      Assumption.all(of: ["b", "a"]).map(\.condition) == [
        "!a() and !b()", "a() and !b()", "!a() and b()", "a() and b()",
      ])
  }

  /// What a header declares; int only where all calls are conditions.
  @Test func predicatesAreFunctionsThatSayYesOrNo() {
    func type(_ text: String) -> Predicates.ReturnType? { Predicates.type(of: "f", in: text) }
    #expect(type("bool f(struct device *dev);") == .bool)
    #expect(type("/* Says why. */\nstatic inline bool f(void)\n{") == .bool)
    #expect(type("#endif\nextern int f(int a);") == .int)
    #expect(type("# 12 \"/tree/a.h\" 3\nint\nf(int a);") == .int)
    #expect(type("void f(int a);") == nil && type("bool *f(void);") == nil)
    #expect(type("bool g(void); x = f(1);") == nil && type("bool xf(int);") == nil)
    func isCondition(_ text: String) -> Bool { Predicates.isCondition("f", in: text) }
    #expect(isCondition("int f(int);\nif (f(1))\nif (a && !f(g(2)) && b)"))
    #expect(!isCondition("if (f(1)) return f(2);") && !isCondition("int f(int);"))
    #expect(!isCondition("if (f(1) < 0)"))
    #expect(Predicates.isDefined("f", in: "static inline bool f(struct device *d)\n{\n"))
    #expect(!Predicates.isDefined("f", in: "bool f(struct device *d);\nint g(void) {"))
    #expect(
      Predicates.missing("a.c:1:2: error: implicit declaration of function 'f' [-W]")?.name == "f")
    #expect(Predicates.missing("a.c:3: undefined reference to `f'")?.isDeclared == true)
    #expect(Predicates.missing("a.c:1:2: error: 'struct device' has no member") == nil)
  }
}
