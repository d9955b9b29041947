import ArgumentParser
import Support

/// The names of subcommands, and the nearest to one that is misspelt.
enum CommandNames {
  /// Refuses a first word that is no subcommand, before the parser takes it for an
  /// argument of the command above.
  static func check(
    _ arguments: [String], below command: any ParsableCommand.Type
  ) throws {
    let subcommands = command.configuration.subcommands
    guard !subcommands.isEmpty, let word = arguments.first, !word.hasPrefix("-") else { return }
    if command == Dmamatrix.self, word == "help" {
      return try check(Array(arguments.dropFirst()), below: command)
    }
    let names = subcommands.map { $0._commandName }
    if let index = names.firstIndex(of: word) {
      return try check(Array(arguments.dropFirst()), below: subcommands[index])
    }
    let nearest = names.min { distance($0, word) < distance($1, word) } ?? ""
    throw UsageError(
      description: "'\(word.printable)' is no command of \(command._commandName); did you mean "
        + "\(nearest)? Accepted: \(names.joined(separator: ", "))")
  }

  /// How many letters must be inserted, removed, replaced, or swapped with the next one
  /// (optimal string alignment); 64 letters at most are compared.
  static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one.prefix(64)), Array(other.prefix(64)))
    var rows = [Array(0...other.count)]
    for i in 1..<(one.count + 1) {
      var row = [i]
      for j in 1..<(other.count + 1) {
        var least = min(rows[i - 1][j], row[j - 1]) + 1
        least = min(least, rows[i - 1][j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1))
        if i > 1, j > 1, one[i - 1] == other[j - 2], one[i - 2] == other[j - 1] {
          least = min(least, rows[i - 2][j - 2] + 1)
        }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[one.count][other.count]
  }
}
