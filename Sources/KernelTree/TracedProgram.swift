import Foundation
import Support

/// A program whose blocks say that they run, made of the same text as another.
struct TracedProgram: Sendable {
  /// The executable.
  let path: String
  private let name: String
  private let compiler: Compiler
  private let cache: BuildCache
  private let launcher: String

  /// Compiles it, or takes it from the cache.
  init(
    of program: HarnessProgram, compiler: Compiler, cache: BuildCache, workspace: Workspace
  ) throws(TreeError) {
    let launcher = program.launcher
    (self.compiler, self.cache, self.launcher) = (compiler, cache, launcher)
    let hash = SHA256()
    let building = compiler.building(.tracedZeros)
    hash.update("\(program.key) \(program.text) \(building.joined().joined(separator: " "))".utf8)
    name = hexadecimal(hash.finalize())
    let key = "zeros-" + name
    path = try cache.program(key) { () throws(TreeError) in
      guard let text = cache.contents(HarnessProgram.textName(program.text)) else {
        throw .cannotRun(reason: "the text of its \(program.name) code is gone from the cache")
      }
      let directory = workspace.path + "/" + key
      try cache.write(Data(text), to: directory + "/main.i")
      try cache.write(
        Predicates.definitions(of: program.facts.predicates), to: directory + "/predicates.c")
      try HarnessProgram.writeShim(to: directory, cache)
      for arguments in building {
        let (status, output, end) = try compiler.run(
          arguments, in: directory, launcher: launcher)
        guard status == 0 else {
          throw .cannotRun(
            reason: "its \(program.name) code does not compile with blocks: "
              + (end ?? Compiler.firstError(output)))
        }
      }
      return directory + "/program"
    }
  }

  /// Where its blocks are in the tree's files.
  ///
  /// - Throws: ``TreeError/cannotRun(reason:)`` where no objdump is installed.
  func blocks(workspace: Workspace) throws(TreeError) -> [UInt32: CodeBlock] {
    let kept = "blocks-" + name
    if let bytes = cache.sealed(kept),
      let blocks = try? JSONDecoder().decode([UInt32: CodeBlock].self, from: Data(bytes))
    {
      return blocks
    }
    guard let objdump = ProgramPath.programs(["objdump", "llvm-objdump"]).first else {
      throw .cannotRun(
        reason: "no objdump on PATH, which tells the lines of a program; it is in binutils")
    }
    let directory = workspace.path + "/" + name
    try cache.write("", to: directory + "/tmp/empty")
    let (status, output, end) = try compiler.run(
      ["-d", "-l", "--no-show-raw-insn", "-j", ".text", path], in: directory,
      readable: [path], launcher: launcher, tool: objdump, outputLimit: 64 << 20)
    guard status == 0 else {
      throw .cannotRun(
        reason: "objdump cannot read it: \(end ?? ProgramPipe.lastLine(of: output.utf8) ?? "")")
    }
    let blocks = CodeBlock.all(in: Array(output.utf8))
    if let bytes = try? JSONEncoder().encode(blocks) { cache.seal([UInt8](bytes), as: kept) }
    return blocks
  }
}

/// Code that runs to its end once it has begun.
struct CodeBlock: Codable, Equatable, Sendable {
  /// A line of the tree, in the function that its text belongs to.
  struct Line: Codable, Hashable, Sendable {
    /// Below the tree; empty for a line of the shim.
    let file: String
    let line: Int
    let function: String
  }

  /// In the order of the code, each once.
  var lines: [Line] = []

  /// The blocks of a disassembly with lines (`objdump -d -l`), by the address behind the
  /// call that begins each.
  static func all(in disassembly: [UInt8]) -> [UInt32: CodeBlock] {
    var blocks: [UInt32: CodeBlock] = [:]
    var (function, file, number) = ("", "", 0)
    var (current, isBegun): (UInt32?, Bool) = (nil, false)
    let start = Array("\(SourceTree.place)/".utf8)
    let hook = Array("<__sanitizer_cov_trace_pc>".utf8)
    for line in ByteLines(disassembly[...]) {
      guard let first = line.first else { continue }
      if first == UInt8(ascii: " ") {
        // An instruction: `  40b3d7:\tmov ...`.
        if isBegun {
          let text = String(decoding: line.prefix(24), as: UTF8.self)
          current = UInt32(text.drop { $0 == " " }.prefix { $0 != ":" }, radix: 16)
          if let current { blocks[current] = CodeBlock() }
          isBegun = false
        }
        if line.suffix(hook.count) == hook[...] {
          isBegun = true
          continue
        }
        if let current, !file.isEmpty {
          let place = Line(file: file, line: number, function: function)
          if blocks[current]?.lines.contains(place) == false {
            blocks[current]?.lines.append(place)
          }
        }
      } else if line.last == UInt8(ascii: ":") {
        // `dma_map_direct():`, or `000000000040b3b4 <dma_map_phys>:` of a symbol.
        if line.suffix(3) == Array("():".utf8)[...] {
          function = String(decoding: line.dropLast(3), as: UTF8.self)
        } else {
          (current, isBegun, file) = (nil, false, "")
        }
      } else if let colon = line.lastIndex(of: UInt8(ascii: ":")) {
        // `/tree/kernel/dma/mapping.c:163 (discriminator 3)`
        let digits = line[(colon + 1)...].prefix { (48...57).contains($0) }
        guard let found = Int(String(decoding: digits, as: UTF8.self)) else { continue }
        let name = line[..<colon]
        number = found
        file =
          name.starts(with: start)
          ? HarnessSource.path(
            of: String(decoding: name.dropFirst(start.count), as: UTF8.self), from: "") ?? ""
          : ""
      }
    }
    return blocks
  }
}
