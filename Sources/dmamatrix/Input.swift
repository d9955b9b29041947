import Foundation
import Support

/// What is piped into a command, and files that options name.
enum Input {
  private static let limit = 64 << 20

  /// Whether a path leads to a directory.
  static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && isDirectory.boolValue
  }

  /// Standard input to its end.
  ///
  /// - Throws: A ``UsageError`` for more than 64 MiB: an endless one would fill the
  ///   memory.
  static func standardInput(expected: String) throws -> Data {
    try contents(of: .standardInput, called: "standard input", expected: expected)
  }

  /// A file that an option names, to its end; it may be a pipe.
  ///
  /// - Throws: A ``UsageError`` for what cannot be read and for more than 64 MiB.
  static func file(_ path: String, option: String, expected: String) throws -> Data {
    let name = "\(option) '\(path.printable)'"
    let descriptor: Int32
    do throws(InputFile.Failure) {
      descriptor = try InputFile.open(path)
    } catch {
      throw UsageError(
        description: "\(name) is no readable file (\(error.reason)); expected \(expected)")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    defer { try? file.close() }
    return try contents(of: file, called: name, expected: expected)
  }

  private static func contents(
    of file: FileHandle, called name: String, expected: String
  ) throws -> Data {
    var data = Data()
    do {
      while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
        data.append(part)
        if data.count > limit { break }
      }
    } catch {
      throw UsageError(description: "\(name) cannot be read; expected \(expected)")
    }
    guard data.count <= limit else {
      throw UsageError(description: "\(name) is larger than 64 MiB; expected \(expected)")
    }
    return data
  }
}
