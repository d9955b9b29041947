import DMAModel
import Foundation
import Testing

@testable import Analysis
@testable import KernelTree

/// What a tree's code needs of headers whose place the harness' own take.
@Suite struct BorrowedTests {
  private static let function = "size_t dma_direct_max_mapping_size(struct device *dev)\n{\n"
  private static let header = "include/linux/vmalloc.h"

  /// 6.12 with code at the start of dma_direct_max_mapping_size(), and a header.
  private func tree(_ code: String, header text: String) throws -> EditedTree {
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(Self.function, with: Self.function + code, in: "kernel/dma/direct.c")
    try text.write(
      toFile: copy.path + "/" + Self.header, atomically: false, encoding: .utf8)
    return copy
  }

  private func answers(_ copy: EditedTree) throws -> (TreeEvaluation, KernelVersion) {
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    let evaluation = try TreeEvaluation(
      tree: SourceTree(path: copy.path), platforms: [.x86], cacheDirectory: copy.cache)
    return (evaluation, try evaluated(copy.path, domain, cache: copy.cache))
  }

  private func agree(_ one: KernelVersion, _ other: KernelVersion) -> Bool {
    var domain = reducedDomain([.x86])
    (domain.swiotlbModes, domain.iommuModes) = ([.force], [.none])
    return Agreement(model: one, code: other, domain: domain, limit: 0).isComplete
  }

  /// A structure, an inline function, what that uses, and a constant.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func whatStandsAloneIsTaken() throws {
    func header(_ most: Int) -> String {
      """
      #ifndef _LINUX_VMALLOC_H
      #define _LINUX_VMALLOC_H
      #include <linux/none.h>
      #define MOST_BYTES (\(most))
      struct most { size_t bytes; };
      static inline size_t helper(const struct most *most) { return most->bytes; }
      static inline size_t most_bytes(const struct most *most)
      {
      \treturn helper(most);
      }
      extern int unrelated(struct nothing *of_this_is_known);
      #endif

      """
    }
    let code = "\tstruct most most = { .bytes = MOST_BYTES };\n\n\treturn most_bytes(&most);\n"
    let (evaluation, small) = try answers(try tree(code, header: header(4096)))
    #expect(evaluation.files.contains(Self.header))
    #expect(
      evaluation.partial[Self.header] == ["MOST_BYTES", "most", "helper", "most_bytes"])
    #expect(evaluation.predicates.isEmpty)
    // The line of the header that runs is compiled, the comment beside is not.
    #expect(evaluation.compiledLines[Self.header]?.contains(9) == true)
    #expect(evaluation.compiledLines[Self.header]?.contains(11) == false)
    let (_, same) = try answers(try tree("\treturn 4096;\n", header: ""))
    let (_, large) = try answers(try tree(code, header: header(8192)))
    #expect(agree(small, same) && !agree(small, large))
  }

  /// What needs more than the harness has is not taken, nor what has two definitions: such
  /// a function is answered both ways.
  @Test(
    .enabled(if: Trees.exists("6.12"), Trees.missing),
    arguments: [
      "static inline bool wants_less(struct device *dev) { return dev->no_such_member; }",
      "#ifdef CONFIG_A\nbool wants_less(struct device *dev);\n#else\n"
        + "static inline bool wants_less(struct device *dev) { return false; }\n#endif\n"
        + "#ifdef CONFIG_B\nstatic inline bool wants_less(struct device *dev) { return true; }\n"
        + "#endif",
    ])
  func whatDoesNotStandAloneIsNot(text: String) throws {
    let code = "\tif (wants_less(dev))\n\t\treturn 4096;\n"
    // The tree is there as long as its copy.
    let copy = try tree(code, header: text + "\n")
    let (evaluation, _) = try answers(copy)
    #expect(evaluation.predicates == ["wants_less"])
    #expect(withExtendedLifetime(copy) { evaluation.header(defining: "wants_less") } == Self.header)
    #expect(!evaluation.files.contains(Self.header))
  }

  @Test(arguments: [
    ("a.c:1:2: error: implicit declaration of function 'f' [-Werror]", "f"),
    ("a.c:1:2: error: call to undeclared function 'f'; ISO C99", "f"),
    ("a.c:1:2: error: 'NAME' undeclared (first use in this function)", "NAME"),
    ("a.c:1:2: error: use of undeclared identifier 'NAME'", "NAME"),
    ("a.c:1:2: error: unknown type name 'some_t'; did you mean 'other_t'?", "some_t"),
    ("a.c:1:2: error: invalid use of undefined type 'struct s'", "s"),
    ("a.c:1:2: error: incomplete definition of type 'struct s'", "s"),
    ("a.c:1:2: error: expected ';' before 'x'", nil),
  ])
  func errorsNameWhatIsMissing(error: String, name: String?) {
    #expect(HarnessSource.missingName(error) == name)
  }
}
