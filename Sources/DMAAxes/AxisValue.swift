/// One value of a scenario axis, as it is spelled in files, queries and reports.
///
/// The order of `allCases` is part of the dense index of a scenario
/// (``ScenarioIndex``): values are appended, never reordered or removed.
public protocol AxisValue: CaseIterable, Hashable, Sendable where AllCases: RandomAccessCollection {
  /// The axis' name, as a column of a vectors file and of the database.
  static var axis: String { get }
  /// The value's spelling; unique within the axis and never changed.
  var name: String { get }
  /// What the value means, in one sentence.
  var summary: String { get }
}

extension AxisValue {
  /// The value spelled `name`, or nil where the axis has none.
  public init?(name: some StringProtocol) {
    guard let value = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = value
  }

  /// Every spelling that the axis accepts, in order.
  public static var names: [String] { allCases.map(\.name) }
}
