import DMAModel
import Foundation
import MatrixStore
import Support

/// The database that a command adds to.
enum DatabaseTarget {
  /// Makes the default matrix where there is no such file: what is added is asked beside it.
  static func prepare(_ path: String) throws {
    guard !path.isEmpty else {
      throw UsageError(description: "--store '' names no file; expected the name of a database")
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let isEmpty =
      attributes?[.size] as? UInt64 == 0 && attributes?[.type] as? FileAttributeType == .typeRegular
    if attributes != nil, !isEmpty {
      _ = try MatrixDatabase(path: path)
      return
    }
    // Under a name of its own first: another run may make the file meanwhile, and then its
    // content is what is added to.
    let made = "\(path).\(ProcessInfo.processInfo.processIdentifier).tmp"
    defer { unlink(made) }
    let generator = MatrixGenerator(
      domain: MatrixDomain(), jobs: ProcessInfo.processInfo.activeProcessorCount,
      toolVersion: toolVersion)
    _ = try generator.generate(to: made) { fraction in
      Output.progress(fraction, "generating")
    } building: { files in
      Interruption.removeOnSignal(files + [made])
    }
    if isEmpty { unlink(path) }
    guard link(made, path) == 0 else {
      let reason = errno
      if reason == EEXIST { return }
      throw StoreError.cannotWrite(path: path, reason: String(cString: strerror(reason)))
    }
    Output.error("\(path.printable) is new, with the default matrix")
  }
}
