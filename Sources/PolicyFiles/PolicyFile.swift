import DMAModel
import Foundation
import Support
import Yams

/// Why a policy file cannot be used, in one sentence.
public struct PolicyFileError: UserFacingError, Equatable {
  public let description: String

  init(_ file: String, line: Int?, _ text: String) {
    description = line.map { "\(file):\($0): \(text)" } ?? "\(file): \(text)"
  }
}

/// A variant as a user writes it down: a base and knobs with values, in YAML.
///
///     name: my-fix
///     base: v6
///     link: https://lore.kernel.org/r/...
///     note: hosts have no state check
///     changes:
///       poolStateCheck: guestMatchesForced
///       memoryEncryption: [x86-sme47, x86-sme51, sev]
struct PolicyFile {
  let file: String
  let name: String
  let nameLine: Int?
  let base: String
  let baseLine: Int?
  let link: String?
  let note: String
  let settings: [(knob: Knob, value: String)]

  private static let aliasLimit = 16

  /// Reads one file of at most 1 MiB.
  static func read(_ path: String) throws(PolicyFileError) -> PolicyFile {
    let descriptor: Int32
    do throws(InputFile.Failure) {
      descriptor = try InputFile.open(path)
    } catch {
      throw PolicyFileError(
        path, line: nil, "cannot be read (\(error.reason)); expected a policy file")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    defer { try? file.close() }
    var data = Data()
    do {
      while data.count <= 1 << 20, let part = try file.read(upToCount: 1 << 16), !part.isEmpty {
        data.append(part)
      }
    } catch {
      throw PolicyFileError(path, line: nil, "cannot be read; expected a policy file")
    }
    guard data.count <= 1 << 20 else {
      throw PolicyFileError(path, line: nil, "is larger than 1 MiB; expected a policy file")
    }
    let text = String(decoding: data, as: UTF8.self)
    return try PolicyFile(file: path, text: text)
  }

  init(file: String, text: String) throws(PolicyFileError) {
    self.file = file
    // Aliases of aliases name exponentially many nodes, which are compared.
    guard text.utf8.count(where: { $0 == UInt8(ascii: "*") }) <= Self.aliasLimit else {
      throw PolicyFileError(
        file, line: nil,
        "has more than \(Self.aliasLimit) '*'; a policy file needs no aliases")
    }
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw PolicyFileError(file, line: Self.line(of: error), "is not YAML")
    } catch {
      throw PolicyFileError(file, line: nil, "is not YAML")
    }
    guard let root, let mapping = root.mapping else {
      throw PolicyFileError(
        file, line: nil, "is no policy; expected the keys name, base, changes, link, note")
    }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      guard let name = key.string, ["name", "base", "changes", "link", "note"].contains(name) else {
        throw PolicyFileError(
          file, line: key.mark?.line,
          "unknown key '\((key.string ?? "?").printable)'; accepted: name, base, changes, link, note"
        )
      }
      fields[name] = value
    }
    name = try Self.text("name", fields, file) ?? ""
    nameLine = fields["name"]?.mark?.line
    base = try Self.text("base", fields, file) ?? ""
    baseLine = fields["base"]?.mark?.line
    link = try Self.text("link", fields, file)
    note = try Self.text("note", fields, file) ?? "a variant of \(base)"
    guard Self.isName(name) else {
      throw PolicyFileError(
        file, line: nameLine,
        "name '\(name.printable)' is no name; "
          + "accepted: a letter or digit, then up to 39 of those and '.', '_', '+' or '-'"
      )
    }
    guard !base.isEmpty else {
      throw PolicyFileError(file, line: nil, "no base; accepted: the name of a version or variant")
    }
    settings = try Self.settings(fields["changes"], file)
  }

  private static func text(
    _ key: String, _ fields: [String: Node], _ file: String
  ) throws(PolicyFileError) -> String? {
    guard let node = fields[key] else { return nil }
    guard let text = node.scalar?.string,
      !text.unicodeScalars.contains(where: \.isControl), text.count <= 1000
    else {
      throw PolicyFileError(file, line: node.mark?.line, "\(key) is not one line of text")
    }
    return text
  }

  private static func settings(
    _ node: Node?, _ file: String
  ) throws(PolicyFileError) -> [(knob: Knob, value: String)] {
    guard let node else { return [] }
    guard let mapping = node.mapping else {
      throw PolicyFileError(file, line: node.mark?.line, "changes is not a mapping of knob: value")
    }
    var settings: [(knob: Knob, value: String)] = []
    for (key, value) in mapping {
      let name = key.string ?? "?"
      guard let knob = Knob.named(name) else {
        throw PolicyFileError(
          file, line: key.mark?.line,
          "unknown knob '\(name.printable)'; accepted: \(Knob.all.map(\.name).joined(separator: ", "))"
        )
      }
      let spelled: String? =
        knob.isPlatformSet
        ? value.sequence.map { items in
          let names = items.map { $0.string ?? "?" }
          return names.isEmpty ? "-" : names.joined(separator: ",")
        } : value.scalar?.string
      var probe = Policy.linux6_1
      guard let spelled, knob.set(spelled, in: &probe) else {
        let accepted = knob.values.map(\.name).joined(separator: ", ")
        let kind = knob.isPlatformSet ? "a list of " : ""
        throw PolicyFileError(
          file, line: value.mark?.line,
          "knob \(knob.name) has no such value; accepted: \(kind)\(accepted)")
      }
      settings.append((knob, spelled))
    }
    return settings
  }

  private static func isName(_ name: String) -> Bool {
    // A spreadsheet reads a leading '+' or '-' as a formula.
    (1...nameLimit).contains(name.count) && !"._+-".contains(name.prefix(1))
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._+-".contains($0)) }
  }

  private static func line(of error: YamlError) -> Int? {
    switch error {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
      mark.line
    default: nil
    }
  }
}

