import DMAModel
import Foundation
import Testing

@testable import Analysis
@testable import KernelTree

/// Trees that read what they have not written, or ask what nobody here knows.
///
/// Source: Debian's linux-source-6.12, edited.
@Suite(.enabled(if: Trees.exists("6.12"), Trees.missing)) struct UnwrittenTests {
  private let copy: EditedTree
  private let domain: MatrixDomain

  init() throws {
    copy = try EditedTree(copyOf: "6.12")
    var domain = reducedDomain([.x86])
    domain.iommuModes = [.none]
    domain.swiotlbModes = [.standard]
    self.domain = domain
  }

  private func asked() throws -> (TreeEvaluation, KernelVersion) {
    let evaluation = try TreeEvaluation(
      tree: SourceTree(path: copy.path), platforms: domain.platforms, cacheDirectory: copy.cache)
    let (kernel, _) = try evaluation.kernel(
      called: "tree", summary: "", domain, basedOn: KernelVersion.latest.policy, jobs: 2,
      from: AnswerCache(cacheDirectory: copy.cache))
    return (evaluation, kernel)
  }

  private func look(_ evaluation: TreeEvaluation, _ kernel: KernelVersion) throws -> SecondLook {
    try evaluation.secondLook(
      at: kernel, domain, jobs: 2, from: AnswerCache(cacheDirectory: copy.cache))
  }

  /// A variable that is not set where the address fits: the pattern fits no mask.
  @Test func aVariableOfTheStackIsSeen() throws {
    try copy.replace(
      "dma_addr_t dma_addr = phys_to_dma(dev, phys);\n\n\tif (is_swiotlb_force_bounce(dev)) {",
      with: "dma_addr_t dma_addr;\n\n\tif (is_swiotlb_force_bounce(dev)) {",
      in: "kernel/dma/direct.h")
    let (evaluation, kernel) = try asked()
    for _ in 0..<2 {
      let found = try look(evaluation, kernel).dependent
      #expect(!found.isEmpty)
      #expect(
        found.allSatisfy {
          $0.request.operation.isMapping && $0.answers[0] != $0.answers[1]
        })
    }
  }

  /// A list whose addresses are never set: the driver would use what was there.
  @Test func anOutputThatIsNotWrittenIsSeen() throws {
    try copy.replace(
      "\t\tsg->dma_address = dma_direct_map_page(dev, sg_page(sg),\n"
        + "\t\t\t\tsg->offset, sg->length, dir, attrs);\n"
        + "\t\tif (sg->dma_address == DMA_MAPPING_ERROR) {",
      with: "\t\tif (dma_direct_map_page(dev, sg_page(sg), sg->offset, sg->length, dir, attrs)\n"
        + "\t\t    == DMA_MAPPING_ERROR) {",
      in: "kernel/dma/direct.c")
    let (_, kernel) = try asked()
    let whole = try evaluated(Trees.path("6.12"), domain)
    let found = Agreement(model: whole, code: kernel, domain: domain, limit: 20)
    #expect(!found.isComplete)
    for disagreement in found.disagreements {
      #expect(disagreement.code.answer.columns.contains { $0.contains("address not written") })
      #expect(disagreement.conditions.allSatisfy { $0.witness.contains("/map_sg") })
    }
  }

  /// What the tree has nothing unwritten, and what ran of it, and the way of a request.
  @Test func whatRanIsKnown() throws {
    let (evaluation, kernel) = try asked()
    let look = try look(evaluation, kernel)
    #expect(look.dependent.isEmpty)
    let (ran, code) = try evaluation.executed(in: look)
    let file = "kernel/dma/direct.h"
    let lines = try copy.text(file).split(separator: "\n", omittingEmptySubsequences: false)
    func number(_ text: String) throws -> Int {
      try #require(lines.firstIndex { $0.contains(text) }) + 1
    }
    // No pool forces on a machine without swiotlb=force.
    let (forced, last) = (
      try number("if (is_swiotlb_force_bounce(dev)) {"),
      try number("return dma_addr;")
    )
    #expect(ran[file]?.contains(last) == true)
    #expect(code[file]?.contains(forced + 3) == true && ran[file]?.contains(forced + 3) == false)
    let witness = CodeWitness(evaluation, kernel, domain)
    let key = "x86/none/default/64G/64/same/none/1/0/map/none/high"
    #expect(witness.place(of: key) == "dma_direct_map_page() \(file):\(last)")
    #expect(witness.error == nil)
  }

  /// A function that is declared in a header which the harness does not read, and defined
  /// elsewhere, decides both ways.
  @Test func aPredicateIsAnsweredBothWays() throws {
    try copy.replace(
      "\tif (is_swiotlb_force_bounce(dev)) {\n\t\tif (is_pci_p2pdma_page(page))",
      with: "\tif (!device_cc_accepted(dev)) {\n\t\tif (is_pci_p2pdma_page(page))",
      in: "kernel/dma/direct.h")
    try copy.replace(
      "static inline bool device_iommu_mapped(struct device *dev)",
      with: "bool device_cc_accepted(struct device *dev);\n"
        + "static inline bool device_iommu_mapped(struct device *dev)",
      in: "include/linux/device.h")
    let (evaluation, kernel) = try asked()
    #expect(evaluation.predicates == ["device_cc_accepted"])
    let assumptions = Assumption.all(of: evaluation.predicates)
    #expect(assumptions.map(\.condition) == ["!device_cc_accepted()", "device_cc_accepted()"])
    let (accepted, _) = try evaluation.kernel(
      called: "accepted", summary: "", domain, basedOn: KernelVersion.latest.policy, jobs: 2,
      from: AnswerCache(cacheDirectory: copy.cache), assuming: assumptions[1])
    let whole = try evaluated(Trees.path("6.12"), domain)
    #expect(Agreement(model: whole, code: accepted, domain: domain, limit: 0).isComplete)
    #expect(!Agreement(model: whole, code: kernel, domain: domain, limit: 0).isComplete)
    #expect(try look(evaluation, kernel).dependent.isEmpty)
  }

  /// What is no function that says yes or no stays an error.
  @Test func whatReturnsMoreIsNoPredicate() throws {
    try copy.replace(
      "\tif (is_swiotlb_force_bounce(dev)) {\n\t\tif (is_pci_p2pdma_page(page))",
      with: "\tif (device_cc_level(dev) > 2) {\n\t\tif (is_pci_p2pdma_page(page))",
      in: "kernel/dma/direct.h")
    try copy.replace(
      "static inline bool device_iommu_mapped(struct device *dev)",
      with: "int device_cc_level(struct device *dev);\n"
        + "static inline bool device_iommu_mapped(struct device *dev)",
      in: "include/linux/device.h")
    #expect(throws: TreeError.self) { try asked() }
  }
}
