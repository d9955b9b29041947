import ArgumentParser
import Foundation
import MatrixStore
import Reporting
import Support

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the matrix for other tools: CSV, JSON Lines, Parquet, Datasette.",
    discussion: """
      csv and jsonl write one row for each combination with every decoded column,
      as the view "behavior" has them, streamed to standard output or a file.
      The whole matrix is some gigabytes; filters make it less, and --spans a
      thirtieth.  In CSV free text is always quoted, and lines that hold words in
      columns of numbers stand first: programs guess types from the beginning.

      datasette writes a directory for a Datasette server: metadata.yaml and
      settings.json (0.65), datasette.yaml (1.0), with the named queries, facets
      and the meaning of every column, and a link to the database.

      Examples:
        dmamatrix export csv --platform sev --kernel v6,v7 -o sev.csv
        dmamatrix export jsonl --op map | head -n 3
        dmamatrix export datasette site
        datasette site
      """,
    subcommands: [
      ExportCSV.self, ExportJSONL.self, ExportParquet.self, ExportDatasette.self,
    ])
}

/// The options of both row formats.
struct RowExportOptions: ParsableArguments {
  @OptionGroup var source: DatabaseOption
  @Option(
    name: [.short, .long], help: "Write to a file instead of standard output.",
    completion: .file())
  var output: String?
  @Flag(
    help: "One line for each span of masks with one answer, as in behavior_span.")
  var spans = false
  @OptionGroup(title: "Filters") var filters: AxisFilters

  func run(_ format: RowExport.Format) throws {
    let (database, export) = try rows(of: source, filters, as: format, spans: spans)
    if let output {
      try AtomicFile.write(to: output) { file in
        try export.write(from: database) { try file.write(contentsOf: $0) }
      }
    } else {
      try export.write(from: database, to: Output.write)
    }
  }
}

/// The rows of a database that filters keep, of which there must be some.
func rows(
  of source: DatabaseOption, _ filters: AxisFilters, as format: RowExport.Format, spans: Bool
) throws -> (database: MatrixDatabase, export: RowExport) {
  let database = try MatrixDatabase(path: source.database)
  let filter = try filters.filter(of: database)
  guard try database.hasRows(filter) else {
    throw UsageError(
      description: "\(source.database.printable) has no combination that these filters keep")
  }
  return (database, RowExport(format, filter: filter, spans: spans))
}

struct ExportCSV: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "csv", abstract: "Write CSV with a header line.",
    discussion: """
      Examples:
        dmamatrix export csv --platform sev -o sev.csv
        duckdb -c "SELECT verdict, count(*) FROM 'sev.csv' GROUP BY 1"
      """)

  @OptionGroup var options: RowExportOptions

  mutating func run() throws { try options.run(.csv) }
}

struct ExportJSONL: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jsonl", abstract: "Write JSON Lines, one object for each combination.",
    discussion: """
      Example:
        dmamatrix export jsonl --kernel v6 --op map | jq -r .verdict | sort | uniq -c
      """)

  @OptionGroup var options: RowExportOptions

  mutating func run() throws { try options.run(.jsonl) }
}

struct ExportDatasette: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "datasette", abstract: "Write a directory that Datasette serves.",
    discussion: """
      The files name the database as Datasette does: by its file name without the
      extension.  Existing files of these names are replaced, nothing else is
      touched.  The views have millions of rows: Datasette's own limit of a second
      is too short for them, and the settings in the directory raise it.

      Examples:
        dmamatrix export datasette site
        datasette site
        datasette matrix.db -m site/metadata.yaml \\
          --setting sql_time_limit_ms 20000 --setting facet_time_limit_ms 10000
        datasette matrix.db -m site/metadata.yaml -c site/datasette.yaml   # 1.0
      """)

  @Argument(help: "The directory; it is made if it does not exist.", completion: .directory)
  var directory: String
  @OptionGroup var source: DatabaseOption

  mutating func run() throws {
    let database = try MatrixDatabase(path: source.database)
    let name = URL(fileURLWithPath: source.database).deletingPathExtension().lastPathComponent
    let metadata = try DatasetteMetadata(name: name, database)
    let files = [
      ("metadata.yaml", try metadata.metadata()), ("datasette.yaml", try metadata.configuration()),
      ("settings.json", metadata.directorySettings()),
    ]
    try AtomicFile.makeDirectory(directory)
    try link(to: source.database)
    for (file, text) in files {
      try AtomicFile.write(
        text, to: URL(fileURLWithPath: directory).appendingPathComponent(file).path)
    }
  }

  /// Links to the database from the directory, where it is not itself there.
  private func link(to database: String) throws {
    let file = URL(fileURLWithPath: database).resolvingSymlinksInPath()
    let link = URL(fileURLWithPath: directory).appendingPathComponent(
      URL(fileURLWithPath: database).lastPathComponent)
    if link.resolvingSymlinksInPath() == file { return }
    let manager = FileManager.default
    if (try? manager.destinationOfSymbolicLink(atPath: link.path)) != nil {
      try? manager.removeItem(at: link)
    }
    do {
      try manager.createSymbolicLink(at: link, withDestinationURL: file)
    } catch {
      throw UsageError(
        description: "'\(link.path.printable)' cannot be a link to the database; "
          + "remove what is there or name another directory")
    }
  }
}
