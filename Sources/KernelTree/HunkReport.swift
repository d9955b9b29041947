/// What became of one hunk of a change.
public enum HunkFate: Sendable, Equatable {
  /// It is in the file: `offset` lines from where it said (negative: before), with
  /// `fuzz` lines of context ignored at each end.
  case applied(offset: Int, fuzz: Int)
  /// The file has what it would have made of it.
  case alreadyApplied
  case rejected(HunkRejection)
}

/// Why a hunk was rejected; the lines are those of the file, from 1.
public enum HunkRejection: Sendable, Equatable, CustomStringConvertible {
  /// No place fits; where the hunk wants to be, this line is the first that differs.
  case contextDiffers(line: Int)
  /// It fits as if it were applied already, there and with so much fuzz, but too few
  /// lines say so, or others than its context; patch(1) would leave it out.
  case mayBeThere(line: Int, fuzz: Int)
  /// The file is too short for the hunk.
  case fileEnds(line: Int)
  /// The hunk says nothing of what is around it, and the file is not empty.
  case noContext
  case noFile
  case fileExists
  /// It ends the file without a line break, and the file goes on.
  case fileContinues(line: Int)
  /// It removes the file but not all of its lines.
  case notAllRemoved
  /// The change has different names before and after, and git's header has no rename.
  case renames
  /// The other name of a rename or copy is there, with other text.
  case targetExists
  /// A directory has its name, or a file that of a directory above it.
  case cannotBeWritten
  /// The contents of a binary file are never read or made.
  case binary
  /// What is made, changed or removed is no file.
  case symbolicLink
  case submodule

  public var description: String {
    switch self {
    case .contextDiffers(let line): "context differs at line \(line)"
    case .mayBeThere(let line, let fuzz):
      "it may be there already, at line \(line)" + (fuzz > 0 ? " with fuzz \(fuzz)" : "")
    case .fileEnds(let line): "the file ends at line \(line)"
    case .noContext: "a hunk without context in a file that is not empty"
    case .noFile: "no such file"
    case .fileContinues(let line): "the file does not end at line \(line)"
    case .fileExists: "the file exists"
    case .notAllRemoved: "lines are left in a file that it removes"
    case .renames: "a file with another name"
    case .targetExists: "the file that it is renamed or copied to exists"
    case .cannotBeWritten: "cannot be written"
    case .binary: "a binary file, which is never made or changed"
    case .symbolicLink: "a symbolic link, which is never made or changed"
    case .submodule: "a submodule, which is never made or changed"
    }
  }
}

/// One hunk of a change and what became of it; a change without hunks, such as a
/// rename, counts as one.
public struct HunkReport: Sendable, Equatable {
  /// The line of the file before the change that the hunk names; 0 without a hunk.
  public let line: Int
  public let fate: HunkFate

  /// `context differs at line 12`; nil for a hunk that the file has now.
  public var rejection: String? {
    if case .rejected(let reason) = fate { "\(reason)" } else { nil }
  }
}

extension HunkReport {
  var isApplied: Bool { if case .applied = fate { true } else { false } }
}
