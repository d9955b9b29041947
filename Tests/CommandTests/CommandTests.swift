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

  /// Each bad input: status 2 and one sentence that names the value and what is
  /// accepted.
  @Test(arguments: [
    (
      ["report", "nonsense"],
      "report 'nonsense' is unknown; accepted: platform, versions, map, 2026-07-02, findings, lifecycle, observed, html"
    ),
    (["generate", "--kernel", "9.9"], "--kernel '9.9' is unknown; accepted: 6.1, 6.12"),
    (["generate", "--platform", "vax"], "--platform 'vax' is unknown; accepted: x86, x86-sme47"),
    (["generate", "--op", "unmap"], "--op 'unmap' is unknown; accepted: map, map_sg"),
    (["generate", "--mask", "0"], "--mask '0' is not a DMA mask; accepted: 24 to 64"),
    (["generate", "--mask", "65"], "--mask '65' is not a DMA mask; accepted: 24 to 64"),
    (["generate", "--mask", "abc"], "--mask 'abc' is not a DMA mask; accepted: 24 to 64"),
    (["generate", "--mask", "40-32"], "--mask '40-32' is not a DMA mask"),
    (["generate", "--jobs", "0"], "--jobs '0' is not a number of CPUs; accepted: 1 to 1024"),
    (["generate", "--mem", "4G"], "--mem '4G' is unknown; accepted: 2G, 64G"),
    (["generate", "--machine", "6G"], "--machine '6G' is not a machine"),
    (["generate", "--machine", "6G=2G-0"], "ranges are ascending, disjoint"),
    (["generate", "--machine", "6G=0-x"], "'0-x' is not a range"),
    (["generate", "--machine", "2G=0-4G"], "and not 2G or 64G"),
    (["generate", "--shard", "3/2"], "--shard '3/2' is not a part; accepted: i/n with i from 1"),
    (["generate", "--shard", "auto"], "--shard 'auto' is not a part; accepted: auto with SLURM"),
    (
      ["lab", "run", "--kernel", "k", "--module", "m", "-o", "o", "--shard", "5/4"],
      "--shard '5/4' is not a part; accepted: i/n with i from 1"
    ),
    (["merge", "-o", "all.db", "/no/such.db"], "/no/such.db: no such database"),
    (["merge", "-o", "all.db", "/etc/passwd"], "/etc/passwd: is not an SQLite database"),
    (["info", "-d", "/no/such.db", "--check"], "/no/such.db: no such database"),
    (["info", "--check", "--schema"], "--check and --schema are two questions"),
    (["generate", "-d", "/no/such/dir/m.db"], "no such directory: /no/such/dir"),
    (["generate", "-d", "/"], "/: is a directory"),
    (["query", "-d", "/no/such.db", "SELECT 1"], "/no/such.db: no such database"),
    (["query", "-d", "/", "SELECT 1"], "/: is a directory"),
    (["query", "-d", "/etc/passwd", "SELECT 1"], "/etc/passwd: is not an SQLite database"),
    (["query", "SELECT 1", "--format", "box"], "--format 'box' is unknown; accepted: table, csv"),
    (["query", "SELECT 1", "-p", "x"], "-p 'x' has no value; accepted: name=value"),
    (["query", "SELECT 1", "--limit=-1"], "--limit '-1' is not a number of rows"),
    (["query"], "no question; accepted: a SELECT, - for standard input, --named or --list"),
    (["query", "--named", "why", "--list"], "--named 'why' is unknown; accepted: above-256k,"),
    (["report"], "no report is named; accepted: platform, versions, map,"),
    (["report", "--all", "map"], "--all writes every report; a name is not accepted with it"),
    (["report", "--all", "-o", "/dev/null"], "/dev/null: is not a directory"),
    (
      ["report", "versions", "--format", "svg"],
      "--format 'svg' is unknown; accepted: text, markdown"
    ),
    (["report", "html", "-d", "/no/such.db"], "/no/such.db: no such database"),
    (
      ["compare", "v6", "v7", "--color", "blue"],
      "--color 'blue' is unknown; accepted: auto, always"
    ),
    (["verify", "--tree", "/no/such", "--yes"], "--tree '/no/such' does not exist; accepted:"),
    (["verify", "--tree", "/etc", "--yes"], "is no kernel tree: 'kernel/dma/mapping.c'"),
    (["verify", "--tree", "/etc", "--kernel", "v6"], "--kernel is no filter of verify"),
    (["verify", "--tree", "/etc", "--platform", "xen-pv"], "cannot express platform xen-pv"),
    (["verify", "--tree", "/etc", "--show=-1"], "--show '-1' is not a number"),
    (["verify", "--tree", "/etc", "--shard", "3/2"], "--shard '3/2' is not a part"),
    (["verify", "--tree", "/etc", "--shard", "1/2"], "--shard needs --against"),
    (["solve", "--from", "v6", "--base", "v0"], "--kernel 'v0' is unknown; accepted: 6.1"),
    (["solve", "--from", "v6"], "--base"),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--require", "tidy"], "--require 'tidy' is unknown"
    ),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--require", "guest-private-stays-private"],
      "is not decidable"
    ),
    (["solve", "--from", "v6", "--base", "7.2", "--prefer", "speed"], "accepted: changes, lost"),
    (["solve", "--from", "v6", "--base", "7.2", "--max-changes", "9"], "accepted: 1 to 4"),
    (["solve", "--from", "v6", "--base", "7.2", "--knob", "M99"], "--knob 'M99' is unknown"),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--kernel", "v7"], "--kernel is no filter of solve"
    ),
    (["export", "csv", "-d", "/no/such.db"], "/no/such.db: no such database"),
    (["export", "datasette", "x", "-d", "/"], "/: is a directory"),
    (["kernels", "5.10"], "kernel '5.10' is unknown; accepted: 6.1, 6.12"),
    (["conform", "/no/such.csv"], "/no/such.csv: no such file"),
    (["conform", "/"], "/: is a directory; expected a vectors file"),
    (["frobnicate"], "frobnicate"),
    (["generate", "--policy", "/no/such"], "/no/such: cannot be read"),
    (["check", "--policy", "/no/such"], "/no/such: cannot be read"),
    (["check", "--trees", "/no/such"], "/no/such: no such database"),
    (
      ["check", "--kernel", "v6", "--platform", "xen-pv", "--iommu", "translated"],
      "no scenario that these filters keep exists on v6"
    ),
    (
      ["solve", "--from", "v6", "--base", "7.2", "--platform", "xen-pv", "--iommu", "translated"],
      "no scenario that these filters keep exists on v6"
    ),
    (["check", "--lint", ""], "--lint '' is unknown"),
    (["verify", "--tree", "/etc", "--iommu", "lazy,none"], "cannot express --iommu lazy"),
    (["verify", "--tree", "/etc", "--platform", "xen-pv,sev"], "cannot express platform xen-pv"),
    (["report", "findings", "--kernel", "v6,v7"], "is about one kernel; --kernel names 2"),
    (["report", "findings", "--op", "map"], "--op is no filter of report findings; accepted: --k"),
    (["report", "lifecycle", "--kernel", "v6"], "--kernel is no filter of report lifecycle"),
    (["report", "html", "--platform", "sev"], "--platform is no filter of report html"),
    (["report", "html", "--format", "svg"], "--format 'svg' is no format of report html"),
    (["report", "--all", "--kernel", "v6"], "--kernel is no filter of report --all"),
    (["report", "findings", "-o", "/dev/full"], "/dev/full: is not a regular file"),
    (["report", "findings", "-o", "/no/such/x"], "(No such file or directory); nothing was"),
    (["compare", "v6"], "compare needs two kernels or more, not 1"),
    (["compare", "v6", "v99"], "kernel 'v99' is unknown; accepted: 6.1, 6.12"),
    (["compare", "v6", "v7", "--format", "xml"], "accepted: text, markdown, json"),
    (["compare", "v6", "v7", "--kernel", "v7"], "--kernel is no filter of compare"),
    (
      ["compare", "v6", "v7", "--platform", "x86", "--iommu", "off", "--external", "1"],
      "no scenario that these filters keep exists"
    ),
    (["compare", "v6", "v7", "--policy", "/no/such"], "/no/such: cannot be read"),
    (["explain", "--mask", "64"], "the platform is not known; accepted: --platform"),
    (["explain", "--platform", "sev"], "the kernel is not known; accepted: --kernel"),
    (
      [
        "explain", "--kernel", "v6", "--platform", "x86-sme47", "--iommu", "none", "--cmdline",
        "iommu=pt",
      ],
      "--iommu none contradicts the command line, which says passthrough"
    ),
    (
      ["explain", "--kernel", "v6", "--platform", "x86-sme47", "--cmdline", "mem_encrypt=off"],
      "--cmdline says mem_encrypt=off, but the platform is an SME host"
    ),
    (
      ["explain", "--kernel", "v6", "--platform", "sev", "--cmdline", " "], "command line is empty"
    ),
    (
      ["explain", "--kernel", "v6", "--platform", "ppc64", "--iommu", "off", "--mask", "64"],
      "does not exist on v6"
    ),
    (["explain", "--kernel", "v6,v7,7.3", "--platform", "sev"], "one kernel or two, not 3"),
    (["explain", "--dmesg", "/no/such"], "--dmesg '/no/such' is no readable file"),
    (["explain", "--dmesg", "/etc/hostname"], "holds no boot log of Linux"),
    (["check", "--lint", "tidy"], "--lint 'tidy' is unknown; accepted: no-silent-corruption"),
    (["check", "--base", "v0"], "kernel 'v0' is unknown"),
    (["check", "--format", "tap"], "accepted: text, markdown, json, ktap, b4"),
    (["policy", "show", "v0"], "kernel 'v0' is unknown"),
    (["claims", "C999"], "claim 'C999' is unknown; accepted: C001 to"),
  ])
  func badInput(arguments: [String], sentence: String) throws {
    let run = try run(arguments)
    #expect(run.status == 2)
    #expect(run.output.isEmpty)
    #expect(run.error.contains(sentence), "\(run.error)")
    #expect(run.error.hasPrefix("dmamatrix: ") && run.error.split(separator: "\n").count == 1)
    #expect(contents == [])
  }

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
      print("skipped: a tmpfs cannot be mounted here")
      return
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
    #expect(run.output.contains("8. swiotlb_tbl_map_single: pool is shared exactly if forced? no"))
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
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
    #expect(ktap.output.hasPrefix("KTAP version 1\n1..14\n"))
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
    #expect(objects.count == 14 && objects.allSatisfy { $0["tool"] as? String == "dmamatrix" })
    for key in ["status", "summary", "url", "details"] {
      #expect(objects.allSatisfy { $0[key] is String })
    }
    #expect(b4.status == 1)
    let unknown = try run(["check", "--format", "b4"], input: "Message-ID: <a@b>\n\n")
    #expect(unknown.output == "[]\n" && unknown.status == 0)
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
