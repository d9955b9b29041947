import Foundation
import Testing

/// observe, disagreements and lab as they are used.
extension CommandTests {
  private func log(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ObservationsTests/Logs/\(name).log.gz").path
  }

  private var direct: String { log("6.1.0-53-amd64-none-default-6G") }
  private var lazy: String { log("7.2.12+deb13-amd64-intel_lazy-default-6G") }

  @Test func observationsAreImportedAndAskedFor() throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "6.1"]).status == 0)
    let none = try run(["disagreements"])
    #expect(none.status == 2 && none.output.isEmpty)
    #expect(none.error.contains("dmamatrix observe FILE"))

    let observed = try run(["observe", direct, lazy])
    #expect(observed.status == 0 && observed.error.isEmpty)
    #expect(observed.output.contains("No observation differs from the model."))
    #expect(observed.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    let found = try run(["disagreements"])
    #expect(found.status == 0 && found.output.contains("404 observations of 2 boots"))
    let json = try run(["disagreements", "--format", "json", "--kernel", "7.2"])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(object["observations"] as? Int == 240)
    let report = try run(["report", "observed", "--format", "markdown"])
    #expect(report.status == 0 && report.output.contains("dma_direct_map"))

    // generate keeps them.
    #expect(try run(["generate", "--platform", "x86", "--kernel", "7.2"]).status == 0)
    #expect(try run(["disagreements"]).output.contains("404 observations of 2 boots"))
  }

  /// A pipe is read once, and known by what it gave: another pipe does not replace it.
  @Test func pipesAreImportedBesideEachOther() throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "6.1"]).status == 0)
    for log in [direct, lazy, direct] {
      let command = "cd '\(directory)' && zcat '\(log)' | timeout 60 '\(tool.path)' observe -"
      #expect(try shell(command) == 0)
    }
    #expect(try run(["disagreements"]).output.contains("404 observations of 2 boots"))
  }

  /// What is stored is stored where nobody can read of it; a comparison alone is lost.
  @Test(arguments: [">&-", ">/dev/full"])
  func standardOutputMayNotTakeWhatIsStored(output: String) throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "6.1"]).status == 0)
    let observe = "cd '\(directory)' && '\(tool.path)' observe"
    #expect(try shell("(\(observe) '\(direct)' \(output))") == 0)
    #expect(try run(["disagreements"]).output.contains("164 observations of 1"))
    #expect(try shell("(\(observe) --kernel 7.3 '\(lazy)' \(output))") == 1)
    #expect(try run(["disagreements"]).output.contains("404 observations of 2 boots"))
    #expect(try shell("(\(observe) --dry-run '\(direct)' \(output))") == 2)
  }

  /// A log that is asked of another kernel's model differs, and that is status 1.
  @Test func anotherKernelDiffers() throws {
    let found = try run(["observe", "--dry-run", "--kernel", "7.3", lazy])
    #expect(found.status == 1 && found.output.contains("where the model says"))
    #expect(found.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    #expect(contents.isEmpty)
  }

  /// One bad file among good ones: nothing is stored.
  @Test func aBadFileKeepsAllOut() throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "6.1"]).status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db"))
    let cut = directory + "/cut.log"
    #expect(try shell("(zcat '\(direct)' | head -n 100 >'\(cut)')") == 0)
    let refused = try run(["observe", direct, "cut.log"])
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.error.contains("cut.log:100: the log ends after"))
    #expect(refused.error.split(separator: "\n").count == 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db")) == before)
    let intact = try run(["observe", "--intact", direct, "cut.log"])
    #expect(intact.status == 0 && intact.output.contains("cut.log"))
  }

  @Test func whatCannotBeUsedIsASentence() throws {
    try Data("just text\n".utf8).write(to: URL(fileURLWithPath: directory + "/text"))
    try Data("kernel,kver,mem,iommu\n6.12,x,2G,none\n".utf8)
      .write(to: URL(fileURLWithPath: directory + "/part.csv"))
    for (arguments, words) in [
      (["observe", "--dry-run", "text"], "holds no line of dmaprobe"),
      (["observe", "--dry-run", "part.csv"], "no column"),
      (["observe", "--dry-run", "missing"], "no such file"),
      (["observe", direct], "no such database"),
      (["observe", "--dry-run", "--kernel", "5.10", direct], "accepted: 6.1"),
      (["lab", "plan", "--kernel", "5.10"], "accepted: 6.1"),
      (["lab", "plan", "--iommu", "arm"], "accepted: none"),
      (["lab", "plan", "--mem", "1G"], "accepted: 2G"),
      (["lab", "run", "--kernel", "a", "--module", "b", "-o", "c", "--limit", "0"], "--limit"),
      (["lab", "run", "--kernel", "a", "--module", "b", "-o", "c", "--masks", "65"], "0 to 64"),
    ] {
      let result = try run(arguments)
      #expect(result.status == 2 && result.output.isEmpty, "\(arguments)")
      #expect(result.error.contains(words), "\(arguments): \(result.error)")
    }
  }

  /// Without QEMU the sentence names its package, and nothing is made.
  @Test func withoutQEMUThePackageIsNamed() throws {
    let base = directory + "/env"
    let command =
      "cd '\(directory)' && env PATH=/nonexistent '\(tool.path)' lab run --kernel a --module b "
      + "-o logs 2>'\(base)'; test $? = 2"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let error = try String(contentsOfFile: base, encoding: .utf8)
    #expect(error.contains("install the package qemu-system-x86"))
    #expect(contents == ["env"])
  }

  @Test func aPlanSaysWhatItSaves() throws {
    let plan = try run(["lab", "plan", "--kernel", "6.12"])
    #expect(plan.status == 0 && plan.output.contains("boots saved"))
    let two = try run(["lab", "plan", "--kernel", "7.2,7.3"])
    #expect(two.output.contains("ways in which the kernels"))
    #expect((plan.output + two.output).split(separator: "\n").allSatisfy { $0.count <= 72 })
  }
}
