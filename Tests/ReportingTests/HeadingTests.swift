import Analysis
import DMAModel
import MatrixStore
import Reporting
import TestSupport
import Testing

/// No heading stands twice over different tables, whichever axis has two values; what is
/// fixed stands once, on top.
@Suite struct HeadingTests {
  private let directory: TemporaryDirectory
  private let database: MatrixDatabase

  init() throws {
    directory = try TemporaryDirectory()
    var domain = MatrixDomain()
    domain.kernels = ["6.12", "7.3"].compactMap(KernelVersion.named)
    domain.platforms = [.x86SME47, .arm64, .arm64CCA]
    domain.masks = [24, 32, 33, 47, 48, 64].compactMap(DMAMask.init(bits:))
    _ = try MatrixGenerator(domain: domain, jobs: 2, toolVersion: "test")
      .generate(to: directory.file("matrix.db"))
    database = try MatrixDatabase(path: directory.file("matrix.db"))
  }

  /// Two values of each axis that differ somewhere, and the filters without which one of
  /// them does not exist.
  private static let axes: [(axis: String, values: [String], beside: [String: [String]])] = [
    ("kernel", ["6.12", "7.3"], [:]),
    (Platform.axis, ["x86-sme47", "arm64"], [:]),
    (IOMMUMode.axis, ["none", "passthrough"], [:]),
    (SwiotlbMode.axis, ["default", "noforce"], [:]),
    (MachineName.axis, ["2G", "64G"], [Buffer.axis: ["dma32"]]),
    (DMAMask.axis, ["32", "64"], [:]),
    (CoherentMask.axis, ["same", "32"], [:]),
    (BusLimit.axis, ["none", "32"], [:]),
    (Coherence.axis, ["1", "0"], [Platform.axis: ["arm64"]]),
    (Facing.axis, ["0", "1"], [IOMMUMode.axis: ["translated"]]),
    (Operation.axis, ["map", "alloc"], [Buffer.axis: ["-", "high"]]),
    (Attributes.axis, ["none", "require_coherent"], [:]),
    (Buffer.axis, ["dma32", "high"], [:]),
  ]

  @Test(arguments: Report.allCases, Self.axes.map(\.axis))
  func everyVaryingAxisStandsInTheHeadings(report: Report, axis: String) throws {
    let entry = try #require(Self.axes.first { $0.axis == axis })
    let filter = BehaviorFilter(entry.beside.merging([axis: entry.values]) { $1 })
    let document = try report.document(from: database, filter: filter)
    let sections = Self.sections(document)
    #expect(!sections.isEmpty)
    // What a table shows itself, in rows or columns, needs no heading.
    let shown: Set<String> =
      report == .platform
      ? [IOMMUMode.axis, SwiotlbMode.axis, DMAMask.axis] : ["kernel", DMAMask.axis]
    let headings = sections.map(\.heading)
    #expect(Set(headings).count == headings.count, "\(headings)")
    let named = headings.contains { $0.contains("\(axis)=") }
    let fixed = document.text(.text).replacing("\n", with: " ")
      .firstRange(of: #/Fixed: [^.]*/#)
    #expect(fixed != nil)
    if !shown.contains(axis), headings.count > 1 {
      #expect(named && headings.allSatisfy { $0.contains("\(axis)=") }, "\(headings)")
    }
    // Once on top, nowhere else.
    for format in [Document.Format.text, .markdown] {
      let text = document.text(format)
      #expect(text.components(separatedBy: "Fixed: ").count == 2)
      let top = try #require(text.range(of: "Fixed: "))
      for section in sections where !section.heading.isEmpty {
        let words = String(section.heading.prefix(20))
        if let place = text.range(of: words) { #expect(top.lowerBound < place.lowerBound) }
      }
    }
    if report == .map {
      let picture = try Report.verdictMap(from: database, filter: filter).svg
      let titles = picture.components(separatedBy: "class=\"heading\">").dropFirst().map {
        $0.prefix { $0 != "<" }
      }
      let expected = headings.filter { !$0.isEmpty }
      // Long headings are folded over several lines of text.
      #expect(titles.count >= expected.count)
      // A place without a scenario is no blank: it has the sign that the legend names.
      #expect(picture.contains(">no such scenario on this kernel"))
    }
  }

  /// Headings with the tables and pictures below them.
  private static func sections(
    _ document: Document
  ) -> [(heading: String, content: [Document.Block])] {
    var sections: [(heading: String, content: [Document.Block])] = []
    var heading = ""
    for block in document.blocks {
      switch block {
      case .heading(let text): heading = text
      case .paragraph(let text) where text.contains(#/^[a-z_]+=[^ ]+(, |; |$)/#): heading = text
      case .table, .literal: sections.append((heading, [block]))
      default: break
      }
    }
    return sections
  }

  /// A change of `compare` has a heading of its own, and all changes are what differs.
  @Test(arguments: [("6.1", "6.12"), ("v4", "v5"), ("v7", "7.3")])
  func comparisonsAddUpUnderHeadingsOfTheirOwn(old: String, new: String) throws {
    let kernels = try [old, new].map { try #require(KernelVersion.named($0)) }
    var domain = MatrixDomain()
    domain.masks = [24, 32, 48].compactMap(DMAMask.init(bits:))
    domain.coherentMasks = [.same, .bits32]
    domain.platforms = [.x86SME47, .sev, .arm64CCA, .arm64PKVM]
    let comparison = Comparison(kernels, domain: domain)
    let text = comparisonText(comparison, format: .markdown)
    let blocks = text.components(separatedBy: "\n\n").map {
      $0.replacing("\n", with: " ")
    }
    let headings = blocks.filter { $0.hasPrefix("## ") }.map { heading in
      let parts = heading.dropFirst(3).split(separator: ": ")
      return (parts.dropLast().joined(separator: ": "), parts.last.map(String.init) ?? "")
    }
    #expect(Set(headings.map(\.0)).count == headings.count, "\(headings.map(\.0))")
    func sum(_ unit: String) -> Int {
      headings.filter { $0.1.hasSuffix(unit) }.reduce(0) {
        $0 + (Int($1.1.prefix { $0 != " " }) ?? 0)
      }
    }
    let prose = blocks.joined(separator: " ")
    let first = try #require(
      prose.firstMatch(
        of: #/(\d+) scenarios exist on both: (\d+) equal, (\d+) differ\./#))
    #expect(Int(first.1) == comparison.scenarios && Int(first.3) == sum(" scenarios"))
    #expect(try #require(Int(first.1)) == (try #require(Int(first.2))) + sum(" scenarios"))
    let second = try #require(
      prose.firstMatch(of: #/(\d+) cases exist on both: (\d+) equal[^;]*; (\d+) differ\./#))
    #expect(Int(second.1) == comparison.life.scenarios && Int(second.3) == sum(" cases"))
    #expect(try #require(Int(second.1)) == (try #require(Int(second.2))) + sum(" cases"))
  }

  /// The report of the mail: no table twice under one text, and what is fixed.
  @Test func theMailsReportHasHeadingsOfItsOwn() throws {
    let document = ModelReport.mail.document(kernel: KernelVersion.latest)
    var path = ("", "")
    var seen: Set<String> = []
    for block in document.blocks {
      switch block {
      case .heading(let text): path = (text, "")
      case .paragraph(let text): path.1 = text
      case .table, .conditions:
        let name = "\(path.0) / \(path.1)"
        #expect(seen.insert(name).inserted, "\(name)")
      default: break
      }
    }
    #expect(seen.count > 3)
    for format in Document.Format.allCases {
      #expect(document.text(format).contains("Fixed: mem=64G"))
    }
  }
}
