/// Why the masks that a file's devices have are not decided.
public struct MaskDoubt: Hashable, Sendable {
  /// Of the code that is meant; 0 where that is the whole file.
  public let line: Int
  public let reason: String

  /// How many a file has at most.
  static let limit = 12

  /// Whether it is about how a function fails alone.
  var isAboutFailure: Bool {
    reason.contains("if it fails, its device") || reason.hasSuffix("a number that is no error")
  }

  public init(line: Int, reason: String) {
    (self.line, self.reason) = (line, reason)
  }
}

extension OrderedSet<MaskDoubt> {
  /// Adds a reason below ``MaskDoubt/limit``; `token` is where.
  mutating func add(_ reason: String, at token: Int?, in file: CFile) {
    guard count < MaskDoubt.limit else { return }
    let line = token.flatMap { $0 < file.tokens.count ? Int(file.tokens[$0].line) : nil } ?? 0
    insert(MaskDoubt(line: line, reason: reason))
  }
}
