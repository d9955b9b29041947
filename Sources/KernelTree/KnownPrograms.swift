import DMAModel
import Foundation
import Support

/// What became of files before: a tree in which the files that were asked for are the same
/// gives the same program, without a look at what is in them.
///
/// Two steps, as compiler caches have them: which files a family asked for, of which there
/// are some lists, and for each list what its files gave.
struct KnownPrograms {
  /// What files gave.
  struct Entry: Codable {
    /// The program's key.
    let program: String
    /// What tells its text.
    let text: String
    let code: CompiledText
    let servesByDMAIOMMU: Bool
    let mapsPhysicalAddresses: Bool
    let linksIOVA: Bool
    let attributes: [UInt8]
    let hasArm64Hooks: Bool
    let hasRealms: Bool
    let notFound: [String]
    let files: [String]
    let partial: [String: [String]]
    let predicates: [String]
    let replaced: [String]

    init(program: String, text: String, code: CompiledText, facts: TreeFacts) {
      (self.program, self.text, self.code) = (program, text, code)
      servesByDMAIOMMU = facts.servesByDMAIOMMU
      (mapsPhysicalAddresses, linksIOVA) = (facts.mapsPhysicalAddresses, facts.linksIOVA)
      attributes = facts.attributes.map(\.rawValue).sorted()
      (hasArm64Hooks, hasRealms) = (facts.hasArm64Hooks, facts.hasRealms)
      (notFound, files) = (facts.notFound, facts.files.sorted())
      partial = facts.partial.mapValues { $0.sorted() }
      (predicates, replaced) = (facts.predicates, facts.replaced.sorted())
    }

    var facts: TreeFacts {
      var facts = TreeFacts()
      facts.servesByDMAIOMMU = servesByDMAIOMMU
      (facts.mapsPhysicalAddresses, facts.linksIOVA) = (mapsPhysicalAddresses, linksIOVA)
      facts.attributes = Set(attributes.compactMap(Attributes.init(rawValue:)))
      (facts.hasArm64Hooks, facts.hasRealms) = (hasArm64Hooks, hasRealms)
      (facts.notFound, facts.files) = (notFound, Set(files))
      facts.partial = partial.mapValues { Set($0) }
      (facts.predicates, facts.replaced) = (predicates, Set(replaced))
      return facts
    }
  }

  private let cache: BuildCache
  /// The name of the lists.
  private let name: String
  private let tree: SourceTree
  private var digests: [String: [UInt8]] = [:]

  /// The most lists of a family: versions of the kernel ask for other files.
  private static let limit = 16

  init(_ tree: SourceTree, _ family: Family, _ compiler: Compiler, _ cache: BuildCache) {
    (self.tree, self.cache) = (tree, cache)
    let hash = SHA256()
    // Another build of the tool may look at files in another way.
    var tool = stat()
    stat("/proc/self/exe", &tool)
    hash.update(
      """
      \(tool.st_size) \(tool.st_mtim.tv_sec) \(tool.st_mtim.tv_nsec) \(tool.st_ino) \
      \(compiler.path) \(compiler.version) \(family.name)
      """.utf8)
    name = "files-" + hexadecimal(hash.finalize())
  }

  private var lists: [[String]] {
    cache.sealed(name).flatMap { try? JSONDecoder().decode([[String]].self, from: Data($0)) }
      ?? []
  }

  /// What the tree's files gave, and the files; nil where that is not known.
  mutating func find() -> (entry: Entry, asked: Set<String>)? {
    for list in lists where list.allSatisfy(SourceTree.isInside) {
      guard let bytes = cache.sealed(place(of: list)),
        let entry = try? JSONDecoder().decode(Entry.self, from: Data(bytes)),
        [entry.program, entry.text].allSatisfy({ $0.wholeMatch(of: /[0-9a-f]{64}/) != nil }),
        cache.has(entry.program),
        // Its name is its digest: what a disk has damaged is made anew.
        let text = cache.contents(HarnessProgram.textName(entry.text)),
        hexadecimal(SHA256.hash(text)) == entry.text
      else { continue }
      return (entry, Set(list))
    }
    return nil
  }

  /// Keeps what files gave.
  mutating func keep(_ entry: Entry, asked: Set<String>) {
    let list = asked.filter { SourceTree.isInside($0) }.sorted()
    guard let bytes = try? JSONEncoder().encode(entry) else { return }
    cache.seal([UInt8](bytes), as: place(of: list))
    let lists = lists
    guard lists.first != list else { return }
    let all = Array(([list] + lists.filter { $0 != list }).prefix(Self.limit))
    if let bytes = try? JSONEncoder().encode(all) { cache.seal([UInt8](bytes), as: name) }
  }

  /// Where it stands what the files of a list gave, by their contents.
  private mutating func place(of list: [String]) -> String {
    let hash = SHA256()
    hash.update(name.utf8)
    for file in list {
      let digest: [UInt8]
      if let known = digests[file] {
        digest = known
      } else {
        digest = tree.bytes(of: file).map { SHA256.hash($0) } ?? []
        digests[file] = digest
      }
      hash.update("\(file)\n\(hexadecimal(digest))\n".utf8)
    }
    return "code-" + hexadecimal(hash.finalize())
  }
}

extension CompiledText: Codable {
  private enum CodingKeys: CodingKey { case files, digest }

  /// The lines as their first ones and how many follow each other.
  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let ranges = try values.decode([String: [Int]].self, forKey: .files)
    lines = ranges.mapValues { numbers in
      var lines: Set<Int> = []
      for index in stride(from: 0, to: numbers.count - 1, by: 2) {
        let (first, count) = (numbers[index], numbers[index + 1])
        if first >= 0, (1...1_000_000).contains(count), first < 1 << 40 {
          lines.formUnion(first..<first + count)
        }
      }
      return lines
    }
    digest = try values.decode([UInt8].self, forKey: .digest)
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    let ranges = lines.mapValues { lines in
      var numbers: [Int] = []
      for line in lines.sorted() {
        if numbers.count > 1, numbers[numbers.count - 2] + numbers[numbers.count - 1] == line {
          numbers[numbers.count - 1] += 1
        } else {
          numbers += [line, 1]
        }
      }
      return numbers
    }
    try values.encode(ranges, forKey: .files)
    try values.encode(digest, forKey: .digest)
  }
}
