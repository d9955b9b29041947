import ArgumentParser
import Benchmarks
import Foundation
import Reporting

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure model, generator and queries against a baseline.",
    discussion: """
      The baseline, a plain loop over the raw SQLite interface that inserts one
      row for each combination, runs in the same process.  Files are made in the
      temporary directory and removed.  Exit status 1 if a target is missed.

      Example:
        dmamatrix bench
      """)

  @OptionGroup var jobs: JobsOption
  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    let directory = FileManager.default.temporaryDirectory.path
    let figures = try Benchmark(directory: directory, jobs: jobs.count).run { what in
      if Output.showsProgress { Output.error("measuring \(what)") }
    }
    if json {
      let objects = figures.map { figure in
        "  {\"name\": \(jsonString(figure.name)), \"value\": \(figure.value), "
          + "\"unit\": \(jsonString(figure.unit)), \"target\": \(jsonString(figure.target)), "
          + "\"met\": \(figure.isMet)}"
      }
      try Output.write("[\n" + objects.joined(separator: ",\n") + "\n]\n")
    } else {
      var table = TextTable(
        columns: [
          TextTable.Column("figure"), TextTable.Column("value", alignment: .trailing),
          TextTable.Column("unit"), TextTable.Column("target"), TextTable.Column(""),
        ])
      table.rows = figures.map { figure in
        let digits = figure.value >= 1000 ? 0 : 2
        let value = figure.value.formatted(
          .number.grouping(.never).precision(.fractionLength(digits)))
        let met = figure.target.isEmpty ? "" : figure.isMet ? "met" : "missed"
        return [figure.name, value, figure.unit, figure.target, met]
      }
      try Output.write(table.text())
    }
    if figures.contains(where: { !$0.isMet }) { throw ExitCode(1) }
  }
}
