import Foundation
import Support

/// A directory in the cache for what one run builds, which goes with it.
///
/// A process that waits for the end of this one removes it, however that ends: by
/// ``remove()``, by an interrupt, or by SIGKILL.
final class Workspace: Sendable {
  /// The absolute path.
  let path: String
  /// The process that waits, and the end of its pipe that is held here.
  private let keeper: Locked<(process: ChildProcess, descriptor: Int32)?>

  /// - Parameter launcher: What waits.
  init(in cache: BuildCache, launcher: String) throws(TreeError) {
    path = cache.directory + "/run.\(getpid()).\(UUID().uuidString)"
    guard mkdir(path, 0o700) == 0 else {
      throw .cannotRun(reason: "'\(path)' cannot be made (\(String(cString: strerror(errno))))")
    }
    keeper = Locked(nil)
    do throws(TreeError) {
      try watch(launcher)
    } catch {
      rmdir(path)
      throw error
    }
  }

  private func watch(_ launcher: String) throws(TreeError) {
    let pipe = try ProgramPipe()
    let held = fcntl(pipe.writing, F_DUPFD_CLOEXEC, 0)
    guard held >= 0 else { throw .cannotRun(reason: "no descriptor is left") }
    let nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { if nothing >= 0 { close(nothing) } }
    let process: ChildProcess?
    do throws(TreeError) {
      process = try ChildProcess.start(
        launcher, ["tidy", path], environment: [:], descriptors: (pipe.reading, nothing, nothing),
        isDetached: true)
    } catch {
      close(held)
      throw error
    }
    guard let process else {
      close(held)
      throw .cannotRun(reason: "'\(launcher.printable)' is no program")
    }
    keeper.withLock { $0 = (process, held) }
  }

  /// Removes it now.
  func remove() {
    let held = keeper.withLock { held in
      defer { held = nil }
      return held
    }
    guard let held else { return }
    try? FileManager.default.removeItem(atPath: path)
    close(held.descriptor)
    _ = held.process.wait()
  }

  deinit { remove() }
}
