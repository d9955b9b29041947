import Foundation
import Testing

/// The drawing of the guide's page on the structure, against Package.swift.
@Suite struct StructureTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().appending(path: "../..")

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// The modules of Package.swift with what they depend on, tests and C modules left out.
  private static func modules() throws -> [String: [String]] {
    let manifest = try text("Package.swift")
    var modules: [String: [String]] = [:]
    for declaration in manifest.components(separatedBy: "arget(").dropFirst() {
      let head = declaration.prefix(while: { $0 != ")" })
      guard let name = head.firstMatch(of: /name: "([A-Za-z]+)"/)?.1 else { continue }
      let list = declaration.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.1 ?? ""
      modules[String(name)] = list.matches(of: /"([A-Za-z]+)"/).map { String($0.1) }
    }
    return modules.filter { !$0.key.hasSuffix("Tests") && $0.key != "TestSupport" }
  }

  @Test func everyModuleIsDrawnAndKnowsOnlyWhatStandsAboveIt() throws {
    let page = try Self.text("Sources/dmamatrix/Guide.docc/Architecture.md")
    let drawing = try #require(page.components(separatedBy: "```").dropFirst().first)
    let words = drawing.split { !$0.isLetter }.map(String.init)
    let modules = try Self.modules().filter { $0.key != "fuzz" && $0.key != "CFuzzer" }
    #expect(modules.count >= 20)
    for (name, needs) in modules
    where !(name.hasPrefix("C") && name.dropFirst().first?.isUppercase == true) {
      let place = try #require(words.firstIndex(of: name), "\(name) is not in the drawing")
      for other in needs where modules[other] != nil {
        guard let above = words.firstIndex(of: other) else { continue }
        #expect(above < place, "\(name) knows \(other), which stands below it")
      }
    }
  }

  /// A file of Sources imports no module that its target does not name.
  @Test func filesImportWhatTheirModuleNames() throws {
    let modules = try Self.modules()
    for (name, needs) in modules {
      let folder = Self.root.appending(
        path: name == "EmbeddedSchema" ? "schema" : "Sources/\(name)")
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
      while let file = files?.nextObject() as? URL {
        guard file.pathExtension == "swift" else { continue }
        let source = try String(contentsOf: file, encoding: .utf8)
        for line in source.split(separator: "\n") {
          guard
            let other = line.firstMatch(
              of: /^(?:@[a-zA-Z_]+ |internal |public )?import ([A-Za-z]+)/)?.1
          else { continue }
          #expect(
            modules[String(other)] == nil || needs.contains(String(other)),
            "\(file.lastPathComponent) of \(name) imports \(other)")
        }
      }
    }
  }
}
