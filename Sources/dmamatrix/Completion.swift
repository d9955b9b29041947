import ArgumentParser
import DMAModel
import Foundation

extension CompletionKind {
  /// One of these names and, behind a comma, another one of them.
  static func names(_ names: [String]) -> CompletionKind {
    .custom { words, index, prefix in
      // The parser cuts the last word at the cursor, which may stand in one before.
      let isInside = index < words.count - 1
      let typed = isInside ? words[max(index, 0)] : prefix
      let parts = typed.split(separator: ",", omittingEmptySubsequences: false).dropLast()
      // bash expands what it is offered: nothing of the line but names is repeated.
      let isPlain = parts.allSatisfy { part in
        part.utf8.allSatisfy { byte in
          UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
            || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "+-._".utf8.contains(byte)
        }
      }
      guard isPlain else { return [] }
      let before = parts.map { $0 + "," }.joined()
      return names.filter { !parts.contains(Substring($0)) }.map { before + $0 }
    }
  }

  /// The formats of a command.
  ///
  /// - Parameter others: Names that the command handles itself.
  static func formats<Format: RawRepresentable<String> & CaseIterable>(
    _: Format.Type, others: [String] = []
  ) -> CompletionKind {
    .list(Format.allCases.map(\.rawValue) + others)
  }

  /// One of the model's kernels.
  static var kernels: CompletionKind { .list(KernelVersion.known.map(\.name)) }

  /// The model's kernels, separated by commas.
  static var kernelList: CompletionKind { .names(KernelVersion.known.map(\.name)) }

  /// Databases; folders, in which there may be some.
  static var database: CompletionKind { .file(extensions: ["db"]) }
}

/// The script that a shell completes the command line with: the parser's, with the names
/// of commands behind `help`, of which the parser says nothing.
enum CompletionScript {
  private static let option = "--generate-completion-script"

  /// The script that a command line asks for; nil where it asks for something else, or
  /// names no shell.
  static func asked(for arguments: [String]) -> String? {
    guard let first = arguments.first, first == option || first.hasPrefix(option + "=") else {
      return nil
    }
    let name =
      first == option
      ? arguments.dropFirst().first : String(first.dropFirst(option.count + 1))
    return name.flatMap(CompletionShell.init(rawValue:)).map(text)
  }

  private static func text(for shell: CompletionShell) -> String {
    // fish knows the number of the cursor's place on a terminal alone; the text before it
    // is known to "complete -C" too.
    let script = Dmamatrix.completionScript(for: shell).replacing(
      "(__dmamatrix_tokens -tC)", with: #"(string length -- "$(commandline -ct)")"#)
    let added = behindHelp(shell)
    // The last lines of zsh's script complete at once, where it was loaded to complete.
    let end = "if [[ \"${funcstack[1]}\""
    guard shell == .zsh, let range = script.range(of: end, options: .backwards) else {
      return script + "\n" + added
    }
    return script[..<range.lowerBound] + added + "\n" + script[range.lowerBound...]
  }

  /// Commands that have others below them, by their words, with the names of these.
  private static func commands(
    _ command: any ParsableCommand.Type = Dmamatrix.self, _ words: [String] = ["help"]
  ) -> [(words: String, names: [String])] {
    let below = command.configuration.subcommands
    guard !below.isEmpty else { return [] }
    return [(words.joined(separator: " "), below.map { $0._commandName })]
      + below.flatMap { commands($0, words + [$0._commandName]) }
  }

  /// What replaces the parser's function for `help` in bash and zsh, or stands beside it.
  private static func behindHelp(_ shell: CompletionShell) -> String {
    let commands = commands().map { ($0.words, $0.names.joined(separator: " ")) }
    switch shell {
    case .bash:
      let cases = commands.map { "    '\($0)') names='\($1)' ;;" }
      return """
        _dmamatrix_help() {
            local names=
            case "${COMP_WORDS[*]:1:COMP_CWORD-1}" in
        \(cases.joined(separator: "\n"))
            esac
            COMPREPLY+=($(compgen -W "${names}" -- "${cur}"))
        }
        """
    case .zsh:
      let cases = commands.map { "    '\($0)') names=(\($1)) ;;" }
      return """
        _dmamatrix_help() {
            local -a names
            case "${(j: :)words[1,CURRENT-1]}" in
        \(cases.joined(separator: "\n"))
            esac
            compadd -V commands -a names
        }

        """
    default:
      return commands.map { words, names in
        """
        complete -c dmamatrix -fka '\(names)' \
        -n 'test "$(string join -- " " (commandline -opc)[2..])" = "\(words)"'

        """
      }.joined()
    }
  }
}
