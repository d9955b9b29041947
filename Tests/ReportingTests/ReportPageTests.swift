import Foundation
import Testing

/// The pages that are checked in below reports/.
@Suite struct ReportPageTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("reports")

  private static let files = (FileManager.default.subpaths(atPath: folder.path) ?? []).filter {
    var isDirectory: ObjCBool = false
    let path = folder.appendingPathComponent($0).path
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && !isDirectory.boolValue
  }

  private func text(_ file: String) throws -> String {
    try String(contentsOf: Self.folder.appendingPathComponent(file), encoding: .utf8)
  }

  /// Who opens a page reads first what it answers, in five lines, and what its words mean,
  /// and no list of digests or of facts about the run.
  @Test(arguments: files.filter { $0.hasSuffix(".md") })
  func opensPlainly(file: String) throws {
    let blocks = try text(file).components(separatedBy: "\n\n")
    try #require(blocks.count > 3)
    #expect(blocks[0].hasPrefix("# ") && !blocks[0].contains("\n"))
    let opening = blocks[1].components(separatedBy: "\n")
    #expect((1...5).contains(opening.count), "\(opening.count) lines")
    // Prose: a capital letter or a version first, a full stop last, no list, no code.
    #expect(blocks[1].hasSuffix(".") && blocks[1].contains(" "))
    for line in opening { #expect(!line.hasPrefix("- ") && !line.hasPrefix("    "), "\(line)") }
    #expect(blocks[2].hasPrefix("Legend: ") && blocks[2].hasSuffix("."))
    #expect(blocks[2].components(separatedBy: "\n").count <= 10)
    for block in blocks[1...2] {
      #expect(block.firstMatch(of: /\b[0-9a-f]{12,}\b/) == nil, "a digest")
      #expect(block.split(separator: "\n").allSatisfy { $0.count <= 90 })
    }
  }

  /// The index names every file beside it, and nothing that is not there.
  @Test func indexIsComplete() throws {
    let links = Set(try text("index.md").matches(of: /\]\(([^)]+)\)/).map { String($0.output.1) })
    #expect(links == Set(Self.files).subtracting(["index.md"]))
    #expect(links.count > 30)
  }
}
