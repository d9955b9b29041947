import Foundation

/// The programs of PATH.
package enum ProgramPath {
  /// Executable files of some names: all of the first name in PATH's order, then the next's.
  ///
  /// Relative entries are left out, which lead to wherever the user happens to be.
  package static func programs(_ names: [String]) -> [String] {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let directories = path.split(separator: ":").filter { $0.hasPrefix("/") }
    return names.flatMap { name in directories.map { "\($0)/\(name)" } }.filter { program in
      var status = stat()
      return stat(program, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        && access(program, X_OK) == 0
    }
  }
}
