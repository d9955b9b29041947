import ArgumentParser
import Foundation
import MatrixStore
import Reporting
import Support

struct ExportParquet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parquet", abstract: "Write a Parquet file, by DuckDB.",
    discussion: """
      The rows of "export csv" go through DuckDB, which must be installed: the program
      duckdb, or Python's module (pip install duckdb).  Masks are small integers, all
      other columns text.

      Example:
        dmamatrix export parquet --platform sev -o sev.parquet
        duckdb -c "SELECT verdict, count(*) FROM 'sev.parquet' GROUP BY 1"
      """)

  @OptionGroup var source: DatabaseOption
  @Option(name: [.short, .long], help: "The file to write.", completion: .file())
  var output: String
  @Flag(help: "One line for each span of masks with one answer, as in behavior_span.")
  var spans = false
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let database = try MatrixDatabase(path: source.database)
    let filter = try filters.filter(of: database)
    guard try database.hasRows(filter) else {
      throw UsageError(
        description: "\(source.database.printable) has no combination that these filters keep")
    }
    let export = RowExport(.csv, filter: filter, spans: spans)
    // DuckDB may end before it has read all.
    signal(SIGPIPE, SIG_IGN)
    try AtomicFile.write(to: output) { file in
      let process = Process()
      // DuckDB shows its progress on standard output: the file has a way of its own.
      (process.executableURL, process.arguments) = try Self.duckDB(
        export.columns, to: "/proc/\(getpid())/fd/\(file.descriptor)")
      let rows = Pipe()
      let errors = Pipe()
      process.standardInput = rows
      process.standardOutput = FileHandle.nullDevice
      process.standardError = errors
      try process.run()
      var isCut = false
      do {
        try export.write(from: database) { try rows.fileHandleForWriting.write(contentsOf: $0) }
      } catch let error as StoreError {
        process.terminate()
        throw error
      } catch { isCut = true }
      try? rows.fileHandleForWriting.close()
      let said = (try? errors.fileHandleForReading.readToEnd()) ?? Data()
      process.waitUntilExit()
      guard process.terminationStatus == 0, !isCut else {
        let reason = String(decoding: said, as: UTF8.self).split(separator: "\n").last
        throw UsageError(
          description: "DuckDB cannot write \(output.printable): "
            + (reason.map { String($0).printable } ?? "status \(process.terminationStatus)"))
      }
    }
  }

  /// The program that turns CSV on standard input into Parquet in an open file.
  private static func duckDB(
    _ columns: [String], to file: String
  ) throws -> (program: URL, arguments: [String]) {
    let types = columns.map { "'\($0)': '\($0.hasPrefix("mask") ? "UTINYINT" : "VARCHAR")'" }
    let sql =
      "COPY (SELECT * FROM read_csv('/dev/stdin', auto_detect = false, header = true, "
      + "quote = '\"', escape = '\"', columns = {\(types.joined(separator: ", "))})) "
      + "TO '\(file)' (FORMAT parquet, USE_TMP_FILE false)"
    if let program = program("duckdb") { return (program, ["-c", sql]) }
    if let python = program("python3") {
      let script =
        "import sys\ntry:\n import duckdb\nexcept ImportError:\n"
        + " sys.exit('Python has no module duckdb; expected it (pip install duckdb) or the "
        + "program duckdb')\nduckdb.sql(sys.argv[1])"
      return (python, ["-c", script, sql])
    }
    throw UsageError(
      description: "neither duckdb nor python3 is in PATH; expected DuckDB, as a program or as "
        + "Python's module duckdb")
  }

  /// A program of PATH.
  private static func program(_ name: String) -> URL? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").lazy
      .map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
      .first { access($0.path, X_OK) == 0 }
  }
}
