import DMAModel
import Foundation
import Testing

/// What a newcomer meets: help, manual, completions, colour, exports.
extension CommandTests {
  /// A command of the parser's own description.
  private struct Command {
    let path: String
    let json: [String: Any]

    var arguments: [[String: Any]] { json["arguments"] as? [[String: Any]] ?? [] }

    /// The command and all below it.
    func all() -> [Command] {
      let children = json["subcommands"] as? [[String: Any]] ?? []
      return [self]
        + children.filter { $0["commandName"] as? String != "help" }.flatMap { child in
          Command(path: "\(path) \(child["commandName"] as? String ?? "")", json: child).all()
        }
    }
  }

  private func commands() throws -> [Command] {
    let help = try run(["--experimental-dump-help"]).output
    let object = try JSONSerialization.jsonObject(with: Data(help.utf8)) as? [String: Any]
    let root = try #require(object?["command"] as? [String: Any])
    return Command(path: "dmamatrix", json: root).all()
  }

  private var root: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// Every command has a summary and an example, stands in the README's table and
  /// in the manual; every option has a help text and stands in the manual.
  @Test func everyCommandAndOptionIsDocumented() throws {
    let readme = try String(
      contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let manual = try String(
      contentsOf: root.appendingPathComponent("reports/dmamatrix.1"), encoding: .utf8)
    let commands = try commands()
    #expect(commands.count > 15)
    for command in commands {
      let words = command.path.split(separator: " ").dropFirst()
      #expect(!(command.json["abstract"] as? String ?? "").isEmpty, "\(command.path)")
      if let name = words.first {
        #expect(readme.contains("| `\(name)` |"), "\(name) is not in the README")
        let discussion = command.json["discussion"] as? String ?? ""
        #expect(discussion.contains("Example"), "\(command.path) has no example")
        #expect(manual.contains(".SS \(words.joined(separator: " "))\n"), "\(command.path)")
      }
      for argument in command.arguments {
        let names = argument["names"] as? [[String: Any]] ?? []
        let name = names.compactMap { $0["name"] as? String }.max { $0.count < $1.count }
        let label = name ?? argument["valueName"] as? String ?? "?"
        #expect(
          !(argument["abstract"] as? String ?? "").isEmpty, "\(command.path) \(label) has no help")
        guard let name, name != "help", name != "version" else { continue }
        #expect(manual.contains("\\-\\-\(name.replacing("-", with: "\\-"))"), "\(label)")
      }
    }
  }

