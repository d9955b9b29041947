import DMAModel
import Foundation
import MatrixStore
import Reporting
import TestSupport
import Testing

@Suite struct ReportTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func database(_ change: (inout MatrixDomain) -> Void) throws -> MatrixDatabase {
    var domain = MatrixDomain()
    change(&domain)
    _ = try MatrixGenerator(domain: domain, jobs: 2, toolVersion: "test")
      .generate(to: directory.file("matrix.db"))
    return try MatrixDatabase(path: directory.file("matrix.db"))
  }

  /// Reports are pasted into mail: ASCII, at most 72 columns, whatever is chosen.
  @Test(arguments: [Platform.x86SME51, .arm64CCA, .s390PV])
  func everyLineFitsIntoMail(platform: Platform) throws {
    let database = try database { $0.platforms = [platform] }
    for report in Report.allCases {
      let everything = BehaviorFilter([
        "kernel": KernelVersion.all.map(\.name), Platform.axis: [platform.name],
        IOMMUMode.axis: IOMMUMode.names, SwiotlbMode.axis: SwiotlbMode.names,
        Operation.axis: Operation.names, Attributes.axis: Attributes.names,
        Buffer.axis: Buffer.names,
      ])
      let text = try report.document(from: database, filter: everything).text(.text)
      for line in text.split(separator: "\n") {
        #expect(line.count <= 72 && line.allSatisfy(\.isASCII), "\(line)")
      }
    }
  }

  /// The report of the mail opens with a verdict on each alternative in at most ten lines,
  /// whose numbers are those of its table.
  @Test func theMailsReportOpensWithItsVerdict() throws {
    let document = ModelReport.mail.document(kernel: KernelVersion.latest)
    let lines = document.blocks.prefix(2).compactMap { block -> [String]? in
      if case .lines(let lines) = block { return lines }
      return nil
    }.joined()
    #expect(!lines.isEmpty && lines.count <= 10 && lines.allSatisfy { $0.count <= 72 })
    let rows = document.blocks.compactMap { block -> [[String]]? in
      if case .table(let columns, let rows) = block, columns.contains("lost") { return rows }
      return nil
    }.joined()
    for name in ["P03", "P06", "P07", "P09", "P10"] {
      let line = try #require(lines.first { $0.hasPrefix(name) })
      let row = try #require(rows.first { $0[0] == "v6+\(name)" })
      #expect(
        line.contains("loses \(row[5])") || line.contains("corrupts \(row[3])"), "\(line)")
    }
  }

  /// Each of the five causes is one of the newest release's, and so are those without a
  /// change; where one is mended, this report has to be written anew.
  @Test func theFiveCausesAreStillThere() throws {
    let text = ModelReport.maintainers.document(kernel: KernelVersion.latest).text(.markdown)
    for number in 1...5 { #expect(text.contains("\n## \(number). ")) }
    #expect(!text.contains("does not have this cause"))
    #expect(!text.contains("No change was tried"))
    #expect(text.components(separatedBy: "\n| worse | 0 | 0 |").count == 6)
  }

  /// The table says what the model answers, cell by cell.
  @Test func theVersionsReportShowsTheModelsAnswers() throws {
    let database = try database {
      $0.platforms = [.x86SME47]
      $0.iommuModes = [.passthrough]
      $0.swiotlbModes = [.force]
    }
    let document = try Report.versions.document(
      from: database,
      filter: BehaviorFilter([
        Buffer.axis: ["high"], IOMMUMode.axis: ["passthrough"], SwiotlbMode.axis: ["force"],
      ]))
    let tables = document.blocks.compactMap { block -> (columns: [String], rows: [[String]])? in
      if case .table(let columns, let rows) = block { return (columns, rows) }
      return nil
    }
    let table = try #require(tables.first)
    #expect(table.columns == ["mask"] + KernelVersion.all.map(\.name))
    for row in table.rows {
      let first = try #require(Int(row[0].prefix { $0.isNumber }).flatMap(DMAMask.init(bits:)))
      for (version, cell) in zip(KernelVersion.all, row.dropFirst()) {
        let kernel = BootedKernel(
          policy: version.policy, platform: .x86SME47, iommu: .passthrough, swiotlb: .force,
          machine: .sixtyFourGiB)
        let answer = kernel.answer(
          to: DeviceRequest(
            mask: first, coherentMask: .same, busLimit: .none, coherence: .coherent,
            facing: .internal, operation: .map, attributes: .none, buffer: .high))
        #expect(cell.hasPrefix(answer.result.name), "\(version.name) \(row[0])")
      }
    }
  }

  /// A release has a package, a posted version its cover letter, a proposal its mail.
  @Test func everyKernelNamesItsSource() throws {
    let variant = try #require(KernelVersion.alternatives.first)
    let database = try database {
      $0.kernels = KernelVersion.all + [variant]
      $0.platforms = [.x86SME47]
      $0.iommuModes = [.passthrough]
      $0.operations = [.map]
    }
    let text = infoText(try DatabaseInfo(database))
    for kernel in KernelVersion.all + [variant] {
      let source = try #require(kernel.sourcePackage ?? kernel.link)
      let line = text.split(separator: "\n").first { $0.hasPrefix(kernel.name + " ") }
      #expect(line?.hasSuffix(source) == true, "\(kernel.name)")
    }
  }

  /// Kernels and platforms are named in their order, whatever was asked first.
  @Test func thePlatformReportIsInTheOrderOfTheAxes() throws {
    let database = try database {
      $0.platforms = [.x86, .sev]
      $0.iommuModes = [.none, .translated]
      $0.operations = [.map]
    }
    let document = try Report.platform.document(
      from: database,
      filter: BehaviorFilter(["kernel": ["v6", "7.3"], Platform.axis: ["sev", "x86"]]))
    #expect(document.blocks.first == .title("x86, sev on v6, 7.3"))
  }

  @Test func aFilterThatKeepsNothingIsSaid() throws {
    let database = try database {
      $0.platforms = [.x86SME47]
      $0.iommuModes = [.passthrough]
    }
    #expect(throws: StoreError.self) {
      _ = try Report.platform.document(
        from: database, filter: BehaviorFilter([Platform.axis: ["tdx"]]))
    }
  }

  /// A device of 64 bits on an SME host, and what dma_set_mask() alone makes of it: 7.3's
  /// force_dma_unencrypted() takes the coherent mask (arch/x86/mm/mem_encrypt.c) and
  /// dma_capable() asks it, 7.2's maps do not.
  @Test func aDeviceWhoseCoherentMaskStaysBounces() throws {
    let mask = try #require(DMAMask(bits: 64))
    let text = deviceReport(mask: mask, platforms: [.x86SME47]).text(.text)
    let parts = text.components(separatedBy: "With dma_set_mask() alone")
    try #require(parts.count == 2)
    let row = /x86-sme47 none\|off\|passthrough +(\S+) +(\S+) +(\S+) +(\S+)/
    let both = try #require(parts[0].firstMatch(of: row)?.output)
    #expect([both.1, both.2, both.3, both.4] == ["direct", "direct", "direct", "direct"])
    let alone = try #require(parts[1].firstMatch(of: row)?.output)
    #expect([alone.1, alone.2, alone.3, alone.4] == ["direct", "direct", "direct", "bounce*"])
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 72 })
  }
}
