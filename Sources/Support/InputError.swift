/// Why an input file cannot be used, in one sentence.
public enum InputError: UserFacingError, Equatable {
  case unreadable(file: String, reason: String)
  case missingColumn(file: String, column: String, expected: [String])
  case fieldCount(file: String, line: Int, found: Int, expected: Int)
  case unknownValue(
    file: String, line: Int, column: String, value: String, accepted: [String])
  case empty(file: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file): \(reason)"
    case .missingColumn(let file, let column, let expected):
      "\(file): no column '\(column)'; such a file has \(expected.joined(separator: ", "))"
    case .fieldCount(let file, let line, let found, let expected):
      "\(file):\(line): \(found) fields, but the header names \(expected)"
    case .unknownValue(let file, let line, let column, let value, let accepted):
      "\(file):\(line): unknown \(column) '\(value.printable)'; "
        + "accepted: \(accepted.joined(separator: ", "))"
    case .empty(let file):
      "\(file): empty; a file of measurements starts with a header line"
    }
  }
}
