import ArgumentParser
import DMAModel
import Foundation
import Support

/// Whether results are coloured.
struct ColorOption: ParsableArguments {
  private static let accepted = ["auto", "always", "never"]

  @Option(
    help: ArgumentHelp(
      "Colour verdicts: auto (on a terminal, unless NO_COLOR is set), always or never.",
      valueName: "when"), completion: .list(accepted))
  var color = "auto"

  func validate() throws {
    guard Self.accepted.contains(color) else {
      throw UsageError(
        description: "--color '\(color.printable)' is unknown; accepted: "
          + Self.accepted.joined(separator: ", "))
    }
  }

  /// Source of the environment variable: no-color.org; any value but the empty
  /// one turns colour off.
  var isOn: Bool {
    switch color {
    case "always": true
    case "never": false
    default:
      (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
        && isatty(STDOUT_FILENO) != 0
    }
  }

  /// The text, coloured where colour is on and `isText`: no other format has any.
  func applied(to text: String, if isText: Bool = true) -> String {
    isText && isOn ? Coloring.colored(text) : text
  }
}

/// Colours words of results that say how a mapping ended.
enum Coloring {
  /// SGR parameters of each word.
  private static let styles: [String: String] = {
    var styles: [String: String] = [:]
    for word in ["garbled", "blocked", "unreachable", "violated", "refuted"] {
      styles[word] = "1;31"
    }
    for word in ["refused", "error"] { styles[word] = "33" }
    for word in ["bounced", "bounce", "iova_bounce", "iovabnc"] { styles[word] = "36" }
    for word in ["plaintext_dram", "host_visible"] { styles[word] = "35" }
    for word in ["ok", "holds"] { styles[word] = "32" }
    return styles
  }()

  /// The text with its words coloured; widths do not change.
  static func colored(_ text: String) -> String {
    var result = ""
    var word = ""
    func end() {
      if let style = styles[word] {
        result += "\u{1b}[\(style)m\(word)\u{1b}[0m"
      } else {
        result += word
      }
      word = ""
    }
    for character in text {
      if character.isLetter || character.isNumber || character == "_" {
        word.append(character)
      } else {
        end()
        result.append(character)
      }
    }
    end()
    return result
  }
}
