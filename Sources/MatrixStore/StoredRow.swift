import DMAModel
import GRDB
import Support

/// What a row holds that nothing of ours writes.
package struct MalformedRow: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// GRDB's subscripts end the program where a value is missing or has another type, and
/// a file from elsewhere may hold anything: rows are decoded by these, or by decode().
extension Row {
  package func text(_ index: Int) throws -> String { try decode(atIndex: index) }

  package func text(_ column: String) throws -> String { try decode(forColumn: column) }

  package func optionalText(_ column: String) throws -> String? { try decode(forColumn: column) }

  package func integer(_ index: Int) throws -> Int { try decode(atIndex: index) }

  package func key(_ index: Int) throws -> Int64 { try decode(atIndex: index) }

  /// The value of an axis, or of a column of answers, that a column names.
  func value<Value: AxisValue>(_ column: String = Value.axis) throws -> Value {
    let name = try text(column)
    guard let value = Value(name: name) else {
      throw MalformedRow("\(column) '\(name.printable)' is unknown")
    }
    return value
  }

  /// The bits of the masks of a span, by the columns of its two ends.
  package func masks(_ first: Int, _ last: Int) throws -> ClosedRange<Int> {
    let (first, last) = (try integer(first), try integer(last))
    guard DMAMask(bits: first) != nil, DMAMask(bits: last) != nil, first <= last else {
      throw MalformedRow("a span of masks goes from \(first) to \(last)")
    }
    return first...last
  }
}

/// A row that may hold anything: every value is checked.
struct StoredRow {
  private let row: Row
  private let table: String

  init(_ row: Row, table: String) {
    self.row = row
    self.table = table
  }

  func malformed(_ column: String) -> MalformedRow {
    MalformedRow("\(table).\(column) holds what dmamatrix never writes")
  }

  private func value(_ column: String) throws -> DatabaseValue {
    guard row.hasColumn(column) else { throw malformed(column) }
    return row[column]
  }

  func optionalText(_ column: String) throws -> String? {
    let value = try value(column)
    if value.isNull { return nil }
    guard case .string(let text) = value.storage else { throw malformed(column) }
    return text
  }

  func text(_ column: String) throws -> String {
    guard let text = try optionalText(column) else { throw malformed(column) }
    return text
  }

  func optionalInteger(_ column: String) throws -> Int? {
    let value = try value(column)
    if value.isNull { return nil }
    guard case .int64(let integer) = value.storage else { throw malformed(column) }
    return Int(integer)
  }

  func integer(_ column: String, in range: ClosedRange<Int> = .min ... .max) throws -> Int {
    guard let value = try optionalInteger(column), range.contains(value) else {
      throw malformed(column)
    }
    return value
  }

  func optionalFlag(_ column: String) throws -> Bool? {
    guard let value = try optionalInteger(column) else { return nil }
    guard (0...1).contains(value) else { throw malformed(column) }
    return value == 1
  }

  func flag(_ column: String) throws -> Bool {
    guard let flag = try optionalFlag(column) else { throw malformed(column) }
    return flag
  }

  /// A number as hexadecimal text.
  func address(_ column: String) throws -> UInt64? {
    guard let text = try optionalText(column) else { return nil }
    guard let value = UInt64(hexadecimal: text) else { throw malformed(column) }
    return value
  }
}