/// How many characters the name of a variant may have.
private let nameLimit = 40

/// The variants of some policy files, each based on a version or on another file.
public enum PolicyFiles {
  /// Reads files; a base may be a variant of another of the files.
  public static func read(_ paths: [String]) throws(PolicyFileError) -> [KernelVersion] {
    var files: [PolicyFile] = []
    for path in paths { files.append(try PolicyFile.read(path)) }
    return try variants(files)
  }

  static func variants(_ files: [PolicyFile]) throws(PolicyFileError) -> [KernelVersion] {
    for (index, file) in files.enumerated() {
      let isTaken =
        KernelVersion.named(file.name) != nil || files[..<index].contains { $0.name == file.name }
      if isTaken {
        throw PolicyFileError(
          file.file, line: file.nameLine, "name '\(file.name)' is taken; accepted: any other")
      }
    }
    var done: [String: KernelVersion] = [:]
    var waiting = files
    while !waiting.isEmpty {
      var stuck: [PolicyFile] = []
      for file in waiting {
        guard let base = KernelVersion.named(file.base) ?? done[file.base] else {
          stuck.append(file)
          continue
        }
        done[file.name] = KernelVersion(
          variant: file.name, basedOn: base, summary: file.note, link: file.link,
          settings: file.settings)
      }
      if stuck.count == waiting.count, let file = stuck.first {
        let isCycle = stuck.contains { $0.name == file.base }
        throw PolicyFileError(
          file.file, line: file.baseLine,
          isCycle
            ? "base '\(file.base.printable)' leads back to '\(file.name)'; bases must not form a cycle"
            : "base '\(file.base.printable)' is unknown; accepted: "
              + KernelVersion.known.map(\.name).joined(separator: ", "))
      }
      waiting = stuck
    }
    return files.compactMap { done[$0.name] }
  }

  /// A version as a policy file that gives the same policy.
  ///
  /// - Parameter base: What the file builds upon; the version's own base without, if
  ///   it is one that every reader knows, else the version itself.
  public static func text(of version: KernelVersion, basedOn base: KernelVersion? = nil) -> String {
    let base = base ?? version.baseVersion
    let name = version.name.prefix(nameLimit - 5) + "-copy"
    var lines = ["name: \(name)", "base: \(base?.name ?? version.name)"]
    if let link = version.link { lines.append("link: \(link)") }
    lines.append("note: \(quoted(version.summary))")
    let changed = Knob.all.filter { knob in
      base.map { knob.value(in: $0.policy) != knob.value(in: version.policy) } ?? false
    }
    if changed.isEmpty {
      lines.append("changes: {}")
    } else {
      lines.append("changes:")
      for knob in changed {
        let value = knob.value(in: version.policy)
        let spelled =
          knob.isPlatformSet
          ? "[" + (value == "-" ? "" : value.replacing(",", with: ", ")) + "]" : value
        lines.append("  # \(knob.id), \(knob.file) \(knob.function): \(knob.summary)")
        lines.append("  \(knob.name): \(spelled)")
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
