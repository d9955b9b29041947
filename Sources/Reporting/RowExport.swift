import DMAModel
import GRDB
import MatrixStore
import Support

/// Every column of `behavior`, decoded, row by row.
///
/// Rows are made from `behavior_span`, so that a row costs no query of its own;
/// nothing but one chunk is held in memory.
public struct RowExport: Sendable {
  /// How a row is written.
  public enum Format: String, CaseIterable, Sendable {
    /// RFC 4180 with a header line; lines end with a line feed.
    case csv
    /// One JSON object a line; `mask` is a number, everything else text.
    case jsonl
  }

  public let format: Format
  public let filter: BehaviorFilter

  public init(_ format: Format, filter: BehaviorFilter) {
    self.format = format
    self.filter = filter
  }

  /// The columns, in the order of the view `behavior`.
  public static let columns =
    boot + ["mask"] + request + Answer.columnNames + [
      "decided_by", "where", "verdict", "exposure", "scenario",
    ]

  private static let boot = ["kernel", "platform", "iommu", "swiotlb", "mem"]
  private static let request = [
    "coherent_mask", "bus_limit", "coherent", "external", "op", "attrs", "buf",
  ]

  /// Bytes after which a chunk is handed on.
  private static let chunk = 1 << 18

  /// Writes the rows that the filter keeps.
  ///
  /// - Parameters:
  ///   - write: Receives chunks of whole lines.
  ///   - progress: Receives the number of rows so far, after each chunk.
  /// - Returns: How many rows were written.
  @discardableResult
  public func write(
    from database: MatrixDatabase, to write: ([UInt8]) throws -> Void,
    progress: (Int) -> Void = { _ in }
  ) throws -> Int {
    try database.stream { connection in
      let masks = Set(filter.values[DMAMask.axis] ?? [])
      let rows = try database.spanRows(
        connection, columns: Self.boot + Self.request + Self.answer, filter: filter)
      let line = LineWriter(format)
      var buffer: [UInt8] = []
      buffer.reserveCapacity(Self.chunk + (1 << 12))
      if format == .csv { buffer += Array((Self.columns.joined(separator: ",") + "\n").utf8) }
      var count = 0
      while let row = try rows.next() {
        let span = try row.masks(row.count - 2, row.count - 1)
        let values = try (0..<(row.count - 2)).map { try row.text($0) }
        let pieces = line.pieces(values, boot: Self.boot.count, request: Self.request.count)
        for mask in span where masks.isEmpty || masks.contains(String(mask)) {
          let digits = Array(String(mask).utf8)
          buffer += pieces.beforeMask
          buffer += digits
          buffer += pieces.afterMask
          buffer += digits
          buffer += pieces.afterScenarioMask
          count += 1
        }
        if buffer.count >= Self.chunk {
          try write(buffer)
          buffer.removeAll(keepingCapacity: true)
          progress(count)
        }
      }
      try write(buffer)
      progress(count)
      return count
    }
  }

  private static let answer = Answer.columnNames + ["decided_by", "where", "verdict", "exposure"]
}

/// The parts of a line around the two places where the mask stands.
struct LinePieces {
  var beforeMask: [UInt8]
  var afterMask: [UInt8]
  var afterScenarioMask: [UInt8]
}

/// Writes the constant parts of the lines of one span.
struct LineWriter {
  let format: RowExport.Format

  init(_ format: RowExport.Format) { self.format = format }

  /// - Parameter values: The columns without mask and scenario.
  func pieces(_ values: [String], boot: Int, request: Int) -> LinePieces {
    let names = RowExport.columns.filter { $0 != "mask" && $0 != "scenario" }
    // The kernel is no part of a scenario's key.
    let key = (
      before: values[1..<boot].joined(separator: "/") + "/",
      after: "/" + values[boot..<(boot + request)].joined(separator: "/")
    )
    switch format {
    case .csv:
      let fields = values.map(csvField)
      let quoted = csvField("\(key.before)\u{0}\(key.after)").split(separator: "\u{0}")
      return LinePieces(
        beforeMask: Array((fields[..<boot].joined(separator: ",") + ",").utf8),
        afterMask: Array(("," + fields[boot...].joined(separator: ",") + "," + quoted[0]).utf8),
        afterScenarioMask: Array((quoted[1] + "\n").utf8))
    case .jsonl:
      let fields = zip(names, values).map { jsonString($0) + ":" + jsonString($1) }
      return LinePieces(
        beforeMask: Array(("{" + fields[..<boot].joined(separator: ",") + ",\"mask\":").utf8),
        afterMask: Array(
          ("," + fields[boot...].joined(separator: ",") + ",\"scenario\":"
            + jsonString(key.before).dropLast()).utf8),
        afterScenarioMask: Array((jsonString(key.after).dropFirst() + "}\n").utf8))
    }
  }
}
