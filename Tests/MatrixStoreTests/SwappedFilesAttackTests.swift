import DMAModel
import Foundation
import Support
import TestSupport
import Testing

@testable import MatrixStore

/// Somebody else writes the directory in which a database is made, and puts links and
/// other files where the unfinished ones were.
@Suite struct SwappedFilesAttackTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("matrix.db") }
  private let treasure = "what no run may change"

  init() throws {
    directory = try TemporaryDirectory()
    #expect(chmod(directory.path, 0o777) == 0)
    try treasure.write(toFile: directory.file("victim"), atomically: false, encoding: .utf8)
  }

  private var victim: String? {
    try? String(contentsOfFile: directory.file("victim"), encoding: .utf8)
  }

  private func generate(_ building: ([String]) -> Void = { _ in }) throws {
    var domain = smallDomain
    domain.masks = Array(DMAMask.allCases.prefix(2))
    domain.operations = [.map]
    _ = try MatrixGenerator(domain: domain, jobs: 1, toolVersion: "test")
      .generate(to: path, building: building)
  }

  /// Before SQLite opens them, each file becomes a link, a second name of another file,
  /// or a file of somebody else.
  @Test(arguments: ["link", "name", "file"], ["loose", "packed", "copy"])
  func aFileThatWasSwappedIsNotWritten(kind: String, stage: String) throws {
    if stage == "copy" { try generate() }
    let before = try? Data(contentsOf: URL(fileURLWithPath: path))
    func swap(_ files: [String]) {
      for file in files where file.hasSuffix(".\(stage).tmp") {
        #expect(unlink(file) == 0)
        switch kind {
        case "link": #expect(symlink("victim", file) == 0)
        case "name": #expect(link(directory.file("victim"), file) == 0)
        default: _ = FileManager.default.createFile(atPath: file, contents: Data("mine".utf8))
        }
      }
    }
    let isLast = stage != "loose"
    let result = Result {
      if stage == "copy" {
        try ObservationStore(path: path, toolVersion: "test").add([], building: swap)
      } else {
        try generate(swap)
      }
    }
    #expect(victim == treasure)
    if isLast {
      // What would get the name is not what was made.
      #expect(throws: StoreError.self) { try result.get() }
      #expect((try? Data(contentsOf: URL(fileURLWithPath: path))) == before)
    } else {
      #expect(throws: Never.self) { try result.get() }
      try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
    }
  }

  /// A process swaps as fast as it can while databases are made.
  @Test func aSwappingProcessReachesNoOtherFile() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    process.arguments = [
      "-c",
      """
      while [ -d . ]; do for file in matrix.db.*.loose.tmp matrix.db.*.packed.tmp matrix.db.*-journal; do
        [ -f "$file" ] && ln -sf victim "$file"; done; done
      """,
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    for _ in 0..<10 {
      do { try generate() } catch is StoreError {}
      #expect(victim == treasure)
    }
  }
}
