import Foundation
import TestSupport
import Testing

@testable import DriverScan

/// Files that no person wrote: what is beyond the limits of `drivers --help` is not decided,
/// and following the rest has a bound that is counted.
@Suite struct ScanLimitTests {
  /// A function with some statements, and a call behind them that succeeds or is refused.
  private static func function(_ statements: String) -> String {
    "static int x_probe(struct device *d)\n{\nint err = 0; u64 a = 1;\n" + statements
      + "\nreturn dma_set_mask_and_coherent(d, DMA_BIT_MASK(64));\n}\n"
      + "static struct any_driver x = { .probe = x_probe };\n"
  }

  private static func times(_ count: Int, _ text: String) -> String {
    String(repeating: text, count: count)
  }

  private func read(
    _ source: String
  ) throws -> (pairs: [DeviceMasks], isDecided: Bool, file: DriverFile) {
    let directory = try TemporaryDirectory()
    try DriverTree.write(to: directory.path)
    let file = CFile(path: "drivers/net/x.c", bytes: Array(source.utf8))
    var read = DriverFile(file, headers: Headers(try TreeFiles(path: directory.path)))
    let (pairs, isDecided, _) = read.pairs(sharesOneMask: false)
    return (pairs, isDecided, read)
  }

  /// Each has more words in one function than are read.
  static let long: [(name: String, statements: String)] = [
    ("assignments", "a" + times(7000, "=a") + ";"),
    ("empty statements", times(13_000, ";")),
    ("returns", times(3000, "if (d) return err;")),
    ("ifs", times(4000, "if (d) ")),
    ("loops", times(4000, "while (a) ")),
    ("labels", (0..<3000).map { "l\($0): a = 1;" }.joined()),
    ("conditions", "if (a" + times(6001, " && a") + ") err = 1;"),
    ("parentheses", "a = " + times(6000, "(") + "1" + times(6000, ")") + ";"),
    ("branches of #if", "#if A\n" + times(3000, "#elif B\nerr = 1;\n") + "#endif\n"),
  ]

  @Test(arguments: long.map(\.name))
  func aLongFunctionIsNotDecided(_ name: String) throws {
    let statements = try #require(Self.long.first { $0.name == name }).statements
    let found = try read(Self.function(statements))
    #expect(!found.isDecided && found.pairs.isEmpty)
    #expect(found.file.calls.map(\.expression) == ["a function of more than 12000 words"])
    #expect(found.file.calls.map(\.isDecided) == [false])
    #expect(found.file.steps == 0)
  }

  @Test func callersCountTogether() throws {
    let helper = "static int h(struct device *d) { return dma_set_mask(d, DMA_BIT_MASK(40)); }\n"
    let caller = { (number: Int) in
      "static int c\(number)(struct device *d) { return h(d);" + Self.times(700, "f(d, 1, 2);")
        + "}\n"
    }
    let one = try read(helper + caller(1))
    #expect(one.pairs.map(\.text) == ["40/32"])
    let many = try read(helper + (0..<20).map(caller).joined())
    #expect(!many.isDecided && many.pairs.isEmpty && many.file.steps == 0)
  }

  /// What stays below the limits of words reaches those of the flow, or ends.
  @Test(arguments: [
    // The first that is refused is tried for ever.
    "!again:" + (0..<190).map { "if (dma_set_mask(d, \($0))) goto again;" }.joined(),
    "?"
      + (0..<190).map { "l\($0): if (x\($0)) goto l\(($0 * 7) % 190); dma_set_mask(d, \($0));" }
      .joined(),
    "?"
      + (0..<190).map {
        "if (x->m\($0)) dma_set_mask(d, \($0)); else dma_set_coherent_mask(d, \($0));"
      }
      .joined(),
    "!switch (err) {"
      + (0..<190).map { "case \($0): if (dma_set_mask(d, \($0))) break;" }.joined() + "}",
  ])
  func theFlowHasABound(_ statements: String) throws {
    let found = try read(Self.function(String(statements.dropFirst())))
    #expect(found.isDecided == statements.hasPrefix("!"))
    #expect(found.file.steps <= MaskFlow.workLimit + 100_000)
  }

  @Test func macrosThatGrowAreNotPutInPlace() throws {
    let doubling = "#define T(x) do { if (x) { x; return x; } } while (0)\n"
    let nested = Self.times(12, "T(") + "err" + Self.times(12, ")") + ";"
    let found = try read(doubling + Self.function(Self.times(100, nested)))
    #expect(!found.isDecided)
  }

  @Test func manyStoresHaveABound() throws {
    let stores = (0..<1000).map {
      "static struct device d\($0) = { .coherent_dma_mask = \($0) };\n"
    }
    let found = try read(stores.joined())
    #expect(found.file.calls.count == 201 && !found.isDecided)
    #expect(found.file.calls.last?.expression == "more than 200 calls in one file")
  }

  /// What a person cannot read is listed, also where it is the only call.
  @Test func argumentsWithoutAnEndAreListed() throws {
    let words = (0..<600).map { "+ x\($0)" }.joined(separator: " ")
    let found = try read(
      "static int f(struct device *d) { return dma_set_mask(d, 1 \(words)); }\n")
    #expect(found.file.calls.map(\.expression) == ["arguments that are not read"])
    #expect(!found.isDecided)
  }

  /// Each variable doubles the ways to the one before.
  @Test func expressionsOfAFileHaveABound() throws {
    let variables = (1..<200).map { "u64 v\($0) = r ? v\($0 - 1) : v\($0 - 1) + 1;" }.joined()
    let source = (0..<20).map { number in
      "static int f\(number)(struct device *d, int r) { u64 v0 = 1; \(variables) "
        + "return dma_set_mask(d, v199); }\n"
    }
    let start = ContinuousClock.now
    let found = try read(source.joined())
    #expect(!found.isDecided)
    #expect(start.duration(to: .now) < .seconds(12))
  }
}
