import Foundation
import Support

/// The headers of a tree, read when a name is looked for, and kept.
final class Headers: Sendable {
  /// A header: its macros, and the tokens of its `enum`s alone.
  final class Header: Sendable {
    let file: CFile
    /// What it defines.
    let names: Set<String>
    let hazards: HeaderHazards

    init(_ file: CFile) {
      var file = file
      hazards = HeaderHazards(file)
      var kept: [CToken] = []
      var index = 0
      while index < file.tokens.count {
        defer { index += 1 }
        guard file.isNamed(file.tokens[index], "enum"),
          let open = (index + 1..<max(index + 1, min(index + 3, file.tokens.count))).first(where: {
            file.tokens[$0].is("{")
          })
        else { continue }
        // Past what is in it: an enum within is kept with the one around it.
        let close = file.closingBrace(of: open)
        kept += file.tokens[index...close]
        index = close
      }
      file.tokens = CTokens(kept)
      file.index = NameIndex(file)
      let names = Set(file.macros.keys).union(file.index?.constants.keys.map { $0 } ?? [])
      self.file = file
      self.names = names
    }
  }

  /// A name's `#define`s, all in one file; several where `#if` chooses.
  struct Definition: Sendable {
    let file: CFile
    let macros: [CMacro]
    /// Whether no `#if` around an `#include` chooses it, nor another header.
    var isCertain = true
  }

  let tree: TreeFiles
  /// What `#include <name>` finds.
  private let named = Locked<[String: Header?]>([:])
  private let headers = Locked<[String: Header?]>([:])

  /// Of one file's lookup: 7.3's longest chain of a driver's own headers is six.
  private static let depthLimit = 6
  private static let headerLimit = 300

  init(_ tree: TreeFiles) { self.tree = tree }

  /// The headers that a file includes, directly or not: those that no `#if` chooses first,
  /// and their number; the driver's own before the kernel's, and the nearest first.
  func included(by file: CFile) -> (headers: [Header], certain: Int) {
    var seen: Set<String> = [file.path]
    var found: [Header] = []
    var chosen: [(include: CFile.Include, from: String, depth: Int)] = []
    func read(_ start: [(include: CFile.Include, from: String, depth: Int)], all: Bool) {
      var queues = [start.filter(\.include.isQuoted), start.filter { !$0.include.isQuoted }]
      var next = [0, 0]
      while let queue = queues.indices.first(where: { next[$0] < queues[$0].count }),
        found.count < Self.headerLimit
      {
        let (include, from, depth) = queues[queue][next[queue]]
        next[queue] += 1
        guard all || !include.isConditional else {
          chosen.append((include, from, depth))
          continue
        }
        guard let header = header(include.name, include.isQuoted, from: from),
          seen.insert(header.file.path).inserted
        else { continue }
        found.append(header)
        guard depth < Self.depthLimit else { continue }
        for inner in header.file.includes {
          // What the kernel's headers include in quotes is the kernel's.
          queues[inner.isQuoted && queue == 0 ? 0 : 1].append((inner, header.file.path, depth + 1))
        }
      }
    }
    read(file.includes.map { ($0, file.path, 1) }, all: false)
    let certain = found.count
    read(chosen, all: true)
    return (found, certain)
  }

  private func header(_ name: String, _ isQuoted: Bool, from file: String) -> Header? {
    // Most names are the same from everywhere, and asked for by every driver.
    if isQuoted { return find(name, isQuoted, from: file) }
    if let known = named.withLock({ $0[name] }) { return known }
    let header = find(name, isQuoted, from: file)
    named.withLock { $0[name] = .some(header) }
    return header
  }

  private func find(_ name: String, _ isQuoted: Bool, from file: String) -> Header? {
    if isQuoted, let slash = file.lastIndex(of: "/"),
      let path = Self.normalized(String(file[...slash]) + name), let header = header(at: path)
    {
      return header
    }
    for place in ["include/", "include/uapi/"] {
      if let path = Self.normalized(place + name), let header = header(at: path) { return header }
    }
    return nil
  }

  /// A header by its path below the tree.
  func header(at path: String) -> Header? {
    if let known = headers.withLock({ $0[path] }) { return known }
    let header = tree.read(path).map { Header(CFile(path: path, bytes: $0)) }
    headers.withLock { $0[path] = .some(header) }
    return header
  }

  /// The path without `.` and `..`; nil where it leaves the tree.
  static func normalized(_ path: String) -> String? {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part != ".." {
        parts.append(part)
      } else if parts.popLast() == nil {
        return nil
      }
    }
    return parts.joined(separator: "/")
  }
}
