import ArgumentParser
import Foundation
import Reporting

/// The reference part of the manual page, made from the parser's own description
/// of the commands.
struct Manual: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the manual page; make install installs it.",
    discussion: """
      Example:
        dmamatrix manual | man -l -
      """)

  mutating func run() throws {
    let help = try JSONDecoder().decode(ToolHelp.self, from: Data(Dmamatrix._dumpHelp().utf8))
    try Output.write(ManualPage(help.command).text)
  }
}

/// The part of the parser's description that the page needs; see
/// ArgumentParserToolInfo, serialization version 0.
struct ToolHelp: Decodable {
  struct Command: Decodable {
    let commandName: String
    let abstract: String?
    let discussion: String?
    let subcommands: [Command]?
    let arguments: [Argument]?
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      let kind: String
      let name: String

      /// As it is typed.
      var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }
    let kind: String
    let shouldDisplay: Bool
    let isOptional: Bool
    let isRepeating: Bool
    let sectionTitle: String?
    let names: [Name]?
    let valueName: String?
    let defaultValue: String?
    let abstract: String?
  }
  let command: Command
}

/// A page of section 1 in man(7) macros.
struct ManualPage {
  private let root: ToolHelp.Command

  init(_ root: ToolHelp.Command) { self.root = root }

  var text: String {
    let (name, summary) = (root.commandName, root.abstract ?? "")
    var page = """
      .TH DMAMATRIX 1 "" "dmamatrix \(escaped(toolVersion))" "User Commands"
      .SH NAME
      \(name) \\- what Linux does with a DMA mapping
      .SH SYNOPSIS
      .B \(name)
      .I command
      .RI [ options ]
      .SH DESCRIPTION
      \(escaped(summary))
      .PP
      dmamatrix enumerates every combination of platform, IOMMU mode, swiotlb=, memory,
      DMA masks, operation, attributes and buffer, evaluates each through a model of the
      kernel's mapping code, one model per kernel or patch version, and stores the answers
      in SQLite.

      """
    page += ".SH COMMANDS\n"
    page += commands(root, prefix: "")
    page += ".SH AXES\n" + AxisDescription.axes.map(entry).joined()
    page += ".SH VERDICTS\n" + AxisDescription.outcomes.prefix(2).map(entry).joined()
    page += """
      .SH "EXIT STATUS"
      .TP
      0
      success: equal, holds, agrees
      .TP
      1
      a check differs, a lint is violated, or a database is damaged
      .TP
      2
      something that the user must correct: one sentence on standard error names the bad
      value and what is accepted
      .SH ENVIRONMENT
      .TP
      NO_COLOR
      not empty: no colour, unless \\-\\-color always asks for it
      .SH FILES
      .TP
      matrix.db
      the database that commands read and generate writes, unless \\-\\-database names another

      """
    return page
  }

  private func commands(_ command: ToolHelp.Command, prefix: String) -> String {
    (command.subcommands ?? []).filter { $0.commandName != "help" }.map { sub in
      let name = prefix + sub.commandName
      return ".SS \(escaped(name))\n" + body(sub) + commands(sub, prefix: name + " ")
    }.joined()
  }

  private func body(_ command: ToolHelp.Command) -> String {
    var text = escaped(command.abstract ?? "") + "\n"
    if let discussion = command.discussion, !discussion.isEmpty {
      text +=
        ".PP\n.EX\n"
        + discussion.split(separator: "\n", omittingEmptySubsequences: false)
        .map { escaped(String($0)) + "\n" }.joined() + ".EE\n"
    }
    let arguments = (command.arguments ?? []).filter {
      $0.shouldDisplay && $0.names?.contains { $0.name == "help" || $0.name == "version" } != true
    }
    for argument in arguments { text += entry(argument) }
    return text
  }

  private func entry(_ axis: AxisDescription) -> String {
    let names = axis.values.map { "\\fB\(escaped($0.name))\\fR: \(escaped($0.summary))" }
    let others = axis.finerForms.map(escaped)
    return ".TP\n\\fI\(escaped(axis.name))\\fR\n" + (names + others).joined(separator: "\n.br\n")
      + "\n"
  }

  private func entry(_ argument: ToolHelp.Argument) -> String {
    let value = argument.valueName ?? "value"
    let names = (argument.names ?? []).sorted { $0.text.count < $1.text.count }.map(\.text)
    let head: String
    switch argument.kind {
    case "positional": head = "\\fI\(escaped(value))\\fR"
    case "flag": head = "\\fB\(escaped(names.joined(separator: ", ")))\\fR"
    default: head = "\\fB\(escaped(names.joined(separator: ", ")))\\fR \\fI\(escaped(value))\\fR"
    }
    var body = argument.abstract ?? ""
    if argument.isRepeating { body += " May be given several times." }
    if argument.kind == "option", let standard = argument.defaultValue, !standard.isEmpty {
      body += " Default: \(standard)."
    }
    return ".TP\n\(head)\n\(escaped(body))\n"
  }

  /// Text without characters that roff would take for its own.
  private func escaped(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }
}
