extension String {
  /// The lines of a text, at most `limit`; some programs end them with CR LF, which is
  /// one Character.
  package func lines(upTo limit: Int = .max) -> ArraySlice<Substring> {
    split(maxSplits: limit, omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
      .prefix(limit)
  }
}
