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
  /// Whether a line is a span of masks, as in `behavior_span`, instead of one mask.
  public let spans: Bool

  public init(_ format: Format, filter: BehaviorFilter, spans: Bool = false) {
    self.format = format
    self.filter = filter
    self.spans = spans
  }

  /// The columns, in the order of the view `behavior`; of a span its first and last mask,
  /// and no scenario.
  public var columns: [String] {
    Self.boot + (spans ? ["mask_first", "mask_last"] : ["mask"]) + Self.request + Self.answer
      + (spans ? [] : ["scenario"])
  }

  /// Columns that hold numbers and words: programs that guess the type of a column from
  /// the beginning of a file must meet a word there.
  private static let mixed = ["kernel", "coherent_mask", "bus_limit", "max_map"]

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
      let names = Self.boot + Self.request + Self.answer
      let line = LineWriter(self)
      var buffer: [UInt8] = []
      buffer.reserveCapacity(Self.chunk + (1 << 12))
      if format == .csv { buffer += Array((columns.joined(separator: ",") + "\n").utf8) }
      var count = 0
      func add(_ row: Row) throws {
        let span = try row.masks(row.count - 2, row.count - 1)
        let values = try (0..<(row.count - 2)).map { try row.text($0) }
        let pieces = line.pieces(values, boot: Self.boot.count, request: Self.request.count)
        if spans {
          for run in filter.maskRuns(of: span) {
            buffer += pieces.beforeMask
            buffer += line.bounds(run)
            buffer += pieces.afterMask
            count += 1
          }
          return
        }
        for mask in span where masks.isEmpty || masks.contains(String(mask)) {
          let digits = Array(String(mask).utf8)
          buffer += pieces.beforeMask
          buffer += digits
          buffer += pieces.afterMask
          buffer += digits
          buffer += pieces.afterScenarioMask
          count += 1
        }
      }
      var first: Set<Row> = []
      if format == .csv {
        for column in Self.mixed {
          guard
            let row = try database.firstSpanRow(
              connection, columns: names, filter: filter, withWordIn: column),
            first.insert(row).inserted
          else { continue }
          try add(row)
        }
      }
      let rows = try database.spanRows(connection, columns: names, filter: filter)
      while let row = try rows.next() {
        if !first.isEmpty, first.remove(row) != nil { continue }
        try add(row)
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
  private let format: RowExport.Format
  private let spans: Bool
  /// The columns that ``pieces(_:boot:request:)`` takes.
  private let names: [String]
  /// Columns of free text, with commas in few lines: quoted in all, because programs
  /// guess from the first lines whether anything is.
  private static let quoted: Set = ["warn", "decided_by", "where"]

  init(_ export: RowExport) {
    format = export.format
    spans = export.spans
    names = export.columns.filter { !$0.hasPrefix("mask") && $0 != "scenario" }
  }

  /// The first and last mask of a line that is a span.
  func bounds(_ masks: ClosedRange<Int>) -> [UInt8] {
    let (first, last) = (masks.lowerBound, masks.upperBound)
    return Array((format == .csv ? "\(first),\(last)" : "\(first),\"mask_last\":\(last)").utf8)
  }

  /// The columns without masks and scenario, as the text around these.
  func pieces(_ values: [String], boot: Int, request: Int) -> LinePieces {
    // The kernel is no part of a scenario's key.
    let key = (
      before: values[1..<boot].joined(separator: "/") + "/",
      after: "/" + values[boot..<(boot + request)].joined(separator: "/")
    )
    switch format {
    case .csv:
      let fields = zip(names, values).map { name, value in
        Self.quoted.contains(name) ? quotedCSVField(value) : csvField(value)
      }
      if spans {
        return LinePieces(
          beforeMask: Array((fields[..<boot].joined(separator: ",") + ",").utf8),
          afterMask: Array(("," + fields[boot...].joined(separator: ",") + "\n").utf8),
          afterScenarioMask: [])
      }
      let quoted = csvField("\(key.before)\u{0}\(key.after)").split(separator: "\u{0}")
      return LinePieces(
        beforeMask: Array((fields[..<boot].joined(separator: ",") + ",").utf8),
        afterMask: Array(("," + fields[boot...].joined(separator: ",") + "," + quoted[0]).utf8),
        afterScenarioMask: Array((quoted[1] + "\n").utf8))
    case .jsonl:
      let fields = zip(names, values).map { jsonString($0) + ":" + jsonString($1) }
      if spans {
        return LinePieces(
          beforeMask: Array(
            ("{" + fields[..<boot].joined(separator: ",") + ",\"mask_first\":").utf8),
          afterMask: Array(("," + fields[boot...].joined(separator: ",") + "}\n").utf8),
          afterScenarioMask: [])
      }
      return LinePieces(
        beforeMask: Array(("{" + fields[..<boot].joined(separator: ",") + ",\"mask\":").utf8),
        afterMask: Array(
          ("," + fields[boot...].joined(separator: ",") + ",\"scenario\":"
            + jsonString(key.before).dropLast()).utf8),
        afterScenarioMask: Array((jsonString(key.after).dropFirst() + "}\n").utf8))
    }
  }
}
