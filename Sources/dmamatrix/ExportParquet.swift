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
    let (database, export) = try rows(of: source, filters, as: .csv, spans: spans)
    // DuckDB may end before it has read all.
    signal(SIGPIPE, SIG_IGN)
    try AtomicFile.write(to: output) { file in
      let process = Process()
      // DuckDB shows its progress on standard output: the file has a way of its own.
      let (program, arguments) = try Self.duckDB(
        export.columns, to: "/proc/\(getpid())/fd/\(file.descriptor)")
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      let rows = Pipe()
      let errors = Pipe()
      // Whatever it says is read while it reads: neither side waits for the other.
      let said = Locked(Data())
      errors.fileHandleForReading.readabilityHandler = { file in
        let data = file.availableData
        said.withLock { if $0.count < 1 << 16 { $0 += data } }
        if data.isEmpty { file.readabilityHandler = nil }
      }
      process.standardInput = rows
      process.standardOutput = FileHandle.nullDevice
      process.standardError = errors
      do {
        try process.run()
      } catch {
        throw UsageError(
          description: "'\(program.printable)' cannot be started; "
            + "expected DuckDB, as a program or as Python's module duckdb")
      }
      var isCut = false
      do {
        try export.write(from: database) { try rows.fileHandleForWriting.write(contentsOf: $0) }
      } catch let error as StoreError {
        process.terminate()
        throw error
      } catch { isCut = true }
      try? rows.fileHandleForWriting.close()
      process.waitUntilExit()
      guard process.terminationStatus == 0, !isCut, Self.isParquet(file.descriptor) else {
        let reason = said.withLock { String(decoding: $0, as: UTF8.self) }
          .split(separator: "\n").last
        throw UsageError(
          description: "DuckDB cannot write \(output.printable): "
            + (reason.map { String($0).printable }
              ?? (process.terminationStatus == 0
                ? "what it wrote is no Parquet file" : "status \(process.terminationStatus)"))
        )
      }
    }
  }

  /// The program that turns CSV on standard input into Parquet in an open file.
  private static func duckDB(
    _ columns: [String], to file: String
  ) throws -> (program: String, arguments: [String]) {
    let types = columns.map { "'\($0)': '\($0.hasPrefix("mask") ? "UTINYINT" : "VARCHAR")'" }
    let sql =
      "COPY (SELECT * FROM read_csv('/dev/stdin', auto_detect = false, header = true, "
      + "quote = '\"', escape = '\"', columns = {\(types.joined(separator: ", "))})) "
      + "TO '\(file)' (FORMAT parquet, USE_TMP_FILE false)"
    if let program = ProgramPath.programs(["duckdb"]).first { return (program, ["-c", sql]) }
    if let python = ProgramPath.programs(["python3"]).first {
      let script =
        "import sys\nsys.path = [p for p in sys.path if p.startswith('/')]\ntry:\n import duckdb\nexcept ImportError:\n"
        + " sys.exit('Python has no module duckdb; expected it (pip install duckdb) or the "
        + "program duckdb')\nduckdb.sql(sys.argv[1])"
      return (python, ["-c", script, sql])
    }
    throw UsageError(
      description: "neither duckdb nor python3 is in PATH; expected DuckDB, as a program or as "
        + "Python's module duckdb")
  }

  /// Whether a file begins and ends as Parquet files do.
  private static func isParquet(_ file: Int32) -> Bool {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_size > 8 else { return false }
    return [0, status.st_size - 4].allSatisfy { place in
      var magic = [UInt8](repeating: 0, count: 4)
      return pread(file, &magic, 4, place) == 4 && magic == Array("PAR1".utf8)
    }
  }
}
