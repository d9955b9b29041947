import Foundation

/// What a program writes into a pipe, of which there may be no end.
extension FileHandle {
  /// The next bytes; fewer, or none, where it ends before.
  func next(_ count: Int) -> Data { (try? read(upToCount: count)) ?? Data() }

  /// Reads to the end and keeps the first bytes: nobody who writes has to wait, and
  /// nobody fills the memory.
  func rest(keeping count: Int = 1 << 20) -> Data {
    let kept = next(count)
    while !next(1 << 16).isEmpty {}
    return kept
  }
}
