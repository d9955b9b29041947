import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Where programs are built that are then run by their name.
@Suite struct BuildCacheTests {
  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  private func reason(_ directory: String) -> String? {
    do {
      _ = try BuildCache(directory: directory)
      return nil
    } catch {
      return error.description
    }
  }

  @Test(arguments: [
    (["HOME": "/h"], "/h/.cache/dmamatrix"),
    (["HOME": "/h", "XDG_CACHE_HOME": "/x"], "/x/dmamatrix"),
    (["HOME": "/h", "XDG_CACHE_HOME": ""], "/h/.cache/dmamatrix"),
    (["HOME": "/h", "XDG_CACHE_HOME": "relative"], "/h/.cache/dmamatrix"),
    (["XDG_CACHE_HOME": "/x"], "/x/dmamatrix"),
    (["HOME": "/h", "DMAMATRIX_CACHE": "/d"], "/d"),
    (["HOME": "/h", "DMAMATRIX_CACHE": ""], "/h/.cache/dmamatrix"),
  ])
  func theUsualDirectory(environment: [String: String], directory: String) throws {
    #expect(try BuildCache.usual(environment) == directory)
  }

  @Test(arguments: [[:], ["HOME": ""], ["XDG_CACHE_HOME": "", "DMAMATRIX_CACHE": ""]])
  func withoutAHomeThereIsNone(environment: [String: String]) {
    let error = #expect(throws: TreeError.self) { try BuildCache.usual(environment) }
    #expect(error?.description.contains("accepted: one as --cache") == true)
  }

  /// Of its own making, whatever the umask, or found: nobody else may write there.
  @Test func whatOthersMayWriteToIsRefused() throws {
    let directory = try TemporaryDirectory()
    let made = directory.file("a/b")
    #expect(reason(made) == nil)
    #expect(try mode(made) == 0o700)
    let found = directory.file("found")
    #expect(mkdir(found, 0o700) == 0)
    for permissions: mode_t in [0o700, 0o755, 0o775, 0o757, 0o1777] {
      #expect(chmod(found, permissions) == 0)
      let isSafe = permissions & 0o022 == 0
      #expect(reason(found)?.contains("others may write to") == (isSafe ? nil : true))
      #expect(try mode(found) == Int(permissions))
    }
  }

  @Test func whatIsAnothersIsRefused() throws {
    let directory = try TemporaryDirectory()
    // An administrator can give one away; everybody else finds one of root's.
    let path = geteuid() == 0 ? directory.path : "/usr"
    if geteuid() == 0 { #expect(chown(path, 65534, 65534) == 0) }
    #expect(reason(path)?.contains("belongs to another user") == true)
  }
}
