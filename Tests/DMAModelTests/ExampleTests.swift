import DMAModel
import Foundation
import Testing

/// What a kernel does with a scenario, and the condition that decides; nil where either
/// is unknown or the scenario cannot exist on the kernel.
func judge(_ key: String, on name: String) -> String? {
  guard let kernel = KernelVersion.named(name), let scenario = Scenario(key: key),
    let machine = Machine.standard.first(where: { $0.name == scenario.memory }),
    kernel.policy.exclusion(of: scenario, on: machine) == nil
  else { return nil }
  let boot = BootConfiguration(scenario.platform, scenario.iommu, scenario.swiotlb, machine)
  let answer = kernel.booted(boot).answer(to: scenario.deviceRequest)
  let judged = JudgedAnswer(scenario.platform, scenario.deviceRequest, answer)
  return "\(answer.result.name), \(judged.verdict.name): \(answer.decision.name)"
}

/// The example of the library's documentation, compiled, run, and the same text.
@Suite struct ExampleTests {
  /// SME hosts with swiotlb=force: v6 refuses what 7.2 bounced, because the pool is shared
  /// and the device is not forced.
  ///
  /// Source: the mail of 2 July 2026,
  /// <fd135adc-a8a4-48e5-b649-2a29789b22d8@amd.com>.
  @Test func theExampleAnswersTheReview() throws {
    let key = "x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/high"
    #expect(try #require(judge(key, on: "7.2")).hasPrefix("bounce, bounced: "))
    #expect(try #require(judge(key, on: "v6")).hasPrefix("error, refused: "))
    #expect(judge(key, on: "5.4") == nil)
    #expect(judge("x86/none", on: "v6") == nil)
  }

  @Test func theDocumentationShowsThisExample() throws {
    let here = URL(fileURLWithPath: #filePath)
    let root = here.deletingLastPathComponent().appending(path: "../..")
    let page = try String(
      contentsOf: root.appending(path: "Sources/DMAModel/DMAModel.docc/DMAModel.md"),
      encoding: .utf8)
    let code = try #require(page.components(separatedBy: "```swift\nimport DMAModel\n\n").last)
      .components(separatedBy: "```")[0]
    #expect(code.count > 300)
    #expect(try String(contentsOf: here, encoding: .utf8).contains(code))
  }
}
