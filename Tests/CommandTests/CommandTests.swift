import Foundation
import GRDB
import TestSupport
import Testing

/// The tool as a user runs it: exit status, the one sentence, what is left behind.
@Suite struct CommandTests {
  private let temporary: TemporaryDirectory
  var directory: String { temporary.path }
  var contents: [String] { temporary.contents }

  init() throws { temporary = try TemporaryDirectory() }

  @Test func aSessionFromGenerateToConform() throws {
    #expect(
      try run(["generate", "--platform", "sev", "--kernel", "v6,v7", "--mask", "32,64"])
        .output.contains("combinations"))
    let query = try run([
      "query", "SELECT DISTINCT kernel FROM behavior WHERE mask = :m ORDER BY 1", "-p", "m=64",
      "--format", "tabs", "--no-header",
    ])
    #expect(query.output == "v6\nv7\n" && query.status == 0)
    let limited = try run(["query", "SELECT * FROM behavior", "--limit", "2", "--format", "csv"])
    #expect(limited.output.split(separator: "\n").count == 3)
    #expect(limited.error.contains("--limit 0 shows all"))
    #expect(try run(["info"]).output.contains("sha256"))
    #expect(try run(["info", "--schema"]).output.contains("behavior_span"))
    let report = try run([
      "report", "versions", "--platform", "sev", "--iommu", "none", "--swiotlb", "default",
      "-o", directory + "/report.txt",
    ])
    #expect(report.status == 0 && report.output.isEmpty)
    #expect(contents == ["matrix.db", "report.txt"])
  }

  /// A key as any report prints it is what its options are.
  @Test func aKeyIsAskedAsItIsPrinted() throws {
    let key = "x86-sme47/none/default/2G/24/64/none/1/0/alloc/none/-"
    let options = [
      "explain", "--kernel", "v6", "--platform", "x86-sme47", "--iommu", "none", "--swiotlb",
      "default", "--mem", "2G", "--mask", "24", "--coherent-mask", "64", "--op", "alloc",
    ]
    let asked = try run(options)
    #expect(asked.status == 0)
    for words in [
      ["--kernel", "v6", key], ["v6", key], ["v6 " + key], ["--kernel", "v6", "e.g.", key],
      ["v6", "e.g. x86-sme47/none/default/2G/24/64/none/1/0/\n      alloc/none/-"],
    ] {
      let run = try run(["explain"] + words)
      #expect(run.status == 0 && run.output == asked.output, "\(words): \(run.error)")
    }
    let changed = try run(options + ["--mask-change", "down"])
    #expect(changed.output != asked.output)
    #expect(try run(["explain", "v6", key + ";mask_change=down"]).output == changed.output)
    let everyMask = try run(["explain", "v6", key.replacing("/24/", with: "/*/")])
    #expect(everyMask.status == 0 && everyMask.output.contains("24-"))
    // The keys of findings, folded at 72 columns.
    let compared = try run(["compare", "7.2", "v6", "--platform", "x86-sme47"])
    let lines = compared.output.split(separator: "\n")
    for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("    e.g. ") {
      let rest = line.hasSuffix("/") ? String(next) : ""
      let run = try run(["explain", "--kernel", "v6", line + rest])
      #expect(run.status == 0, "\(line)\(rest): \(run.error)")
    }
  }

  @Test func aDescribedMachine() throws {
    let generate = try run([
      "generate", "--machine", "6G=0-2G,4G-8G", "--mem", "6G", "--platform", "x86", "--kernel",
      "6.12",
    ])
    #expect(generate.status == 0)
    let query = try run([
      "query", "SELECT DISTINCT mem, pool FROM boot WHERE pool <> '-'", "--format", "tabs",
      "--no-header",
    ])
    #expect(query.output == "6G\t0x7c000000-0x80000000\n")
  }

  @Test func sqlFromStandardInput() throws {
    #expect(
      try run(["generate", "--platform", "sev", "--kernel", "v6", "--mask", "64"]).status == 0)
    let query = try run(["query", "-", "--no-header"], input: "SELECT count(*) FROM kernel\n")
    #expect(query.output == "1\n")
  }

  @Test func conformFailsWithStatusOneAndTotalsLast() throws {
    let header =
      "kernel,platform,iommu,swiotlb,mem,mask,coherent,external,op,attrs,buf,"
      + "result,dma,enc,mem_state,pte,warn\n"
    let right = "7.3,x86,none,default,64G,64,1,0,map,none,dma32,direct,0x40000000,plain,plain,-,\n"
    let path = directory + "/v.csv"
    try (header + right).write(toFile: path, atomically: true, encoding: .utf8)
    let good = try run(["conform", path])
    #expect(good.status == 0)
    #expect(
      good.output.hasSuffix("total: 1 rows, 6 compared, 6 matched, 0 mismatched, 0 excluded\n"))
    try (header + right.replacing("direct", with: "bounce")).write(
      toFile: path, atomically: true, encoding: .utf8)
    let bad = try run(["conform", path])
    #expect(bad.status == 1 && bad.output.contains("result: measured 'bounce', model 'direct'"))
    #expect(bad.output.hasSuffix("5 matched, 1 mismatched, 0 excluded\n"))
  }

  @Test func aDamagedDatabaseIsStatusOne() throws {
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    let path = directory + "/matrix.db"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
    let query = try run(["query", "SELECT count(*) FROM behavior"])
    #expect(query.status == 1 && query.error.contains("truncated or damaged"))
  }

  /// A signal at any moment leaves the old database and nothing else.
  @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
  func anInterruptedRunLosesNothing(signal: Int32) throws {
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db"))
    for delay in [0.02, 0.1, 0.3, 0.6] {
      let process = try start(["generate"])
      Thread.sleep(forTimeInterval: delay)
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      guard process.terminationReason == .uncaughtSignal else { continue }
      #expect(process.terminationStatus == signal)
      #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db")) == before)
      if signal != SIGKILL { #expect(contents == ["matrix.db"]) }
    }
    // SIGKILL cannot be caught: the next run removes what it left.
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    #expect(contents == ["matrix.db"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db")) == before)
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullDiskUnderTheResultIsSaid() throws {
    let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let process = try start(["kernels"], output: full)
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
    // Rows are not the database's fault.
    #expect(try run(["generate", "--platform", "sev", "--kernel", "v6"]).status == 0)
    let errors = directory + "/errors"
    try Data().write(to: URL(fileURLWithPath: errors))
    let export = try start(
      ["export", "csv"], output: full, error: try #require(FileHandle(forWritingAtPath: errors)))
    export.waitUntilExit()
    #expect(export.terminationStatus == 2)
    #expect(
      try String(contentsOfFile: errors, encoding: .utf8)
        == "dmamatrix: standard output: cannot be written (No space left on device)\n")
  }

  /// A disk of 4 MB, on which the small database and its copies find room: mounting one needs root.
  @Test(.enabled(if: getuid() == 0, "mounting a small tmpfs needs root"))
  func aFullDiskUnderTheDatabaseLosesNothing() throws {
    let mount = directory + "/small"
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
    guard try shell("mount -t tmpfs -o size=4m tmpfs '\(mount)'") == 0 else {
      try Test.cancel("a tmpfs cannot be mounted here")
    }
    defer { _ = try? shell("umount '\(mount)'") }
    let path = mount + "/matrix.db"
    #expect(
      try run(["generate", "-d", path, "--platform", "sev", "--kernel", "v6", "--mask", "64"])
        .status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let run = try run(["generate", "-d", path])
    #expect(run.status == 2 && run.error.contains("nothing was changed"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == ["matrix.db"])
  }

  /// The checked-in reports are what the tool makes, byte for byte.
  @Test func checkedInReportsAreCurrent() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    #expect(try shell("cd '\(root)' && TOOL='\(tool.path)' sh Tests/goldens.sh") == 0)
  }

  @Test func aCommandLineOfAMegabyteIsRefused() throws {
    let run = try run(
      ["explain", "--kernel", "v6", "--platform", "sev", "--cmdline", "-"],
      input: String(repeating: "a", count: 1 << 20))
    #expect(run.status == 2 && run.error.contains("1048576 bytes; kernels take at most 4096"))
  }

  @Test func emptyAndBinaryLogsAreRefused() throws {
    let file = directory + "/boot.log"
    for (data, sentence) in [
      (Data(), "is empty; expected a boot log"), (Data([0, 1, 2]), "is not text"),
    ] {
      try data.write(to: URL(fileURLWithPath: file))
      let run = try run(["explain", "--dmesg", file])
      #expect(run.status == 2 && run.error.contains(sentence))
    }
  }

  @Test func compareTellsByItsStatus() throws {
    #expect(try run(["compare", "v6", "v6+P03", "--platform", "tdx"]).status == 0)
    let differs = try run(["compare", "v6", "v7", "--platform", "x86-sme47", "--format", "json"])
    #expect(differs.status == 1)
    #expect(try JSONSerialization.jsonObject(with: Data(differs.output.utf8)) is [String: Any])
  }

  /// The question of the mail of 2 July 2026 in one command (README).
  @Test func explainAnswersTheMail() throws {
    let run = try run([
      "explain", "--kernel", "v6,v7", "--platform", "x86-sme47", "--mask", "64", "--cmdline",
      "mem_encrypt=on iommu=pt swiotlb=force",
    ])
    #expect(run.status == 0)
    #expect(run.output.contains("v6: error, verdict refused"))
    #expect(run.output.contains("v7: bounce, verdict bounced"))
    #expect(run.output.contains("swiotlb_tbl_map_single: the pool is shared exactly if forced? no"))
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
  }

  /// The four questions of that mail in one command each, by its own words (README).
  @Test(arguments: [
    ("guest-only state check", "P03"), ("dev_cannot_reach_memory", "P09"),
    ("should not look at the mask", "P10"), ("what swiotlb=force means", "P07"),
  ])
  func alternativesAreFoundByTheMailsWords(words: String, name: String) throws {
    let found = try run(["kernels", "--alternatives", words])
    #expect(found.status == 0 && found.output.contains("v6+\(name)\n"))
    let reply = try run([
      "reply", "--alternative", name, "--platform", "x86-sme47", "--iommu", "passthrough",
    ])
    #expect(reply.status == 1 && reply.output.contains("\nTo reproduce:\n"))
    #expect(reply.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
  }

  /// Each command that a reply prints shows the figures of its table, with the same filters.
  @Test(arguments: [
    ["--alternative", "P03", "--platform", "x86-sme47", "--iommu", "passthrough,none"],
    ["--alternative", "P10", "--platform", "x86-sme51", "--mask", "32-40", "--op", "map"],
  ])
  func aReplysCommandsShowItsFigures(options: [String]) throws {
    let reply = try run(["reply"] + options).output.split(separator: "\n").map(String.init)
    let table = try #require(reply.firstIndex { $0.hasPrefix("against 7.2") })
    let rows = reply[(table + 2)...].prefix { !$0.hasPrefix("corrupts:") && !$0.contains(": ") }
    let commands = commands(in: reply)
    #expect(commands.count == 4)
    for (column, command) in zip([1, 2], commands) {
      let output = try run(command).output.split(separator: "\n")
      for row in rows {
        // "works now" is two words.
        let words = row.replacing("works now", with: "works_now").split(separator: " ")
        let (effect, count) = (words[0].replacing("_", with: " "), words[column])
        let line = output.first { $0.hasPrefix(effect) }
        let inOneLine = output.first { $0.hasPrefix("also") } ?? ""
        #expect(
          count == "0" && line == nil
            || line?.dropFirst(10).split(separator: " ").first == count
            || inOneLine.contains("\(effect) \(count)"), "\(command) \(effect)")
      }
    }
    // What is served worse, in the full comparison, and the witness that the reply has.
    let whole = try run(commands[2]).output.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    for line in reply where line.hasSuffix("default boots") {
      let scenarios = try #require(line.split(separator: ",").first?.split(separator: ": ").last)
      #expect(whole.contains(": \(scenarios) "), "\(line)")
    }
    // explain joins the parts of a key.
    let witness = commands[3].dropFirst(3).joined()
    #expect(reply.joined().replacing(" ", with: "").contains("e.g.\(witness)"))
    #expect(try run(commands[3]).output.contains("v6+P"))
  }

  /// The commands behind "To reproduce:", their lines joined as a shell joins them.
  private func commands(in reply: [String]) -> [[String]] {
    var lines: [String] = []
    for line in reply.drop(while: { $0 != "To reproduce:" }).dropFirst()
    where line.hasPrefix("  ") {
      let text = line.trimmingCharacters(in: .whitespaces)
      if let last = lines.last, last.hasSuffix("\\") {
        lines[lines.count - 1] = last.dropLast() + text
      } else {
        lines.append(text)
      }
    }
    return lines.map { line in
      // explain takes the parts of a key one by one.
      line.split(separator: " ").dropFirst().map(String.init)
    }
  }

  /// Whoever pastes a summary pastes ten lines.
  @Test(arguments: [["6.12", "7.3"], ["7.2", "7.3"], ["v4", "v5"], ["7.2", "v6+P07"]])
  func aComparisonBeginsWithTenLines(kernels: [String]) throws {
    let summary = try run(["compare", "--summary"] + kernels)
    let lines = summary.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(summary.status == 1 && lines.count <= 10 && lines.allSatisfy { $0.count <= 72 })
    #expect(lines.contains { $0.hasPrefix("breaks") && $0.contains(" default ") })
  }

  /// The release below is the base where none is named; what judges a change has none.
  @Test func aCheckHasABase() throws {
    let filters = ["--kernel", "7.3", "--platform", "arm64-cca"]
    let plain = try run(["check"] + filters)
    #expect(plain.output.hasPrefix("Findings in 7.3, base 7.2:"))
    #expect(plain.output == (try run(["check", "--base", "7.2"] + filters)).output)
    let ktap = try run(["check", "--format", "ktap"] + filters)
    #expect(ktap.output.contains("served-stays-served # SKIP"))
  }

  @Test func aBaselineIsHeldExactly() throws {
    let file = directory + "/baseline.txt"
    let check = ["check", "--kernel", "v6", "--platform", "x86-sme47", "--lint", "mask-monotone"]
    #expect(try run(check).status == 1)
    #expect(try run(check + ["--write-baseline", file]).status == 0)
    #expect(try run(check + ["--baseline", file]).status == 0)
    let crlf = try String(contentsOfFile: file, encoding: .utf8).replacing("\n", with: "\r\n")
    try crlf.write(toFile: file + ".crlf", atomically: true, encoding: .utf8)
    #expect(try run(check + ["--baseline", file + ".crlf"]).status == 0)
    let lines = try String(contentsOfFile: file, encoding: .utf8)
    try (lines + "v6 mask-monotone: something old: mask=24\n").write(
      toFile: file, atomically: true, encoding: .utf8)
    let stale = try run(check + ["--baseline", file])
    #expect(stale.status == 1 && stale.error.contains("stale in the baseline: v6 mask-monotone"))
    try "# none\n".write(toFile: file, atomically: true, encoding: .utf8)
    let new = try run(check + ["--baseline", file])
    #expect(new.status == 1 && new.error.contains("not in the baseline: v6 mask-monotone"))
  }

  @Test func checkSpeaksKTAPAndB4() throws {
    let filters = ["--platform", "x86-sme47", "--op", "map"]
    let ktap = try run(["check", "--kernel", "7.3", "--format", "ktap"] + filters)
    #expect(ktap.output.hasPrefix("KTAP version 1\n1..18\n"))
    #expect(ktap.output.contains("ok 2 mask-monotone\n"))
    #expect(ktap.output.contains("ok 4 served-stays-served # SKIP"))
    // Of several kernels: subtests, an array.
    let both = ["check", "--kernel", "6.1,7.3,6.1", "--lint", "mask-monotone"] + filters
    let subtests = try run(both + ["--format", "ktap"]).output
    #expect(subtests.hasPrefix("KTAP version 1\n1..2\n    KTAP version 1\n    1..1\n    ok 1 mask"))
    #expect(subtests.hasSuffix("\nok 2 7.3\n"))
    let json = try JSONSerialization.jsonObject(
      with: Data(try run(both + ["--format", "json"]).output.utf8))
    let kernels = (json as? [[String: Any]])?.compactMap { $0["kernel"] as? String }
    #expect(kernels == ["6.1", "7.3"])

    let known = "Message-ID: <20260604083959.1265923-8-aneesh.kumar@kernel.org>\n\n"
    let b4 = try run(["check", "--format", "b4"] + filters, input: known)
    let objects = try #require(
      try JSONSerialization.jsonObject(with: Data(b4.output.utf8)) as? [[String: Any]])
    #expect(!objects.isEmpty && objects.allSatisfy { $0["tool"] as? String == "dmamatrix" })
    // One line a cause, of what 7.2 does not have alone.
    #expect(objects.allSatisfy { ($0["details"] as? String ?? "").count < 300 })
    for key in ["status", "summary", "url", "details"] {
      #expect(objects.allSatisfy { $0[key] is String })
    }
    #expect(b4.status == 1)
    for (mail, reason) in [
      ("Message-ID: <a@b>\n\n", "the mail on standard input is of no known series"),
      ("Subject: [PATCH v4 1/2] swiotlb: fix a typo\n\n", "is of no known series"),
      ("", "standard input is empty"),
    ] {
      let unknown = try run(["check", "--format", "b4"], input: mail)
      #expect(unknown.output.isEmpty && unknown.status == 2)
      #expect(unknown.error.contains(reason) && unknown.error.contains("no verdict"))
    }
  }

  @Test func aPolicyFileIsAKernel() throws {
    let file = directory + "/mine.yaml"
    try run(["policy", "show", "v6+P07"]).output.write(
      toFile: file, atomically: true, encoding: .utf8)
    let same = ["compare", "v6+P07", "v6+P07-copy", "--policy", file]
    #expect(try run(same).status == 0)
    let generate = try run([
      "generate", "--policy", file, "--kernel", "v6+P07-copy,v6", "--platform", "x86-sme47",
    ])
    #expect(generate.status == 0)
    let query = try run([
      "query", "SELECT DISTINCT kernel FROM behavior ORDER BY 1", "--format", "tabs", "--no-header",
    ])
    #expect(query.output == "v6\nv6+P07-copy\n")
  }

  @Test func helpAndVersionSucceed() throws {
    for arguments in [[], ["--help"], ["--version"], ["generate", "--help"], ["help", "query"]] {
      let run = try run(arguments)
      #expect(run.status == 0 && !run.output.isEmpty, "\(arguments)")
    }
  }
}
