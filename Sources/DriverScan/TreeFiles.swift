import Foundation
import Support

/// The files of a kernel tree that may be read; nothing in it is run, and no symbolic
/// link is followed out of it.
struct TreeFiles: Sendable {
  /// The absolute path, without symbolic links.
  let path: String

  /// No source file of a kernel that a person wrote is larger; generated register
  /// tables are.
  static let sizeLimit = 4 << 20
  /// 7.3 has 64 000 C files and headers in the directories that are read.
  static let fileLimit = 400_000
  /// 7.3 has directories ten deep.
  static let depthLimit = 24

  /// What a directory walk found.
  struct Listing: Sendable {
    /// Paths below the tree, sorted.
    var sources: [String] = []
    var makefiles: [String] = []
    var kconfigs: [String] = []
    /// Files that are larger than ``sizeLimit``.
    var tooLarge: [String] = []
  }

  /// Opens a tree.
  ///
  /// - Throws: ``ScanError/notATree(path:missing:)`` where a file is missing that
  ///   every tree has.
  init(path: String) throws(ScanError) {
    guard let resolved = realpath(path, nil) else { throw .missing(path: path) }
    defer { free(resolved) }
    self.path = String(cString: resolved)
    for file in ["Makefile", "Kconfig", "drivers/Makefile", "include/linux/dma-mapping.h"]
    where read(file) == nil {
      throw .notATree(path: path, missing: file)
    }
  }

  /// A file's bytes, or nil: no regular file, a link out of the tree, or too large.
  func read(_ file: String) -> [UInt8]? {
    InputFile.contents(of: path + "/" + file, below: path, limit: Self.sizeLimit)
  }

  /// Every C file, header, Makefile and Kconfig file below some directories.
  ///
  /// Symbolic links are not followed: a kernel has no source behind one.
  func listing(of directories: [String]) throws(ScanError) -> Listing {
    var listing = Listing()
    var queue = directories.map { ($0, 0) }
    while let (directory, depth) = queue.popLast() {
      guard let stream = opendir(path + "/" + directory) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name != ".", name != ".." else { continue }
        let file = directory + "/" + name
        var status = stat()
        guard lstat(path + "/" + file, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          if depth < Self.depthLimit { queue.append((file, depth + 1)) }
        } else if status.st_mode & S_IFMT == S_IFREG {
          listing.add(file, name: name, size: Int(status.st_size))
        }
        guard listing.count + queue.count <= Self.fileLimit else {
          throw .tooLarge(path: path, what: "files", limit: Self.fileLimit)
        }
      }
    }
    listing.sort()
    return listing
  }
}

extension TreeFiles.Listing {
  fileprivate var count: Int { sources.count + makefiles.count + kconfigs.count + tooLarge.count }

  fileprivate mutating func add(_ file: String, name: String, size: Int) {
    let isSource = name.hasSuffix(".c") || name.hasSuffix(".h")
    let isMakefile = name == "Makefile" || name == "Kbuild"
    let isKconfig = name.hasPrefix("Kconfig")
    guard isSource || isMakefile || isKconfig else { return }
    if size > TreeFiles.sizeLimit {
      tooLarge.append(file)
    } else if isSource {
      sources.append(file)
    } else if isMakefile {
      makefiles.append(file)
    } else {
      kconfigs.append(file)
    }
  }

  fileprivate mutating func sort() {
    sources.sort()
    makefiles.sort()
    kconfigs.sort()
    tooLarge.sort()
  }
}
