import DMAModel
import Foundation
import MatrixStore
import TestSupport
import Testing

/// A stored tree answers what was recorded and says of anything else that it was not
/// asked; no policy answers for it.
extension CommandTests {
  private static let filters = ["--platform", "x86-sme47", "--mask", "24,31,32,47,48,64"]

  /// A database of 7.3 and of the tree `mine`.
  private func storeTree() throws -> RecordedTree {
    let tree = RecordedTree(named: "mine")
    var domain = MatrixDomain()
    domain.platforms = [RecordedTree.platform]
    domain.masks = RecordedTree.masks
    #expect(try run(["generate", "--quiet", "--kernel", "7.3"] + Self.filters).status == 0)
    try TreeStore.add(
      [(kernel: tree.kernel, provenance: "a test")], domain: domain,
      to: directory + "/matrix.db")
    return tree
  }

  @Test func aTreeExplainsWhatWasRecordedAlone() throws {
    _ = try storeTree()
    let recorded = [
      "platform": "x86-sme47", "iommu": "none", "swiotlb": "noforce", "mem": "64G", "mask": "32",
      "op": "map", "buf": "high",
    ]
    func explain(_ change: [String: String], _ more: [String] = []) throws -> Run {
      let options = recorded.merging(change) { $1 }.sorted { $0.key < $1.key }
        .flatMap { ["--" + $0.key, $0.value] }
      return try run(["explain", "--kernel", "mine", "--trees", "matrix.db"] + options + more)
    }
    let told = try explain([:])
    #expect(told.status == 0 && told.output.contains("error"))
    for change in [
      ["mask": "40"], ["mask": "0x7fffffff0"], ["iommu": "translated"], ["iommu": "off"],
      ["swiotlb": "default"], ["swiotlb": "force"], ["mem": "2G", "buf": "dma32"],
      ["coherent-mask": "32"],
      ["coherent-mask": "64"], ["bus-limit": "32"], ["op": "map_sg"],
      ["op": "alloc", "buf": "-"], ["buf": "low"], ["buf": "1G+8K"], ["fill": "exhausted"],
      ["decrypt-fails": "default"],
    ] {
      let refused = try explain(change)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(change): \(refused.output)")
      #expect(refused.error.contains("did not evaluate"), "\(change): \(refused.error)")
    }
    // A machine of the user's, and the recorded one with other devices.
    for more in [
      ["--machine", "6G=0-2G,4G-8G", "--mem", "6G"], ["--min-align", "4095"],
      ["--seg-boundary", "0xffff"], ["--device-bits", "40"],
    ] {
      var options = recorded
      if more.contains("--mem") { options["mem"] = nil }
      let refused = try run(
        ["explain", "--kernel", "mine", "--trees", "matrix.db"]
          + options.sorted { $0.key < $1.key }.flatMap { ["--" + $0.key, $0.value] } + more)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(more): \(refused.output)")
    }
  }

  @Test func aTreeIsComparedWhereItWasRecorded() throws {
    let count = try storeTree().answers.count
    let compared = try run(["compare", "7.3", "mine", "--trees", "matrix.db"] + Self.filters)
    #expect(compared.status == 1)
    let text = compared.output.split(separator: "\n").joined(separator: " ")
    #expect(text.contains("\(count) scenarios exist on both:"))
    // The end of a request was recorded, circumstances were not.
    #expect(text.contains("\(count) cases exist on both"))
  }

  /// No lint counts a scenario that was not recorded.
  @Test func aTreeIsCheckedWhereItWasRecorded() throws {
    let count = try storeTree().answers.count
    let checked = try run(
      ["check", "--kernel", "mine", "--base", "7.3", "--trees", "matrix.db", "--format", "json"]
        + Self.filters)
    #expect(checked.status == 1)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(checked.output.utf8)) as? [String: Any])
    let causes = try #require(object["causes"] as? [[String: Any]])
    var totals: [String: Int] = [:]
    for finding in causes.flatMap({ $0["findings"] as? [[String: Any]] ?? [] }) {
      totals[finding["lint"] as? String ?? "", default: 0] += finding["scenarios"] as? Int ?? 0
    }
    for (lint, total) in totals { #expect(total <= count, "\(lint)") }
    let violated = totals.values.reduce(0, +)
    #expect(violated > 0)
  }

  /// Reports of the database show the recorded cells, and `-` everywhere else.
  @Test func aTreeIsReportedWhereItWasRecorded() throws {
    _ = try storeTree()
    let report = try run(["report", "platform", "--kernel", "mine"])
    #expect(report.status == 0)
    let cells = report.output.split(separator: "\n").filter { $0.hasPrefix("none ") }
      .flatMap { $0.split(separator: " ").dropFirst(2) }
    #expect(!cells.isEmpty && cells.allSatisfy { $0 == "error" }, "\(report.output)")
    for absent in [["--iommu", "translated"], ["--op", "alloc"], ["--mem", "2G"]] {
      let none = try run(["report", "platform", "--kernel", "mine"] + absent)
      #expect(none.status == 2 && none.output.isEmpty && none.error.contains("no scenario"))
    }
    let versions = try run([
      "report", "versions", "--kernel", "mine,7.3", "--platform", "x86-sme47", "--swiotlb",
      "default,noforce", "--iommu", "none", "--buf", "high",
    ])
    #expect(versions.status == 0)
    // Under swiotlb=default the tree has no answer.
    #expect(versions.output.contains("error") && versions.output.contains(" -\n"))
  }
}
