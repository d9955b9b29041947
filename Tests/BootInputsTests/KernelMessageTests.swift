import Foundation
import Testing

@testable import BootInputs

/// Every format that the four kernels print about DMA is read, or known to be about no
/// request.
@Suite struct KernelMessageTests {
  @Test func everyFormatIsDecided() throws {
    let formats = try Formats.listed()
    #expect(formats.count > 120)
    for format in formats {
      let message = Formats.example(of: format.text)
      let failure = FailingLine(message[...])
      let notes = KernelMessage.notes(in: "[    1.000000] " + message)
      #expect((failure != nil) != !notes.isEmpty, "\(format.text)")
      if let failure {
        #expect(!failure.diagnosis.reason.isEmpty, "\(format.text)")
        #expect(!failure.diagnosis.source.isEmpty, "\(format.text)")
      }
      // The file that is said to print it does, under its name there.
      let source = failure?.diagnosis.source ?? notes.first?.entry.source ?? ""
      #expect(source.contains(format.file) || format.isShared, "\(format.text): \(source)")
    }
  }

  /// The list is that of the sources, neither more nor less.
  @Test(.enabled(if: !Formats.trees.isEmpty, "no kernel sources"))
  func theListIsThatOfTheSources() throws {
    let formats = try Formats.listed()
    for (version, tree) in Formats.trees {
      let listed = Set(formats.filter { $0.versions.contains(version) }.map(\.text))
      let found = try Formats.found(in: tree)
      #expect(found.subtracting(listed).sorted() == [], "\(version): not in the list")
      #expect(listed.subtracting(found).sorted() == [], "\(version): not in the sources")
    }
  }

  /// A message about no request is no failure of a boot log.
  @Test func notesAreNoFailures() throws {
    let log = try BootLog(
      """
      Linux version 6.12.9 (gcc 14)
      software IO TLB: area num 4.
      DMA: preallocated 128 KiB GFP_KERNEL pool for atomic allocations
      software IO TLB: mapped [mem 0x000000007bf00000-0x000000007ff00000] (64MB)
      software IO TLB: swiotlb_init_remap: Failed to allocate 4096 bytes align=0x1000
      """)
    #expect(BootFacts(log).failures.map(\.line) == [5])
  }
}

/// Tests/BootInputsTests/Formats/formats.txt, and the sources that it is taken from.
private enum Formats {
  struct Format {
    let versions: Set<String>
    let file: String
    let text: String

    /// kernel/dma/direct.h, direct.c and swiotlb-xen.c print the same.
    var isShared: Bool { text.contains("DMA addr %pa") }
  }

  static func listed() throws -> [Format] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Formats/formats.txt")
    return try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
      .filter { !$0.hasPrefix("#") }.map { line in
        let fields = line.split(separator: "\t", maxSplits: 2).map(String.init)
        return Format(
          versions: Set(fields[0].split(separator: ",").map(String.init)), file: fields[1],
          text: fields[2])
      }
  }

  /// The message that a format makes of some values.
  static func example(of format: String) -> String {
    var text = format.replacing("%%", with: "\u{1}")
    for (pattern, value) in [
      (#"%pGg"#, "GFP_KERNEL"), (#"%p[a-z]*"#, "0x0000000012345000"), (#"%[0-9]*s"#, "name"),
      (#"%[0-9]*(ll|l|z|L)?x"#, "ffff"), (#"%[0-9]*(ll|l|z)?[du]"#, "4096"),
    ] {
      text = text.replacingOccurrences(of: pattern, with: value, options: .regularExpression)
    }
    return text.replacing("\u{1}", with: "%")
  }

  /// The kernels that are there, by version.
  static let trees: [(version: String, tree: URL)] = {
    let directory =
      ProcessInfo.processInfo.environment["DMAMATRIX_KERNELS"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".kernels").path
    return ["6.1", "6.12", "7.2", "7.3"].map {
      (version: $0, tree: URL(fileURLWithPath: directory).appendingPathComponent($0))
    }.filter {
      FileManager.default.fileExists(
        atPath: $0.tree.appendingPathComponent("drivers/xen/swiotlb-xen.c").path)
    }
  }()

  /// The formats of the calls that print, in the files that the list is of.
  static func found(in tree: URL) throws -> Set<String> {
    var files: [URL] = []
    for (directory, prefix) in [
      ("kernel/dma", ""), ("drivers/iommu", "dma-iommu.c"), ("arch/x86/kernel", "pci-dma.c"),
      ("arch/x86/mm", "mem_encrypt"), ("drivers/xen", "swiotlb-xen.c"),
    ] {
      let url = tree.appendingPathComponent(directory)
      files += try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)
        .filter { $0.lastPathComponent.hasPrefix(prefix) }
        .filter { $0.pathExtension == "c" || prefix.isEmpty && $0.pathExtension == "h" }
    }
    var formats: Set<String> = []
    for file in files {
      formats.formUnion(try calls(in: String(contentsOf: file, encoding: .utf8)))
    }
    return formats
  }

  private static func calls(in source: String) -> Set<String> {
    let text = source.replacingOccurrences(
      of: #"/\*[\s\S]*?\*/"#, with: "", options: .regularExpression)
    let call =
      #"\b(pr_(?!cont|fmt)\w+|dev_(WARN|warn|err|info|dbg|notice)\w*|printk\w*|WARN\w*|panic|"#
      + #"err_printk)\s*\("#
    guard let pattern = try? NSRegularExpression(pattern: call) else { return [] }
    let bytes = Array(text.utf16)
    var formats: Set<String> = []
    for match in pattern.matches(in: text, range: NSRange(0..<bytes.count)) {
      let format = strings(of: bytes[(match.range.location + match.range.length)...])
        .replacing("\\n", with: "").replacing("\\\"", with: "\"").replacing("NULL", with: "")
        .trimmingCharacters(in: .whitespaces)
      if !format.isEmpty, format != "%s %s:" { formats.insert(format) }
    }
    return formats
  }

  /// The string literals up to the parenthesis that closes a call, one after the other.
  private static func strings(of code: ArraySlice<UInt16>) -> String {
    var (depth, isString, isEscaped) = (1, false, false)
    var text: [UInt16] = []
    for unit in code {
      switch unit {
      case 0x22 where !isEscaped: isString.toggle()
      case _ where isString: text.append(unit)
      case 0x28: depth += 1
      case 0x29: depth -= 1
      default: break
      }
      isEscaped = unit == 0x5c && !isEscaped
      if depth == 0 { break }
    }
    return String(decoding: text, as: UTF16.self)
  }
}
