import Foundation
import GRDB
import Testing

/// Files, names and directories of somebody who means harm.
extension CommandTests {
  private func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: directory + "/" + name, withDestinationPath: target)
  }

  private func type(_ name: String) throws -> FileAttributeType? {
    try FileManager.default.attributesOfItem(atPath: directory + "/" + name)[.type]
      as? FileAttributeType
  }

  /// A database whose every text says something else.
  private func hostileDatabase(_ text: String) throws {
    #expect(
      try run(["generate", "--platform", "x86-sme47", "--kernel", "v6,v7", "--op", "map"]).status
        == 0)
    let queue = try DatabaseQueue(path: directory + "/matrix.db")
    try queue.write { database in
      try database.execute(
        sql: """
          PRAGMA foreign_keys = OFF;
          UPDATE kernel SET description = :text, link = :text, source_package = :text;
          UPDATE provenance SET value = :text;
          UPDATE description SET text = :text;
          UPDATE mem SET description = :text;
          UPDATE decision SET description = :text, condition = :text;
          UPDATE outcome SET warn = :text, dma = :text
          """, arguments: ["text": text])
    }
    try queue.close()
  }

  /// A report that replaces one is for the same readers.
  @Test func aReplacedFileKeepsItsPermissions() throws {
    let file = directory + "/r.md"
    for permissions in [0o600, 0o664] {
      try "before".write(toFile: file, atomically: false, encoding: .utf8)
      #expect(chmod(file, mode_t(permissions)) == 0)
      #expect(try run(["report", "2026-07-02", "-o", "r.md"]).status == 0)
      let attributes = try FileManager.default.attributesOfItem(atPath: file)
      #expect(attributes[.posixPermissions] as? Int == permissions)
      #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("before"))
    }
  }

  /// The explorer's command is pasted into a shell: a name stays one word.
  @Test func noNameIsACommand() throws {
    guard try shell("command -v node") == 0 else {
      try Test.cancel("node is not installed")
    }
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/Explorer/Web/state.js").path
    let names = ["v6+P07", "$(touch owned)", "'|touch owned|'", "a b\n`touch owned`"]
    try """
    const state = Object.assign({}, DEFAULTS, { mem: process.argv[2], mask: "48",
      circumstance: "fill=" + process.argv[3] });
    console.log(commandOf(state, [process.argv[1], process.argv[4]]));
    """.write(toFile: directory + "/ask.js", atomically: true, encoding: .utf8)
    let words = names.map { "'" + $0.replacing("'", with: "'\\''") + "'" }
    let script = """
      cd '\(directory)' && node -e "$(cat '\(sources)' ask.js)" \(words.joined(separator: " ")) \
        >command && dmamatrix() { printf '%s\\0' "$@" >words; } && . ./command
      """
    #expect(try shell("(\(script))") == 0)
    #expect(!contents.contains("owned"))
    let given = try String(contentsOfFile: directory + "/words", encoding: .utf8)
      .split(separator: "\0").map(String.init)
    #expect(given.prefix(3) == ["explain", "--kernel", names[0] + "," + names[3]])
    #expect(given.contains(names[1]) && given.suffix(2) == ["--fill", names[2]])
  }

  /// Runs the tool on a terminal, by util-linux' script.
  private func onTerminal(_ arguments: [String]) throws -> String? {
    guard try shell("command -v script") == 0 else { return nil }
    let (file, command) = (directory + "/typescript", directory + "/command.sh")
    let words = ([tool.path] + arguments).map {
      "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
    try words.joined(separator: " ").write(toFile: command, atomically: true, encoding: .utf8)
    _ = try shell("cd '\(directory)' && script -qec 'sh command.sh' '\(file)' </dev/null")
    return String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
  }

  /// A link is followed to a regular file, which is replaced; the link stays.
  @Test func linksInOutputPathsAreFollowedNotReplaced() throws {
    try "before".write(toFile: directory + "/target.txt", atomically: false, encoding: .utf8)
    try link("link.txt", to: "target.txt")
    #expect(try run(["policy", "show", "v6"]).status == 0)
    #expect(try run(["report", "2026-07-02", "-o", "link.txt"]).status == 0)
    #expect(try type("link.txt") == .typeSymbolicLink)
    #expect(
      try !String(contentsOfFile: directory + "/target.txt", encoding: .utf8).contains("before"))

    // To a device, to a directory, to itself: refused, and nothing is made.
    try link("device", to: "/dev/null")
    try link("folder", to: "/")
    try link("loop", to: "loop")
    let before = contents
    for name in ["device", "folder", "loop"] {
      for command in [
        ["report", "2026-07-02", "-o", name], ["generate", "--platform", "sev", "-d", name],
      ] {
        let run = try run(command)
        #expect(run.status == 2 && run.error.split(separator: "\n").count == 1, "\(command)")
      }
      #expect(try type(name) == .typeSymbolicLink)
    }
    #expect(contents == before)
  }

  /// Links with the names of a killed run's files are removed, not followed; a lock
  /// that is none is left alone.
  @Test func plantedLinksAreNotFollowed() throws {
    let victim = directory + "/victim"
    try Data().write(to: URL(fileURLWithPath: victim))
    for stage in ["loose.tmp", "packed.tmp", "packed.tmp-journal"] {
      try link("matrix.db.1-0123456789abcdef.\(stage)", to: "victim")
    }
    let kept = [
      "matrix.db.1-00000000000000aa.lock.tmp", "matrix.db.1-00000000000000bb.lock.tmp",
      "matrix.db.2024.backup.tmp", "matrix.db.tmp",
    ]
    try link(kept[0], to: "victim")
    try FileManager.default.createDirectory(
      atPath: directory + "/" + kept[1], withIntermediateDirectories: false)
    for name in kept[2...] { try Data().write(to: URL(fileURLWithPath: directory + "/" + name)) }
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: victim)).isEmpty)
    #expect(contents == ["matrix.db"] + kept + ["victim"])
  }

  /// A container's first process always has number 1, and so had the one that was
  /// killed.
  @Test(.enabled(if: getuid() == 0, "a container needs root"))
  func aKilledContainerDoesNotStopTheNext() throws {
    guard try shell("unshare -pf --kill-child true") == 0 else {
      try Test.cancel("unshare cannot make a process namespace here")
    }
    let container = "cd '\(directory)' && unshare -pf --kill-child '\(tool.path)' generate --quiet"
    _ = try shell("(\(container) & sleep 1; kill -9 $!; wait)")
    #expect(contents.contains { $0.hasPrefix("matrix.db.1-") })
    #expect(try shell("\(container) --platform sev --kernel v6") == 0)
    #expect(contents == ["matrix.db"])
  }

  /// A link to a directory is a way; one to nothing is refused, as it may be an old one
  /// or somebody else's.
  @Test func linksToDirectoriesAndToNothing() throws {
    try FileManager.default.createDirectory(
      atPath: directory + "/real", withIntermediateDirectories: false)
    try link("way", to: "real")
    try link("dangling", to: "real/later")
    #expect(
      try run(["generate", "-d", "way/a.db", "--platform", "sev", "--kernel", "v6"]).status == 0)
    #expect(try run(["export", "csv", "-d", "way/a.db", "-o", "way/a.csv"]).status == 0)
    #expect(try run(["report", "2026-07-02", "-o", "way/a.txt"]).status == 0)
    for command in [
      ["generate", "--platform", "sev", "-d", "dangling"],
      ["export", "csv", "-d", "way/a.db", "-o", "dangling"],
      ["merge", "-o", "dangling", "way/a.db"], ["report", "2026-07-02", "-o", "dangling"],
    ] {
      let run = try run(command)
      #expect(run.status == 2 && run.error.split(separator: "\n").count == 1, "\(command)")
    }
    #expect(try type("dangling") == .typeSymbolicLink && type("way") == .typeSymbolicLink)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory + "/real").sorted()
        == ["a.csv", "a.db", "a.txt"])
    // observe changes the database that a link means.
    try link("matrix.db", to: "way/a.db")
    let log = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("ObservationsTests/Logs/6.1.0-53-amd64-none-default-6G.log.gz").path
    #expect(try run(["observe", log]).status == 0)
    #expect(try type("matrix.db") == .typeSymbolicLink)
    #expect(
      try run(["disagreements", "-d", "real/a.db"]).output.contains("observations of 1 boot"))
    #expect(contents == ["dangling", "matrix.db", "real", "way"])
  }

  /// On a terminal no text of a database moves the cursor or sets the title.
  @Test func aTerminalIsNotSteered() throws {
    let escape = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}H\u{202e}\u{2066}"
    try hostileDatabase(escape)
    for question in [
      ["query", "SELECT char(27) || '[2J'", "--format", "csv"],
      ["query", "SELECT 1 AS \u{1b}[2J"], ["query", "SELECT value FROM provenance"],
      ["query", "SELECT value FROM provenance", "--format", "line"], ["info"],
      ["info", "--schema"], ["report", "platform", "--kernel", "v6", "--platform", "x86-sme47"],
      ["query", "SELEC \u{1b}[2J"],
    ] {
      guard let shown = try onTerminal(question) else {
        try Test.cancel("script of util-linux is not installed")
      }
      for text in ["\u{1b}[2J", "\u{1b}]", "\u{9b}", "\u{7}", "\u{202e}", "\u{2066}"] {
        #expect(!shown.contains(text), "\(question)")
      }
    }
    // A pipe gets the bytes that were asked for.
    let piped = try run(["query", "SELECT char(27) || '[2J'", "--format", "csv", "--no-header"])
    #expect(piped.output == "\u{1b}[2J\n")
    // Colours are ours.
    let colored = try onTerminal([
      "compare", "v6", "v7", "--platform", "x86-sme47", "--color", "always",
    ])
    #expect(colored?.contains("\u{1b}[33mrefused\u{1b}[0m") == true)
  }

  /// An error is one line, whatever the name of the file is.
  @Test func aLineBreakInAPathStaysInTheSentence() throws {
    for arguments in [
      ["query", "-d", "a\nb.db", "SELECT 1"], ["info", "-d", "a\nb"], ["host", "--root", "a\nb"],
      ["host", "a\nb"], ["drivers", "--tree", "a\nb"], ["verify", "--tree", "a\nb", "--yes"],
      ["explain", "--dmesg", "a\nb"], ["conform", "a\nb"], ["generate", "-d", "a\nb/c.db"],
    ] {
      let run = try run(arguments)
      #expect(run.status == 2 && run.error.contains("a?b"), "\(arguments) \(run.error)")
      #expect(run.error.split(separator: "\n").count == 1, "\(run.error)")
    }
  }

  /// A spreadsheet calculates what begins with =, +, - or @. No name that a user gives
  /// does, nor any value of an export.
  @Test func noFieldOfAnExportIsAFormula() throws {
    for (name, sentence) in [("+1+cmd", "is no name"), ("-1", "is no name"), ("=1", "is no name")] {
      try "name: \"\(name)\"\nbase: v6\n".write(
        toFile: directory + "/p.yaml", atomically: true, encoding: .utf8)
      let run = try run(["compare", "v6", "v7", "--policy", directory + "/p.yaml"])
      #expect(run.status == 2 && run.error.contains(sentence))
      #expect(try self.run(["generate", "--machine", "\(name)=0-2G"]).status == 2)
    }
    #expect(try run(["generate", "--platform", "sev,x86-sme47", "--kernel", "v6"]).status == 0)
    let csv = try run(["export", "csv", "--mask", "24,32,64"]).output
    var fields = 0
    for field in Set(csv.split { $0 == "," || $0 == "\n" }) where field.count > 1 {
      fields += 1
      #expect(!"=+-@".contains(field.prefix(1)), "\(field)")
    }
    #expect(fields > 100)
  }

  /// Text of a database stays text in the explorer, in SVG and in Markdown.
  @Test func noTextBecomesMarkup() throws {
    let attack = "</script><img src=x onerror=alert(1)>\"'&<svg onload=alert(2)>"
    try hostileDatabase(attack)
    #expect(try run(["report", "html", "-o", directory + "/x.html"]).status == 0)
    let page = try String(contentsOfFile: directory + "/x.html", encoding: .utf8)
    for text in ["<img", "onerror", "onload=alert", "</script><"] {
      #expect(!page.contains(text), "\(text)")
    }
    let svg = try run(["report", "map", "--format", "svg"])
    if svg.status == 0 { #expect(XMLDocumentProbe(svg.output).isWellFormed) }
    #expect(!svg.output.contains("<img"))
  }

  /// Standard input that does not end is refused, not kept.
  @Test(arguments: ["query -", "check --format b4", "explain --dmesg -"])
  func endlessInputIsRefused(command: String) throws {
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    let script = """
      (cd '\(directory)' && head -c 70000000 /dev/zero | '\(tool.path)' \(command) 2>error)
      """
    #expect(try shell(script) == 2)
    let error = try String(contentsOfFile: directory + "/error", encoding: .utf8)
    #expect(error.hasPrefix("dmamatrix: standard input is larger than 64 MiB; expected "))
    #expect(error.split(separator: "\n").count == 1)
  }

  @Test func aChangedDatabaseFailsTheCheck() throws {
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    let sound = try run(["info", "--check"])
    #expect(sound.status == 0 && sound.output.hasPrefix("matrix.db: sound, content digest "))
    try hostileDatabase("x")
    let changed = try run(["info", "--check"])
    #expect(changed.status == 1 && changed.output.isEmpty)
    #expect(changed.error.contains("content digest"))
    #expect(changed.error.split(separator: "\n").count == 1)
  }

  /// Parts made by two runs of the tool, joined by a third, are what a fourth makes.
  @Test func shardsOfTheToolMerge() throws {
    let part = ["--platform", "sev", "--kernel", "v6,v7"]
    for number in 1...2 {
      #expect(
        try run(["generate", "-d", "\(number).db", "--shard", "\(number)/2"] + part).status == 0)
    }
    #expect(try run(["generate", "-d", "whole.db"] + part).status == 0)
    let merge = try run(["merge", "-o", "all.db", "2.db", "1.db"])
    #expect(merge.status == 0 && merge.output.hasPrefix("all.db: 2 parts, "))
    #expect(
      FileManager.default.contentsEqual(
        atPath: directory + "/all.db", andPath: directory + "/whole.db"))
    let gap = try run(["merge", "-o", "none.db", "2.db"])
    #expect(gap.status == 2 && gap.error.contains("of 2 parts, missing: 1; nothing was changed"))
    #expect(try run(["info", "-d", "1.db"]).output.hasPrefix("part          1/2\n"))
  }

  /// The short version of `make torture`.
  @Test func nothingIsLost() throws {
    guard try shell("command -v python3") == 0 else {
      try Test.cancel("python3 is not installed")
    }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Torture/torture.py").path
    let log = directory + "/torture.log"
    let status = try shell(
      "(python3 '\(script)' --short --tool '\(tool.path)') >'\(log)' 2>&1; test $? -eq 0")
    let text = try String(contentsOfFile: log, encoding: .utf8)
    print(text)
    #expect(status == 0, "\(text)")
  }
}
