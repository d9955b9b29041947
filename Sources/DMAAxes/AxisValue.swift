/// One value of a scenario axis, as it is spelled in files, queries and reports.
///
/// The order of `allCases`, the values of the matrix, is part of the dense index of a
/// scenario (``ScenarioIndex``): values are appended, never reordered or removed. An axis
/// may take other values beside them, which have a name, but no dense index: those of
/// ``extended``, and finer ones, as a bus limit of any width or a buffer anywhere. They
/// are answered where a user names them.
public protocol AxisValue: CaseIterable, Hashable, Sendable where AllCases: RandomAccessCollection {
  /// The axis' name, as a column of a vectors file and of the database.
  static var axis: String { get }
  /// The value's spelling; unique within the axis and never changed.
  var name: String { get }
  /// What the value means, in one sentence.
  var summary: String { get }
  /// The value spelled `name`, or nil where the axis has none.
  init?(name: some StringProtocol)
  /// Named values beside those of the matrix; empty where there are none.
  static var extended: [Self] { get }
  /// What finer values look like, for messages; empty where there are none.
  static var finerForms: [String] { get }
}

extension AxisValue {
  public init?(name: some StringProtocol) {
    guard let value = Self.standard(name) else { return nil }
    self = value
  }

  public static var extended: [Self] { [] }

  public static var finerForms: [String] { [] }

  /// The values that have names of their own: those of the matrix, then ``extended``.
  public static var known: [Self] { allCases + extended }

  /// The value of ``known`` spelled `name`, or nil.
  static func standard(_ name: some StringProtocol) -> Self? {
    allCases.first { $0.name == name } ?? extended.first { $0.name == name }
  }

  /// The spellings of `allCases`, in order.
  public static var names: [String] { allCases.map(\.name) }

  /// Every spelling that the axis accepts, for messages and help.
  public static var accepted: [String] { knownNames + finerForms }

  /// The spellings of ``known``, in order.
  public static var knownNames: [String] { known.map(\.name) }

  /// Each of some values once: those of `allCases` in its order, then finer ones as
  /// they were given.
  public static func ordered(_ values: [Self]) -> [Self] {
    allCases.filter(values.contains) + finer(among: values)
  }

  /// The values of `allCases`, then the finer ones among some values, each once.
  public static func all(with values: [Self]) -> [Self] { allCases + finer(among: values) }

  private static func finer(among values: [Self]) -> [Self] {
    let standard = Set(allCases)
    var seen: Set<Self> = []
    return values.filter { !standard.contains($0) && seen.insert($0).inserted }
  }
}
