import ArgumentParser
import Foundation
import Support

/// The options of commands, and which command has one that another does not know.
enum OptionNames {
  /// What the parser knows of a command, of which this reads the names alone.
  private struct Command: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable {
        let kind: String
        let name: String
      }
      let names: [Name]?
    }
    let commandName: String
    let subcommands: [Command]?
    let arguments: [Argument]?

    /// The long options.
    var options: [String] {
      (arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name)
    }
  }

  private struct Tool: Decodable { let command: Command }

  /// A sentence for the parser's message on an option that a command does not have; nil for
  /// any other.
  ///
  /// The parser proposes any option that is less than four letters away, `--all` for
  /// `--fill`; here other commands that have the option come first, and then names of which
  /// most letters are the same.
  static func sentence(for message: String, _ arguments: [String]) -> String? {
    let start = "Unknown option '--"
    guard message.hasPrefix(start),
      let root = try? JSONDecoder().decode(Tool.self, from: Data(Dmamatrix._dumpHelp().utf8))
    else { return nil }
    let option = String(message.dropFirst(start.count).prefix { $0 != "'" && $0 != "=" })
    var command = root.command
    for word in arguments {
      guard let next = command.subcommands?.first(where: { $0.commandName == word }) else { break }
      command = next
    }
    let what = "'--\(option.printable)' is no option of \(command.commandName)"
    let others = (root.command.subcommands ?? []).filter { $0.options.contains(option) }
      .map(\.commandName)
    if !others.isEmpty {
      return "\(what); accepted by \(others.joined(separator: ", "))"
    }
    let nearest = command.options.map { ($0, CommandNames.distance($0, option)) }
      .filter { $0.1 * 3 <= max($0.0.count, option.count) }.min { $0.1 < $1.1 }
    if let nearest { return "\(what); did you mean --\(nearest.0)?" }
    return "\(what); accepted: those of 'dmamatrix \(command.commandName) --help'"
  }
}
