import DMAModel
import TestSupport
import Testing

@testable import PolicyFiles

@Suite struct PolicyFileTests {
  private func variants(_ texts: String...) throws -> [KernelVersion] {
    let files = try texts.enumerated().map { try PolicyFile(file: "\($0 + 1).yaml", text: $1) }
    return try PolicyFiles.variants(files)
  }

  private func error(_ texts: String...) -> String? {
    do {
      let files = try texts.enumerated().map { try PolicyFile(file: "\($0 + 1).yaml", text: $1) }
      _ = try PolicyFiles.variants(files)
      return nil
    } catch let error as PolicyFileError {
      return error.description
    } catch {
      return "\(error)"
    }
  }

  /// Every version and alternative survives being printed and read again.
  @Test(arguments: KernelVersion.known)
  func shownPoliciesReadBack(version: KernelVersion) throws {
    let text = PolicyFiles.text(of: version)
    let read = try #require(try variants(text).first)
    #expect(read.name == version.name + "-copy")
    #expect(read.policy == version.policy)
  }

  @Test func aVariantMayBaseOnAnother() throws {
    let read = try variants(
      "name: b\nbase: a\nchanges:\n  hostPools: privateAndShared\n",
      "name: a\nbase: v6\nnote: first\nchanges:\n  memoryEncryption: [x86-sme47]\n")
    #expect(read.map(\.name) == ["b", "a"])
    #expect(read[0].policy.memoryEncryption == PlatformSet([.x86SME47]))
    #expect(read[0].policy.hostPools == .privateAndShared)
    #expect(read[1].policy.hostPools == .one)
  }

  @Test func errorsNameFileLineKnobAndValues() {
    #expect(
      error("name: a\nbase: v6\nchanges:\n  poolStateCheck: maybe\n")?
        .hasPrefix("1.yaml:4: knob poolStateCheck has no such value; accepted: none, ") == true)
    #expect(
      error("name: a\nbase: v6\nchanges:\n  noSuchKnob: 1\n")?
        .hasPrefix("1.yaml:4: unknown knob 'noSuchKnob'; accepted: platforms, ") == true)
    #expect(
      error("name: a\nbase: v6\nchanges:\n  memoryEncryption: [vax]\n")?
        .contains("accepted: a list of x86, x86-sme47") == true)
    #expect(error("name: a\nbase: v99\n")?.hasPrefix("1.yaml:2: base 'v99' is unknown") == true)
    #expect(error("name: v6\nbase: v5\n") == "1.yaml:1: name 'v6' is taken; accepted: any other")
    #expect(
      error("name: a\nbase: b\n", "name: b\nbase: a\n")?.contains("must not form a cycle") == true)
    #expect(error("name: a\nbase: a\n")?.contains("must not form a cycle") == true)
    #expect(error("nam: a\n")?.contains("unknown key 'nam'") == true)
    #expect(error("name: \"a b\"\nbase: v6\n")?.contains("is no name") == true)
    #expect(error("name: \"+1\"\nbase: v6\n")?.contains("is no name; accepted: a letter") == true)
    #expect(error("name: a\n")?.contains("no base") == true)
    #expect(error("")?.contains("is no policy") == true)
    #expect(error("- a\n")?.contains("is no policy") == true)
    #expect(error("name: [\n")?.contains("is not YAML") == true)
    #expect(error("name: a\nbase: v6\nchanges: 3\n")?.contains("is not a mapping") == true)
  }

  /// Aliases of aliases, each twice the size of the one before: 2^39 names.
  @Test func aliasesDoNotGrowWithoutBound() {
    var text = "name: a\nbase: v6\nz0: &a0 [x, x]\n"
    for level in 1..<40 { text += "z\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(error(text + "? *a39\n: 1\n? *a38\n: 2\n")?.contains("needs no aliases") == true)
  }

  /// A terminal obeys DEL and C1 as it does C0.
  @Test(arguments: ["\\t", "\\e", "\\x7f", "\\x9b", "\\x85"])
  func textsAreFreeOfControlCharacters(escape: String) {
    for key in ["note", "link"] {
      #expect(
        error("name: a\nbase: v6\n\(key): \"a\(escape)b\"\n")
          == "1.yaml:3: \(key) is not one line of text")
    }
    #expect(error("name: a\nbase: v6\nnote: \"a\\xe9b\"\n") == nil)
  }

  @Test func oneSentenceWhateverTheNames() {
    for name in ["a\\nb", "\\e[2J", String(repeating: "x", count: 900)] {
      for text in ["\"\(name)\": 1\n", "name: a\nbase: v6\nchanges: {\"\(name)\": 1}\n"] {
        let sentence = error(text) ?? ""
        #expect(sentence.contains("unknown") && sentence.utf8.count < 4000, "\(sentence)")
        #expect(sentence.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(sentence)")
      }
    }
  }

  /// Pieces of policy files in random order: an error or a variant, never a crash.
  @Test func randomFilesAreSurvived() {
    var numbers = Linear(state: testSeed())
    func next() -> Int { Int(numbers.next()) }
    let pieces = [
      "name: a\n", "base: v6\n", "changes:\n", "  poolStateCheck: none\n", "  - x\n", "{", "}", "[",
      "]", ": ", "&a ", "*a", "\t", "'", "\"", "note: x\n", "? ", "!!int ", "\u{1}", "|\n",
    ]
    for _ in 0..<2000 {
      let text = (0..<next() % 10).map { _ in pieces[next() % pieces.count] }.joined()
      if let file = try? PolicyFile(file: "x", text: text) { _ = try? PolicyFiles.variants([file]) }
    }
  }
}
