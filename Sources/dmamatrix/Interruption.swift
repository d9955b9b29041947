import Foundation

/// Removes unfinished files when the user interrupts.
enum Interruption {
  nonisolated(unsafe) private static var paths: [UnsafeMutablePointer<CChar>] = []
  nonisolated(unsafe) private static var child: pid_t = 0

  /// From now on SIGINT, SIGTERM and SIGHUP end `child` and remove `files`, then
  /// the process with the signal's own status.
  ///
  /// - Parameters:
  ///   - files: Files, and empty directories behind the files in them.
  ///   - child: A process that would live on, as Foundation gives it a group of
  ///     its own.
  static func removeOnSignal(_ files: [String], ending child: pid_t? = nil) {
    paths = files.compactMap { strdup($0) }
    self.child = child ?? 0
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      Foundation.signal(signal) { number in
        if Interruption.child > 0 { kill(Interruption.child, SIGKILL) }
        for path in Interruption.paths where unlink(path) != 0 { rmdir(path) }
        Foundation.signal(number, SIG_DFL)
        raise(number)
      }
    }
  }
}
