/// The tokens of a file.
///
/// Beside them stands nothing: whoever looks at a neighbour needs no test for the ends of
/// a file, which may end anywhere.
struct CTokens: RandomAccessCollection, Sendable {
  private let tokens: [CToken]

  init(_ tokens: [CToken] = []) { self.tokens = tokens }

  var startIndex: Int { 0 }
  var endIndex: Int { tokens.count }

  subscript(index: Int) -> CToken {
    tokens.indices.contains(index) ? tokens[index] : Self.nothing
  }

  subscript(bounds: Range<Int>) -> ArraySlice<CToken> {
    tokens[bounds.clamped(to: tokens.indices)]
  }

  /// No name, and no punctuation that is asked for.
  private static let nothing = CToken(
    kind: .punctuation, code: 0, start: 0, end: 0, line: 0, depth: 0, region: -1)
}
