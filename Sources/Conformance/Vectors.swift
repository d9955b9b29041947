import DMAModel
import Support

/// One measured outcome: a scenario on a kernel, and what the kernel answered.
public struct Vector: Sendable {
  /// The kernel that was measured, e.g. `v6`.
  public let kernel: KernelVersion
  public let scenario: Scenario
  /// Whether pools grow, and how full the default pool is.
  public let conditions: BootConditions
  /// What happens to the coherent mask before the request is undone.
  public let maskChange: MaskChange
  /// The measured columns, in the order of ``columnNames``; nil where the file does
  /// not have the column.
  public let measured: [String?]
  /// The line of the file, from 1.
  public let line: Int

  /// Every outcome column that a file can have: the answer's, then those of its end.
  public static let columnNames = Answer.columnNames + LifeAnswer.columnNames
}

/// A file of measured outcomes, plain or compressed by gzip.
public struct VectorsFile {
  private var table: CSVTable
  private let variants: [KernelVersion]
  private let axisColumns: [Int?]
  private let outcomeColumns: [Int?]
  private let hasFill: Bool

  /// Axis columns in the order of parsing, with the value of a missing column.
  private static let axes: [(name: String, missing: String?)] = [
    ("kernel", nil), (Platform.axis, nil), (IOMMUMode.axis, nil), (SwiotlbMode.axis, nil),
    (MachineName.axis, nil), (DMAMask.axis, nil),
    (CoherentMask.axis, CoherentMask.same.name), (BusLimit.axis, BusLimit.none.name),
    (Coherence.axis, nil), (Facing.axis, nil), (Operation.axis, nil), (Attributes.axis, nil),
    (Buffer.axis, nil), (PoolFill.axis, PoolFill.empty.name),
    (MaskChange.axis, MaskChange.none.name),
  ]

  /// What a file without columns about the end of a request must have, and one with.
  private static let answerColumns = Answer.columnNames.filter { $0 != "max_map" }
  private static let lifeColumns =
    ["result"]
    + LifeAnswer.columnNames.filter {
      $0 != BouncePool.axis && $0 != TransientSource.axis
    }

  /// Opens a file and checks its header.
  ///
  /// - Parameter variants: Kernels that rows may name beside the known ones.
  public init(path: String, variants: [KernelVersion] = []) throws(InputError) {
    try self.init(name: path, bytes: GzipFile.contents(of: path), variants: variants)
  }

  /// Reads vectors from memory; `name` is what error messages call them.
  public init(
    name: String, bytes: [UInt8], variants: [KernelVersion] = []
  ) throws(InputError) {
    self.variants = variants
    table = try CSVTable(file: name, bytes: bytes)
    let expected = Self.axes.map(\.name) + Answer.columnNames
    var axisColumns: [Int?] = []
    for axis in Self.axes {
      let column = table.header.firstIndex(of: axis.name)
      if column == nil, axis.missing == nil {
        throw .missingColumn(file: name, column: axis.name, expected: expected)
      }
      axisColumns.append(column)
    }
    var outcomeColumns: [Int?] = []
    // A file about the end of requests need not repeat their answers.
    let isLife = !Set(table.header).isDisjoint(with: LifeAnswer.columnNames)
    let required = isLife ? Self.lifeColumns : Self.answerColumns
    for outcome in Vector.columnNames {
      let column = table.header.firstIndex(of: outcome)
      if column == nil, required.contains(outcome) {
        throw .missingColumn(
          file: name, column: outcome,
          expected: isLife ? Self.axes.map(\.name) + Self.lifeColumns : expected)
      }
      outcomeColumns.append(column)
    }
    // Only kernels with CONFIG_SWIOTLB_DYNAMIC=y were measured with that axis.
    hasFill = table.header.contains(PoolFill.axis)
    self.axisColumns = axisColumns
    self.outcomeColumns = outcomeColumns
  }

  /// The next vector, or nil at the end of the file.
  public mutating func next() throws(InputError) -> Vector? {
    guard let fields = try table.nextRow() else { return nil }
    let name = text(0, in: fields)
    guard let kernel = KernelVersion.named(name) ?? variants.first(where: { $0.name == name })
    else {
      throw unknown(0, name, accepted: (KernelVersion.known + variants).map(\.name))
    }
    let scenario = Scenario(
      platform: try value(1, in: fields), iommu: try value(2, in: fields),
      swiotlb: try value(3, in: fields), memory: try value(4, in: fields),
      mask: try value(5, in: fields), coherentMask: try value(6, in: fields),
      busLimit: try value(7, in: fields), coherence: try value(8, in: fields),
      facing: try value(9, in: fields), operation: try value(10, in: fields),
      attributes: try value(11, in: fields), buffer: try value(12, in: fields))
    return Vector(
      kernel: kernel, scenario: scenario,
      conditions: BootConditions(
        dynamicPools: hasFill ? .on : .off, fill: try value(13, in: fields)),
      maskChange: try value(14, in: fields),
      measured: outcomeColumns.map { column in column.map { fields[$0] } }, line: table.line)
  }

  private func text(_ axis: Int, in fields: [String]) -> String {
    axisColumns[axis].map { fields[$0] } ?? Self.axes[axis].missing ?? ""
  }

  private func value<Value: AxisValue>(
    _ axis: Int, in fields: [String]
  ) throws(InputError) -> Value {
    let name = text(axis, in: fields)
    guard let value = Value(name: name) else {
      throw unknown(axis, name, accepted: Value.accepted)
    }
    return value
  }

  private func unknown(_ axis: Int, _ value: String, accepted: [String]) -> InputError {
    .unknownValue(
      file: table.file, line: table.line, column: Self.axes[axis].name, value: value,
      accepted: accepted)
  }
}