  /// Every value that a scenario's key or an answer can have is explained, within the
  /// columns of a mail.
  @Test func axesExplainEveryValue() throws {
    let text = try run(["axes"])
    #expect(text.status == 0)
    #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    let names =
      Platform.names + IOMMUMode.names + SwiotlbMode.names + Operation.names + Attributes.names
      + Buffer.names + Verdict.names + Exposure.names + AnswerResult.names
    for name in names { #expect(text.output.contains("    \(name)  "), "\(name)") }
    #expect(try run(["axes", "verdict"]).output.contains("garbled"))
  }

  /// Every page of the guide is linked from README and from the guide's first page, and
  /// every link between pages leads to a file.
  @Test func everyPageOfTheGuideIsFound() throws {
    let guide = root.appendingPathComponent("Sources/dmamatrix/Guide.docc")
    let pages = try FileManager.default.contentsOfDirectory(atPath: guide.path).filter {
      $0.hasSuffix(".md")
    }
    #expect(pages.count > 10)
    func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }
    let readme = try text(root.appendingPathComponent("README.md"))
    #expect(readme.split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
    let index = try text(guide.appendingPathComponent("Guide.md"))
    for page in pages where page != "Guide.md" {
      #expect(readme.contains("(Sources/dmamatrix/Guide.docc/\(page))"), "\(page)")
      #expect(index.contains("(\(page))"), "\(page)")
    }
    for file in [root.appendingPathComponent("README.md")] + pages.map(guide.appendingPathComponent)
    {
      for link in try text(file).matches(of: /\]\(([^):]+)\)/).map(\.output.1) {
        let target = file.deletingLastPathComponent().appendingPathComponent(String(link))
        #expect(FileManager.default.fileExists(atPath: target.path), "\(file.path): \(link)")
      }
    }
  }

  @Test func aNewcomerIsToldWhatToDoFirst() throws {
    #expect(try run([]).output.contains("dmamatrix generate"))
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    #expect(try run([]).output.contains("matrix.db is here"))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreScripts(shell: String) throws {
    let script = try run(["--generate-completion-script", shell])
    #expect(script.status == 0 && script.output.contains("platform"))
    guard shell == "bash" else { return }
    let file = directory + "/completion.bash"
    try script.output.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try self.shell("bash -n '\(file)'") == 0)
    // The values of options and of arguments, as bash asks for them.
    for (words, value) in [
      (["generate", "--platform", "x86-sme5"], "x86-sme51"), (["report", "vers"], "versions"),
      (["check", "--lint", "mask-m"], "mask-monotone"), (["compare", "v6+P0"], "v6+P03"),
      (["generate", "--platform", "sev,td"], "sev,tdx"), (["help", "export", "da"], "datasette"),
      (["export", "csv", "--kernel", "v6,"], "v6,v7"), (["check", "--format", "k"], "ktap"),
    ] {
      let line = ([tool.path] + words).map { "'\($0)'" }
      let asked = """
        source '\(file)'
        COMP_LINE="\(([tool.path] + words).joined(separator: " "))"; COMP_POINT=${#COMP_LINE}
        COMP_WORDS=(\(line.joined(separator: " "))); COMP_CWORD=\(words.count)
        _dmamatrix dmamatrix \(line[words.count]) \(line[words.count - 1])
        printf '%s\\n' "${COMPREPLY[@]}" | grep -qxF '\(value)'
        """
      try asked.write(toFile: directory + "/ask", atomically: true, encoding: .utf8)
      #expect(try self.shell("bash '\(directory)/ask'") == 0, "\(words)")
    }
  }

  /// Not on a terminal there is colour only where it was asked for.
  @Test func colourIsAskedFor() throws {
    let question = ["compare", "v6", "v7", "--platform", "x86-sme47"]
    #expect(try !run(question).output.contains("\u{1b}["))
    let colored = try run(question + ["--color", "always"]).output
    #expect(colored.contains("\u{1b}[33mrefused\u{1b}[0m"))
    #expect(try !run(question + ["--color", "never"]).output.contains("\u{1b}["))
    let json = try run(question + ["--color", "always", "--format", "json"]).output
    #expect(!json.contains("\u{1b}["))
  }

  /// The fields of a line of CSV without line breaks (RFC 4180).
  private static func fields(_ line: Substring) -> [String] {
    var fields = [""]
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
    }
    return fields
  }

  /// The rows of an export are those of the view, in every column.
  @Test func exportsAreTheView() throws {
    let part = ["--platform", "sev", "--kernel", "v6", "--op", "map", "--mask", "32,64"]
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6,v7"]).status == 0)
    let csv = try run(["export", "csv"] + part)
    let query = try run([
      "query", "--format", "csv", "--limit", "0",
      "SELECT * FROM behavior WHERE kernel = 'v6' AND op = 'map' AND mask IN (32, 64)",
    ])
    let rows = csv.output.split(separator: "\n")
    #expect(rows.count > 100)
    #expect(rows.first == query.output.split(separator: "\n").first)
    // Free text is quoted in every row of the export, and rows with words where others have
    // numbers stand first: the order is another one.
    let asked = query.output.split(separator: "\n").dropFirst()
    #expect(
      rows.dropFirst().map(Self.fields).sorted { $0.lexicographicallyPrecedes($1) }
        == asked.map(Self.fields).sorted { $0.lexicographicallyPrecedes($1) })
    #expect(rows.dropFirst().allSatisfy { $0.split(separator: "\"").count > 3 })

    let lines = try run(["export", "jsonl"] + part).output.split(separator: "\n")
    #expect(lines.count == rows.count - 1)
    let columns = try #require(rows.first).split(separator: ",").map(String.init)
    for line in lines.prefix(50) {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(Set(object.keys) == Set(columns) && object["mask"] is Int)
    }
    let file = directory + "/part.csv"
    #expect(try run(["export", "csv", "-o", file] + part).output.isEmpty)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == csv.output)
  }

  @Test func datasetteGetsBothConfigurations() throws {
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    #expect(try run(["export", "datasette", "site"]).status == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory + "/site").sorted()
        == ["datasette.yaml", "matrix.db", "metadata.yaml", "settings.json"])
  }

  @Test func namedQueriesCheckTheirParameters() throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "6.12,7.3"]).status == 0)
    let listed = try run(["query", "--list"])
    #expect(listed.output.contains("thunderbolt: What an untrusted Thunderbolt device gets"))
    #expect(listed.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    #expect(try run(["query", "--named", "thunderbolt"]).output.contains("iova_bounce"))
    for (parameter, sentence) in [
      ("kernel=9.9", "kernel '9.9' is not in this database; accepted: 6.12, 7.3"),
      ("karnel=7.3", "'thunderbolt' has no parameter 'karnel'; accepted: kernel, platform"),
    ] {
      let run = try run(["query", "--named", "thunderbolt", "-p", parameter])
      #expect(run.status == 2 && run.output.isEmpty && run.error.contains(sentence))
    }
  }

  /// One file below 5 MB that names nothing outside itself.
  @Test func theExplorerIsOneFile() throws {
    #expect(try run(["generate", "--platform", "x86-sme47", "--kernel", "v6,v7"]).status == 0)
    let file = directory + "/explorer.html"
    #expect(try run(["report", "html", "-o", file]).status == 0)
    let page = try String(contentsOfFile: file, encoding: .utf8)
    #expect(page.utf8.count < 5 << 20)
    #expect(page.contains("default-src 'none'; script-src 'sha256-"))
    for attribute in ["src=", "@import", "url("] { #expect(!page.contains(attribute)) }
    #expect(!page.contains("@DATA@") && !page.contains("@SCRIPT@") && !page.contains("@HASH@"))
  }

  /// An emitted policy is read back and behaves as the solution did.
  @Test func solveEmitsAPolicyThatIsAKernel() throws {
    let file = directory + "/fix.yaml"
    let solve = try run([
      "solve", "--from", "v6", "--base", "7.2", "--knob", "M9,M3", "--platform", "x86-sme47",
      "--iommu", "passthrough", "--op", "map", "--prefer", "lost", "--emit-policy", file,
    ])
    #expect(solve.status == 0 && solve.output.contains("The Pareto front"))
    #expect(solve.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    let name = try #require(
      try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").first?
        .split(separator: " ").last)
    let compare = try run([
      "compare", "v6", String(name), "--policy", file, "--platform", "x86-sme47",
    ])
    #expect(compare.status == 1 && compare.output.contains("refused -> bounced"))

    // From a variant the file builds upon the variant, under a name that is one.
    let mine = "a-variant-with-a-name-of-forty-letters-x"
    try Data("name: \(mine)\nbase: v6\nchanges: {}\n".utf8)
      .write(to: URL(fileURLWithPath: directory + "/mine.yaml"))
    let further = try run([
      "solve", "--from", mine, "--policy", "mine.yaml", "--base", "7.2", "--knob", "M9,M3",
      "--platform", "x86-sme47", "--iommu", "passthrough", "--op", "map", "--prefer", "lost",
      "--emit-policy", file,
    ])
    #expect(further.status == 0)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.contains("\nbase: \(mine)\n"))
    let solved = try #require(text.split(separator: "\n").first?.split(separator: " ").last)
    let again = try run([
      "compare", "v6", String(solved), "--policy", file, "--policy", "mine.yaml", "--platform",
      "x86-sme47",
    ])
    #expect(again.status == 1 && again.output.contains("refused -> bounced"))
  }

  @Test func solveSaysWhatContradicts() throws {
    let solve = try run([
      "solve", "--from", "v6", "--base", "7.2", "--knob", "M9", "--platform", "x86-sme47",
      "--require", "served-stays-served,no-new-exposure", "--explain-impossible",
    ])
    #expect(solve.status == 1)
    #expect(solve.output.contains("No policy meets the requirements"))
    #expect(solve.output.contains("These contradict each other:\n"))
  }

  @Test func mapsArePictures() throws {
    #expect(try run(["generate", "--platform", "x86-sme47"]).status == 0)
    let text = try run(["report", "map", "--swiotlb", "force"])
    #expect(text.output.contains("  v6   xxxxxxxxbbbbbbbbbbbbbbbbxxxxxxxxxxxxxxxxx\n"))
    #expect(text.output.contains("  v7   xxxxxxxxbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"))
    let svg = try run(["report", "map", "--format", "svg"]).output
    let parser = XMLDocumentProbe(svg)
    #expect(parser.isWellFormed && parser.root == "svg")
  }
}
