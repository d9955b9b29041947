import Foundation
import MatrixStore
import Reporting
import Testing

@Suite struct FormatTests {
  let result = QueryResult(
    columns: ["name", "n"],
    rows: [
      [.text("a, \"b\""), .integer(1)], [.text("c\td|\u{1b}[31m\n"), .integer(-20)],
      [.null, .null],
    ])

  @Test func csvQuotesWhatNeedsIt() {
    #expect(
      ResultFormat.csv.text(result) == """
        name,n
        "a, ""b""\",1
        "c\td|\u{1b}[31m
        ",-20
        ,

        """)
    #expect(!ResultFormat.csv.text(result, header: false).hasPrefix("name"))
  }

  /// CR LF is one character to Swift, and so is a comma, a quote or a bar with an accent.
  @Test func separatorsInsideOfCharactersAreSeen() {
    let accent = "\u{301}"
    let result = QueryResult(
      columns: ["a,\(accent)"],
      rows: [
        [.text("a\r\nb")], [.text("c,\(accent)d")], [.text("e\"\(accent)f")],
        [.text("g|\(accent)h")],
      ])
    #expect(
      Array(ResultFormat.csv.text(result).utf8)
        == Array(
          """
          "a,\(accent)"
          "a\r\nb"
          "c,\(accent)d"
          "e\"\"\(accent)f"
          g|\(accent)h

          """.utf8))
    let cell = Array("| g\\|\(accent)h |\n".utf8)
    #expect(Array(ResultFormat.markdown.text(result).utf8).suffix(cell.count) == cell[...])
    var document = Document()
    document.blocks = [.table(columns: ["g|\(accent)"], rows: [["h|\(accent)"]])]
    #expect(
      Array(document.text(.markdown).utf8)
        == Array("| g\\|\(accent) |\n| --- |\n| h\\|\(accent) |\n".utf8))
  }

  @Test func jsonIsJSON() throws {
    let text = ResultFormat.json.text(result)
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    #expect(parsed.count == 3)
    #expect(parsed[0]["name"] as? String == "a, \"b\"")
    #expect(parsed[1]["name"] as? String == "c\td|\u{1b}[31m\n")
    #expect(parsed[2]["n"] is NSNull)
    #expect(ResultFormat.json.text(QueryResult(columns: ["a"], rows: [])) == "[]\n")
  }

  /// What a terminal sees cannot steer it.
  @Test(arguments: [ResultFormat.table, .line, .markdown])
  func noControlCharacterReachesATerminal(format: ResultFormat) {
    let text = format.text(result)
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
  }

  @Test func tablesAlignNumbersToTheRight() {
    let small = QueryResult(
      columns: ["kernel", "n"], rows: [[.text("v6"), .integer(5)], [.text("7.3"), .integer(12)]])
    #expect(
      ResultFormat.table.text(small) == """
        kernel   n
        ------  --
        v6       5
        7.3     12

        """)
    #expect(
      ResultFormat.markdown.text(small) == """
        | kernel | n |
        | --- | --- |
        | v6 | 5 |
        | 7.3 | 12 |

        """)
    #expect(ResultFormat.tabs.text(small, header: false) == "v6\t5\n7.3\t12\n")
    #expect(
      ResultFormat.line.text(small) == """
        kernel = v6
             n = 5

        kernel = 7.3
             n = 12

        """)
  }

  @Test func paragraphsFoldAt72Columns() {
    let text = folded(String(repeating: "word ", count: 60))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 72 })
    #expect(text.split(whereSeparator: \.isWhitespace).count == 60)
  }
}
