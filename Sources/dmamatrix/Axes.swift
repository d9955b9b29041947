import ArgumentParser
import DMAModel
import Reporting

struct Axes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what the values of axes and answers mean.",
    discussion: """
      Every axis of a scenario, what may happen beside (a full pool, a mask that
      changes, memory that cannot be decrypted), and every column of an answer
      whose values are words.

      Examples:
        dmamatrix axes
        dmamatrix axes verdict exposure
        dmamatrix axes platform --format markdown
      """)

  @Argument(
    help: "Axes or columns (default: all).",
    completion: .list(AxisDescription.all.map(\.name)))
  var names: [String] = []
  @Option(
    help: ArgumentHelp("text or markdown.", valueName: "format"),
    completion: .formats(Document.Format.self))
  var format = "text"

  mutating func run() throws {
    let format: Document.Format = try dmamatrix.format(format)
    let chosen = try names.map { name in
      guard let axis = AxisDescription.all.first(where: { $0.name == name }) else {
        throw UsageError(
          description: "axis '\(name.printable)' is unknown; accepted: "
            + AxisDescription.all.map(\.name).joined(separator: ", "))
      }
      return axis
    }
    try Output.write(
      axesDocument(
        chosen.isEmpty ? AxisDescription.all : chosen, isWhole: chosen.isEmpty, format: format
      ).text(format))
  }
}
