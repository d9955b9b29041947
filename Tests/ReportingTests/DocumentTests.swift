import Reporting
@testable import MatrixStore
import Testing

/// What documents make of texts that somebody else wrote.
@Suite struct DocumentTests {
  /// A commit's id, date and subject, a value and a history's name steer no terminal.
  @Test func controlCharactersAreNotPrinted() {
    let answers = ["a", "b"].map { text in
      HistoryStore.Answer(
        commit: "\u{1b}[31m\(text)\n", date: "2026\u{7f}-01-01", subject: "x\u{202e}\u{9b}y\rz",
        values: [("result", "\u{1b}\(text)"), ("warn", "")], isAsked: true)
    }
    for format in Document.Format.allCases {
      let text = blameDocument(
        answers, to: "x86/none/force/64G/64/same/none/1/0/map/none/high", in: "h\u{1b}\n"
      ).text(format)
      let isPlain = text.unicodeScalars.allSatisfy {
        $0 == "\n" || (0x20..<0x7f).contains($0.value)
      }
      #expect(isPlain, "\(text.debugDescription)")
      #expect(text.contains("?[31ma?") && text.contains("x??y?z"), "\(text)")
      #expect(text.contains("result ?a -> ?b"), "\(text)")
    }
    let blocks: [Document.Block] = [
      .title("a\u{1b}"), .heading("b\u{8}"), .paragraph("c\u{85}"), .literal(["d\te\u{1b}"]),
      .table(columns: ["f\u{1b}"], rows: [["g\u{1b}"]]),
    ]
    let text = Document(blocks: blocks).text(.text)
    #expect(!text.contains("\u{1b}") && text.contains("d\te?"), "\(text.debugDescription)")
  }
}
