import Foundation

/// What is piped into a command.
enum Input {
  private static let limit = 64 << 20

  /// Standard input to its end.
  ///
  /// - Throws: A ``UsageError`` for more than 64 MiB: an endless one would fill the
  ///   memory.
  static func standardInput(expected: String) throws -> Data {
    var data = Data()
    do {
      while let part = try FileHandle.standardInput.read(upToCount: 1 << 20), !part.isEmpty {
        data.append(part)
        if data.count > limit { break }
      }
    } catch {
      throw UsageError(description: "standard input cannot be read; expected \(expected)")
    }
    guard data.count <= limit else {
      throw UsageError(description: "standard input is larger than 64 MiB; expected \(expected)")
    }
    return data
  }
}
