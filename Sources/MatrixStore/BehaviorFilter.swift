import DMAModel
import GRDB
import Support

/// Values of axes that a report or a query is about; an absent axis is not limited.
public struct BehaviorFilter: Sendable, Equatable {
  /// Accepted values by axis name, `kernel` and the twelve scenario axes.
  public var values: [String: [String]]

  public init(_ values: [String: [String]] = [:]) { self.values = values }

  /// The condition over the columns of `behavior_span`, with its arguments.
  ///
  /// A filter on `mask` keeps the spans that hold one of the masks, whole: who reads
  /// them cuts them with ``maskRuns(of:)``.
  var condition: (sql: String, arguments: StatementArguments) {
    var terms: [String] = []
    var arguments: [String] = []
    for axis in ["kernel"] + Scenario.axes {
      guard let accepted = values[axis] else { continue }
      if axis == DMAMask.axis {
        let spans = accepted.map { _ in
          "CAST(? AS INTEGER) BETWEEN mask_first AND mask_last"
        }
        terms.append("(" + spans.joined(separator: " OR ") + ")")
      } else {
        terms.append(
          "\(axis) IN (" + accepted.map { _ in "?" }.joined(separator: ", ") + ")")
      }
      arguments += accepted
    }
    let sql = terms.isEmpty ? "1" : terms.joined(separator: " AND ")
    return (sql, StatementArguments(arguments))
  }

  /// The part of a span of masks that the filter keeps, as unbroken runs.
  public func maskRuns(of span: ClosedRange<Int>) -> [ClosedRange<Int>] {
    guard let accepted = values[DMAMask.axis].map(Set.init) else { return [span] }
    var runs: [ClosedRange<Int>] = []
    for mask in span where accepted.contains(String(mask)) {
      if let last = runs.last, last.upperBound + 1 == mask {
        runs[runs.count - 1] = last.lowerBound...mask
      } else {
        runs.append(mask...mask)
      }
    }
    return runs
  }
}

/// One span of masks with its answer, as `behavior_span` shows it.
public struct BehaviorSpan: Sendable, Hashable {
  public let kernel: String
  public let platform: String
  public let iommu: String
  public let swiotlb: String
  public let mem: String
  public let coherentMask: String
  public let busLimit: String
  public let coherent: String
  public let external: String
  public let op: String
  public let attrs: String
  public let buf: String
  public let masks: ClosedRange<Int>
  public let result: String
  public let verdict: String
  public let exposure: String
}

extension BehaviorSpan {
  /// The answer of a booted kernel to one request, straight from the model.
  public init(_ kernel: KernelVersion, _ booted: BootedKernel, _ request: DeviceRequest) {
    let judged = JudgedAnswer(
      booted.platform, request, booted.answer(to: request),
      addressLines: booted.machine.device.addressLines)
    self.init(
      kernel: kernel.name, platform: booted.platform.name, iommu: booted.iommu.name,
      swiotlb: booted.swiotlb.name, mem: booted.machine.name.name,
      coherentMask: request.coherentMask.name, busLimit: request.busLimit.name,
      coherent: request.coherence.name, external: request.facing.name,
      op: request.operation.name, attrs: request.attributes.name, buf: request.buffer.name,
      masks: Int(request.mask.bits)...Int(request.mask.bits),
      result: judged.answer.result.name, verdict: judged.verdict.name,
      exposure: judged.exposure.name)
  }
}

extension MatrixDatabase {
  /// A cursor over columns of `behavior_span`, in the order of the indexes that the
  /// filter asks for; the columns `mask_first` and `mask_last` come last.
  public func spanRows(
    _ database: Database, columns: [String], filter: BehaviorFilter
  ) throws -> RowCursor {
    let condition = filter.condition
    let list = (columns + ["mask_first", "mask_last"]).map { "\"\($0)\"" }
    return try Row.fetchCursor(
      database,
      sql: "SELECT \(list.joined(separator: ", ")) FROM behavior_span WHERE \(condition.sql)",
      arguments: condition.arguments)
  }

  /// The first span that a filter keeps and that has more than digits and points in a
  /// column; nil where none has.
  public func firstSpanRow(
    _ database: Database, columns: [String], filter: BehaviorFilter, withWordIn column: String
  ) throws -> Row? {
    let condition = filter.condition
    let list = (columns + ["mask_first", "mask_last"]).map { "\"\($0)\"" }
    return try Row.fetchOne(
      database,
      sql: "SELECT \(list.joined(separator: ", ")) FROM behavior_span WHERE \(condition.sql) "
        + "AND \"\(column)\" GLOB '*[^0-9.]*' LIMIT 1",
      arguments: condition.arguments)
  }

  /// The spans that a filter keeps, cut to its masks, in the order of the axes.
  public func spans(_ filter: BehaviorFilter) throws(StoreError) -> [BehaviorSpan] {
    try read { database in
      let places = try Self.places(database)
      let rows = try spanRows(
        database,
        columns: [
          "kernel", "platform", "iommu", "swiotlb", "mem", "coherent_mask", "bus_limit", "coherent",
          "external", "op", "attrs", "buf", "result", "verdict", "exposure",
        ], filter: filter)
      var spans: [(place: [Int], span: BehaviorSpan)] = []
      while let row = try rows.next() {
        let masks = try row.masks(15, 16)
        let place = try places.enumerated().map { column, places in
          let name = try row.text(column)
          guard let place = places[name] else {
            throw MalformedRow("'\(name.printable)' is a value of no axis")
          }
          return place
        }
        for run in filter.maskRuns(of: masks) {
          let span = BehaviorSpan(
            kernel: try row.text(0), platform: try row.text(1), iommu: try row.text(2),
            swiotlb: try row.text(3), mem: try row.text(4), coherentMask: try row.text(5),
            busLimit: try row.text(6), coherent: try row.text(7), external: try row.text(8),
            op: try row.text(9), attrs: try row.text(10), buf: try row.text(11),
            masks: run, result: try row.text(12), verdict: try row.text(13),
            exposure: try row.text(14))
          spans.append((place + [run.lowerBound], span))
        }
      }
      spans.sort { $0.place.lexicographicallyPrecedes($1.place) }
      return spans.map(\.span)
    }
  }

  /// The order of the values of each axis, kernels before, masks left out.
  private static func places(_ database: Database) throws -> [[String: Int]] {
    let axes = ["kernel"] + Scenario.axes.filter { $0 != DMAMask.axis }
    return try axes.map { axis in
      let names = try String.fetchAll(database, sql: "SELECT name FROM \(axis) ORDER BY id")
      return Dictionary(zip(names, names.indices)) { first, _ in first }
    }
  }

  /// The names of the kernels in the database, oldest first.
  public func kernelNames() throws(StoreError) -> [String] {
    try read { try String.fetchAll($0, sql: "SELECT name FROM kernel ORDER BY id") }
  }
}
